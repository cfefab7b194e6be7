#include "agent/approvals.h"

namespace boxagnts::agent {

void Approvals::open(const core::ApprovalId& id) {
  const std::lock_guard lock(mutex_);
  open_.emplace(id, std::nullopt);
}

std::optional<Approvals::Given> Approvals::wait(const core::ApprovalId& id, std::stop_token stop,
                                                base::Steady deadline) {
  std::unique_lock lock(mutex_);
  answered_.wait_until(lock, stop, deadline, [&] { return open_.at(id).has_value(); });
  auto given = std::move(open_.at(id));
  open_.erase(id);
  return given;
}

bool Approvals::answer(const core::ApprovalId& id, core::Reply reply, std::string by) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(id);
  if (found == open_.end() || found->second) return false;
  found->second = Given{std::move(reply), std::move(by)};
  answered_.notify_all();
  return true;
}

}  // namespace boxagnts::agent
