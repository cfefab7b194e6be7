#include "agent/loop.h"

#include <algorithm>
#include <atomic>

#include "agent/prompt.h"
#include "base/text.h"
#include "base/thread.h"
#include "vfs/memory_filesystem.h"

namespace boxagnts::agent {
namespace {

constexpr std::size_t kBatch = 256;
constexpr int kContinuationsMax = 3;
constexpr std::size_t kSideBySideMax = 8;  // calls of one answer

tools::RunPolicy policy_of(const RunRequest& request, const Settings& settings) {
  tools::RunPolicy policy;
  policy.mode = request.mode;
  policy.access = request.access;
  policy.envelope = settings.envelope();
  return policy;
}

}  // namespace

Loop::Loop(Parts parts)
    : parts_(std::move(parts)),
      system_(system_prompt(parts_.settings.envelope(), parts_.request.mode)),
      context_{.workspace = parts_.settings.workspace,
               .scratch = vfs::make_memory_filesystem(parts_.dependencies.clock,
                                                      parts_.settings.scratch_bytes_max),
               .limits = parts_.settings.limits,
               .stop = parts_.stop,
               .keep =
                   [this](std::string_view bytes) {
                     return parts_.dependencies.store.put_blob(parts_.lease.session(), bytes);
                   }},
      policy_(policy_of(parts_.request, parts_.settings)),
      jitter_(static_cast<std::uint32_t>(parts_.dependencies.clock.now())) {}

Status Loop::log(std::span<const core::EventBody> bodies) {
  const std::lock_guard lock(logging_);
  for (const auto& event : TRY(parts_.dependencies.store.append(parts_.lease, bodies))) {
    conversation_.apply(event);
    last_number_ = event.number;
  }
  parts_.hub.ring(parts_.lease.session());
  return {};
}

void Loop::show(core::FrameBody body) {
  parts_.hub.publish({parts_.lease.session(), parts_.lease.run(), last_number_, std::move(body)});
}

Result<std::int64_t> Loop::open() {
  std::optional<core::RunId> unended;       // the last run that has a beginning and no end
  std::optional<core::ApprovalId> waiting;  // the question it stood at
  while (true) {
    const auto events =
        TRY(parts_.dependencies.store.read(parts_.lease.session(), last_number_, kBatch));
    for (const auto& event : events) {
      conversation_.apply(event);
      last_number_ = event.number;
      if (std::holds_alternative<core::RunStarted>(event.body)) unended = event.run;
      if (std::holds_alternative<core::RunEnded>(event.body)) unended.reset();
      if (const auto* asked = std::get_if<core::ApprovalAsked>(&event.body))
        waiting = asked->approval.id;
      if (std::holds_alternative<core::ApprovalAnswered>(event.body)) waiting.reset();
    }
    if (events.size() < kBatch) break;
  }
  const std::int64_t last = last_number_;
  std::vector<core::EventBody> repairs;
  if (waiting) repairs.emplace_back(core::ApprovalAnswered{*waiting, {}, "interrupted"});
  for (const auto& call : conversation_.open_calls())
    repairs.emplace_back(core::ToolFinished{{.call_id = call.id,
                                             .status = core::ResultStatus::cancelled,
                                             .text = "The run was interrupted before this call was "
                                                     "finished. What it did is not known: look "
                                                     "before you repeat it."}});
  if (unended)  // we own the session now: it is not going on elsewhere
    repairs.emplace_back(core::RunEnded{
        .outcome = core::Outcome::interrupted,
        .error = {Code::unavailable, "the run's process ended, or lost its log, before its end"},
        .of = *unended});
  if (!repairs.empty()) TRY(log(repairs));
  return last;
}

Status Loop::begin() {
  const core::EventBody bodies[]{
      core::RunStarted{parts_.model.name(), parts_.request.mode, parts_.request.turns_max},
      core::UserMessage{parts_.request.prompt}};
  return log(bodies);
}

Result<core::RunEnded> Loop::run() {
  auto ending = TRY(take_turns());
  return core::RunEnded{.outcome = ending.outcome,
                        .turns = turns_,
                        .usage = usage_,
                        .error = std::move(ending.error)};
}

Status Loop::finish(core::RunEnded ended) {
  const core::EventBody end = std::move(ended);
  return log(std::span(&end, 1));
}

Result<Loop::Ending> Loop::take_turns() {
  Ending cancelled{core::Outcome::cancelled, {Code::cancelled, "the run was cancelled"}};
  int continuations = 0;
  while (true) {
    if (parts_.stop.stop_requested()) return cancelled;
    if (turns_ >= parts_.request.turns_max)
      return Ending{core::Outcome::turn_limit,
                    {Code::limit_exceeded,
                     "the limit of " + std::to_string(parts_.request.turns_max) +
                         " turns was reached; go on with the session, or raise --max-turns"}};
    const auto begun = parts_.dependencies.clock.steady();
    auto answer = answer_of_turn();
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(
        parts_.dependencies.clock.steady() - begun);
    if (!answer) {
      if (answer.error().code == Code::cancelled || parts_.stop.stop_requested()) {
        TRY(keep_partial(took));
        return cancelled;
      }
      if (answer.error().code == Code::conflict) return std::unexpected(std::move(answer.error()));
      return Ending{core::Outcome::failed, std::move(answer.error())};
    }
    ++turns_;
    usage_ += answer->usage;
    std::vector<core::EventBody> bodies;
    for (auto& block : answer->blocks) bodies.emplace_back(core::AssistantBlock{std::move(block)});
    bodies.emplace_back(core::TurnEnded{answer->reason, answer->usage, took.count()});
    TRY(log(bodies));
    if (!conversation_.open_calls().empty()) {
      continuations = 0;
      TRY(run_calls());
    } else if (answer->reason == core::StopReason::max_tokens) {
      if (++continuations > kContinuationsMax)
        return Ending{
            core::Outcome::failed,
            {Code::limit_exceeded, "the model reached its token limit " +
                                       std::to_string(continuations) + " times in a row"}};
      const core::EventBody go_on = core::UserMessage{kContinueAfterTokenLimit};
      TRY(log(std::span(&go_on, 1)));
    } else if (answer->reason == core::StopReason::content_filter) {
      return Ending{
          core::Outcome::failed,
          {Code::permission_denied, "the model's vendor withheld the answer (content filter)"}};
    } else {
      return Ending{core::Outcome::finished, {}};
    }
  }
}

// A cancelled answer: the person has read its text, and the session goes on from there. Thinking
// and calls count only whole.
Status Loop::keep_partial(std::chrono::microseconds took) {
  if (base::is_blank(partial_)) return {};
  ++turns_;
  const core::EventBody bodies[]{core::AssistantBlock{core::TextBlock{std::move(partial_)}},
                                 core::TurnEnded{core::StopReason::cancelled, {}, took.count()}};
  return log(bodies);
}

Result<models::Answer> Loop::ask_model() {
  const models::Request request{
      .system = system_,
      .messages = conversation_.messages(),
      .tools = parts_.tools.get(),
      .blob = [this](const std::string& id) { return parts_.dependencies.store.blob(id); },
      .encoded = &encoded_};
  partial_.clear();
  return parts_.model.answer(
      request,
      [this](const models::Piece& piece) {
        if (const auto* text = std::get_if<models::TextPiece>(&piece)) {
          partial_ += text->text;
          show(core::TextDelta{std::string(text->text)});
        } else if (const auto* thinking = std::get_if<models::ThinkingPiece>(&piece)) {
          show(core::ThinkingDelta{std::string(thinking->text)});
        } else if (const auto* call = std::get_if<models::CallPiece>(&piece)) {
          show(core::CallBegun{std::string(call->tool)});
        }
      },
      parts_.stop);
}

Result<models::Answer> Loop::answer_of_turn() {
  for (std::int64_t attempt = 1;; ++attempt) {
    auto answer = ask_model();
    if (answer || parts_.stop.stop_requested()) return answer;
    const double jitter = std::uniform_real_distribution<double>(0, 1)(jitter_);
    const auto delay_ms =
        models::retry_delay_ms(parts_.settings.retry, answer.error(), attempt, jitter);
    if (!delay_ms) return answer;
    partial_.clear();
    const core::EventBody retried = core::TurnRetried{attempt, *delay_ms, answer.error()};
    TRY(log(std::span(&retried, 1)));
    auto& clock = parts_.dependencies.clock;
    if (!clock.sleep_until(clock.steady() + base::Milliseconds(*delay_ms), parts_.stop))
      return fail(Code::cancelled, "the run was cancelled");
  }
}

// Neighbouring calls that only read run side by side; any other call is a barrier.
Status Loop::run_calls() {
  const std::vector calls(conversation_.open_calls());  // a copy: results change the list
  for (std::size_t at = 0; at < calls.size();) {
    std::size_t end = at;
    while (end < calls.size() && parts_.dependencies.pipeline.reads_only(calls[end])) ++end;
    end = std::max(end, at + 1);
    TRY(run_group(std::span(calls).subspan(at, end - at)));
    at = end;
  }
  return {};
}

// Results are logged in the order of the calls, in one append.
Status Loop::run_group(std::span<const core::ToolCall> calls) {
  for (const auto& call : calls) show(core::ToolBegun{call});
  std::vector<Result<std::vector<core::EventBody>>> outcomes(calls.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < calls.size(); i = next++) {
      auto own = policy_;  // what a person approves for the run comes from calls that run alone
      outcomes[i] = run_call(calls[i], calls.size() > 1 ? own : policy_);
    }
  };
  {
    std::vector<base::Thread> helpers;
    while (helpers.size() + 1 < std::min(calls.size(), kSideBySideMax)) {
      auto helper =
          base::Thread::start("call", core::calling_thread_bytes(parts_.settings.limits), work);
      if (!helper) break;  // the system has no thread left: the others do its share
      helpers.push_back(std::move(*helper));
    }
    work();
  }
  std::vector<core::EventBody> bodies;
  for (auto& outcome : outcomes) {
    auto of_call = TRY(std::move(outcome));
    std::ranges::move(of_call, std::back_inserter(bodies));
  }
  return log(bodies);
}

