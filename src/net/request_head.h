// The head of an HTTP/1.1 request: bytes to a checked value. Strict where leniency lets two readers
// of one connection see different requests (RFC 9112, 11.2). Beast's parser reads the grammar; what
// it lets pass is refused here. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace boxagnts::net {

// What the server answers before it closes the connection.
struct BadRequest {
  int status = 400;
  std::string reason;
};

struct RequestHead {
  ServerRequest request;  // without addresses
  std::uint64_t content_length = 0;
  unsigned minor_version = 1;
  bool is_chunked = false, keeps_alive = true, expects_continue = false;
};

// Finds where a head ends, at every cut of its bytes alike, and refuses what no head may hold:
// a CR or LF alone, a folded line, control characters, more bytes than the bound.
class HeadScanner {
 public:
  explicit HeadScanner(std::size_t bytes_max) : bytes_max_(bytes_max) {}
  // `bytes` is the head from its beginning, longer at each call. The head's length with its empty
  // line; nullopt: more is needed.
  std::expected<std::optional<std::size_t>, BadRequest> scan(std::string_view bytes);

 private:
  enum class State : std::uint8_t { begin, leading_lf, line_start, line, cr, last_lf, end };
  std::expected<void, BadRequest> step(char byte);

  std::size_t bytes_max_;
  std::size_t scanned_ = 0;
  std::size_t lines_ = 0;  // that have ended
  State state_ = State::begin;
};

// `bytes` is what the scanner found.
std::expected<RequestHead, BadRequest> parse_request_head(std::string_view bytes);

}  // namespace boxagnts::net
