// Time: wall time for records, monotonic time for waits, and a clock that tests move by hand.
//
// Units: Timestamp is microseconds since 1970-01-01T00:00:00Z. Waits use steady time and a
// deadline; no wait in the program is without a stop token and a deadline.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

namespace boxagnts::base {

using Timestamp = std::int64_t;  // microseconds since the epoch, UTC
using Milliseconds = std::chrono::milliseconds;
using Steady = std::chrono::steady_clock::time_point;
constexpr Steady kNever = Steady::max();

// Thread-safe. Handed in wherever time is read or waited for.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Timestamp now() = 0;
  virtual std::int64_t now_ns() { return now() * 1000; }  // since the epoch, as fine as it gets
  virtual Steady steady() = 0;
  // Waits until `deadline`; false if `stop` was requested first.
  virtual bool sleep_until(Steady deadline, std::stop_token stop) = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  Timestamp now() override;
  std::int64_t now_ns() override;
  Steady steady() override;
  bool sleep_until(Steady deadline, std::stop_token stop) override;
};

// Moves only when told to; waiters wake when their deadline is reached.
class ManualClock final : public Clock {
 public:
  explicit ManualClock(Timestamp start = 1'700'000'000'000'000) : now_us_(start) {}
  Timestamp now() override;
  Steady steady() override;
  bool sleep_until(Steady deadline, std::stop_token stop) override;

  void advance(Milliseconds by);
  // Every wait ends at once and moves the clock to its deadline: for code that backs off.
  void set_auto_advance();

 private:
  std::mutex mutex_;
  std::condition_variable_any moved_;
  Timestamp now_us_;
  std::int64_t elapsed_us_ = 0;
  bool auto_advance_ = false;
};

// "2026-11-21T02:45:22.123Z"
std::string iso8601(Timestamp time);

}  // namespace boxagnts::base