Result<std::vector<core::EventBody>> Loop::run_call(const core::ToolCall& call,
                                                    tools::RunPolicy& policy) {
  CallControl control(*this);
  core::ToolFinished finished{{.call_id = call.id,
                               .status = core::ResultStatus::cancelled,
                               .text = "The run was cancelled before this call began."}};
  if (!parts_.stop.stop_requested())
    finished = TRY(parts_.dependencies.pipeline.run(call, policy, context_, control));
  TRY(shorten(finished.result));
  std::vector<core::EventBody> bodies;
  if (control.unlogged) bodies.emplace_back(std::move(*control.unlogged));
  bodies.emplace_back(std::move(finished));
  return bodies;
}

// What a model can use of an oversize result: its head, its tail, how much is between.
Status Loop::shorten(core::ToolResult& result) {
  const std::size_t bytes_max = parts_.settings.result_bytes_max;
  result.total_bytes = result.text.size();
  if (result.text.size() <= bytes_max) return {};
  result.blob = TRY(parts_.dependencies.store.put_blob(parts_.lease.session(), result.text));
  const auto head = base::prefix_at_character(result.text, bytes_max / 4 * 3);
  const auto tail = base::suffix_at_character(result.text, bytes_max / 4);
  const std::size_t cut = result.text.size() - head.size() - tail.size();
  result.text = std::string(head) + "\n\n[… " + std::to_string(cut) + " of " +
                std::to_string(result.total_bytes) +
                " bytes left out here. Ask for less at a time: read takes offset and limit, glob a "
                "narrower pattern. …]\n\n" +
                std::string(tail);
  return {};
}

