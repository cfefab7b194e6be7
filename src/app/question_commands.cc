// `question` and `trust`: what a person is asked beside a run, and what they said of a folder.
#include "app/commands.h"
#include "app/program.h"
#include "base/text.h"
#include "workspace/own_files.h"

namespace boxagnts::app {
namespace {

struct Asked {
  core::Event event;
  core::Approval approval;
};

Result<Asked> read_question(store::Store& store, const store::OpenQuestion& question) {
  auto events = TRY(store.read(question.session, question.number - 1, 1));
  const auto* asked =
      events.empty() ? nullptr : std::get_if<core::ApprovalAsked>(&events.front().body);
  if (!asked) return fail(Code::corrupt, "question " + question.id.text + " is not in the log");
  auto approval = asked->approval;
  return Asked{std::move(events.front()), std::move(approval)};
}

// What was applied in answer to the question and could not be; each is told.
Result<bool> tell_conflicts(store::Store& store, const store::OpenQuestion& question) {
  constexpr std::size_t kLookAhead = 10'000;
  bool some = false;
  for (const auto& event : TRY(store.read(question.session, question.number, kLookAhead))) {
    const auto* settled = std::get_if<core::ChangesSettled>(&event.body);
    if (!settled || settled->by != "answer") continue;
    for (const auto& file : settled->files) {
      if (file.outcome != core::FileOutcome::conflict) continue;
      some = true;
      say("not written: " + file.path + ": " + file.reason);
    }
  }
  return some;
}

}  // namespace

Result<int> execute(const cli::QuestionListCommand& command) {
  base::SystemClock clock;
  const auto store = TRY(open_store(command.common, clock));
  const auto questions = TRY(store->open_questions());
  for (const auto& question : questions) {
    const auto asked = TRY(read_question(*store, question));
    TRY(print(command.json
                  ? base::to_text(core::to_json(asked.event)) + "\n"
                  : question.id.text + "  " + base::iso8601(asked.event.time).substr(0, 16) + "  " +
                        base::one_line(asked.approval.question, 90) + "\n"));
  }
  if (questions.empty() && !command.json) TRY(print("nothing waits for an answer\n"));
  return 0;
}

Result<int> execute(const cli::QuestionShowCommand& command) {
  base::SystemClock clock;
  const auto store = TRY(open_store(command.common, clock));
  const auto id = TRY(core::ApprovalId::parse(command.question));
  const auto asked = TRY(read_question(*store, TRY(store->open_question(id))));
  const auto& approval = asked.approval;
  std::string text = approval.question + "\nsession: " + asked.event.session.text + "\n";
  if (!approval.for_this_run.empty()) text += "for-this-run: " + approval.for_this_run + "\n";
  if (!approval.always.empty()) text += "always: allow " + approval.always + "\n";
  if (!approval.text.empty()) text += "\n" + approval.text + "\n";
  if (!approval.blob.empty()) text += "\n" + TRY(store->blob(approval.blob));
  TRY(print(base::terminal_safe(text) + (text.ends_with('\n') ? "" : "\n")));
  return 0;
}

Result<int> execute(const cli::QuestionAnswerCommand& command) {
  auto workspace = TRY(workspace::open(command.common.workspace_directory, environment_variable));
  Given given{.common = command.common};
  auto preferences = TRY(read_preferences(workspace, given));
  const auto id = TRY(core::ApprovalId::parse(command.question));
  const auto program =
      TRY(Program::make(std::move(workspace), std::move(preferences), std::move(given)));
  const auto question = TRY(program->store->open_question(id));
  TRY(program->runs->answer(id, {command.answer, command.word, {}}, "terminal"));
  TRY(print(std::string(core::name_of(command.answer)) + "\n"));
  return TRY(tell_conflicts(*program->store, question)) ? 1 : 0;
}

Result<int> execute(const cli::TrustCommand& command) {
  using workspace::Trust;
  const auto workspace =
      TRY(workspace::open(command.common.workspace_directory, environment_variable));
  if (command.trust)
    TRY(workspace::set_trust(environment_variable, workspace.root,
                             *command.trust ? Trust::trusted : Trust::untrusted));
  const auto trust = TRY(workspace::trust_of(environment_variable, workspace.root));
  TRY(print(workspace.root + (!trust ? ": you have not said, so it is not trusted\n"
                              : *trust == Trust::trusted ? ": trusted\n"
                                                         : ": not trusted\n")));
  return 0;
}

}  // namespace boxagnts::app
