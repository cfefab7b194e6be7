#include "net/url.h"

#include <boxagnts_url.h>

#include <algorithm>

namespace boxagnts::net {
namespace {

constexpr std::size_t kUrlBytesMax = 64 << 10;

std::string text_of(const boxagnts_piece& piece) { return {piece.at, piece.bytes}; }

std::unexpected<Error> bad(std::string_view text, std::string_view why) {
  return fail(Code::invalid_argument, "\"" + std::string(text.substr(0, 200)) +
                                          "\" is not a usable URL: " + std::string(why));
}

// The crate takes a segment like "C:" for a drive in a path of any scheme, and keeps it before
// ".."; the standard does so for files alone.
bool climbs_over_drive(std::string_view text, std::string_view path) {
  const auto is_drive = [](std::string_view segment) {
    return segment.size() == 2 && ((segment[0] | 0x20) >= 'a' && (segment[0] | 0x20) <= 'z') &&
           (segment[1] == ':' || segment[1] == '|');
  };
  const auto is_up = [](std::string_view segment) {
    std::string plain;
    for (const char c : segment) {
      if (c >= 0 && c <= ' ') continue;  // passed over, somewhere or at the ends
      plain += static_cast<char>(c | 0x20);
      if (plain.ends_with("%2e")) plain.replace(plain.size() - 3, 3, ".");
    }
    return plain == "..";
  };
  const auto any_segment = [](std::string_view all, auto wanted) {
    all = all.substr(0, all.find_first_of("?#"));
    while (true) {
      const auto end = std::min(all.find_first_of("/\\"), all.size());
      if (wanted(all.substr(0, end))) return true;
      if (end == all.size()) return false;
      all.remove_prefix(end + 1);
    }
  };
  return any_segment(path, is_drive) && any_segment(text, is_up);
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
  } else if (const auto host = text_of(parsed->host);
             host.starts_with('.') || host.contains("..")) {
    parsing.url = bad(parsing.text, "the host's name has an empty part");
  } else if (climbs_over_drive(parsing.text, text_of(parsed->target))) {
    parsing.url = bad(parsing.text,
                      "a way up (..) beside what looks like a drive in its path is "
                      "not read alike everywhere");
  } else if (parsed->port == 0) {
    parsing.url = bad(parsing.text, "the port is no number from 1 to 65535");
  } else {
    const bool is_ipv6 = host.starts_with('[');
    parsing.url = Url{scheme, is_ipv6 ? host.substr(1, host.size() - 2) : host, parsed->port,
                      text_of(parsed->target)};
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

// Behind two slashes, of either kind, the standard passes over all further ones. The crate does so
// behind a scheme, but not at the front of a relative reference.
std::string with_two_slashes(std::string_view reference) {
  std::string plain;
  for (const char c : reference)
    if (c != '\t' && c != '\n' && c != '\r' && (!plain.empty() || c < 0 || c > ' ')) plain += c;
  const auto slashes = std::min(plain.find_first_not_of("/\\"), plain.size());
  return slashes < 3 ? std::string(reference) : "//" + plain.substr(slashes);
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
  if (reference.size() > kUrlBytesMax) return bad(reference, "it is longer than 64 KiB");
  return parse(with_two_slashes(reference), base.text());
}

}  // namespace boxagnts::net
