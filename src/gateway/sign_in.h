// How a caller comes to a token: as the same user of this machine, or by the administrator's
// password. Thread-safe.
#pragma once

#include <sys/types.h>

#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "base/error.h"
#include "gateway/access.h"
#include "gateway/throttle.h"
#include "gateway/tokens.h"

namespace boxagnts::gateway {

struct Administrator {
  std::string user;
  std::string password_hash;  // argon2id
};

// From a password as it is typed or stands in a file, or from its argon2id hash. Errors:
// invalid_argument (too short), busy.
Result<Administrator> make_administrator(std::string user, std::string_view password);

class SignIn {
 public:
  // Whose process holds the other end of the request's connection; an error when that is not known
  // for certain.
  using PeerUser = std::function<Result<uid_t>(const net::ServerRequest&)>;
  struct Parts {
    const Access& access;
    Tokens& tokens;
    base::Clock& clock;
    std::optional<Administrator> administrator;
    PeerUser peer_user;
    uid_t own_user = 0;
  };
  explicit SignIn(Parts parts) : parts_(std::move(parts)), throttle_(parts_.clock) {}

  // The token of who sits at this machine. Errors: unauthenticated, permission_denied.
  Result<std::string> as_same_user(const net::ServerRequest& request) const;
  // A token of its own. Errors: unauthenticated, busy (too many tries; another one is being
  // judged).
  Result<std::string> by_password(const net::ServerRequest& request, std::string_view user,
                                  std::string_view password);

 private:
  const Parts parts_;
  Throttle throttle_;
  std::mutex judging_;  // 64 MiB and a fraction of a second each: one at a time
};

}  // namespace boxagnts::gateway
