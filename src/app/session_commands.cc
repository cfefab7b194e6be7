#include <unistd.h>

#include "app/commands.h"
#include "app/program.h"
#include "base/text.h"
#include "terminal/run_display.h"

namespace boxagnts::app {
namespace {

constexpr std::size_t kSessionsShown = 200;
constexpr std::size_t kBatch = 256;
constexpr std::size_t kColumns = 100;

Json json_of(const store::SessionInfo& session) {
  return {{"id", session.id.text},
          {"title", session.title},
          {"created", base::iso8601(session.created)},
          {"updated", base::iso8601(session.updated)},
          {"events", session.events},
          {"model", session.model},
          {"running", session.running}};
}

}  // namespace

Result<int> execute(const cli::SessionListCommand& command) {
  base::SystemClock clock;
  const auto workspace =
      TRY(workspace::open(command.common.workspace_directory, environment_variable));
  const auto store = TRY(store::Store::open(workspace.state_folder, clock));
  const auto sessions = TRY(store->sessions(kSessionsShown, {}));
  for (const auto& session : sessions) {
    if (command.json)
      TRY(print(base::to_text(json_of(session)) + "\n"));
    else
      TRY(print(session.id.text + "  " + base::iso8601(session.updated).substr(0, 16) +
                (session.running ? "  running  " : "  ") + base::one_line(session.title, 60) +
                "\n"));
  }
  if (sessions.empty() && !command.json)
    TRY(print("no sessions yet: start one with boxagnts run \"…\"\n"));
  return 0;
}

Result<int> execute(const cli::SessionShowCommand& command) {
  base::SystemClock clock;
  const auto workspace =
      TRY(workspace::open(command.common.workspace_directory, environment_variable));
  const auto store = TRY(store::Store::open(workspace.state_folder, clock));
  const auto id = TRY(core::SessionId::parse(command.session));
  TRY(store->session(id));
  const auto display = command.json ? terminal::make_json_display(STDOUT_FILENO)
                                    : terminal::make_text_display(
                                          STDOUT_FILENO, {.columns = [] { return kColumns; }});
  for (std::int64_t after = 0;;) {
    const auto events = TRY(store->read(id, after, kBatch));
    for (const auto& event : events) display->show(event);
    if (events.size() < kBatch) return 0;
    after = events.back().number;
  }
}

Result<int> execute(const cli::SessionForkCommand& command) {
  base::SystemClock clock;
  const auto workspace =
      TRY(workspace::open(command.common.workspace_directory, environment_variable));
  const auto store = TRY(store::Store::open(workspace.state_folder, clock));
  const auto id = TRY(core::SessionId::parse(command.session));
  const auto from = TRY(store->session(id));
  const auto fork =
      TRY(store->fork_session(from.id, command.at, command.title.value_or(from.title)));
  TRY(print(fork.text + "\n"));
  return 0;
}

}  // namespace boxagnts::app
