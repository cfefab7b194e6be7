// `policy explain`: the gate that a guest's connection would meet, asked without a connection; and
// what would be decided about a call and granted to it, without running it.
#include "app/commands.h"
#include "app/explain.h"
#include "app/program.h"

namespace boxagnts::app {
namespace {

Result<Explained> explain(const cli::PolicyExplainCommand& command,
                          const workspace::Workspace& workspace, const Preferences& preferences) {
  const auto mode = command.mode.value_or(preferences.run_mode());
  if (command.subject.find_first_of(".:/") != std::string::npos)
    return explain_connection(command.subject, command.method, mode, preferences,
                              *preferences.rules);
  base::SystemClock clock;
  const auto http = make_http({});
  const auto skills = open_skills(workspace, clock);
  const auto tools = TRY(Tools::make({.clock = clock,
                                      .http = *http,
                                      .skills = *skills,
                                      .workspace = workspace,
                                      .trust = [&] { return preferences.trust; },
                                      .limits = preferences.settings.limits}));
  return explain_call(command.subject, TRY(base::parse_json(command.arguments)), mode,
                      *tools->current()->registry, preferences, *preferences.rules);
}

}  // namespace

Result<int> execute(const cli::PolicyExplainCommand& command) {
  const auto workspace =
      TRY(workspace::open(command.common.workspace_directory, environment_variable));
  const auto preferences = TRY(read_preferences(workspace, {.common = command.common}));
  const auto explained = TRY(explain(command, workspace, preferences));
  TRY(print(command.json ? base::to_text(explained.json) + "\n" : explained.text));
  return explained.verdict == core::Verdict::deny ? base::info(Code::permission_denied).exit_code
                                                  : 0;
}

}  // namespace boxagnts::app
