#include "net/dialer.h"

#include "base/guard.h"
#include "net/client_request.h"
#include "net/connector.h"

namespace boxagnts::net {

Dialer::Dialer(const ClientOptions& options)
    : resolver_(options.name_servers),
      tls_(TlsClient::make({.ca_file = options.ca_file, .environment = options.environment})) {}

// Those that may be connected to; the refusal of the last when there is none.
Result<std::vector<IpAddress>> Dialer::admitted(const std::string& host, const Leave& leave,
                                                const Deadline& deadline, Waiter& waiter) const {
  std::vector<IpAddress> out;
  Status last;
  for (const auto& address : TRY(resolver_.addresses_of(host, deadline, waiter))) {
    auto admission = leave.admit(address);
    if (GUARD("net.address-not-admitted", !admission))
      last = std::move(admission);
    else
      out.push_back(address);
  }
  if (out.empty()) return std::unexpected(std::move(last).error());
  return out;
}

Result<Dialed> Dialer::dial_direct(const Url& url, const Leave& leave, const Deadline& deadline,
                                   Waiter& waiter) const {
  const auto addresses = TRY(admitted(url.host, leave, deadline, waiter));
  auto connected = TRY(connect_any(addresses, url.port, named(url), deadline, waiter));
  return Dialed{make_socket_transport(std::move(connected.fd), named(url)), connected.peer};
}

Result<Dialed> Dialer::dial_through(const Proxy& proxy, const Url& url, const Leave& leave,
                                    const Deadline& deadline, const Timeouts& timeouts,
                                    Waiter& waiter) const {
  // An address needs no look-up, here or there: it is checked all the same.
  std::optional<IpAddress> target = parse_ip(url.host);
  if (target || proxy.kind == Proxy::Kind::socks5)
    target = TRY(admitted(url.host, leave, deadline, waiter)).front();
  const auto addresses = TRY(resolver_.addresses_of(proxy.host, deadline, waiter));
  auto connected = TRY(connect_any(addresses, proxy.port, proxy.named(), deadline, waiter));
  auto transport = make_socket_transport(std::move(connected.fd), proxy.named());
  if (proxy.kind == Proxy::Kind::https)
    transport = TRY(tls_->handshake(
        std::move(transport), proxy.host, Alpn::http1,
        deadline_after(timeouts.tls, "the TLS handshake with " + proxy.named()), waiter));
  if (proxy.kind == Proxy::Kind::socks5 || proxy.kind == Proxy::Kind::socks5h)
    TRY(connect_by_socks5(*transport, proxy, target ? target->text() : url.host, url.port, deadline,
                          waiter));
  else if (url.scheme == "https")
    TRY(connect_by_http(*transport, proxy, url, deadline, waiter));
  return Dialed{std::move(transport), target};
}

Result<Dialed> Dialer::dial(const Url& url, const std::optional<Proxy>& proxy, const Leave& leave,
                            const Timeouts& timeouts, Waiter& waiter) const {
  const auto deadline =
      deadline_after(timeouts.connect,
                     "connecting to " + named(url) + (proxy ? " through " + proxy->named() : ""));
  auto dialed = proxy ? TRY(dial_through(*proxy, url, leave, deadline, timeouts, waiter))
                      : TRY(dial_direct(url, leave, deadline, waiter));
  if (url.scheme == "https")
    dialed.transport = TRY(tls_->handshake(
        std::move(dialed.transport), url.host, Alpn::http1_or_h2,
        deadline_after(timeouts.tls, "the TLS handshake with " + named(url)), waiter));
  return dialed;
}

}  // namespace boxagnts::net
