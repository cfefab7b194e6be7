#include "net/client_request.h"

#include <algorithm>
#include <array>

#include "base/guard.h"

namespace boxagnts::net {
namespace {

// The connection's affairs (RFC 9110, 7.6.1) and framing: two opinions on them are an attack.
constexpr std::array<std::string_view, 14> kOwnHeaders{"connection",
                                                       "content-length",
                                                       "expect",
                                                       "host",
                                                       "http2-settings",
                                                       "keep-alive",
                                                       "proxy-authenticate",
                                                       "proxy-authorization",
                                                       "proxy-connection",
                                                       "te",
                                                       "trailer",
                                                       "transfer-encoding",
                                                       "upgrade",
                                                       "via"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c));
  });
}

bool is_value(std::string_view text) {
  return std::ranges::none_of(text,
                              [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

// Words of the request line and the host are set apart by spaces and line ends alone.
bool is_word(std::string_view text) {
  return !text.empty() &&
         std::ranges::none_of(text, [](unsigned char c) { return c <= 0x20 || c == 0x7f; });
}

bool is_own(std::string_view name) {
  return std::ranges::any_of(kOwnHeaders, [&](auto own) { return equal_ignoring_case(own, name); });
}

// Names are shown to people: what is no name of a header may be anything.
std::string shown(std::string_view name) {
  std::string out(name.substr(0, 60));
  for (char& c : out)
    if (c < 0x20 || c > 0x7e) c = '?';
  return out;
}

bool may_have_body(std::string_view method) {
  return method != "GET" && method != "HEAD" && method != "DELETE" && method != "OPTIONS" &&
         method != "TRACE";
}

}  // namespace

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) { return lower(a) == lower(b); });
}

std::string named(const Url& url) { return url.host + ":" + std::to_string(url.port); }

bool is_idempotent(std::string_view method) {
  constexpr std::array<std::string_view, 6> kMethods{"GET",    "HEAD",    "PUT",
                                                     "DELETE", "OPTIONS", "TRACE"};
  return std::ranges::find(kMethods, method) != kMethods.end();
}

Status check_request(const Request& request) {
  const Url& url = request.url;
  if (GUARD("net.request-line-injection", !is_token(request.method) || !is_word(url.host) ||
                                              !is_word(url.target) || url.target[0] != '/'))
    return fail(Code::invalid_argument,
                "the method, host or path of a request has a space or a control character in it");
  if (GUARD("net.caller-connects", request.method == "CONNECT"))
    return fail(Code::invalid_argument, "CONNECT is the client's own method");
  for (const auto& [name, value] : request.headers) {
    if (GUARD("net.header-injection", !is_token(name) || !is_value(value)))
      return fail(Code::invalid_argument, "the header " + shown(name) +
                                              " has a line break or another character in it that "
                                              "no header may have");
    if (GUARD("net.caller-headers", is_own(name)))
      return fail(Code::invalid_argument,
                  "the header " + shown(name) + " is the client's own; leave it out");
  }
  return {};
}

std::string encode_head(const Request& request, const WireOptions& options) {
  const Url& url = request.url;
  const std::string prefix =
      options.form == TargetForm::absolute ? url.scheme + "://" + url.authority() : "";
  std::string out =
      request.method + " " + prefix + url.target + " HTTP/1.1\r\nHost: " + url.authority() + "\r\n";
  if (!options.proxy_authorization.empty())
    out += "Proxy-Authorization: " + options.proxy_authorization + "\r\n";
  if (request.body_source)
    out += "Transfer-Encoding: chunked\r\n";
  else if (!request.body.empty() || may_have_body(request.method))
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  for (const auto& [name, value] : request.headers) out += name + ": " + value + "\r\n";
  return out + "\r\n";
}

}  // namespace boxagnts::net
