#include "base/time.h"

#include <cstdio>
#include <ctime>

namespace boxagnts::base {

using std::chrono::duration_cast;
using std::chrono::microseconds;

Timestamp SystemClock::now() {
  return duration_cast<microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::int64_t SystemClock::now_ns() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return duration_cast<std::chrono::nanoseconds>(now).count();
}

Steady SystemClock::steady() { return std::chrono::steady_clock::now(); }

bool SystemClock::sleep_until(Steady deadline, std::stop_token stop) {
  std::mutex mutex;
  std::condition_variable_any never_signalled;
  std::unique_lock lock(mutex);
  never_signalled.wait_until(lock, stop, deadline, [] { return false; });
  return !stop.stop_requested();
}

Timestamp ManualClock::now() {
  std::lock_guard lock(mutex_);
  return now_us_;
}

Steady ManualClock::steady() {
  std::lock_guard lock(mutex_);
  return Steady(microseconds(elapsed_us_));
}

bool ManualClock::sleep_until(Steady deadline, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  const auto deadline_us = duration_cast<microseconds>(deadline.time_since_epoch()).count();
  if (auto_advance_ && deadline_us > elapsed_us_) {
    now_us_ += deadline_us - elapsed_us_;
    elapsed_us_ = deadline_us;
    moved_.notify_all();
  }
  moved_.wait(lock, stop, [&] { return elapsed_us_ >= deadline_us; });
  return !stop.stop_requested();
}

void ManualClock::advance(Milliseconds by) {
  std::lock_guard lock(mutex_);
  now_us_ += duration_cast<microseconds>(by).count();
  elapsed_us_ += duration_cast<microseconds>(by).count();
  moved_.notify_all();
}

void ManualClock::set_auto_advance() {
  std::lock_guard lock(mutex_);
  auto_advance_ = true;
}

std::string iso8601(Timestamp time) {
  const std::time_t seconds = time / 1'000'000;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char buffer[40];
  std::snprintf(buffer, sizeof buffer, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(time / 1000 % 1000));
  return buffer;
}

}  // namespace boxagnts::base
