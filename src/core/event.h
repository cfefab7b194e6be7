// The log's vocabulary. An Event is one immutable, finished fact of a session; a Frame is a
// transient piece of an event still being made and is never stored.
//
// Stored form: {"v":1,"kind":...,...}. A reader of version N reads every version up to N; fields
// are only added. Values only.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/time.h"
#include "core/change_values.h"
#include "core/ids.h"
#include "core/message.h"
#include "core/question.h"

namespace boxagnts::core {

constexpr int kEventVersion = 1;

enum class TodoStatus : std::uint8_t { pending, in_progress, completed };
BOXAGNTS_ENUM_NAMES(TodoStatus, "pending", "in_progress", "completed");

struct Todo {
  std::string text;
  TodoStatus status = TodoStatus::pending;
  bool operator==(const Todo&) const = default;
};

struct Attachment {
  std::string path;  // absolute
  std::uint64_t bytes = 0;
  std::string blob;
  bool operator==(const Attachment&) const = default;
};

enum class Outcome : std::uint8_t { finished, turn_limit, cancelled, failed, interrupted };
BOXAGNTS_ENUM_NAMES(Outcome, "finished", "turn_limit", "cancelled", "failed", "interrupted");

struct RunStarted {
  std::string model;
  Mode mode = Mode::ask;
  std::int64_t turns_max = 0;
};
// What a person gave a run along with the prompt. The bytes are a blob of the session.
struct AttachedFile {
  std::string name;
  std::string path;        // from the workspace; "" where it came from elsewhere
  std::string media_type;  // an image's, or "text/plain": UTF-8
  std::uint64_t bytes = 0;
  std::string blob;
  std::uint32_t width = 0, height = 0;  // in pixels, of an image
  bool is_image() const { return width > 0; }
  bool operator==(const AttachedFile&) const = default;
};

struct UserMessage {
  std::string text;
  std::vector<AttachedFile> attachments = {};
};
// One finished block of a model's answer: text, thinking or a call.
struct AssistantBlock {
  Block block;
};
// A model's answer is complete. The blocks since the last one of these (or UserMessage, or
// ToolFinished) are its content.
struct TurnEnded {
  StopReason reason = StopReason::end_turn;
  Usage usage;
  std::int64_t duration_us = 0;
};
struct CallDecided {
  std::string call_id;
  Decision decision;
};
struct ApprovalAsked {
  Approval approval;
};
struct ApprovalAnswered {
  ApprovalId id;
  Reply reply;
  std::string by;  // "terminal", "expired", "interrupted", ...
};
// What a call changed is kept; nothing of it is in the files yet.
struct ChangesKept {
  ChangeSetId id;
  std::string call_id;
  std::string root;  // the host folder that it is about
  std::vector<FileChange> files;
  std::string blob;  // id of the unified diff, its beginning where it is long
};
struct ChangesSettled {
  ChangeSetId id;
  ChangesAct act = ChangesAct::dropped;
  std::vector<SettledFile> files;
  std::string by;  // "mode", "rule", "terminal", "http", ...
};
// A person's "always" was written down.
struct RuleAdded {
  std::string rule;
  std::string where;  // file and line
};
// From here on the run is in this mode.
struct ModeChanged {
  Mode mode = Mode::ask;
  std::string by;      // "enter_plan_mode", "exit_plan_mode"
  std::string reason;  // the model's words
};
// What agents are told by an AGENTS.md, when the run was first told it.
struct InstructionsLoaded {
  std::string path;
  std::string origin;  // "user", "workspace", "folder"
  std::string text;
};
struct SkillUsed {
  std::string name;
  std::string origin;                      // "workspace", "user", "builtin"
  std::vector<std::string> allowed_tools;  // empty: all
};
// The model's list of what is to be done, whole.
struct TodosSet {
  std::vector<Todo> items;
};
// A message of the model's to its person, in the middle of a run.
struct BriefSent {
  std::string text;
  std::string status;  // "normal", "proactive"
  std::vector<Attachment> attachments;
};
// The events before this one are those of another session.
struct SessionForked {
  SessionId from;
  std::int64_t number = 0;  // the last event that was taken over
};
struct ToolFinished {
  ToolResult result;
  std::vector<ImageBlock> images = {};  // that belong to the result
};
// A model's answer was lost or refused and is asked for again; blocks since the last complete turn
// are void.
struct TurnRetried {
  std::int64_t attempt = 0;  // 1 = the first retry
  std::int64_t delay_ms = 0;
  Error error;
};
struct RunEnded {
  Outcome outcome = Outcome::failed;
  std::int64_t turns = 0;
  Usage usage;
  Error error;  // meaningful unless outcome is `finished`
  RunId of;  // the run that ended where it is not the event's own: a killed one, closed by the next
};

using EventBody = std::variant<RunStarted, UserMessage, AssistantBlock, TurnEnded, CallDecided,
                               ApprovalAsked, ApprovalAnswered, ToolFinished, TurnRetried, RunEnded,
                               ChangesKept, ChangesSettled, RuleAdded, ModeChanged,
                               InstructionsLoaded, SkillUsed, TodosSet, BriefSent, SessionForked>;

struct Event {
  std::int64_t position = 0;  // in the workspace, commit order, from 1; what a reader resumes from
  SessionId session;
  std::int64_t number = 0;  // in the session, from 1, without gaps
  RunId run;
  base::Timestamp time = 0;
  EventBody body;
};

// "run_started", "user_message", ...: stable, stored.
std::string_view kind_of(const EventBody& body);
Json body_to_json(const EventBody& body);
Result<EventBody> body_from_json(const Json& json);
// The whole event, as doors show it: position, session, number, run, time (ISO 8601), kind and
// body.
Json to_json(const Event& event);

// --- frames
// ---------------------------------------------------------------------------------------

struct TextDelta {
  std::string text;
};
struct ThinkingDelta {
  std::string text;
};
// The model has begun to write a call.
struct CallBegun {
  std::string tool;
};
// A call's tool has begun to run.
struct ToolBegun {
  ToolCall call;
};
// What a call's tool has written since the last one of these; the result has all of it. Counts
// until the call's ToolFinished, whatever else is logged meanwhile.
struct OutputDelta {
  std::string call_id;
  std::string text;
  std::uint64_t skipped = 0;  // bytes before it that are not shown
};
using FrameBody = std::variant<TextDelta, ThinkingDelta, CallBegun, ToolBegun, OutputDelta>;

struct Frame {
  SessionId session;
  RunId run;
  std::int64_t after = 0;  // number of the session's last event when the frame was made: a reader
                           // that has seen a later event drops the frame (but for OutputDelta)
  FrameBody body;
};

Json to_json(const Frame& frame);

}  // namespace boxagnts::core
