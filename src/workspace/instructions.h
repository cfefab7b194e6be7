// AGENTS.md: what a person, or the authors of a folder, tell agents that work there.
//
// The user's (`$XDG_CONFIG_HOME/boxagnts/AGENTS.md`), the one in the workspace's root, and those in
// the folders above a file that is worked on. Regular files only; a workspace's may be a link to
// another Markdown file of it, and to nothing else, since what it says goes to the model. Each is
// cut at kInstructionsBytesMax, at a character, and its UTF-8 is repaired. What cannot be read is
// not there; of the root's, where it is refused, the log tells. Thread-safe: functions; they block
// on disk.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "workspace/workspace.h"

namespace boxagnts::workspace {

constexpr std::size_t kInstructionsBytesMax = 32u << 10;
constexpr std::size_t kInstructionFoldersMax = 32;  // above one file

enum class InstructionsOrigin : std::uint8_t { user, workspace, folder };
std::string_view name_of(InstructionsOrigin origin);

struct Instructions {
  std::string path;  // as shown: the user's in full, others relative to the workspace
  InstructionsOrigin origin = InstructionsOrigin::workspace;
  std::string text;
  bool cut = false;  // the text ends with a line that says so
};

// The user's, then the root's; those that are there.
std::vector<Instructions> standing_instructions(const Workspace& workspace,
                                                const Environment& environment,
                                                const MayRead& may_read = {});

// Of the folders between the root (without it) and the folder of `path`, which is absolute and
// below the root, outermost first.
std::vector<Instructions> instructions_for(const Workspace& workspace, std::string_view path,
                                           const MayRead& may_read = {});

}  // namespace boxagnts::workspace
