// One skill's folder on disk, as it is read: below its descriptor, no link leading out.
// Immutable; thread-safe. Blocks on disk.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "workspace/skill.h"
#include "workspace/workspace.h"

namespace boxagnts::workspace {

constexpr std::string_view kSkillFile = "SKILL.md";

// What lies in an open folder, hidden names left out, sorted; at most 1,000.
std::vector<std::string> names_in_folder(int folder);

class SkillFolder {
 public:
  // `name` as in SKILL.md.
  SkillFolder(base::UniqueFd folder, std::string name)
      : folder_(std::move(folder)), name_(std::move(name)) {}

  // SKILL.md, parsed. Errors are findings.
  ParsedSkill parse() const;
  // A plain file. Errors: not_found, invalid_argument, limit_exceeded, permission_denied, io.
  Result<std::string> read(const std::string& relative, std::size_t bytes_max,
                           const MayRead& may_read = {}) const;

  struct Listing {
    std::vector<std::string> files;    // plain ones besides SKILL.md, relative, sorted
    std::vector<std::string> folders;  // all that were looked into, "" the skill's own
    std::vector<SkillFinding> findings;
  };
  Listing list() const;

 private:
  base::UniqueFd folder_;
  std::string name_;
};

}  // namespace boxagnts::workspace
