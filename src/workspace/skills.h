// The skills there are: of the workspace (`extensions/skills`, `.agents/skills`), of the user
// (`$XDG_CONFIG_HOME/boxagnts/skills`) and built in, a folder with a SKILL.md each.
//
// Of one name, the nearest is used in a trusted workspace: the workspace's, the user's, the
// built-in one. An untrusted workspace's skills come last and so shadow nothing. Every byte on disk
// is untrusted: sizes and numbers are bounded, names checked, the way to a workspace's skill leads
// through no link, and no link inside a skill leads out of its folder. A catalogue is immutable;
// Skills is thread-safe and blocks on disk.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "workspace/own_files.h"
#include "workspace/skill.h"
#include "workspace/workspace.h"

namespace boxagnts::workspace {

struct SkillPlaces {
  std::string workspace_root;
  std::string user_folder;
};
SkillPlaces skill_places(const Workspace& workspace, const Environment& environment);

// A skill that the build put into the program.
struct EmbeddedSkill {
  std::string_view name, text;
};
std::vector<EmbeddedSkill> embedded_skills();  // sorted by name

struct SkillEntry {
  Skill skill;              // its name is the folder's where there is a problem
  std::string shadowed_by;  // whose is used instead; "" where this one is
  std::string problem;      // "SKILL.md:3: …"; "" of a good one
  bool used() const { return shadowed_by.empty() && problem.empty(); }
};

struct SkillCatalogue {
  std::vector<SkillEntry> entries;                 // by name, the used one first
  std::vector<std::string> problems;               // of whole places: a sentence each
  const Skill* find(std::string_view name) const;  // the one that is used
  // The same, or what is wrong with those of that name. Errors: invalid_argument, not_found.
  Result<const Skill*> need(std::string_view name) const;
};

class Skills {
 public:
  static constexpr std::size_t kSkillsOfPlaceMax = 256;
  static constexpr std::size_t kFilesMax = 200, kFoldersMax = 64, kDepthMax = 4;  // of one skill
  static constexpr std::size_t kFileBytesMax = 1u << 20;

  // The clock outlives it.
  static std::unique_ptr<Skills> open(SkillPlaces places, std::vector<EmbeddedSkill> embedded,
                                      base::Clock& clock);
  virtual ~Skills() = default;

  // As it is on disk now: a stat of each file and folder tells whether anything changed.
  virtual std::shared_ptr<const SkillCatalogue> catalogue(Trust trust) = 0;

  // A bundled file. Errors: not_found, invalid_argument (leads out, or is no plain file),
  // permission_denied, limit_exceeded, io.
  virtual Result<std::string> read_file(const Skill& skill, const std::string& relative,
                                        const MayRead& may_read) = 0;
};

// What a model is told of the skills before it uses one: a line each, "name: description
// (when_to_use)". At most kSkillIndexBytesMax; the rest is told to be found by the tool's "list".
// "" where there are none.
constexpr std::size_t kSkillIndexBytesMax = 8u << 10;
std::string index_line(const Skill& skill);  // without its end
std::string skill_index(const SkillCatalogue& catalogue);

// All that is wrong with, or odd about, the skill in a folder of this machine; `tools` are the
// names there are. Errors: not_found, invalid_argument (no folder).
Result<std::vector<SkillFinding>> check_skill(const std::string& folder,
                                              std::span<const std::string_view> tools);
// The same of a text that is to be its SKILL.md.
std::vector<SkillFinding> check_skill_text(std::string_view text, std::string_view name,
                                           std::span<const std::string_view> tools);

// Makes `.agents/skills/NAME/SKILL.md` of a workspace from a template; its path. Errors:
// invalid_argument (no name), conflict (something stands there), io.
Result<std::string> make_skill(const Workspace& workspace, const std::string& name);

}  // namespace boxagnts::workspace
