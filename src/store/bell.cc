#include "store/bell.h"

#include <algorithm>

namespace boxagnts::store {

using std::chrono::steady_clock;

Bell::Waiter::Waiter(Bell& bell, const std::string& session, std::int64_t after)
    : bell_(bell), session_(session), after_(after) {
  std::lock_guard lock(bell_.mutex_);
  bell_.waiters_[session_].push_back(this);
}

Bell::Waiter::~Waiter() {
  std::lock_guard lock(bell_.mutex_);
  const auto found = bell_.waiters_.find(session_);
  std::erase(found->second, this);
  if (found->second.empty()) bell_.waiters_.erase(found);
  std::erase(bell_.due_, this);
  if (bell_.looker_ == this) {
    bell_.looker_ = nullptr;
    if (!bell_.waiters_.empty())  // somebody else looks from now on
      bell_.waiters_.begin()->second.front()->changed_.notify_one();
  }
  bell_.wake_next(2);
}

Wake Bell::Waiter::wait(std::stop_token stop, base::Steady deadline) {
  std::unique_lock lock(bell_.mutex_);
  while (true) {
    const auto now = steady_clock::now();
    if (due_) return Wake::rung;
    if (stop.stop_requested() || now >= deadline) return Wake::ended;
    if (bell_.look_every_ && !bell_.looker_) bell_.looker_ = this;
    const bool looks = bell_.looker_ == this;
    const auto until = looks ? std::min(deadline, now + *bell_.look_every_) : deadline;
    const bool changed = changed_.wait_until(
        lock, stop, until, [&] { return due_ || (bell_.look_every_ && !bell_.looker_); });
    if (looks && !changed && !stop.stop_requested() && until < deadline) return Wake::look;
  }
}

void Bell::ring(const std::string& session, std::int64_t number) {
  std::lock_guard lock(mutex_);
  const auto found = waiters_.find(session);
  if (found == waiters_.end()) return;
  for (Waiter* waiter : found->second) {
    if (waiter->due_ || waiter->after_ >= number) continue;
    waiter->due_ = true;
    due_.push_back(waiter);
  }
  wake_next(1);
}

void Bell::wake_next(int count) {
  for (; count > 0 && !due_.empty(); --count) {
    due_.front()->changed_.notify_one();
    due_.pop_front();
  }
}

std::vector<std::string> Bell::awaited() {
  std::lock_guard lock(mutex_);
  std::vector<std::string> sessions;
  sessions.reserve(waiters_.size());
  for (const auto& [session, waiters] : waiters_) sessions.push_back(session);
  return sessions;
}

}  // namespace boxagnts::store
