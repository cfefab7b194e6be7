#include "workspace/own_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"

namespace boxagnts::workspace {
namespace {

constexpr const char* kRules = "/rules.toml";
constexpr const char* kSettings = "/settings.toml";
constexpr const char* kHead =
    "# BoxAgnts writes this file. What you remove here is gone at the next start.\n";

// Who reads and then writes holds it.
Result<base::UniqueFd> lock(const std::string& folder) {
  TRY(base::make_folders(folder));
  base::UniqueFd fd(
      ::open((folder + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0)
    return fail_errno(errno, "cannot write into " + folder);
  return fd;
}

Result<std::string> folder_to_write(const Environment& environment) {
  auto folder = configuration_folder(environment);
  if (folder.empty())
    return fail(Code::permission_denied,
                "there is no place for your own configuration: HOME is not set");
  return folder;
}

// A JSON string is a basic string of TOML.
std::string list_text(const std::string& key, const std::vector<std::string>& values) {
  std::string text = key + " = [\n";
  for (const auto& value : values) text += "  " + base::to_text(Json(value)) + ",\n";
  return text + "]\n";
}

using Lists = std::vector<std::pair<std::string, std::vector<std::string>>>;

Result<Lists> read_lists(const base::ConfigNode& root, std::string_view section,
                         std::initializer_list<const char*> keys) {
  Lists lists;
  const auto* table = TRY(root.table(section));
  for (const char* key : keys) lists.emplace_back(key, TRY(table->strings(key)));
  TRY(root.check_all_used());
  return lists;
}

std::string file_text(const std::string& section, const Lists& lists) {
  std::string text = std::string(kHead) + "[" + section + "]\n";
  for (const auto& [key, values] : lists) text += list_text(key, values);
  return text;
}

}  // namespace

std::string configuration_folder(const Environment& environment) {
  const auto folder = environment("XDG_CONFIG_HOME");
  if (!folder.empty()) return folder + "/boxagnts";
  const auto home = environment("HOME");
  return home.empty() ? "" : home + "/.config/boxagnts";
}

Result<std::unique_ptr<base::ConfigNode>> read_own_rules(const Environment& environment) {
  return read_toml(configuration_folder(environment) + kRules);
}

Result<std::string> allow_always(const Environment& environment, const std::string& rule) {
  const auto folder = TRY(folder_to_write(environment));
  const auto locked = TRY(lock(folder));
  const auto root = TRY(read_toml(folder + kRules));
  auto lists = TRY(read_lists(*root, "policy", {"allow", "ask", "deny"}));
  auto& allow = lists.front().second;
  if (std::ranges::find(allow, rule) == allow.end()) allow.push_back(rule);
  const auto text = file_text("policy", lists);
  TRY(base::write_file_atomically(folder + kRules, text));
  const auto at = text.find(base::to_text(Json(rule)));
  const auto line = std::ranges::count(std::string_view(text).substr(0, at), '\n') + 1;
  return folder + kRules + ":" + std::to_string(line);
}

Result<std::optional<Trust>> trust_of(const Environment& environment, const std::string& root) {
  const auto file = TRY(read_toml(configuration_folder(environment) + kSettings));
  const auto lists = TRY(read_lists(*file, "trust", {"trusted", "untrusted"}));
  for (const auto& [key, folders] : lists)
    if (std::ranges::find(folders, root) != folders.end())
      return key == "trusted" ? Trust::trusted : Trust::untrusted;
  return std::nullopt;
}

Status set_trust(const Environment& environment, const std::string& root,
                 std::optional<Trust> trust) {
  const auto folder = TRY(folder_to_write(environment));
  const auto locked = TRY(lock(folder));
  const auto file = TRY(read_toml(folder + kSettings));
  auto lists = TRY(read_lists(*file, "trust", {"trusted", "untrusted"}));
  for (auto& [key, folders] : lists) {
    std::erase(folders, root);
    if ((key == "trusted" && trust == Trust::trusted) ||
        (key == "untrusted" && trust == Trust::untrusted))
      folders.push_back(root);
  }
  return base::write_file_atomically(folder + kSettings, file_text("trust", lists));
}

}  // namespace boxagnts::workspace
