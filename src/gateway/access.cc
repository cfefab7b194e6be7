#include "gateway/access.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::gateway {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

struct Authority {
  std::string host;  // an IPv6 address without its brackets
  std::optional<std::uint16_t> port;
};

// "name", "name:80", "[::1]:80"; nullopt where it is none of these.
std::optional<Authority> split_authority(std::string_view text) {
  Authority authority;
  std::string_view port;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    authority.host = text.substr(1, end - 1);
    port = text.substr(end + 1);
  } else {
    const auto colon = text.find(':');
    authority.host = text.substr(0, colon);
    port = colon == std::string_view::npos ? "" : text.substr(colon);
  }
  if (authority.host.empty()) return std::nullopt;
  if (port.empty()) return authority;
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
  if (port[0] != ':' || error != std::errc() || end != port.data() + port.size())
    return std::nullopt;
  authority.port = number;
  return authority;
}

// IPv4 on an IPv6 socket is IPv4.
net::IpAddress unmapped(const net::IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.v4 || !std::equal(kPrefix.begin(), kPrefix.end(), address.bytes.begin()))
    return address;
  net::IpAddress inner{.v4 = true, .bytes = {}};
  std::copy(address.bytes.begin() + 12, address.bytes.end(), inner.bytes.begin());
  return inner;
}

std::uint16_t default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

}  // namespace

bool is_loopback(const net::IpAddress& address) {
  const auto plain = unmapped(address);
  if (plain.v4) return plain.bytes[0] == 127;
  return std::all_of(plain.bytes.begin(), plain.bytes.end() - 1, [](auto b) { return b == 0; }) &&
         plain.bytes[15] == 1;
}

Status Access::check_host(const net::ServerRequest& request) const {
  const auto asked = split_authority(request.host);
  const auto is_ours = [&] {
    if (!asked) return false;
    if (std::ranges::find(names_, asked->host) != names_.end()) return true;
    if (asked->port.value_or(default_port(request.secure ? "https" : "http")) != request.local_port)
      return false;
    if (asked->host == "localhost") return is_loopback(request.local);
    const auto address = net::parse_ip(asked->host);
    return address && (unmapped(*address) == unmapped(request.local));
  };
  if (GUARD("gateway.host", !is_ours()))
    return fail(Code::permission_denied,
                "this server does not answer to the name \"" + base::one_line(request.host, 80) +
                    "\"; a name that is its own is given to it by --allow-host");
  return {};
}

bool Access::is_own_origin(std::string_view origin, const net::ServerRequest& request) const {
  const auto mark = origin.find("://");
  if (mark == std::string_view::npos) return false;  // "null" too
  const std::string scheme = lower(origin.substr(0, mark));
  // In front of a proxy that does TLS the page is of https, and we are spoken to in http.
  const bool good_scheme = scheme == (request.secure ? "https" : "http") ||
                           (proxy_ == Proxy::in_front && scheme == "https");
  const auto theirs = split_authority(lower(origin.substr(mark + 3)));
  const auto ours = split_authority(request.host);
  return good_scheme && theirs && ours && theirs->host == ours->host &&
         theirs->port.value_or(default_port(scheme)) == ours->port.value_or(default_port(scheme));
}

Status Access::check_origin(const net::ServerRequest& request) const {
  for (const auto& [name, value] : request.headers) {
    const std::string known = lower(name);
    if (GUARD("gateway.origin", known == "origin" && !is_own_origin(value, request)))
      return fail(Code::permission_denied,
                  "a page of \"" + base::one_line(value, 80) + "\" may not call this server");
    if (GUARD("gateway.fetch_site",
              known == "sec-fetch-site" && value != "same-origin" && value != "none"))
      return fail(Code::permission_denied, "a page of another site may not call this server");
  }
  return {};
}

Status Access::check_navigation(const net::ServerRequest& request) const {
  const bool opened = request.header("sec-fetch-mode") == "navigate" &&
                      request.header("sec-fetch-dest") == "document" &&
                      request.header("origin").empty();
  return opened ? Status() : check_origin(request);
}

bool Access::is_proxied(const net::ServerRequest& request) const {
  constexpr std::string_view kNames[]{"forwarded",           "via",
                                      "x-real-ip",           "x-client-ip",
                                      "client-ip",           "cf-connecting-ip",
                                      "true-client-ip",      "x-original-host",
                                      "x-cluster-client-ip", "fastly-client-ip"};
  return proxy_ == Proxy::in_front || std::ranges::any_of(request.headers, [&](const auto& entry) {
           const std::string known = lower(entry.first);
           return known.starts_with("x-forwarded") ||
                  std::ranges::find(kNames, known) != std::end(kNames);
         });
}

}  // namespace boxagnts::gateway
