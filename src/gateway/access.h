// From where a request may come: the names this server answers to, and pages of its own only. What
// a browser sends along (Host, Origin, Sec-Fetch-Site) is judged here, before any token is.
//
// Immutable; thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/http_server.h"

namespace boxagnts::gateway {

enum class Proxy : std::uint8_t { none, in_front };

class Access {
 public:
  // `names`: host names besides this machine's own, lower case, without a port.
  Access(std::vector<std::string> names, Proxy proxy) : names_(std::move(names)), proxy_(proxy) {}

  // Errors: permission_denied. The Host is a name of ours with our port: a page that rebinds its
  // own name to this address is refused.
  Status check_host(const net::ServerRequest& request) const;
  // Errors: permission_denied. No other page has sent it: another site's, another port's of this
  // machine, a sandboxed one's.
  Status check_origin(const net::ServerRequest& request) const;
  // The same for a page that is opened: a link anywhere may lead to it.
  Status check_navigation(const net::ServerRequest& request) const;

  // Whether the request was passed on by a proxy, as far as it tells.
  bool is_proxied(const net::ServerRequest& request) const;

 private:
  bool is_own_origin(std::string_view origin, const net::ServerRequest& request) const;

  const std::vector<std::string> names_;
  const Proxy proxy_;
};

bool is_loopback(const net::IpAddress& address);

}  // namespace boxagnts::gateway
