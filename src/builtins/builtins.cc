#include "builtins/builtins.h"

namespace boxagnts::builtins {

Status add_all(tools::Registry& registry, base::Clock& clock) {
  TRY(registry.add(make_ask_user_question(clock)));
  TRY(registry.add(make_brief()));
  TRY(registry.add(make_enter_plan_mode()));
  TRY(registry.add(make_exit_plan_mode()));
  TRY(registry.add(make_sleep(clock)));
  TRY(registry.add(make_todo()));
  TRY(registry.add(make_read_result()));
  TRY(registry.add(make_tool_search(registry)));
  return registry.add(make_call_tool());
}

}  // namespace boxagnts::builtins
