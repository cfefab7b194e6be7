#include "agent/approvals.h"

namespace boxagnts::agent {

void Approvals::open(const core::ApprovalId& id) {
  const std::lock_guard lock(mutex_);
  open_.emplace(id, Question{});
}

std::optional<Approvals::Given> Approvals::wait(const core::ApprovalId& id, std::stop_token stop,
                                                base::Steady deadline) {
  std::unique_lock lock(mutex_);
  Question& question = open_.at(id);
  answered_.wait_until(lock, stop, deadline, [&] { return question.given.has_value(); });
  question.over = true;
  return question.given;
}

void Approvals::close(const core::ApprovalId& id) {
  const std::lock_guard lock(mutex_);
  open_.erase(id);
}

Approvals::Taken Approvals::answer(const core::ApprovalId& id, core::Reply reply, std::string by) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end()) return Taken::unknown;
  if (found->second.over || found->second.given) return Taken::too_late;
  found->second.given = Given{std::move(reply), std::move(by)};
  answered_.notify_all();
  return Taken::yes;
}

}  // namespace boxagnts::agent
