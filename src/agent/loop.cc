#include "agent/loop.h"

#include <algorithm>
#include <atomic>

#include "agent/prompt.h"
#include "agent/undo.h"
#include "base/guard.h"
#include "base/text.h"
#include "base/thread.h"
#include "vfs/memory_filesystem.h"

namespace boxagnts::agent {
namespace {

constexpr std::size_t kBatch = 256;
constexpr int kContinuationsMax = 3;
constexpr int kRefusalsMax = 5;            // in a row; then a run asks no more
constexpr std::size_t kSideBySideMax = 8;  // calls of one answer

tools::RunPolicy policy_of(const RunRequest& request, const Settings& settings) {
  tools::RunPolicy policy;
  policy.mode = request.mode;
  policy.access = request.access;
  policy.envelope = settings.envelope();
  if (request.skill && !request.skill->allowed_tools.empty())
    policy.skill_tools = request.skill->allowed_tools;
  return policy;
}

}  // namespace

Loop::Loop(Parts parts)
    : parts_(std::move(parts)),
      context_{.workspace = parts_.settings.workspace,
               .scratch = vfs::make_memory_filesystem(parts_.dependencies.clock,
                                                      parts_.settings.scratch_bytes_max),
               .limits = parts_.settings.limits,
               .stop = parts_.stop,
               .keep = [this](std::string_view bytes) { return keep(bytes); },
               .result =
                   [this](const std::string& id) {
                     return parts_.dependencies.store.blob(parts_.lease.session(), id);
                   },
               .changes = &parts_.dependencies.changes},
      policy_(policy_of(parts_.request, parts_.settings)),
      conversation_({.blob = context_.result, .bytes_max = parts_.settings.result_bytes_max}),
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

// Questions that still stand, and what was answered since the last run began.
void Loop::Standing::apply(const core::Event& event) {
  if (std::holds_alternative<core::RunStarted>(event.body)) {
    unended = event.run;
    answered.clear();
  } else if (std::holds_alternative<core::RunEnded>(event.body)) {
    unended.reset();
  } else if (const auto* loaded = std::get_if<core::InstructionsLoaded>(&event.body)) {
    told[loaded->path] = loaded->text;
  } else if (const auto* asked = std::get_if<core::ApprovalAsked>(&event.body)) {
    open.emplace(asked->approval.id, Question{asked->approval, event.run});
  } else if (const auto* given = std::get_if<core::ApprovalAnswered>(&event.body)) {
    const auto found = open.find(given->id);
    if (found == open.end()) return;
    const bool late = found->second.run != event.run;
    if (late && given->reply.answer != core::Answer::no &&
        found->second.approval.kind == core::QuestionKind::connection)
      answered.push_back(found->second.approval.connection);
    open.erase(found);
  }
}

Result<std::int64_t> Loop::open() {
  Standing standing;
  ChangeHistory changes;
  while (true) {
    const auto events =
        TRY(parts_.dependencies.store.read(parts_.lease.session(), last_number_, kBatch));
    for (const auto& event : events) {
      conversation_.apply(event);
      last_number_ = event.number;
      standing.apply(event);
      changes.apply(event);
    }
    if (events.size() < kBatch) break;
  }
  const std::int64_t last = last_number_;
  std::vector<core::EventBody> repairs;
  for (auto& settled : TRY(settle_interrupted(changes, parts_.dependencies.changes)))
    repairs.emplace_back(std::move(settled));
  // Of a killed run, what was asked about a call still stands; the rest ended with it.
  for (const auto& [id, question] : standing.open)
    if (question.approval.kind == core::QuestionKind::plan ||
        question.approval.kind == core::QuestionKind::question)
      repairs.emplace_back(core::ApprovalAnswered{id, {}, "interrupted"});
  for (const auto& call : conversation_.open_calls()) {
    const auto asked = std::ranges::find_if(standing.open, [&](const auto& entry) {
      return entry.second.approval.call_id == call.id && entry.second.run == standing.unended;
    });
    repairs.emplace_back(core::ToolFinished{
        {.call_id = call.id,
         .status = core::ResultStatus::cancelled,
         .text = asked == standing.open.end()
                     ? "The run was interrupted before this call was finished. What it did is not "
                       "known: look before you repeat it."
                     : "The run was interrupted while a person was asked about this call. Nothing "
                       "of what it changed is applied, and the question (" +
                           asked->first.text + ") still stands."}});
  }
  if (standing.unended)  // we own the session now: it is not going on elsewhere
    repairs.emplace_back(core::RunEnded{
        .outcome = core::Outcome::interrupted,
        .error = {Code::unavailable, "the run's process ended, or lost its log, before its end"},
        .of = *standing.unended});
  if (!repairs.empty()) TRY(log(repairs));
  told_ = std::move(standing.told);
  for (const auto& connection : standing.answered)
    policy_.connections->add({.text = connection, .where = "a person's yes", .global_only = true});
  return last;
}

Status Loop::begin() {
  const auto& guidance = parts_.dependencies.guidance;
  PromptParts prompt{.envelope = parts_.settings.envelope(), .mode = parts_.request.mode};
  if (guidance.standing) prompt.instructions = guidance.standing();
  if (guidance.skills) prompt.skills = guidance.skills();
  prompt.more_tools = parts_.tools->more;
  system_ = system_prompt(prompt);
  std::vector<core::EventBody> bodies{
      core::RunStarted{parts_.model.name(), parts_.request.mode, parts_.request.turns_max}};
  for (const auto& one : prompt.instructions) {
    auto& told = told_[one.path];
    if (told == one.text) continue;
    told = one.text;
    bodies.emplace_back(
        core::InstructionsLoaded{one.path, std::string(workspace::name_of(one.origin)), one.text});
  }
  if (parts_.request.skill) bodies.emplace_back(*parts_.request.skill);
  bodies.emplace_back(core::UserMessage{parts_.request.prompt, TRY(keep_attachments())});
  return log(bodies);
}

// They are the person's, so they do not count among what the run may keep.
Result<std::vector<core::AttachedFile>> Loop::keep_attachments() {
  auto files = TRY(judge_attachments(parts_.request.attachments));
  for (std::size_t i = 0; i < files.size(); ++i)
    files[i].blob = TRY(parts_.dependencies.store.put_blob(parts_.lease.session(),
                                                           parts_.request.attachments[i].bytes));
  return files;
}

void Loop::answered_late(const core::Approval& approval, const core::Reply& reply) {
  if (reply.answer != core::Answer::no) refusals_ = 0;
  if (approval.kind == core::QuestionKind::connection && reply.answer != core::Answer::no)
    policy_.connections->add(
        {.text = approval.connection, .where = "a person's yes", .global_only = true});
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
      .tools = &parts_.tools->shown,
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
    while (end < calls.size() && parts_.tools->set->pipeline->runs_beside_others(calls[end])) ++end;
    end = std::max(end, at + 1);
    TRY(run_group(std::span(calls).subspan(at, end - at)));
    at = end;
  }
  return tell_nearest_instructions();
}

