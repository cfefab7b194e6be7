// Runs: start, cancel, answer, tail. The one door every other door uses.
//
// A run is one thread that asks the model, runs the calls through CallPipeline and appends every
// finished fact to the log; whoever watches reads events by number and frames as they come.
// Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "agent/attachments.h"
#include "agent/frames.h"
#include "agent/rule_book.h"
#include "agent/settings.h"
#include "base/error.h"
#include "base/time.h"
#include "core/event.h"
#include "models/model.h"
#include "models/retry.h"
#include "store/store.h"
#include "tools/toolset.h"
#include "workspace/changes.h"
#include "workspace/instructions.h"

namespace boxagnts::agent {

struct RunRequest {
  std::string prompt;
  std::vector<Attachment> attachments = {};  // bytes are let go once they are kept
  std::optional<core::SessionId> session;    // absent: a new one
  std::string model;                         // "openai/…", "scripted/…"
  core::Mode mode = core::Mode::ask;
  core::AgentAccess access = core::AgentAccess::full;
  std::int64_t turns_max = 50;
  bool attended = false;                 // somebody can answer questions
  std::optional<core::SkillUsed> skill;  // that the prompt is of: logged, and its tools kept to
};

struct Started {
  core::SessionId session;
  core::RunId run;
  std::int64_t after = 0;  // number of the session's last event before this run: tail from here
};

struct LiveRun {
  core::RunId run;
  core::SessionId session;
  std::string model;
  core::Mode mode = core::Mode::ask;
};

// Follows one session: every event after a number, in order, without gaps or doubles, with the
// frames of what is being made between them. One reader.
class Tail {
 public:
  virtual ~Tail() = default;
  using Item = std::variant<core::Event, core::Frame>;
  // Waits for the next item; nullopt at the deadline or on stop. Errors: the store's; and, once all
  // events are given out, why a run of this process could not go on writing them (its RunEnded will
  // not come from it).
  virtual Result<std::optional<Item>> next(std::stop_token stop, base::Steady deadline) = 0;
};

// Fixed when a run begins.
struct ToolList {
  std::shared_ptr<const tools::Toolset> set;  // keeps its programs, whatever becomes of their files
  std::vector<core::ToolSpec> shown;          // with their schemas
  std::string more;                           // names of the others, which tool_search finds
};

// What models are told besides the program's own words. Each is asked when a run needs it, and may
// be empty.
struct Guidance {
  // AGENTS.md: of the user and of the workspace's root, at the beginning of a run.
  std::function<std::vector<workspace::Instructions>()> standing;
  // Of the folders between the root and a file that a call works on.
  std::function<std::vector<workspace::Instructions>(std::string_view path)> nearest;
  std::function<std::string()> skills;  // "name: description" a line each
};

// What a program hands in; everything outlives Runs.
struct Dependencies {
  store::Store& store;
  tools::CurrentTools tools;  // asked when a run begins, which keeps to what it was given
  base::Clock& clock;
  std::function<Result<std::unique_ptr<models::Model>>(const std::string& name)> open_model;
  workspace::Changes& changes;
  RuleBook& rules;
  Guidance guidance = {};
};

class Runs {
 public:
  // Each run begins with what `settings` says then, and keeps to it.
  using SettingsNow = std::function<std::shared_ptr<const Settings>()>;
  static std::unique_ptr<Runs> make(Dependencies dependencies, SettingsNow settings);
  static std::unique_ptr<Runs> make(Dependencies dependencies, Settings settings);
  // Cancels and waits for every run.
  virtual ~Runs() = default;

  // Returns when the run is in the log. Errors: not_found (session), busy (session owned by a live
  // run, or too many runs), invalid_argument (model, attachments).
  virtual Result<Started> start(const RunRequest& request) = 0;
  // Stops the run as soon as may be; its RunEnded follows. not_found when it is not running here.
  virtual Status cancel(const core::RunId& run) = 0;
  // Also of a question that no run waits at any more: what it is about happens now. Errors:
  // not_found (no such question, or it has its answer), busy (another process owns its session),
  // conflict (expired, or what it is about is no longer kept).
  virtual Status answer(const core::ApprovalId& approval, core::Reply reply, std::string by) = 0;
  virtual Result<std::unique_ptr<Tail>> tail(const core::SessionId& session,
                                             std::int64_t after) = 0;

  // Waits while a run of this process that has logged its end lets go of the session: who has seen
  // that end may start the next one, undo or delete at once.
  virtual void let_end(const core::SessionId& session) = 0;

  // Those of this process, in no order.
  virtual std::vector<LiveRun> live() = 0;
  // Frames of every session, rung at every append of this process; begins with what is being made.
  virtual std::shared_ptr<FrameQueue> frames() = 0;
  // What tools that run now have written goes into the queues; who follows calls it as often as it
  // looks.
  virtual void collect_output() = 0;
};

}  // namespace boxagnts::agent
