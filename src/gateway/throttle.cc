#include "gateway/throttle.h"

#include <algorithm>

#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::gateway {

Status Throttle::admit(const std::string& key) {
  const std::lock_guard lock(mutex_);
  const auto now = clock_.steady();
  std::erase_if(failures_, [&](const auto& entry) {
    return entry.second.last + kForgottenAfter <= now && entry.second.next_try <= now;
  });
  if (!failures_.contains(key) && failures_.size() == kKeysMax)
    failures_.erase(std::ranges::min_element(
        failures_, {}, [](const auto& entry) { return entry.second.next_try; }));
  Failures& failures = failures_[key];
  if (GUARD("gateway.throttle", now < failures.next_try)) {
    const auto left =
        std::chrono::duration_cast<base::Milliseconds>(failures.next_try - now).count() + 1;
    auto error =
        fail(Code::busy, "too many wrong passwords; try again in " + base::human_duration_ms(left));
    error.error().retry_after_ms = left;
    return error;
  }
  failures.last = now;
  if (++failures.count < kFreeTries) return {};
  const int doublings = std::min(failures.count - kFreeTries, 10);
  failures.next_try = now + std::min(kFirstWait * (1 << doublings), kLongestWait);
  return {};
}

void Throttle::succeeded(const std::string& key) {
  const std::lock_guard lock(mutex_);
  failures_.erase(key);
}

}  // namespace boxagnts::gateway
