#include "net/url.h"

#include <boxagnts_url.h>

namespace boxagnts::net {
namespace {

constexpr std::size_t kUrlBytesMax = 64 << 10;

std::string text_of(const boxagnts_piece& piece) { return {piece.at, piece.bytes}; }

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Code::invalid_argument, "\"" + std::string(text.substr(0, 200)) +
                                          "\" is not a usable URL: " + std::string(why));
}

struct Parsing {
  std::string_view text;
  Result<Url> url = Url{};
};

void take_url(void* context, const boxagnts_url* parsed) {
  auto& parsing = *static_cast<Parsing*>(context);
  const std::string scheme = text_of(parsed->scheme);
  if (scheme != "http" && scheme != "https") {
    parsing.url = fail(Code::unsupported, "\"" + scheme.substr(0, 40) +
                                              ":\" is no scheme that is spoken here; http and "
                                              "https are");
  } else if (parsed->has_credentials) {
    parsing.url = bad(parsing.text, "a user name or password in it is not supported");
  } else if (parsed->port == 0) {
    parsing.url = bad(parsing.text, "the port is no number from 1 to 65535");
  } else {
    std::string host = text_of(parsed->host);
    if (host.starts_with('[')) host = host.substr(1, host.size() - 2);
    parsing.url = Url{scheme, std::move(host), parsed->port, text_of(parsed->target)};
  }
}

void take_error(void* context, boxagnts_piece why) {
  auto& parsing = *static_cast<Parsing*>(context);
  parsing.url = bad(parsing.text, text_of(why));
}

Result<Url> parse(std::string_view text, std::string_view base) {
  if (text.size() > kUrlBytesMax) return bad(text, "it is longer than 64 KiB");
  Parsing parsing{.text = text};
  boxagnts_url_parse(text.data(), text.size(), base.data(), base.size(), take_url, take_error,
                     &parsing);
  return std::move(parsing.url);
}

}  // namespace

std::uint16_t default_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

std::string Url::authority() const {
  std::string out = host.contains(':') ? "[" + host + "]" : host;
  if (port != default_port(scheme)) out += ":" + std::to_string(port);
  return out;
}

std::string Url::text() const { return scheme + "://" + authority() + target; }

Result<Url> parse_url(std::string_view text) { return parse(text, {}); }

Result<Url> resolve_url(const Url& base, std::string_view reference) {
  return parse(reference, base.text());
}

}  // namespace boxagnts::net
