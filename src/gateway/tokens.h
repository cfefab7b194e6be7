// Bearer tokens and one-use tickets: who holds one may call. In memory only: a restart ends them
// all.
//
// The start token is made with the program and lives as long. A login's token lives for a week or
// until it is given back; there are at most kLoginsMax, the oldest goes first. A ticket stands for
// one GET of exactly one path, once, for a minute. Thread-safe; compared in constant time.
#pragma once

#include <deque>
#include <mutex>
#include <string>
#include <string_view>

#include "base/time.h"

namespace boxagnts::gateway {

class Tokens {
 public:
  static constexpr std::size_t kLoginsMax = 256;
  static constexpr std::chrono::hours kLoginLasts{24 * 7};
  enum class Start : std::uint8_t { made, none };

  Tokens(base::Clock& clock, Start start);

  // "" when there is none.
  const std::string& start() const { return start_; }
  std::string log_in();
  // False when it is no login's: the start token cannot be given back.
  bool log_out(std::string_view token);
  bool good(std::string_view token);

 private:
  struct Login {
    std::string token;
    base::Steady ends;
  };
  base::Clock& clock_;
  const std::string start_;
  std::mutex mutex_;
  std::deque<Login> logins_;  // oldest first
};

class Tickets {
 public:
  static constexpr std::size_t kTicketsMax = 1'000;
  static constexpr base::Milliseconds kTicketLasts{60'000};

  explicit Tickets(base::Clock& clock) : clock_(clock) {}

  // For `target`, a path with its query, character for character. With the most tickets out the
  // oldest goes.
  std::string issue(std::string target);
  // Whether `ticket` was issued for `target` and not used before; it is used from now on, whatever
  // the answer.
  bool use(std::string_view ticket, std::string_view target);

 private:
  struct Ticket {
    std::string secret, target;
    base::Steady ends;
  };
  base::Clock& clock_;
  std::mutex mutex_;
  std::deque<Ticket> tickets_;  // oldest first
};

}  // namespace boxagnts::gateway
