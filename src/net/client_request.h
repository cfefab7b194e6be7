// What a request of ours may look like, and how it stands on an HTTP/1.1 wire. Functions on values;
// thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "net/http_client.h"

namespace boxagnts::net {

// Errors: invalid_argument, for a word that would start another line or request, and for headers
// that are the client's own.
Status check_request(const Request& request);

enum class TargetForm : std::uint8_t { origin, absolute };  // absolute: to a proxy
struct WireOptions {
  TargetForm form = TargetForm::origin;
  std::string proxy_authorization = {};  // "" = none
};
// The head, with the body's framing.
std::string encode_head(const Request& request, const WireOptions& options);

// Whether sending it twice does no more than sending it once (RFC 9110, 9.2.2).
bool is_idempotent(std::string_view method);
bool equal_ignoring_case(std::string_view left, std::string_view right);
std::string named(const Url& url);  // "h:80", for sentences

}  // namespace boxagnts::net