// A decision about something with an effect is in the log before the effect is; others go in with
// their result, in one append.
Status Loop::CallControl::decided(const core::CallDecided& decision) {
  const bool reads = decision.decision.level <= core::Level::read_only;
  if (decision.decision.verdict == core::Verdict::deny ||
      (decision.decision.verdict == core::Verdict::allow && reads)) {
    unlogged = decision;
    return {};
  }
  const core::EventBody body = decision;
  return loop_.log(std::span(&body, 1));
}

Result<core::Reply> Loop::CallControl::ask(const core::Approval& approval) {
  const std::lock_guard lock(loop_.asking_);
  return loop_.ask(approval);
}

Result<core::Reply> Loop::ask(const core::Approval& approval) {
  const bool attended = parts_.request.attended;
  if (attended) parts_.approvals.open(approval.id);
  const core::EventBody asked = core::ApprovalAsked{approval};
  TRY(log(std::span(&asked, 1)));
  std::optional<Approvals::Given> given;
  if (attended) given = parts_.approvals.wait(approval.id, parts_.stop);
  const core::EventBody answered =
      given ? core::ApprovalAnswered{approval.id, given->reply, given->by}
            : core::ApprovalAnswered{approval.id, {}, attended ? "cancelled" : "unattended"};
  TRY(log(std::span(&answered, 1)));
  if (given) return std::move(given->reply);
  if (attended) return fail(Code::cancelled, "the run was cancelled while the question waited");
  return fail(
      Code::permission_denied,
      "This needs a person's yes, and nobody is there to answer (the run is unattended). Do "
      "without it, or say in your answer what should be allowed.");
}

}  // namespace boxagnts::agent
