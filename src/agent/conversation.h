// The conversation a model is shown, as a projection of a session's events.
//
// apply() takes events in order, one at a time, in constant time each, so that a turn costs the
// same in a short and in a long session. An answer's blocks count once its TurnEnded is in the log;
// every call of an answer that counts gets exactly one result. Not thread-safe: belongs to the
// run's thread.
#pragma once

#include <vector>

#include "core/event.h"

namespace boxagnts::agent {

class Conversation {
 public:
  void apply(const core::Event& event);

  const std::vector<core::Message>& messages() const { return messages_; }
  // Calls of the last answer that have no result yet, in order.
  const std::vector<core::ToolCall>& open_calls() const { return open_calls_; }

 private:
  core::Message& last_of(core::Role role);

  std::vector<core::Message> messages_;
  std::vector<core::Block> unfinished_;  // blocks of an answer whose end is not seen yet
  std::vector<core::ToolCall> open_calls_;
};

}  // namespace boxagnts::agent
