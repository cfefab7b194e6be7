// The body of a request: takes the framing (a length, or chunks) off its bytes, at every cut alike.
// Strict: a line ends with CRLF, sizes are hexadecimal digits and nothing else, what extensions and
// trailers may weigh is bounded, and neither is kept. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "net/request_head.h"

namespace boxagnts::net {

class BodyDecoder {
 public:
  BodyDecoder() = default;  // of a request without a body
  explicit BodyDecoder(const RequestHead& head);

  // Appends content to `out` until it holds `out_bytes_max`; how many of `bytes` were used.
  std::expected<std::size_t, BadRequest> feed(std::string_view bytes, std::string& out,
                                              std::size_t out_bytes_max);
  bool ended() const { return state_ == State::end; }
  // What is still to come, where that is known.
  std::uint64_t bytes_left() const { return is_chunked_ ? UINT64_MAX : left_; }

 private:
  enum class State : std::uint8_t {
    end,
    length,
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_line,
    trailer_lf,
    last_lf
  };
  std::expected<void, BadRequest> step(char byte);

  State state_ = State::end;
  bool is_chunked_ = false;
  bool in_name_ = false;        // of a trailer
  unsigned digits_ = 0;         // of a chunk's size
  unsigned line_bytes_ = 0;     // of extensions of one chunk
  unsigned trailer_bytes_ = 0;  // of all trailers
  std::uint64_t left_ = 0;      // of the body, or of the chunk
};

}  // namespace boxagnts::net