// Results are logged in the order of the calls, in one append.
Status Loop::run_group(std::span<const core::ToolCall> calls) {
  for (const auto& call : calls) show(core::ToolBegun{call});
  policy_.rules = parts_.dependencies.rules.rules();
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
  CallControl control(*this, call);
  core::ToolFinished finished{{.call_id = call.id,
                               .status = core::ResultStatus::cancelled,
                               .text = "The run was cancelled before this call began."}};
  if (!parts_.stop.stop_requested())
    finished = TRY(parts_.tools->set->pipeline->run(call, policy, context_, control));
  control.end_output();
  TRY(shorten(finished.result));
  std::vector<core::EventBody> bodies;
  if (control.unlogged) bodies.emplace_back(std::move(*control.unlogged));
  bodies.emplace_back(std::move(finished));
  return bodies;
}

// A hundred bytes of a call can make megabytes to keep, and calls are many.
Result<std::string> Loop::keep(std::string_view bytes) {
  const std::uint64_t bytes_max = parts_.settings.kept_bytes_max;
  const auto kept = kept_bytes_.fetch_add(bytes.size()) + bytes.size();
  if (GUARD("agent.kept_bytes", kept > bytes_max)) {
    kept_bytes_ -= bytes.size();
    return fail(Code::limit_exceeded,
                "this run may keep " + base::human_bytes(bytes_max) +
                    " of results, diffs and attachments ([agent] kept_bytes_max)");
  }
  return parts_.dependencies.store.put_blob(parts_.lease.session(), bytes);
}

Status Loop::shorten(core::ToolResult& result) {
  const std::size_t bytes_max = parts_.settings.result_bytes_max;
  result.total_bytes = result.text.size();
  if (result.text.size() <= bytes_max) return {};
  auto kept = keep(result.text);
  if (!kept && kept.error().code != Code::limit_exceeded)
    return std::unexpected(std::move(kept.error()));
  if (kept) result.blob = *std::move(kept);
  result.text = shortened(result.text, bytes_max,
                          (kept ? ". read_result with id " + result.blob + " shows them"
                                : ", and not kept: " + kept.error().message) +
                              "; better ask for less at a time.");
  return {};
}

// A decision about something with an effect is in the log before the effect is; others go in with
// their result, in one append.
Status Loop::CallControl::decided(const core::CallDecided& decision) {
  unlogged = decision;
  const bool reads = decision.decision.level <= core::Level::read_only;
  const bool runs = decision.decision.verdict == core::Verdict::allow;
  return !runs || reads ? Status() : log_decision();
}

