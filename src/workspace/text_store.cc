#include "workspace/text_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/file.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/text.h"
#include "workspace/own_files.h"

namespace boxagnts::workspace {
namespace {

constexpr std::size_t kTextBytesMax = 1 << 20;
constexpr std::string_view kSkillFileName = "/SKILL.md";

StoredText stored(std::string text) {
  auto version = version_of_text(text);
  return {true, std::move(text), std::move(version)};
}

Status check_version(const StoredText& now, const std::optional<std::string>& version,
                     const std::string& path) {
  if (GUARD("workspace.text-version", now.exists && version != now.version))
    return fail(Code::conflict,
                path + (version ? " changed since it was read: look at it again"
                                : " is there already: read it, and name its version"));
  if (!now.exists && version)
    return fail(Code::conflict, path + " is gone: write it without a version to make it anew");
  return {};
}

Status make_parents(Files& files, const std::string& path) {
  for (auto slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
    const auto made = files.make_folder(path.substr(0, slash));
    if (!made && made.error().code != Code::conflict) return std::unexpected(made.error());
  }
  return {};
}

// Where a path leads, as far as it is there.
std::string settled_path(const std::string& path) {
  char canonical[PATH_MAX];
  return ::realpath(path.c_str(), canonical) ? canonical : path;
}

unsigned mode_of(const std::string& path) {
  struct stat status;
  return ::stat(path.c_str(), &status) == 0 ? status.st_mode & 0777u : 0644u;
}

Result<StoredText> read_at(const std::string& path) {
  struct stat status;
  if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))
    return fail(Code::conflict, path + " is no plain file");
  auto text = base::read_file(path, kTextBytesMax);
  if (!text && text.error().code == Code::not_found) return StoredText();
  return stored(TRY(std::move(text)));
}

}  // namespace

std::string version_of_text(std::string_view text) { return base::blake2b_hex(text).substr(0, 32); }

Result<StoredText> read_text(Files& files, const std::string& path) {
  const auto opened = files.open_file(path);
  if (!opened && opened.error().code == Code::not_found) return StoredText();
  if (!opened) return std::unexpected(opened.error());
  return stored(TRY(base::read_all(opened->fd.get(), kTextBytesMax)));
}

Result<std::string> write_text(Files& files, const std::string& path, std::string_view text,
                               const std::optional<std::string>& version) {
  Expected expected{Expected::What::nothing, ""};
  if (const auto entry = files.look(path)) expected = {Expected::What::version, entry->version};
  const auto now = read_text(files, path);
  if (!now)  // something stands there that is no text
    return fail(Code::conflict, now.error().message, now.error().context);
  TRY(check_version(*now, version, path));
  TRY(make_parents(files, path));
  const auto upload = TRY(files.begin_write(path, std::move(expected)));
  TRY(upload->write(text));
  TRY(upload->finish());
  return version_of_text(text);
}

Result<StoredText> read_own_text(const Environment& environment, const std::string& path) {
  return read_at(configuration_folder(environment) + "/" + path);
}

Result<std::string> write_own_text(const Environment& environment, const std::string& relative,
                                   std::string_view text,
                                   const std::optional<std::string>& version) {
  const auto folder = TRY(lock_own_folder(environment));
  const auto shown = folder.path + "/" + relative;
  TRY(check_version(TRY(read_at(shown)), version, shown));
  TRY(base::make_folders(shown.substr(0, shown.rfind('/'))));
  const auto path = settled_path(shown);
  TRY(base::write_file_atomically(path, text, mode_of(path)));
  return version_of_text(text);
}

Result<std::string> skill_path(const Workspace& workspace, const SkillCatalogue& catalogue,
                               const std::string& name) {
  TRY(check_skill_name(name));
  std::string folder = ".agents/skills/" + name;
  for (const auto& entry : catalogue.entries)
    if (entry.skill.name == name && entry.skill.origin == SkillOrigin::workspace &&
        entry.skill.folder.starts_with(workspace.root + "/")) {
      folder = entry.skill.folder.substr(workspace.root.size() + 1);
      break;
    }
  const auto path = folder + std::string(kSkillFileName);
  for (auto slash = path.find('/');; slash = path.find('/', slash + 1)) {
    const auto part = workspace.root + "/" + path.substr(0, slash);
    struct stat status;
    const bool is_link = ::lstat(part.c_str(), &status) == 0 && S_ISLNK(status.st_mode);
    if (GUARD("workspace.skill-write-link", is_link))
      return fail(Code::conflict, part + " is a link; skills of a workspace lie in folders of it");
    if (slash == path.npos) return path;
  }
}

Result<std::string> remove_skill(Files& files, const Workspace& workspace, const Skill& skill,
                                 base::Clock& clock) {
  if (skill.origin == SkillOrigin::workspace) {
    TRY(files.remove(skill.folder.substr(workspace.root.size() + 1)));
    return skill.folder;
  }
  const auto slash = skill.folder.rfind('/');
  const auto bin = skill.folder.substr(0, slash) + "/.bin";
  TRY(base::make_folders(bin));
  const auto to = bin + skill.folder.substr(slash) + "-" + std::to_string(clock.now());
  if (::rename(skill.folder.c_str(), to.c_str()) != 0)
    return fail_errno(errno, "cannot move " + skill.folder);
  return to;
}

}  // namespace boxagnts::workspace
