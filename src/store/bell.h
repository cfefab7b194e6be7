// Wakes those who wait for a session's next event.
//
// An append costs the same however many wait: it marks those whose event has come and wakes one,
// and each that leaves wakes two more. For commits of other processes one of the waiters, whichever
// it is, is told from time to time to look; the others sleep.
//
// Thread-safe. A Waiter does not outlive its Bell.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/time.h"

namespace boxagnts::store {

enum class Wake : std::uint8_t {
  rung,   // the event has come, or the session is gone
  look,   // it is this waiter's turn to look for other processes' commits
  ended,  // deadline or stop
};

class Bell {
 public:
  // Without an interval nobody is told to look.
  explicit Bell(std::optional<base::Milliseconds> look_every) : look_every_(look_every) {}

  // Somebody who waits for an event of `session` with number > `after`; from its making on, no ring
  // is missed.
  class Waiter {
   public:
    Waiter(Bell& bell, const std::string& session, std::int64_t after);
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;
    ~Waiter();

    Wake wait(std::stop_token stop, base::Steady deadline);

   private:
    friend Bell;
    Bell& bell_;
    const std::string session_;
    const std::int64_t after_;
    std::condition_variable_any changed_;
    bool due_ = false;
  };

  // The session's last event is now `number`.
  void ring(const std::string& session, std::int64_t number);
  // The session was deleted.
  void ring_gone(const std::string& session) { ring(session, INT64_MAX); }
  // The sessions somebody waits for.
  std::vector<std::string> awaited();

 private:
  void wake_next(int count);

  const std::optional<base::Milliseconds> look_every_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::vector<Waiter*>> waiters_;
  std::deque<Waiter*> due_;  // marked, not yet woken
  Waiter* looker_ = nullptr;
};

}  // namespace boxagnts::store
