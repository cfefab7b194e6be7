#include <algorithm>
#include <charconv>

#include "net/http_client.h"

namespace boxagnts::net {
namespace {

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Code::invalid_argument, "\"" + std::string(text.substr(0, 200)) +
                                          "\" is not a usable URL: " + std::string(why));
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '.' || c == '_';
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) <= 0x20 || static_cast<unsigned char>(c) >= 0x7f)
      return bad(text, "it has a space, a control character or one outside ASCII");
  const auto colon = text.find("://");
  if (colon == std::string_view::npos) return bad(text, "it does not begin with http://");
  Url url;
  url.scheme = text.substr(0, colon);
  std::ranges::transform(url.scheme, url.scheme.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  if (url.scheme != "http")
    return fail(Code::unsupported, "only plain http:// works today, not " +
                                       url.scheme.substr(0, 20) +
                                       "://; point it at a local server");
  std::string_view rest = text.substr(colon + 3);
  const auto slash = std::min(rest.find_first_of("/?#"), rest.size());
  std::string_view authority = rest.substr(0, slash);
  url.target = rest.substr(slash, rest.find('#') - slash);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (authority.contains('@')) return bad(text, "a user name in it is not supported");
  std::string_view port;
  if (authority.starts_with('[')) {
    const auto end = authority.find(']');
    if (end == std::string_view::npos) return bad(text, "the [ is never closed");
    url.host = authority.substr(1, end - 1);
    if (url.host.find_first_not_of("0123456789abcdefABCDEF:.") != std::string::npos)
      return bad(text, "the address in [ ] is malformed");
    authority.remove_prefix(end + 1);
    if (!authority.empty() && !authority.starts_with(':')) return bad(text, "text after the ]");
    port = authority.empty() ? std::string_view() : authority.substr(1);
  } else {
    const auto at = std::min(authority.find(':'), authority.size());
    url.host = authority.substr(0, at);
    if (!std::ranges::all_of(url.host, is_host_character))
      return bad(text, "the host name is malformed");
    port = at < authority.size() ? authority.substr(at + 1) : std::string_view();
  }
  if (url.host.empty()) return bad(text, "the host is missing");
  if (!port.empty()) {
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), url.port);
    if (error != std::errc() || end != port.data() + port.size() || url.port == 0)
      return bad(text, "the port is no number from 1 to 65535");
  }
  return url;
}

}  // namespace boxagnts::net
