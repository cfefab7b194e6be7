// URLs of http and https, as the URL Standard of the WHATWG parses them: what a browser would go to
// is what is decided about. Values only; thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace boxagnts::net {

struct Url {
  std::string scheme;  // "http" or "https"
  std::string host;    // ASCII, lower case, as it is looked up; an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string target;  // path and query, begins with '/'

  // "example.com", "[::1]:8080": as the Host header names it, without the scheme's own port.
  std::string authority() const;
  // The whole, without a fragment.
  std::string text() const;
};

std::uint16_t default_port(std::string_view scheme);

// Errors: invalid_argument (one sentence; also for a user name or password in it, which would go
// into logs), unsupported for schemes other than http and https.
Result<Url> parse_url(std::string_view text);
// The same for a reference that may be relative to `base`: a Location, a link.
Result<Url> resolve_url(const Url& base, std::string_view reference);

}  // namespace boxagnts::net
