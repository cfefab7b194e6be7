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

std::string tags_of(const store::SessionInfo& session) {
  std::string text;
  for (const auto& tag : session.tags)
    text += (text.empty() ? "#" : " #") + base::one_line(tag, kColumns);
  return text;
}

std::string line_of(const store::SessionInfo& session, const std::optional<store::FoundAt>& found) {
  std::string line = session.id.text + "  " + base::iso8601(session.updated).substr(0, 16) +
                     (session.running ? "  running  " : "  ") + base::one_line(session.title, 60) +
                     (session.tags.empty() ? "" : "  " + tags_of(session)) + "\n";
  if (found)
    line += "    " + std::to_string(found->number) + ": " +
            base::one_line(found->text, kColumns - 10) + "\n";
  return line;
}

}  // namespace

Result<int> execute(const cli::SessionListCommand& command) {
  base::SystemClock clock;
  const auto store = TRY(open_store(command.common, clock));
  const bool all = command.query.empty() && command.tag.empty();
  std::size_t shown = 0;
  std::optional<store::SessionCursor> at;
  do {  // a search that was cut goes on
    const auto page =
        TRY(store->find_sessions({command.query, command.tag}, kSessionsShown - shown, at));
    for (const auto& one : page.sessions)
      TRY(print(command.json ? base::to_text(store::to_json(one)) + "\n"
                             : line_of(one.info, one.found)));
    shown += page.sessions.size();
    at = page.next;
  } while (at && shown < kSessionsShown);
  if (shown == 0 && !command.json)
    TRY(print(all ? "no sessions yet: start one with boxagnts run \"…\"\n"
                  : "no session holds that\n"));
  return 0;
}

Result<int> execute(const cli::SessionTagCommand& command) {
  base::SystemClock clock;
  const auto store = TRY(open_store(command.common, clock));
  const auto id = TRY(core::SessionId::parse(command.session));
  TRY(store->change_session(id, {.title = {}, .tags = command.tags}));
  const auto session = TRY(store->session(id));
  TRY(print((session.tags.empty() ? "no tags" : tags_of(session)) + "\n"));
  return 0;
}

Result<int> execute(const cli::SessionShowCommand& command) {
  base::SystemClock clock;
  const auto store = TRY(open_store(command.common, clock));
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
  const auto store = TRY(open_store(command.common, clock));
  const auto id = TRY(core::SessionId::parse(command.session));
  const auto from = TRY(store->session(id));
  const auto fork =
      TRY(store->fork_session(from.id, command.at, command.title.value_or(from.title)));
  TRY(print(fork.text + "\n"));
  return 0;
}

}  // namespace boxagnts::app
