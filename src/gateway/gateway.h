// The HTTP door: who may call, what is meant, and the answer, for every request of the server.
//
// Threads: handle() is called by the server's workers, several at a time. Ownership: the gateway
// outlives the server that calls it; services outlive the gateway. Requests that come before open()
// wait for it. Errors have one shape (reply.h). Limits: bodies as their route says, calls of tools
// and event streams as routes_tools.cc and feed.h say.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "gateway/access.h"
#include "gateway/parts.h"
#include "gateway/router.h"

namespace boxagnts::gateway {

struct Options {
  std::vector<std::string> host_names;  // besides this machine's own
  Proxy proxy = Proxy::none;
  std::optional<Administrator> administrator;  // then there is no start token
  SignIn::PeerUser peer_user;
  uid_t own_user = 0;
};

class Gateway {
 public:
  Gateway(Options options, base::Clock& clock);
  ~Gateway();

  // From here on requests are answered. Errors: internal (the table of routes is wrong).
  Status open(Services services);
  void handle(net::Exchange& exchange);
  // Tells every event stream (feed.h); nobody before open(). From any thread.
  void announce(const std::string& name, const Json& data);

  // "" with an administrator.
  const std::string& start_token() const { return tokens_.start(); }

 private:
  // Everything that needs services.
  struct Opened;

  Opened* wait_until_open(const std::stop_token& gone);
  Result<Reply> answer(net::Exchange& exchange, Opened& opened);
  Status let_in(const net::ServerRequest& request, const Route& route);
  Result<Json> read_json(net::Exchange& exchange, const Route& route, const Router& router);

  base::Clock& clock_;
  const Access access_;
  Tokens tokens_;
  Tickets tickets_;
  SignIn sign_in_;
  Counters counters_;

  std::mutex mutex_;
  std::condition_variable_any opened_changed_;
  std::unique_ptr<Opened> opened_;
};

// What the server refuses by itself, in our shape.
net::ServerResponse refusal(int status, const Error& error);

// Whether a server may begin so. Errors: invalid_argument, with what is missing.
struct Exposure {
  bool beyond_loopback = false;
  bool has_administrator = false;
  bool has_certificate = false;
  bool behind_proxy = false;
};
Status check_exposure(const Exposure& exposure);

}  // namespace boxagnts::gateway
