// Small text files that a person edits in a door: AGENTS.md and skills, of the workspace and of
// their own configuration. A write says which version it replaces, so that nobody's words are lost.
//
// A version is the hash of the content. Thread-safe. Errors of writes: conflict (it changed, or is
// there although no version was named, or is gone), permission_denied, io.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "workspace/files.h"
#include "workspace/skills.h"
#include "workspace/workspace.h"

namespace boxagnts::workspace {

struct StoredText {
  bool exists = false;
  std::string text;  // as it is on disk: perhaps no UTF-8
  std::string version;
};
std::string version_of_text(std::string_view text);

// Of the workspace, by a path as of files.h. Missing folders are made. Errors of reading:
// limit_exceeded, io.
Result<StoredText> read_text(Files& files, const std::string& path);
Result<std::string> write_text(Files& files, const std::string& path, std::string_view text,
                               const std::optional<std::string>& version);

// Of the folder of the person's own configuration, relative to it: "AGENTS.md",
// "skills/x/SKILL.md". A link is followed: where it leads is the person's business.
Result<StoredText> read_own_text(const Environment& environment, const std::string& path);
Result<std::string> write_own_text(const Environment& environment, const std::string& path,
                                   std::string_view text,
                                   const std::optional<std::string>& version);

// Where a skill of the workspace is written that has this name: where it lies, or in
// .agents/skills. Errors: invalid_argument (no name), conflict (a link on the way: it would lead
// elsewhere).
Result<std::string> skill_path(const Workspace& workspace, const SkillCatalogue& catalogue,
                               const std::string& name);
// Moves a skill away: to the workspace's bin, or beside the person's others, into .bin. Where it is
// now, or was. Errors: not_found.
Result<std::string> remove_skill(Files& files, const Workspace& workspace, const Skill& skill,
                                 base::Clock& clock);

}  // namespace boxagnts::workspace
