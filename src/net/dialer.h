// Making a connection for a request, by the gate's leave: look-up, check of each address, TCP or
// proxy, TLS.
//
// One a client; thread-safe. Errors: as of HttpClient::send.
#pragma once

#include <memory>
#include <optional>

#include "net/http_client.h"
#include "net/proxy.h"
#include "net/resolver.h"
#include "net/tls.h"

namespace boxagnts::net {

// A destination that was decided about, and who decides about its addresses.
struct Leave {
  const ConnectGate& gate;
  const Destination destination;
  const EgressVerdict verdict;

  Status admit(const IpAddress& address) const { return gate.admit(destination, verdict, address); }
};

struct Dialed {
  std::unique_ptr<ClientTransport> transport;
  std::optional<IpAddress> address;  // of the destination itself; none where a proxy looked it up
};

class Dialer {
 public:
  explicit Dialer(const ClientOptions& options);
  // `proxy`: none = direct.
  Result<Dialed> dial(const Url& url, const std::optional<Proxy>& proxy, const Leave& leave,
                      const Timeouts& timeouts, Waiter& waiter) const;

 private:
  Result<Dialed> dial_direct(const Url& url, const Leave& leave, const Deadline& deadline,
                             Waiter& waiter) const;
  Result<Dialed> dial_through(const Proxy& proxy, const Url& url, const Leave& leave,
                              const Deadline& deadline, const Timeouts& timeouts,
                              Waiter& waiter) const;
  Result<std::vector<IpAddress>> admitted(const std::string& host, const Leave& leave,
                                          const Deadline& deadline, Waiter& waiter) const;

  const Resolver resolver_;
  const std::unique_ptr<TlsClient> tls_;
};

}  // namespace boxagnts::net
