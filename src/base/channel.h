// A bounded queue between threads. Any number of senders and receivers.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>

#include "base/time.h"

namespace boxagnts::base {

template <class T>
class Channel {
 public:
  explicit Channel(std::size_t capacity) : capacity_(capacity) {}

  // Waits for room; false when the channel is closed or `stop` is requested.
  bool send(T value, std::stop_token stop) {
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [&] { return closed_ || queue_.size() < capacity_; }) || closed_)
      return false;
    queue_.push_back(std::move(value));
    changed_.notify_all();
    return true;
  }

  // Waits for a value until `deadline`; nullopt when closed and empty, stopped, or too late.
  std::optional<T> receive(std::stop_token stop, Steady deadline = kNever) {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return closed_ || !queue_.empty(); };
    if (deadline == kNever)
      changed_.wait(lock, stop, ready);
    else
      changed_.wait_until(lock, stop, deadline, ready);
    if (queue_.empty() || stop.stop_requested()) return std::nullopt;
    std::optional<T> value(std::move(queue_.front()));
    queue_.pop_front();
    changed_.notify_all();
    return value;
  }

  void close() {
    std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_ && queue_.empty();
  }

 private:
  const std::size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<T> queue_;
  bool closed_ = false;
};

}  // namespace boxagnts::base
