// Proxies: which one a request goes through, and how a connection is asked of it.
//
// The proxy is the person's choice, by setting or environment, and needs no rule of the gate. What
// lies behind it is decided by name; only with socks5:// the addresses are ours to look up and
// check. Values and functions; thread-safe.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "net/client_transport.h"
#include "net/url.h"

namespace boxagnts::net {

struct Proxy {
  enum class Kind : std::uint8_t {
    http,     // absolute requests for http, CONNECT for https
    https,    // the same, over TLS to the proxy
    socks5,   // the name is looked up here
    socks5h,  // the name is looked up there
  };
  Kind kind = Kind::http;
  std::string host;
  std::uint16_t port = 0;
  std::string user, password;  // percent-decoded

  std::string named() const;          // "the proxy h:3128"
  std::string key() const;            // tells connections through different proxies apart
  std::string authorization() const;  // of Proxy-Authorization; "" = none
};

// "[SCHEME://][USER[:PASSWORD]@]HOST[:PORT]"; `where` names the setting in errors
// (invalid_argument), which never show the password.
Result<Proxy> parse_proxy(std::string_view text, const std::string& where);

// Whether a list as of NO_PROXY covers it: names with all below them, addresses, networks, each
// with :PORT or without; * for all. What does not parse covers nothing.
bool is_direct(std::string_view no_proxy, const Url& url);

class ProxyRules {
 public:
  using Environment = std::function<std::string(const std::string&)>;
  ProxyRules(Environment environment, std::optional<std::string> setting);
  // None: direct, as always to this machine. Errors: invalid_argument, a proxy that does not parse.
  Result<std::optional<Proxy>> proxy_for(const Url& url) const;

 private:
  const Environment environment_;
  const std::optional<std::string> setting_;
};

// Asks for a connection to the URL's host and port. Errors: permission_denied (the proxy wants
// other credentials), unavailable, timeout, cancelled.
Status connect_by_http(ClientTransport& proxy_connection, const Proxy& proxy, const Url& url,
                       const Deadline& deadline, Waiter& waiter);
// `host`: a name or an address.
Status connect_by_socks5(ClientTransport& proxy_connection, const Proxy& proxy,
                         const std::string& host, std::uint16_t port, const Deadline& deadline,
                         Waiter& waiter);

}  // namespace boxagnts::net
