// Questions that a run puts to its person, and answers. Values only.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/time.h"
#include "core/ids.h"
#include "core/policy_values.h"

namespace boxagnts::core {

// What a person is asked.
enum class QuestionKind : std::uint8_t {
  changes,     // apply what a call changed? The blob is the diff
  connection,  // let a call connect to a host that no rule allows?
  call,        // let a call run at all?
  plan,        // leave plan mode with this plan?
  question,    // the model's own: choices, or free words
};
BOXAGNTS_ENUM_NAMES(QuestionKind, "changes", "connection", "call", "plan", "question");

struct Choice {
  std::string label, description;
  bool operator==(const Choice&) const = default;
};

// A question for a person. About a call it names what would happen, not what was meant.
struct Approval {
  ApprovalId id;
  std::string call_id;
  std::string tool;
  Level level = Level::forbidden;
  QuestionKind kind = QuestionKind::call;
  std::string question;                // one sentence
  std::string text;                    // what it is about at length: a plan
  std::vector<std::string> files;      // absolute paths the answer is about
  std::string blob;                    // id of the diff, when there is one
  ChangeSetId changes;                 // that wait for the answer
  std::string connection;              // "https://example.com:443"
  std::vector<std::string> connected;  // made by this call already: a no does not undo them
  std::vector<Choice> choices;
  bool several = false;         // more than one choice may be taken
  std::string for_this_run;     // what that answer would cover, in words; empty: it is not offered
  std::string always;           // the rule that this answer would write; empty: it is not offered
  base::Timestamp expires = 0;  // then it is a no; 0: never
  // Whether the run waits for it. Else the call was refused meanwhile, and the answer counts later.
  bool waits = true;
};

enum class Answer : std::uint8_t { yes, no, for_this_run, always };
BOXAGNTS_ENUM_NAMES(Answer, "yes", "no", "for-this-run", "always");

// What a person answers.
struct Reply {
  Answer answer = Answer::no;
  std::string text;                 // a word to the model; the answer to a question
  std::vector<std::string> chosen;  // labels
};

// Into the fields of an object that may hold others.
void write(const Approval& approval, JsonObject& out);
Result<Approval> approval_from_json(const Json& json);
void write(const Reply& reply, JsonObject& out);
Result<Reply> reply_from_json(const Json& json);

}  // namespace boxagnts::core
