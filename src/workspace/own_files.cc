#include "workspace/own_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>

#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::workspace {
namespace {

constexpr const char* kRules = "/rules.toml";
constexpr const char* kSettings = "/settings.toml";
constexpr const char* kHead =
    "# BoxAgnts writes this file. What you remove here is gone at the next start.\n";

// What a person sets in a door. Rules, which could open anything, have a file of their own.
constexpr std::string_view kSettingSections[]{"agent",   "appearance", "limits", "model",
                                              "network", "providers",  "sandbox"};

// --- writing TOML --------------------------------------------------------------------------------

// A JSON string is a basic string of TOML, but for DEL.
void append_toml_string(std::string_view text, std::string& out) {
  const auto quoted = base::to_text(Json(text));
  for (const char c : quoted)
    if (c == '\x7f')
      out += "\\u007f";
    else
      out += c;
}

void append_key(std::string_view key, std::string& out) {
  const bool bare = !key.empty() && std::ranges::all_of(key, [](unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
  bare ? void(out += key) : append_toml_string(key, out);
}

void append_value(const Json& value, std::string& out) {
  if (value.is_string()) return append_toml_string(value.get_string(), out);
  if (const auto* list = value.if_array()) {
    out += "[\n";
    for (const auto& item : *list) {
      out += "  ";
      append_value(item, out);
      out += ",\n";
    }
    out += "]";
    return;
  }
  const auto text = base::to_text(value);
  out += text;
  if (value.is_double() && text.find_first_of(".eE") == std::string::npos) out += ".0";
}

void append_table(const std::string& path, const JsonObject& table, std::string& out) {
  const bool has_values =
      std::ranges::any_of(table, [](const auto& entry) { return !entry.value().is_object(); });
  if (!path.empty() && (has_values || table.empty())) out += "[" + path + "]\n";
  for (const auto& [key, value] : table) {
    if (value.is_object()) continue;
    append_key(key, out);
    out += " = ";
    append_value(value, out);
    out += "\n";
  }
  for (const auto& [key, value] : table) {
    if (!value.is_object()) continue;
    std::string below = path.empty() ? "" : path + ".";
    append_key(key, below);
    append_table(below, value.get_object(), out);
  }
}

// --- changing a tree -----------------------------------------------------------------------------

// The dotted key's place in a tree of objects; what is no object on the way is replaced.
void put(JsonObject& root, std::string_view key, const Json& value) {
  auto* table = &root;
  for (auto dot = key.find('.'); dot != key.npos; dot = key.find('.')) {
    auto& next = (*table)[key.substr(0, dot)];
    if (!next.is_object()) next = JsonObject();
    table = &next.get_object();
    key.remove_prefix(dot + 1);
  }
  (*table)[key] = value;
}

// Tables that become empty go with it.
void remove(JsonObject& table, std::string_view key) {
  const auto dot = key.find('.');
  const auto found = table.find(key.substr(0, dot));
  if (found == table.end()) return;
  if (dot != key.npos) {
    if (!found->value().is_object()) return;
    remove(found->value().get_object(), key.substr(dot + 1));
    if (!found->value().get_object().empty()) return;
  }
  table.erase(found);
}

// "PATH:LINE: sentence" without its place: what is asked for stands in no file yet.
Error without_place(Error error, const std::string& path) {
  error.code = Code::invalid_argument;
  if (!error.message.starts_with(path + ":")) return error;
  const auto end = error.message.find(": ", path.size());
  if (end != std::string::npos) error.message.erase(0, end + 2);
  return error;
}

Result<std::unique_ptr<base::ConfigNode>> settings_of(std::string_view text,
                                                      const std::string& path) {
  auto root = TRY(parse_toml(text, path));
  (void)root->take("trust");
  if (const auto* rules = root->at("policy"); GUARD("workspace.settings-rules", rules))
    return fail(Code::invalid_argument,
                rules->where() + ": rules are no settings; they stand in rules.toml beside it");
  const Json written = root->to_json();
  for (const auto& entry : written.get_object()) {
    const std::string_view section = entry.key();
    if (std::ranges::find(kSettingSections, section) != std::end(kSettingSections)) continue;
    const auto nearest = base::nearest_name(section, kSettingSections);
    return fail(Code::invalid_argument,
                root->at(section)->where() + ": unknown key \"" + std::string(section) + "\"" +
                    (nearest.empty() ? "" : "; did you mean \"" + std::string(nearest) + "\"?"));
  }
  return root;
}

// --- lists of one section ------------------------------------------------------------------------

using Lists = std::vector<std::pair<std::string, std::vector<std::string>>>;

Result<Lists> read_lists(const base::ConfigNode& root, std::string_view section,
                         std::initializer_list<const char*> keys) {
  Lists lists;
  const auto* table = TRY(root.table(section));
  for (const char* key : keys) lists.emplace_back(key, TRY(table->strings(key)));
  TRY(table->check_all_used());
  return lists;
}

JsonObject to_json(const Lists& lists) {
  JsonObject out;
  for (const auto& [key, values] : lists) {
    JsonArray list;
    for (const auto& value : values) list.push_back(Json(value));
    out[key] = std::move(list);
  }
  return out;
}

// Rules that were read, to be changed and written.
Result<Lists> rule_lists(const OwnFolder& folder) {
  const auto root = TRY(read_toml(folder.path + kRules));
  auto lists = TRY(read_lists(*root, "policy", {"allow", "ask", "deny"}));
  TRY(root->check_all_used());
  return lists;
}

std::vector<std::string>& list_of(Lists& lists, core::Verdict effect) {
  return lists[static_cast<std::size_t>(effect)].second;
}

}  // namespace

std::string toml_text(const JsonObject& root) {
  std::string text;
  append_table("", root, text);
  return text;
}

int line_of_key(std::string_view text, std::string_view key) {
  const auto root = parse_toml(text, "");
  const auto* node = root ? (*root)->at(key) : nullptr;
  if (!node) return 0;
  return std::atoi(node->where().c_str() + 1);  // ":LINE"
}

std::string configuration_folder(const Environment& environment) {
  const auto folder = environment("XDG_CONFIG_HOME");
  if (!folder.empty()) return folder + "/boxagnts";
  const auto home = environment("HOME");
  return home.empty() ? "" : home + "/.config/boxagnts";
}

Result<OwnFolder> lock_own_folder(const Environment& environment) {
  auto folder = configuration_folder(environment);
  if (folder.empty())
    return fail(Code::permission_denied,
                "there is no place for your own configuration: HOME is not set");
  TRY(base::make_folders(folder));
  base::UniqueFd fd(
      ::open((folder + "/.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd || ::flock(fd.get(), LOCK_EX) != 0)
    return fail_errno(errno, "cannot write into " + folder);
  return OwnFolder{std::move(folder), std::move(fd)};
}

Result<std::unique_ptr<base::ConfigNode>> read_own_rules(const Environment& environment) {
  return read_toml(configuration_folder(environment) + kRules);
}

Result<std::string> add_rule(const Environment& environment, core::Verdict effect,
                             const std::string& rule) {
  const auto folder = TRY(lock_own_folder(environment));
  auto lists = TRY(rule_lists(folder));
  auto& list = list_of(lists, effect);
  if (std::ranges::find(list, rule) == list.end()) list.push_back(rule);
  const auto at = static_cast<int>(std::ranges::find(list, rule) - list.begin());
  const auto text = kHead + toml_text({{"policy", to_json(lists)}});
  TRY(base::write_file_atomically(folder.path + kRules, text));
  const auto line = line_of_key(text, "policy." + std::string(core::name_of(effect))) + 1 + at;
  return folder.path + kRules + ":" + std::to_string(line);
}

Result<std::string> remove_rule(const Environment& environment, core::Verdict effect,
                                const std::string& rule) {
  const auto folder = TRY(lock_own_folder(environment));
  auto lists = TRY(rule_lists(folder));
  const auto path = folder.path + kRules;
  if (std::erase(list_of(lists, effect), rule) == 0)
    return fail(Code::not_found, path + " has no rule \"" + std::string(core::name_of(effect)) +
                                     " " + base::one_line(rule, 80) + "\"");
  TRY(base::write_file_atomically(path, kHead + toml_text({{"policy", to_json(lists)}})));
  return path;
}

Result<std::unique_ptr<base::ConfigNode>> read_own_settings(const Environment& environment) {
  const auto path = configuration_folder(environment) + kSettings;
  const auto text = base::read_file(path, 1 << 20);
  if (!text && text.error().code == Code::not_found) return settings_of("", path);
  return settings_of(TRY(text), path);
}

Result<std::string> change_settings(const OwnFolder& folder, std::span<const SettingChange> changes,
                                    const CheckSettings& check) {
  const auto path = folder.path + kSettings;
  const auto good = [&](const std::string& text) -> Status {
    return check(TRY(settings_of(text, path)));
  };
  const auto before = base::read_file(path, 1 << 20);
  if (const auto is_good = good(before.value_or("")); !is_good)
    return fail(Code::conflict, is_good.error().message, is_good.error().context);
  auto root = TRY(read_toml(path))->to_json().get_object();
  for (const auto& change : changes)
    change.value ? put(root, change.key, *change.value) : remove(root, change.key);
  const auto text = kHead + toml_text(root);
  if (const auto is_good = good(text); !is_good)
    return std::unexpected(without_place(is_good.error(), path));
  TRY(base::write_file_atomically(path, text));
  for (const auto& change : changes)
    if (const int line = line_of_key(text, change.key); line > 0)
      return path + ":" + std::to_string(line);
  return path;
}

Result<std::string> change_settings(const Environment& environment,
                                    std::span<const SettingChange> changes,
                                    const CheckSettings& check) {
  return change_settings(TRY(lock_own_folder(environment)), changes, check);
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
  const auto folder = TRY(lock_own_folder(environment));
  const auto path = folder.path + kSettings;
  const auto file = TRY(read_toml(path));
  auto lists = TRY(read_lists(*file, "trust", {"trusted", "untrusted"}));
  for (auto& [key, folders] : lists) {
    std::erase(folders, root);
    if ((key == "trusted" && trust == Trust::trusted) ||
        (key == "untrusted" && trust == Trust::untrusted))
      folders.push_back(root);
  }
  auto all = file->to_json().get_object();
  all["trust"] = to_json(lists);
  return base::write_file_atomically(path, kHead + toml_text(all));
}

}  // namespace boxagnts::workspace
