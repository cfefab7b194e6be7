// The loop of one run: ask the model, run its calls, append what happened, again.
//
// Invariants (each has a test in runs_test.cc): the turn cap binds; every call of an answer gets
// exactly one result, also on cancel and error; a cut or stalled answer is asked for again or
// reported, never a success; what an answer had said when it was cancelled is kept; arguments that
// are no JSON run nothing; an oversize result is kept whole as a blob; cancelling works wherever
// the run is; neighbouring calls that only read run side by side, any other is a barrier. Belongs
// to the run's thread.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <random>
#include <set>
#include <span>
#include <stop_token>
#include <vector>

#include "agent/approvals.h"
#include "agent/conversation.h"
#include "agent/frames.h"
#include "agent/runs.h"

namespace boxagnts::agent {

class Loop {
 public:
  struct Parts {
    Dependencies& dependencies;
    const Settings& settings;
    const RunRequest& request;
    models::Model& model;
    const store::RunLease& lease;
    std::shared_ptr<const ToolList> tools;
    FrameHub& hub;
    Approvals& approvals;
    std::stop_token stop;
  };
  explicit Loop(Parts parts);

  // Reads the session so far, and closes a run that left it without an end (killed, or its log was
  // lost): its question gets a no, every open call its result. Before run(). Returns the number of
  // the session's last event before that.
  Result<std::int64_t> open();
  // The request's first events.
  Status begin();
  // Runs until the run's end, which the caller appends by finish(). Errors: the log is lost to us
  // (fenced, damaged): nothing more can be said there.
  Result<core::RunEnded> run();
  Status finish(core::RunEnded ended);
  // From any thread, while the run is under way: into its log.
  Status log(std::span<const core::EventBody> bodies);
  // A question was answered that it did not wait for.
  void answered_late(const core::Approval& approval, const core::Reply& reply);

 private:
  struct Ending {
    core::Outcome outcome;
    Error error;
  };
  // What a session's log leaves open, told event by event.
  struct Standing {
    void apply(const core::Event& event);
    struct Question {
      core::Approval approval;
      core::RunId run;
    };
    std::optional<core::RunId> unended;  // the last run that has a beginning and no end
    std::map<core::ApprovalId, Question> open;
    std::map<std::string, std::string> told;  // of each AGENTS.md that a run was told, its text
    // Connections that were said yes to when nobody waited for it any more: for the next run.
    std::vector<std::string> answered;
  };

  Status keep_partial(std::chrono::microseconds took);
  void show(core::FrameBody body);
  Result<Ending> take_turns();
  Result<models::Answer> ask_model();       // one attempt
  Result<models::Answer> answer_of_turn();  // with retries
  // What the pipeline needs of the run, for one call; several may be under way.
  class CallControl final : public tools::RunControl {
   public:
    CallControl(Loop& loop, const core::ToolCall& call) : loop_(loop), call_(call) {}
    CallControl(const CallControl&) = delete;
    ~CallControl() override { end_output(); }
    void touches(const core::CallFacts& facts) override;
    Status decided(const core::CallDecided& decision) override;
    Result<tools::Asked> ask(core::Approval approval) override;
    Status note(core::EventBody body) override;
    Result<core::RuleAdded> add_rule(const std::string& rule) override;
    void wrote(std::string_view bytes) override;
    void end_output();
    std::optional<core::CallDecided> unlogged;  // goes into the log with what comes next

   private:
    Status log_decision();

    Loop& loop_;
    const core::ToolCall& call_;
    std::shared_ptr<LiveOutput> output_;  // once it writes
  };

  Status run_calls();
  Status run_group(std::span<const core::ToolCall> calls);
  Result<std::vector<core::EventBody>> run_call(const core::ToolCall& call,
                                                tools::RunPolicy& policy);
  Result<std::vector<core::AttachedFile>> keep_attachments();
  Result<std::string> keep(std::string_view bytes);  // limit_exceeded
  Status shorten(core::ToolResult& result);
  Result<tools::Asked> ask(core::Approval approval);
  Status tell_nearest_instructions();

  Parts parts_;
  std::string system_;  // from begin() on
  const tools::ToolContext context_;
  tools::RunPolicy policy_;
  std::mutex asking_;              // one question at a time
  std::atomic<int> refusals_ = 0;  // questions without a yes since the last yes
  std::mutex logging_;             // the log, what follows from it, and last_number_
  std::mutex touching_;
  std::set<std::string> touched_;            // folders that calls worked in since the last look
  std::set<std::string> looked_into_;        // those whose AGENTS.md was looked for
  std::map<std::string, std::string> told_;  // as of Standing
  Conversation conversation_;
  std::unique_ptr<models::Encoded> encoded_;  // of conversation_
  std::atomic<std::int64_t> last_number_ = 0;
  std::atomic<std::uint64_t> kept_bytes_ = 0;
  std::int64_t turns_ = 0;
  core::Usage usage_;
  std::string partial_;  // text of the answer in the making
  std::minstd_rand jitter_;
};

}  // namespace boxagnts::agent
