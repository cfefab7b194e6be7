#include "agent/late_answer.h"

#include <algorithm>

#include "workspace/change_events.h"

namespace boxagnts::agent {
namespace {

constexpr std::int64_t kLookBack = 64;  // events between the keeping of changes and their question

Result<core::Approval> approval_of(const LateParts& parts, const store::OpenQuestion& question) {
  const auto events = TRY(parts.store.read(question.session, question.number - 1, 1));
  const auto* asked =
      events.empty() ? nullptr : std::get_if<core::ApprovalAsked>(&events.front().body);
  if (!asked) return fail(Code::corrupt, "question " + question.id.text + " is not in the log");
  return asked->approval;
}

Result<core::ChangesKept> kept_of(const LateParts& parts, const store::OpenQuestion& question,
                                  const core::ChangeSetId& changes) {
  const auto after = std::max<std::int64_t>(0, question.number - kLookBack);
  for (const auto& event : TRY(parts.store.read(question.session, after, kLookBack)))
    if (const auto* kept = std::get_if<core::ChangesKept>(&event.body); kept && kept->id == changes)
      return *kept;
  return fail(Code::corrupt, "the changes of question " + question.id.text + " are not in the log");
}

Status log_one(const LateParts& parts, core::EventBody body) {
  return parts.log(std::span(&body, 1));
}

Status settle(const LateParts& parts, const LateAnswer& answer, const core::Approval& approval) {
  const auto kept = TRY(kept_of(parts, answer.question, approval.changes));
  if (answer.reply.answer == core::Answer::no) {
    (void)parts.changes.drop(kept.id);  // what is left over goes with the quota
    return log_one(parts, core::ChangesSettled{
                              .id = kept.id, .act = core::ChangesAct::dropped, .by = "answer"});
  }
  auto set = parts.changes.open_set(kept.id, kept.root);
  if (!set) return std::unexpected(std::move(set.error()));
  return log_one(parts, workspace::settled_event(kept.id, kept.root, core::ChangesAct::applied,
                                                 TRY((*set)->apply({})), "answer"));
}

}  // namespace

Result<core::Approval> answer_late(const LateParts& parts, const LateAnswer& answer) {
  auto approval = TRY(approval_of(parts, answer.question));
  const bool expired = approval.expires != 0 && approval.expires < parts.clock.now();
  const bool no = expired || answer.reply.answer == core::Answer::no;
  const bool about_changes = approval.kind == core::QuestionKind::changes;
  // Before it is said that they are applied: whether they still are there.
  if (about_changes && !no) {
    const auto kept = TRY(kept_of(parts, answer.question, approval.changes));
    if (const auto set = parts.changes.open_set(kept.id, kept.root); !set)
      return std::unexpected(set.error());
  }
  LateAnswer given = answer;
  if (expired) given = {answer.question, {}, "expired"};
  TRY(log_one(parts, core::ApprovalAnswered{approval.id, given.reply, given.by}));
  if (given.reply.answer == core::Answer::always && !approval.always.empty())
    TRY(log_one(parts, TRY(parts.rules.allow(approval.always))));
  if (about_changes) TRY(settle(parts, given, approval));
  if (expired)
    return fail(Code::conflict, "question " + approval.id.text + " has expired: it is a no");
  return approval;
}

}  // namespace boxagnts::agent
