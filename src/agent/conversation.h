// The conversation a model is shown, as a projection of a session's events.
//
// apply() takes events in order, one at a time, in constant time each, so that a turn costs the
// same in a short and in a long session. An answer's blocks count once its TurnEnded is in the log;
// every call of an answer that counts gets exactly one result. A text that a person attached is
// read from its blob, and a long one shown by head and tail. Not thread-safe: belongs to the run's
// thread.
#pragma once

#include <functional>
#include <vector>

#include "core/event.h"

namespace boxagnts::agent {

class Conversation {
 public:
  // Where attached texts are, and how much of one is shown.
  struct Texts {
    std::function<Result<std::string>(const std::string& id)> blob;
    std::size_t bytes_max = 32'000;
  };
  Conversation() = default;
  explicit Conversation(Texts texts) : texts_(std::move(texts)) {}

  void apply(const core::Event& event);

  const std::vector<core::Message>& messages() const { return messages_; }
  // Calls of the last answer that have no result yet, in order.
  const std::vector<core::ToolCall>& open_calls() const { return open_calls_; }

 private:
  core::Message& last_of(core::Role role);
  void attach(const core::AttachedFile& file, std::vector<core::Block>& blocks) const;

  const Texts texts_;
  std::vector<core::Message> messages_;
  std::vector<core::Block> unfinished_;  // blocks of an answer whose end is not seen yet
  std::vector<core::ToolCall> open_calls_;
};

}  // namespace boxagnts::agent
