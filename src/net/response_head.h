// The head of an answer as bytes. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace boxagnts::net {

enum class After : std::uint8_t { keeps_alive, closes };

struct ResponseFraming {
  unsigned minor_version = 1;
  After after = After::keeps_alive;
  std::optional<std::uint64_t> content_length;  // nullopt: chunked, or until the end in HTTP/1.0
};

// Has a status no body at all (RFC 9110, 6.4.1)?
bool is_bodiless(int status);
std::string_view reason_of(int status);
// "Sun, 06 Nov 1994 08:49:37 GMT"
std::string http_date(std::int64_t seconds_since_epoch);
// Ends with the empty line. False: a header would start another line; `out` is not touched.
[[nodiscard]] bool append_head(const ServerResponse& response, const ResponseFraming& framing,
                               std::string_view date, std::string& out);

}  // namespace boxagnts::net
