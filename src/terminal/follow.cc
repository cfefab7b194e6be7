#include "terminal/follow.h"

namespace boxagnts::terminal {
namespace {

void answer(agent::Runs& runs, const core::Approval& approval, Prompter& prompter,
            const std::stop_token& stop) {
  auto reply = prompter.ask(approval, stop);
  if (!reply && reply.error().code == Code::not_found) return;
  if (!reply && stop.stop_requested()) return;
  // Answered by another door at the same moment: then that one counts.
  (void)runs.answer(approval.id, reply ? std::move(*reply) : core::Reply{}, "terminal");
}

}  // namespace

Result<core::RunEnded> follow(agent::Runs& runs, const agent::Started& started, RunDisplay& display,
                              Prompter* prompter, const std::stop_token& stop) {
  const auto tail = TRY(runs.tail(started.session, started.after));
  while (true) {
    auto item = TRY(tail->next({}, std::chrono::steady_clock::now() + std::chrono::hours(1)));
    if (!item) continue;
    if (const auto* frame = std::get_if<core::Frame>(&*item)) {
      display.show(*frame);
      continue;
    }
    auto& event = std::get<core::Event>(*item);
    display.show(event);
    const auto* asked = std::get_if<core::ApprovalAsked>(&event.body);
    if (asked && prompter && asked->approval.waits && event.run == started.run)
      answer(runs, asked->approval, *prompter, stop);
    auto* ended = std::get_if<core::RunEnded>(&event.body);
    if (ended && event.run == started.run && ended->of.empty()) return std::move(*ended);
  }
}

int exit_code_of(const core::RunEnded& ended) {
  switch (ended.outcome) {
    case core::Outcome::finished: return 0;
    case core::Outcome::turn_limit: return base::info(Code::limit_exceeded).exit_code;
    case core::Outcome::cancelled: return base::info(Code::cancelled).exit_code;
    case core::Outcome::failed:
    case core::Outcome::interrupted: return base::info(ended.error.code).exit_code;
  }
  return 1;
}

QuestionSource questions_of(store::Store& store) {
  return {.blob = [&store](const std::string& id) { return store.blob(id); },
          .open =
              [&store](const core::ApprovalId& id) {
                const auto open = store.open_question(id);
                // A store that cannot say answers nothing.
                return open || open.error().code != Code::not_found;
              }};
}

}  // namespace boxagnts::terminal
