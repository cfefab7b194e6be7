#include "models/retry.h"

#include <algorithm>

namespace boxagnts::models {

std::optional<std::int64_t> retry_delay_ms(const RetryPolicy& policy, const Error& error,
                                           std::int64_t attempt, double jitter) {
  const bool may_pass =
      error.code == Code::unavailable || error.code == Code::busy || error.code == Code::timeout;
  if (!may_pass || attempt > policy.attempts_max) return std::nullopt;
  if (error.retry_after_ms > policy.retry_after_max_ms) return std::nullopt;
  std::int64_t delay_ms = policy.delay_first_ms;
  for (std::int64_t i = 1; i < attempt && delay_ms < policy.delay_max_ms; ++i) delay_ms *= 2;
  delay_ms = std::min(delay_ms, policy.delay_max_ms);
  const std::int64_t half_ms = delay_ms / 2;
  delay_ms = half_ms + static_cast<std::int64_t>(jitter * static_cast<double>(half_ms));
  return std::max(delay_ms, error.retry_after_ms);
}

}  // namespace boxagnts::models