Status Loop::CallControl::log_decision() {
  if (!unlogged) return {};
  const core::EventBody body = *std::exchange(unlogged, std::nullopt);
  return loop_.log(std::span(&body, 1));
}

void Loop::CallControl::touches(const core::CallFacts& facts) {
  const std::lock_guard lock(loop_.touching_);
  for (const auto* paths : {&facts.reads, &facts.writes})
    for (const auto& path : *paths) loop_.touched_.insert(path.substr(0, path.rfind('/')));
}

// What the folders say that calls have worked in, each once.
Status Loop::tell_nearest_instructions() {
  if (!parts_.dependencies.guidance.nearest) return {};
  std::vector<core::EventBody> bodies;
  for (const auto& folder : std::exchange(touched_, {})) {
    if (!looked_into_.insert(folder).second) continue;
    for (const auto& one : parts_.dependencies.guidance.nearest(folder + "/AGENTS.md")) {
      auto& told = told_[one.path];
      if (told == one.text) continue;
      told = one.text;
      bodies.emplace_back(core::InstructionsLoaded{
          one.path, std::string(workspace::name_of(one.origin)), one.text});
    }
  }
  return bodies.empty() ? Status() : log(bodies);
}

Result<tools::Asked> Loop::CallControl::ask(core::Approval approval) {
  TRY(log_decision());
  const std::lock_guard lock(loop_.asking_);
  return loop_.ask(std::move(approval));
}

Status Loop::CallControl::note(core::EventBody body) {
  TRY(log_decision());
  return loop_.log(std::span(&body, 1));
}

void Loop::CallControl::wrote(std::string_view bytes) {
  if (!output_)
    output_ = loop_.parts_.hub.begin_output(
        {loop_.parts_.lease.session(), loop_.parts_.lease.run(), call_.id, loop_.last_number_},
        std::chrono::steady_clock::now());
  output_->wrote(bytes);
}

void Loop::CallControl::end_output() {
  if (output_) loop_.parts_.hub.end_output(output_);
  output_.reset();
}

Result<core::RuleAdded> Loop::CallControl::add_rule(const std::string& rule) {
  return loop_.parts_.dependencies.rules.allow(rule);
}

Result<tools::Asked> Loop::ask(core::Approval approval) {
  const bool waits = parts_.request.attended && policy_.mode != core::Mode::unattended;
  // What is asked about a call can be answered later; what the model itself asks cannot.
  const bool stands =
      approval.kind != core::QuestionKind::plan && approval.kind != core::QuestionKind::question;
  auto& clock = parts_.dependencies.clock;
  if (approval.expires == 0)
    approval.expires =
        clock.now() + std::chrono::microseconds(parts_.settings.question_time).count();
  approval.waits = waits;
  if (approval.id.empty()) approval.id = core::ApprovalId::make(clock.now());
  const core::ApprovalId id = approval.id;
  if (GUARD("agent.refusals", waits && refusals_ >= kRefusalsMax)) {
    approval.waits = false;
    const core::EventBody bodies[]{core::ApprovalAsked{std::move(approval)},
                                   core::ApprovalAnswered{id, {}, "refusals"}};
    TRY(log(bodies));
    return tools::Asked{.why = "a person gave no yes to the last " + std::to_string(kRefusalsMax) +
                               " questions of this run, so they are asked nothing more in it, and "
                               "it did not happen; go on with what needs no question, or say what "
                               "is missing and end"};
  }
  const auto time = std::chrono::microseconds(approval.expires - clock.now());
  if (waits) parts_.approvals.open(id);
  std::vector<core::EventBody> bodies{core::ApprovalAsked{std::move(approval)}};
  if (!waits && !stands) bodies.emplace_back(core::ApprovalAnswered{id, {}, "unattended"});
  TRY(log(bodies));
  if (!waits)
    return tools::Asked{
        .why = stands ? "this needs a person's yes, and nobody is there to answer. The question is "
                        "queued as " +
                            id.text + ", and its answer counts later; go on without it"
                      : "nobody is there to answer",
        .queued = stands};
  const auto given =
      parts_.approvals.wait(id, parts_.stop, std::chrono::steady_clock::now() + time);
  const core::EventBody answered =
      given
          ? core::ApprovalAnswered{id, given->reply, given->by}
          : core::ApprovalAnswered{id, {}, parts_.stop.stop_requested() ? "cancelled" : "expired"};
  TRY(log(std::span(&answered, 1)));
  parts_.approvals.close(id);
  if (given && given->reply.answer != core::Answer::no)
    refusals_ = 0;
  else
    ++refusals_;
  if (given) return tools::Asked{.reply = given->reply};
  if (parts_.stop.stop_requested())
    return fail(Code::cancelled, "the run was cancelled while the question waited");
  return tools::Asked{.why =
                          "a person was asked and did not answer in time, so it did not happen; "
                          "go on without it"};
}

}  // namespace boxagnts::agent
