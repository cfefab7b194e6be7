// Signals as callbacks. Construct before any thread starts: it blocks the signals, and threads
// inherit that.
#pragma once

#include <functional>
#include <memory>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "base/thread.h"

namespace boxagnts::app {

class Interrupts {
 public:
  // `on_first` runs once, on a thread of its own, at the first SIGINT, SIGTERM or SIGHUP. The
  // second one ends the process at once with exit code 130.
  static Result<std::unique_ptr<Interrupts>> watch(std::function<void()> on_first);
  // `on_each` runs at every one of these signals, one at a time, until the destructor.
  static Result<std::unique_ptr<Interrupts>> watch_each(std::span<const int> signals,
                                                        std::function<void(int signal)> on_each);
  ~Interrupts();

 private:
  Interrupts(base::UniqueFd signals, base::UniqueFd quit, std::function<void(int)> on_each)
      : signals_(std::move(signals)), quit_(std::move(quit)), on_each_(std::move(on_each)) {}
  void wait();

  base::UniqueFd signals_;
  base::UniqueFd quit_;
  std::function<void(int)> on_each_;
  base::Thread thread_;
};

}  // namespace boxagnts::app
