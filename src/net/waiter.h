// Waiting in poll for descriptors, a deadline and a stop at once: the one place where a thread of
// the client waits. One waiter a call and thread.
#pragma once

#include <poll.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <span>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace boxagnts::net {

using Clock = std::chrono::steady_clock;

// When to give up, and what was being done, for the sentence: "connecting to h:80 (limit 5.0 s)".
struct Deadline {
  Clock::time_point at;
  std::string doing;
};
Deadline deadline_after(std::chrono::milliseconds limit, const std::string& doing);

class Waiter {
 public:
  static constexpr std::size_t kDescriptorsMax = 32;

  // `until` ends every wait, whatever its own deadline says.
  explicit Waiter(std::stop_token stop, Clock::time_point until = Clock::time_point::max());

  // Until one of `wanted` (whose revents are filled in) is ready. Errors: timeout, cancelled.
  Status wait(std::span<pollfd> wanted, const Deadline& deadline);
  Status wait(int fd, short events, const Deadline& deadline);
  // The same, at most until `wake_at`: false when nothing was ready by then.
  Result<bool> wait_until(std::span<pollfd> wanted, Clock::time_point wake_at,
                          const Deadline& deadline);
  // Errors: timeout, cancelled, when it is that far already.
  Status check(const Deadline& deadline) const;
  Clock::time_point end_of(const Deadline& deadline) const { return std::min(deadline.at, until_); }
  const std::stop_token& stop() const { return stop_; }

 private:
  const std::stop_token stop_;
  const Clock::time_point until_;
  base::UniqueFd wake_;  // readable once stopped; none where nobody can stop
  std::stop_callback<std::function<void()>> on_stop_;
};

}  // namespace boxagnts::net
