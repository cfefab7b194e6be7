// When and how long to wait before asking a model again. Pure. Thread-safe.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"

namespace boxagnts::models {

struct RetryPolicy {
  std::int64_t attempts_max = 5;  // retries after the first try
  std::int64_t delay_first_ms = 500;
  std::int64_t delay_max_ms = 30'000;
  std::int64_t retry_after_max_ms = 120'000;  // a server that asks for more is not waited for
};

// The delay before retry number `attempt` (1 = first), or nullopt when it should not be tried
// again. `jitter` in [0, 1) spreads the upper half of the exponential delay.
std::optional<std::int64_t> retry_delay_ms(const RetryPolicy& policy, const Error& error,
                                           std::int64_t attempt, double jitter);

}  // namespace boxagnts::models
