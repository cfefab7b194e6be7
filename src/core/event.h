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
#include "core/ids.h"
#include "core/message.h"

namespace boxagnts::core {

constexpr int kEventVersion = 1;

// A question about a call, for a person. It names what would happen, not what was meant.
struct Approval {
  ApprovalId id;
  std::string call_id;
  std::string tool;
  Level level = Level::forbidden;
  std::string question;            // one sentence
  std::vector<std::string> files;  // absolute paths the answer is about
  std::string blob;                // id of the diff, when there is one
};

enum class Answer : std::uint8_t { yes, no, for_this_run };
BOXAGNTS_ENUM_NAMES(Answer, "yes", "no", "for-this-run");

enum class Outcome : std::uint8_t { finished, turn_limit, cancelled, failed, interrupted };
BOXAGNTS_ENUM_NAMES(Outcome, "finished", "turn_limit", "cancelled", "failed", "interrupted");

struct RunStarted {
  std::string model;
  Mode mode = Mode::ask;
  std::int64_t turns_max = 0;
};
struct UserMessage {
  std::string text;
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
  Answer answer = Answer::no;
  std::string by;  // "terminal", "unattended", "interrupted", ...
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

using EventBody =
    std::variant<RunStarted, UserMessage, AssistantBlock, TurnEnded, CallDecided, ApprovalAsked,
                 ApprovalAnswered, ToolFinished, TurnRetried, RunEnded>;

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
using FrameBody = std::variant<TextDelta, ThinkingDelta, CallBegun, ToolBegun>;

struct Frame {
  SessionId session;
  RunId run;
  std::int64_t after = 0;  // number of the session's last event when the frame was made: a reader
                           // that has seen a later event drops the frame
  FrameBody body;
};

Json to_json(const Frame& frame);

}  // namespace boxagnts::core
