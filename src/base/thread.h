// Threads with a chosen stack: a run's thread carries the guest's stack, a door's does not.
#pragma once

#include <pthread.h>

#include <functional>
#include <string>
#include <utility>

#include "base/error.h"

namespace boxagnts::base {

// Joins in its destructor. Movable, one owner.
class Thread {
 public:
  Thread() = default;
  // `name` is cut to 15 bytes, the kernel's limit. Errors: busy when the system has no more
  // threads.
  static Result<Thread> start(const std::string& name, std::size_t stack_bytes,
                              std::move_only_function<void()> body);
  Thread(Thread&& other) noexcept : handle_(std::exchange(other.handle_, 0)) {}
  Thread& operator=(Thread&& other) noexcept;
  ~Thread() { join(); }

  bool joinable() const { return handle_ != 0; }
  void join();

 private:
  pthread_t handle_ = 0;
};

}  // namespace boxagnts::base
