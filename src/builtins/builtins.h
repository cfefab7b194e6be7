// The native tools: those that talk to the run itself, to its person or to its log. None touches a
// file but through the view of its call.
//
// Each is one class in its own file; all are immutable and thread-safe. What they change of a run
// (mode, todo list) they change in the policy and the log of the call that they were given.
#pragma once

#include <cstddef>

#include "base/time.h"
#include "tools/tool.h"

namespace boxagnts::builtins {

// The clock outlives it, here and below.
std::unique_ptr<tools::Tool> make_ask_user_question(base::Clock& clock);
std::unique_ptr<tools::Tool> make_brief();
std::unique_ptr<tools::Tool> make_enter_plan_mode();
std::unique_ptr<tools::Tool> make_exit_plan_mode();
std::unique_ptr<tools::Tool> make_read_result();
std::unique_ptr<tools::Tool> make_sleep(base::Clock& clock);
std::unique_ptr<tools::Tool> make_todo();
// Find tools beyond those that the model is shown, and call them. `registry` outlives it.
std::unique_ptr<tools::Tool> make_tool_search(const tools::Registry& registry);
std::unique_ptr<tools::Tool> make_call_tool();

// All of these.
Status add_all(tools::Registry& registry, base::Clock& clock);

}  // namespace boxagnts::builtins
