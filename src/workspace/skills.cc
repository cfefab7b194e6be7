#include "workspace/skills.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <mutex>
#include <optional>
#include <tuple>

#include "base/guard.h"
#include "base/text.h"
#include "vfs/beneath.h"
#include "workspace/skill_folder.h"

namespace boxagnts::workspace {
namespace {

constexpr std::array<std::string_view, 2> kWorkspacePlaces{"extensions/skills", ".agents/skills"};

// What a stat tells of a file; another one after every change, nearly.
struct Seen {
  std::string path;
  bool is_there = false;
  vfs::Stat stat;
  bool same_as(const Seen& other) const {
    return is_there == other.is_there && stat.device == other.stat.device &&
           stat.inode == other.stat.inode && stat.size == other.stat.size &&
           stat.changed_ns == other.stat.changed_ns && stat.modified_ns == other.stat.modified_ns;
  }
};

Seen look_at(std::string path) {
  Seen seen{.path = std::move(path)};
  struct stat status;
  seen.is_there = ::lstat(seen.path.c_str(), &status) == 0;
  if (seen.is_there) seen.stat = vfs::to_stat(status);
  return seen;
}

// One look at the disk.
struct Load {
  struct Found {
    SkillEntry entry;
    std::string place;  // for sentences
  };
  std::vector<Found> found;  // nearest place first
  std::vector<std::string> problems;
  std::vector<Seen> seen;
  bool is_settled = true;  // a change would show in what was seen
};

// The folder of a skill. The way to a workspace's leads through no link: it would end in what the
// workspace hides, as the state folder.
base::UniqueFd open_skill(int place, const std::string& name, SkillOrigin origin) {
  if (GUARD("workspace.skill-link", origin == SkillOrigin::workspace))
    return base::UniqueFd(vfs::open_beneath(place, name.c_str(), O_RDONLY | O_DIRECTORY));
  return base::UniqueFd(::openat(place, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

class Loader {
 public:
  explicit Loader(base::Timestamp now) : now_ns_(now * 1000) {}

  void load_place(const std::string& root, std::string_view relative, SkillOrigin origin) {
    const std::string path = root + (relative.empty() ? "" : "/") + std::string(relative);
    const std::string shown(origin == SkillOrigin::user ? std::string_view(path) : relative);
    see(path);
    const base::UniqueFd top(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!top) return;
    const auto place =
        open_skill(top.get(), relative.empty() ? "." : std::string(relative), origin);
    if (!place) {
      if (errno == ELOOP)
        load_.problems.push_back(shown +
                                 " is a link, or below one; skills of a workspace lie in "
                                 "folders of it");
      else if (errno != ENOENT && errno != ENOTDIR)
        load_.problems.push_back("cannot read " + shown + ": " + base::errno_text(errno));
      return;
    }
    for (const auto& name : names_in(place.get(), shown))
      load_skill(place.get(), path, name, origin);
  }

  void add_embedded(const EmbeddedSkill& embedded) {
    add(parse_skill(embedded.text, embedded.name), std::string(embedded.name), SkillOrigin::builtin,
        "");
  }

  Load take() { return std::move(load_); }

 private:
  void see(const std::string& path) {
    // Times of files are coarse, and a link's own do not tell of what it leads to.
    constexpr std::int64_t kCoarse_ns = 2'000'000'000;
    load_.seen.push_back(look_at(path));
    const auto& stat = load_.seen.back().stat;
    if (!load_.seen.back().is_there) return;
    if (std::max(stat.changed_ns, stat.modified_ns) > now_ns_ - kCoarse_ns ||
        stat.kind == vfs::Kind::link)
      load_.is_settled = false;
  }

  std::vector<std::string> names_in(int place, const std::string& shown) {
    auto names = names_in_folder(place);
    if (GUARD("workspace.skill-count", names.size() > Skills::kSkillsOfPlaceMax)) {
      load_.problems.push_back(shown + " holds more than " +
                               std::to_string(Skills::kSkillsOfPlaceMax) +
                               " entries; the rest is not looked at");
      names.resize(Skills::kSkillsOfPlaceMax);
    }
    return names;
  }

  void load_skill(int place, const std::string& path, const std::string& name, SkillOrigin origin) {
    const std::string folder_path = path + "/" + name;
    auto opened = open_skill(place, name, origin);
    if (!opened) {
      if (errno != ELOOP) return;  // a file, or gone
      see(folder_path);
      ParsedSkill parsed;
      parsed.findings.push_back({.sentence = "the skill's folder is a link; a skill of a "
                                             "workspace is a folder in it"});
      return add(std::move(parsed), name, origin, folder_path);
    }
    see(folder_path);
    see(folder_path + "/" + std::string(kSkillFile));
    if (!load_.seen.back().is_there) return;  // no skill, but some folder
    const SkillFolder folder(std::move(opened), name);
    auto parsed = folder.parse();
    auto listing = folder.list();
    for (const auto& sub : listing.folders)
      if (!sub.empty()) see(folder_path + "/" + sub);
    parsed.skill.files = std::move(listing.files);
    add(std::move(parsed), name, origin, folder_path);
  }

  void add(ParsedSkill parsed, const std::string& name, SkillOrigin origin,
           const std::string& folder) {
    Load::Found found{.entry = {.skill = std::move(parsed.skill)}};
    found.entry.skill.origin = origin;
    found.entry.skill.folder = folder;
    found.place = folder.substr(0, folder.rfind('/'));
    if (const auto* error = parsed.error()) {
      found.entry.problem = to_text(*error);
      found.entry.skill.name = base::repair_utf8(name);
    }
    load_.found.push_back(std::move(found));
  }

  Load load_;
  const std::int64_t now_ns_;
};

std::string owner_of(const Load::Found& found, const std::string& workspace_root) {
  if (found.entry.skill.origin == SkillOrigin::user) return "the user's own";
  if (found.entry.skill.origin == SkillOrigin::builtin) return "the built-in one";
  return "the one of " +
         found.place.substr(std::min(workspace_root.size() + 1, found.place.size()));
}

// How near a place is: smaller wins.
int rank_of(SkillOrigin origin, Trust trust) {
  const bool last =
      GUARD("workspace.skill-trust", origin == SkillOrigin::workspace && trust == Trust::untrusted);
  return last ? 3 : static_cast<int>(origin);
}

std::shared_ptr<const SkillCatalogue> resolve(const Load& load, Trust trust,
                                              const std::string& workspace_root) {
  std::vector<const Load::Found*> order;
  for (const auto& found : load.found) order.push_back(&found);
  std::ranges::sort(order, [&](const auto* a, const auto* b) {
    const auto key = [&](const auto* found) {
      return std::tuple(std::string_view(found->entry.skill.name), !found->entry.problem.empty(),
                        rank_of(found->entry.skill.origin, trust), found);
    };
    return key(a) < key(b);
  });
  auto catalogue = std::make_shared<SkillCatalogue>();
  catalogue->problems = load.problems;
  const Load::Found* used = nullptr;
  for (const auto* found : order) {
    SkillEntry entry = found->entry;
    const bool same = used && used->entry.skill.name == entry.skill.name;
    if (entry.problem.empty() && same) {
      entry.shadowed_by = owner_of(*used, workspace_root);
      if (entry.skill.origin == SkillOrigin::workspace && trust == Trust::untrusted &&
          used->entry.skill.origin != SkillOrigin::workspace)
        entry.shadowed_by += ", since this workspace is not trusted";
    } else if (entry.problem.empty()) {
      used = found;
    }
    catalogue->entries.push_back(std::move(entry));
  }
  return catalogue;
}

class DiskSkills final : public Skills {
 public:
  DiskSkills(SkillPlaces places, std::vector<EmbeddedSkill> embedded, base::Clock& clock)
      : places_(std::move(places)), embedded_(std::move(embedded)), clock_(clock) {}

  std::shared_ptr<const SkillCatalogue> catalogue(Trust trust) override {
    const std::lock_guard lock(mutex_);
    if (!loaded_ || !is_current(*loaded_)) {
      loaded_ = load();
      resolved_ = {};
    }
    auto& resolved = resolved_[static_cast<std::size_t>(trust)];
    if (!resolved) resolved = resolve(*loaded_, trust, places_.workspace_root);
    return resolved;
  }

  Result<std::string> read_file(const Skill& skill, const std::string& relative,
                                const MayRead& may_read) override {
    const auto missing = [&] {
      return fail(Code::not_found, "the folder of the skill " + skill.name + " is not there");
    };
    if (skill.folder.empty())
      return fail(Code::not_found, "the built-in skill " + skill.name + " has no files");
    const bool of_workspace = skill.origin == SkillOrigin::workspace;
    const std::string& top = of_workspace ? places_.workspace_root : places_.user_folder;
    if (!skill.folder.starts_with(top + "/")) return missing();
    const base::UniqueFd root(::open(top.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!root) return missing();
    auto folder = open_skill(root.get(), skill.folder.substr(top.size() + 1), skill.origin);
    if (!folder) return missing();
    return SkillFolder(std::move(folder), skill.name).read(relative, kFileBytesMax, may_read);
  }

 private:
  static bool is_current(const Load& load) {
    return load.is_settled && std::ranges::all_of(load.seen, [](const Seen& seen) {
             return seen.same_as(look_at(seen.path));
           });
  }

  Load load() const {
    Loader loader(clock_.now());
    for (const auto place : kWorkspacePlaces)
      if (!places_.workspace_root.empty())
        loader.load_place(places_.workspace_root, place, SkillOrigin::workspace);
    if (!places_.user_folder.empty()) loader.load_place(places_.user_folder, "", SkillOrigin::user);
    for (const auto& embedded : embedded_) loader.add_embedded(embedded);
    return loader.take();
  }

  const SkillPlaces places_;
  const std::vector<EmbeddedSkill> embedded_;
  base::Clock& clock_;
  std::mutex mutex_;
  std::optional<Load> loaded_;
  std::array<std::shared_ptr<const SkillCatalogue>, 2> resolved_;  // by trust
};

}  // namespace

SkillPlaces skill_places(const Workspace& workspace, const Environment& environment) {
  std::string configuration = environment("XDG_CONFIG_HOME");
  if (configuration.empty() && !environment("HOME").empty())
    configuration = environment("HOME") + "/.config";
  return {.workspace_root = workspace.root,
          .user_folder = configuration.empty() ? "" : configuration + "/boxagnts/skills"};
}

const Skill* SkillCatalogue::find(std::string_view name) const {
  for (const auto& entry : entries)
    if (entry.skill.name == name && entry.used()) return &entry.skill;
  return nullptr;
}

Result<const Skill*> SkillCatalogue::need(std::string_view name) const {
  if (const auto* skill = find(name)) return skill;
  std::vector<std::string_view> names;
  for (const auto& entry : entries) {
    if (entry.skill.name == name)
      return fail(Code::invalid_argument, "the skill " + entry.skill.name + " cannot be used: " +
                                              entry.skill.folder + "/" + entry.problem);
    if (entry.used()) names.push_back(entry.skill.name);
  }
  const auto nearest = base::nearest_name(name, names);
  return fail(Code::not_found,
              "there is no skill \"" + base::one_line(name, 80) + "\"" +
                  (nearest.empty() ? "; see boxagnts skill list"
                                   : "; did you mean " + std::string(nearest) + "?"));
}

std::unique_ptr<Skills> Skills::open(SkillPlaces places, std::vector<EmbeddedSkill> embedded,
                                     base::Clock& clock) {
  return std::make_unique<DiskSkills>(std::move(places), std::move(embedded), clock);
}

std::string index_line(const Skill& skill) {
  std::string line = "- " + skill.name;
  if (skill.origin == SkillOrigin::workspace) line += " [of this workspace]";
  line += ": " + skill.description;
  if (!skill.when_to_use.empty()) line += " (" + skill.when_to_use + ")";
  std::ranges::replace(line, '\n', ' ');
  return line;
}

std::string skill_index(const SkillCatalogue& catalogue) {
  constexpr std::size_t kForTheRest = 120;
  std::string text;
  std::size_t left_out = 0;
  for (const auto& entry : catalogue.entries) {
    if (!entry.used()) continue;
    const auto line = index_line(entry.skill);
    if (text.size() + line.size() + 1 + kForTheRest > kSkillIndexBytesMax)
      ++left_out;
    else
      text += line + "\n";
  }
  if (left_out > 0)
    text += "- " + std::to_string(left_out) +
            " more: call the tool skill with \"list\" to see all of them\n";
  return text;
}

namespace {

std::vector<SkillFinding> findings_of(ParsedSkill parsed, std::span<const std::string_view> tools) {
  auto findings = std::move(parsed.findings);
  std::ranges::move(check_tools(parsed, tools), std::back_inserter(findings));
  std::ranges::sort(findings, {}, [](const SkillFinding& finding) {
    return std::tuple(finding.line, std::string_view(finding.sentence));
  });
  return findings;
}

}  // namespace

std::vector<SkillFinding> check_skill_text(std::string_view text, std::string_view name,
                                           std::span<const std::string_view> tools) {
  return findings_of(parse_skill(text, name), tools);
}

Result<std::vector<SkillFinding>> check_skill(const std::string& folder,
                                              std::span<const std::string_view> tools) {
  char canonical[PATH_MAX];
  if (!::realpath(folder.c_str(), canonical)) return fail_errno(errno, "cannot check " + folder);
  base::UniqueFd opened(::open(canonical, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!opened && errno == ENOTDIR)
    return fail(Code::invalid_argument, folder + " is a file; give the skill's folder");
  if (!opened) return fail_errno(errno, "cannot check " + folder);
  const std::string path = canonical;
  const SkillFolder skill(std::move(opened), path.substr(path.rfind('/') + 1));
  auto findings = findings_of(skill.parse(), tools);
  std::ranges::move(skill.list().findings, std::back_inserter(findings));
  return findings;
}

}  // namespace boxagnts::workspace
