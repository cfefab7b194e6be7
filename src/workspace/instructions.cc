#include "workspace/instructions.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/file.h"
#include "base/guard.h"
#include "base/log.h"
#include "base/text.h"
#include "vfs/beneath.h"
#include "vfs/host_filesystem.h"

namespace boxagnts::workspace {
namespace {

constexpr std::string_view kName = "AGENTS.md";

// Whether what a link led to may be told to a model: a Markdown file outside the state folder. A
// folder's authors could have it lead to a file of keys.
bool is_tellable(const std::string& path) {
  return (path.ends_with(".md") || path.ends_with(".MD")) && !vfs::Masks().hides(path.substr(1));
}

std::optional<std::string> read_head(int file) {
  struct stat status;
  if (::fstat(file, &status) != 0) return std::nullopt;
  if (GUARD("workspace.instructions-file", !S_ISREG(status.st_mode))) return std::nullopt;
  std::string text;
  char part[16 << 10];
  while (text.size() <= kInstructionsBytesMax) {
    const ssize_t got = ::read(file, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    text.append(part, static_cast<std::size_t>(got));
  }
  return text;
}

std::optional<Instructions> read_instructions(int file, std::string shown,
                                              InstructionsOrigin origin) {
  auto text = read_head(file);
  if (!text) return std::nullopt;
  Instructions made{.path = std::move(shown), .origin = origin};
  made.cut = text->size() > kInstructionsBytesMax;
  if (made.cut) text->resize(base::prefix_at_character(*text, kInstructionsBytesMax).size());
  std::ranges::replace(*text, '\0', '\xff');  // no text either: shown as U+FFFD
  if (text->starts_with("\xef\xbb\xbf")) text->erase(0, 3);
  made.text = base::repair_utf8(*text);
  if (base::is_blank(made.text)) return std::nullopt;
  if (made.cut)
    made.text += "\n\n(" + made.path + " is longer than " +
                 base::human_bytes(kInstructionsBytesMax) + ", and cut here.)\n";
  return made;
}

std::optional<Instructions> read_of_workspace(int root, const std::string& relative,
                                              InstructionsOrigin origin, const MayRead& may_read) {
  // Once a run; those of folders are looked for at every call.
  const auto tell = [&](const std::string& why) {
    if (origin == InstructionsOrigin::workspace)
      base::log(base::LogLevel::warning, "workspace", relative + why + ", and is not read");
  };
  const base::UniqueFd file(
      vfs::open_beneath(root, relative.c_str(), O_RDONLY, 0, vfs::Links::followed));
  if (!file) {
    if (errno == EXDEV || errno == ELOOP) tell(" leads out of the workspace");
    return std::nullopt;
  }
  const auto path = base::path_of(file.get());
  if (GUARD("workspace.instructions-link", !is_tellable(path))) {
    tell(" leads to a file that is no Markdown");
    return std::nullopt;
  }
  if (GUARD("workspace.instructions-rule", may_read && !may_read(path))) {
    tell(" is a file that a rule keeps from models");
    return std::nullopt;
  }
  return read_instructions(file.get(), relative, origin);
}

base::UniqueFd open_root(const Workspace& workspace) {
  return base::UniqueFd(::open(workspace.root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

}  // namespace

std::string_view name_of(InstructionsOrigin origin) {
  switch (origin) {
    case InstructionsOrigin::user: return "user";
    case InstructionsOrigin::workspace: return "workspace";
    case InstructionsOrigin::folder: return "folder";
  }
  return "";
}

std::vector<Instructions> standing_instructions(const Workspace& workspace,
                                                const Environment& environment,
                                                const MayRead& may_read) {
  std::vector<Instructions> found;
  std::string configuration = environment("XDG_CONFIG_HOME");
  if (configuration.empty()) configuration = environment("HOME") + "/.config";
  const std::string own = configuration + "/boxagnts/" + std::string(kName);
  const base::UniqueFd file(::open(own.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (file)
    if (auto one = read_instructions(file.get(), own, InstructionsOrigin::user))
      found.push_back(std::move(*one));
  if (const auto root = open_root(workspace))
    if (auto one = read_of_workspace(root.get(), std::string(kName), InstructionsOrigin::workspace,
                                     may_read))
      found.push_back(std::move(*one));
  return found;
}

std::vector<Instructions> instructions_for(const Workspace& workspace, std::string_view path,
                                           const MayRead& may_read) {
  std::vector<Instructions> found;
  if (!path.starts_with(workspace.root + "/")) return found;
  auto parts = base::split(path.substr(workspace.root.size() + 1), '/');
  parts.pop_back();  // the file itself
  const auto root = open_root(workspace);
  if (!root) return found;
  std::string folder;
  for (std::size_t i = 0; i < parts.size() && i < kInstructionFoldersMax; ++i) {
    if (parts[i].empty() || parts[i] == ".") continue;
    if (parts[i] == ".." || parts[i].contains('\0')) return {};  // no settled path
    folder += std::string(parts[i]) + "/";
    if (auto one = read_of_workspace(root.get(), folder + std::string(kName),
                                     InstructionsOrigin::folder, may_read))
      found.push_back(std::move(*one));
  }
  return found;
}

}  // namespace boxagnts::workspace
