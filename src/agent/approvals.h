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
  // Waits for the answer to an open question and closes it; nullopt on stop and at the deadline.
  std::optional<Given> wait(const core::ApprovalId& id, std::stop_token stop,
                            base::Steady deadline);
  // False when no such question waits, or it has its answer.
  bool answer(const core::ApprovalId& id, core::Reply reply, std::string by);

 private:
  std::mutex mutex_;
  std::condition_variable_any answered_;
  std::map<core::ApprovalId, std::optional<Given>> open_;
};

}  // namespace boxagnts::agent
