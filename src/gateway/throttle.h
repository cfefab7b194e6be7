// Slows down who guesses: after a few failures each next try has to wait, twice as long each time.
// An attempt counts as failed from its beginning, so that tries side by side count too.
//
// At most kKeysMax keys are remembered; beyond it the one that may try again soonest is forgotten.
// Thread-safe.
#pragma once

#include <map>
#include <mutex>
#include <string>

#include "base/error.h"
#include "base/time.h"

namespace boxagnts::gateway {

class Throttle {
 public:
  static constexpr int kFreeTries = 5;
  static constexpr base::Milliseconds kFirstWait{1'000};
  static constexpr base::Milliseconds kLongestWait{60'000};
  static constexpr std::chrono::minutes kForgottenAfter{15};
  static constexpr std::size_t kKeysMax = 1'024;

  explicit Throttle(base::Clock& clock) : clock_(clock) {}

  // Before a try. Errors: busy with the time to wait.
  Status admit(const std::string& key);
  void succeeded(const std::string& key);

 private:
  struct Failures {
    int count = 0;
    base::Steady next_try;
    base::Steady last;
  };
  base::Clock& clock_;
  std::mutex mutex_;
  std::map<std::string, Failures> failures_;
};

}  // namespace boxagnts::gateway
