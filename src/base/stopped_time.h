// How long a clock stood still, so that a limit of time counts only what it is about. Thread-safe.
#pragma once

#include <atomic>
#include <chrono>

namespace boxagnts::base {

class StoppedTime {
 public:
  void add(std::chrono::nanoseconds time) { nanoseconds_ += time.count(); }
  std::chrono::nanoseconds total() const { return std::chrono::nanoseconds(nanoseconds_); }

 private:
  std::atomic<std::int64_t> nanoseconds_ = 0;
};

}  // namespace boxagnts::base
