// Questions that wait for a person. Thread-safe.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <stop_token>
#include <string>

#include "core/event.h"

namespace boxagnts::agent {

class Approvals {
 public:
  struct Given {
    core::Reply reply;
    std::string by;
  };

  // A question may be answered from the moment it is open()ed: before its event can be seen.
  void open(const core::ApprovalId& id);
  // Waits for the answer to an open question; nullopt on stop and at the deadline. From here on it
  // takes none.
  std::optional<Given> wait(const core::ApprovalId& id, std::stop_token stop,
                            base::Steady deadline);
  // What became of it is in the log.
  void close(const core::ApprovalId& id);
  enum class Taken : std::uint8_t { yes, too_late, unknown };  // unknown: no such question waits
  Taken answer(const core::ApprovalId& id, core::Reply reply, std::string by);

 private:
  std::mutex mutex_;
  std::condition_variable_any answered_;
  struct Question {
    std::optional<Given> given;
    bool over = false;  // nobody waits any more
  };
  std::map<core::ApprovalId, Question> open_;
};

}  // namespace boxagnts::agent
