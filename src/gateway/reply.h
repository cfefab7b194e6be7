// Answers as bytes: one error shape, the security headers of every answer, the token of a request.
// Thread-safe: functions on values.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/json.h"
#include "net/http_server.h"

namespace boxagnts::gateway {

// {"error":{"code","message","retry_after_ms"?}}, with the status of the table of codes, or
// another.
net::ServerResponse error_reply(const Error& error, int status = 0);
net::ServerResponse json_reply(int status, const Json& body);

// What every answer carries: no sniffing, no framing, no referrer, nothing kept, no scripts but the
// server's own files. Headers that are there already stay.
void add_security_headers(net::ServerResponse& response);

// The token of "Authorization: Bearer TOKEN", or "".
std::string_view bearer_of(const net::ServerRequest& request);

// Whether an If-Match or If-None-Match names that entity tag.
bool names_tag(std::string_view list, const std::string& tag);

}  // namespace boxagnts::gateway
