#include "workspace/skill_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/guard.h"
#include "base/text.h"
#include "vfs/beneath.h"
#include "vfs/host_filesystem.h"
#include "workspace/skills.h"

namespace boxagnts::workspace {
namespace {

using Weight = SkillFinding::Weight;

std::string quoted(std::string_view text) { return "\"" + base::one_line(text, 100) + "\""; }

std::unexpected<Error> error_of(int number, const std::string& relative) {
  switch (number) {
    case EXDEV:
    case ELOOP:
      return fail(Code::invalid_argument, quoted(relative) +
                                              " leads out of the skill's folder; name a file in "
                                              "it, relative to SKILL.md");
    case ENXIO: return fail(Code::invalid_argument, quoted(relative) + " is no plain file");
    case ENAMETOOLONG: number = ENOENT; [[fallthrough]];
    default: return fail_errno(number, "cannot read " + quoted(relative) + " of the skill");
  }
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

class Lister {
 public:
  Lister(int root, SkillFolder::Listing& into) : root_(root), into_(into) {}

  void look_into(const std::string& relative, std::size_t depth) {
    const base::UniqueFd folder(vfs::open_beneath(root_, relative.empty() ? "." : relative.c_str(),
                                                  O_RDONLY | O_DIRECTORY));
    if (!folder) return;
    if (GUARD("workspace.skill-folders", into_.folders.size() >= Skills::kFoldersMax))
      return told_cap();
    into_.folders.push_back(relative);
    for (const auto& name : names_in_folder(folder.get())) {
      if (relative.empty() && name == kSkillFile) continue;
      add(relative.empty() ? name : relative + "/" + name, depth);
    }
  }

 private:
  void add(const std::string& path, std::size_t depth) {
    if (!base::is_utf8(path)) return warn(path, "is no UTF-8, so that nothing can name it");
    struct stat status;
    const base::UniqueFd found(
        vfs::open_beneath(root_, path.c_str(), O_PATH, 0, vfs::Links::followed));
    if (!found) {
      if (errno == EXDEV || errno == ELOOP)
        warn(path, "leads out of the skill's folder, and is left out");
      return;
    }
    if (::fstat(found.get(), &status) != 0) return;
    if (S_ISDIR(status.st_mode)) {
      // Through a link it would be seen twice, or for ever: look_into follows none.
      if (GUARD("workspace.skill-depth", depth >= Skills::kDepthMax)) return told_cap();
      return look_into(path, depth + 1);
    }
    if (!S_ISREG(status.st_mode)) return warn(path, "is no plain file, and is left out");
    if (GUARD("workspace.skill-files", into_.files.size() >= Skills::kFilesMax)) return told_cap();
    into_.files.push_back(path);
  }

  void warn(const std::string& path, std::string sentence) {
    constexpr std::size_t kFindingsMax = 50;
    if (into_.findings.size() < kFindingsMax)
      into_.findings.push_back({.file = base::repair_utf8(path),
                                .weight = Weight::warning,
                                .sentence = std::move(sentence)});
  }

  void told_cap() {
    if (std::exchange(capped_, true)) return;
    into_.findings.push_back(
        {.weight = Weight::warning,
         .sentence = "more than " + std::to_string(Skills::kFilesMax) + " files, " +
                     std::to_string(Skills::kFoldersMax) + " folders or " +
                     std::to_string(Skills::kDepthMax) +
                     " levels of folders lie beside it; the rest is not listed"});
  }

  const int root_;
  SkillFolder::Listing& into_;
  bool capped_ = false;
};

}  // namespace

std::vector<std::string> names_in_folder(int folder) {
  const int copy = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const std::unique_ptr<DIR, CloseFolder> opened(copy < 0 ? nullptr : ::fdopendir(copy));
  std::vector<std::string> names;
  if (!opened) return names;
  constexpr std::size_t kNamesMax = 1000;
  while (const dirent* entry = ::readdir(opened.get())) {
    if (entry->d_name[0] == '.') continue;  // what is hidden is no part of a skill
    if (names.size() == kNamesMax) break;
    names.emplace_back(entry->d_name);
  }
  std::ranges::sort(names);
  return names;
}

Result<std::string> SkillFolder::read(const std::string& relative, std::size_t bytes_max,
                                      const MayRead& may_read) const {
  if (relative.empty() || relative.contains('\0'))
    return fail(Code::invalid_argument, "name a file of the skill, relative to SKILL.md");
  // A skill's folder may be a workspace, too.
  if (GUARD("workspace.skill-state", vfs::Masks().hides(relative)))
    return error_of(ENOENT, relative);
  const base::UniqueFd file(
      vfs::open_beneath(folder_.get(), relative.c_str(), O_RDONLY, 0, vfs::Links::followed));
  if (!file) return error_of(errno, relative);
  struct stat status;
  if (::fstat(file.get(), &status) != 0) return error_of(errno, relative);
  if (!S_ISREG(status.st_mode)) return error_of(ENXIO, relative);
  if (GUARD("workspace.skill-rule", may_read && !may_read(base::path_of(file.get()))))
    return fail(Code::permission_denied,
                quoted(relative) + " is a file that rules keep from you; do without it");
  auto content = base::read_all(file.get(), bytes_max);
  if (!content && content.error().code == Code::limit_exceeded)
    return fail(Code::limit_exceeded,
                quoted(relative) + " is larger than " + base::human_bytes(bytes_max));
  return content;
}

ParsedSkill SkillFolder::parse() const {
  auto text = read(std::string(kSkillFile), kSkillBytesMax);
  if (text) return parse_skill(*text, name_);
  ParsedSkill parsed;
  std::string sentence = std::move(text.error().message);
  if (text.error().code == Code::not_found) {
    sentence = "is missing";
    for (const auto& name : names_in_folder(folder_.get()))
      if (::strcasecmp(name.c_str(), std::string(kSkillFile).c_str()) == 0)
        sentence += "; rename " + name + ", since the name is in capitals";
  }
  parsed.findings.push_back({.sentence = std::move(sentence)});
  return parsed;
}

SkillFolder::Listing SkillFolder::list() const {
  Listing listing;
  Lister(folder_.get(), listing).look_into("", 0);
  std::ranges::sort(listing.files);
  return listing;
}

}  // namespace boxagnts::workspace
