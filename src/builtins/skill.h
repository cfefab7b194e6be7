// The tool `skill`: gives the instructions of a skill, filled in, or one of its files, or the list
// of all. Using one is noted in the run's log, and where it names tools, the run keeps to these
// from there on, until another skill is used.
#pragma once

#include <functional>
#include <memory>

#include "tools/tool.h"
#include "workspace/skills.h"

namespace boxagnts::builtins {

// `skills` outlives the tool; `trust` is asked at each call.
std::unique_ptr<tools::Tool> make_skill_tool(workspace::Skills& skills,
                                             std::function<workspace::Trust()> trust);

}  // namespace boxagnts::builtins
