#include "net/body_decoder.h"

#include <algorithm>

#include "base/guard.h"

namespace boxagnts::net {
namespace {

constexpr unsigned kSizeDigitsMax = 15;  // below 2^60: sums cannot overflow
constexpr unsigned kExtensionBytesMax = 256;
constexpr unsigned kTrailerBytesMax = 8 << 10;

std::unexpected<BadRequest> bad(const char* reason) {
  return std::unexpected(BadRequest{400, reason});
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

bool is_text(char c) {
  const auto value = static_cast<unsigned char>(c);
  return value == '\t' || (value >= 0x20 && value != 0x7f);
}

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~").contains(c);
}

}  // namespace

BodyDecoder::BodyDecoder(const RequestHead& head) : is_chunked_(head.is_chunked) {
  if (is_chunked_) {
    state_ = State::size;
  } else {
    left_ = head.content_length;
    state_ = left_ > 0 ? State::length : State::end;
  }
}

std::expected<std::size_t, BadRequest> BodyDecoder::feed(std::string_view bytes, std::string& out,
                                                         std::size_t out_bytes_max) {
  std::size_t used = 0;
  while (used < bytes.size() && state_ != State::end) {
    if (state_ == State::length || state_ == State::data) {
      const std::size_t room = out_bytes_max - std::min(out.size(), out_bytes_max);
      const std::size_t count =
          std::min({bytes.size() - used, room, static_cast<std::size_t>(left_)});
      if (count == 0) break;
      out.append(bytes.substr(used, count));
      used += count;
      left_ -= count;
      if (left_ == 0) state_ = state_ == State::length ? State::end : State::data_cr;
    } else {
      if (auto stepped = step(bytes[used]); !stepped) return std::unexpected(stepped.error());
      ++used;
    }
  }
  return used;
}

std::expected<void, BadRequest> BodyDecoder::step(char byte) {
  switch (state_) {
    case State::size: {
      const int digit = hex_digit(byte);
      if (digit >= 0) {
        if (GUARD("net.server-chunk-size", ++digits_ > kSizeDigitsMax))
          return bad("a chunk's size has too many digits");
        left_ = left_ * 16 + static_cast<unsigned>(digit);
        return {};
      }
      if (digits_ == 0 || (byte != '\r' && byte != ';'))
        return bad("a chunk does not begin with its size");
      state_ = byte == '\r' ? State::size_lf : State::extension;
      return {};
    }
    case State::extension:
      if (byte == '\r') {
        state_ = State::size_lf;
        return {};
      }
      if (GUARD("net.server-chunk-extension", !is_text(byte) || ++line_bytes_ > kExtensionBytesMax))
        return bad("a chunk's extensions are too long, or hold a control character");
      return {};
    case State::size_lf:
      if (byte != '\n') return bad("a chunk's head does not end with CRLF");
      digits_ = line_bytes_ = 0;
      state_ = left_ > 0 ? State::data : State::trailer;
      return {};
    case State::data_cr:
      if (byte != '\r') return bad("a chunk is longer than its size");
      state_ = State::data_lf;
      return {};
    case State::data_lf:
      if (byte != '\n') return bad("a chunk is longer than its size");
      state_ = State::size;
      return {};
    case State::trailer:
      if (byte == '\r') {
        state_ = State::last_lf;
        return {};
      }
      if (GUARD("net.server-trailer", !is_name(byte))) return bad("a trailer has no name");
      in_name_ = true;
      state_ = State::trailer_line;
      [[fallthrough]];
    case State::trailer_line:
      if (GUARD("net.server-trailer-bytes", ++trailer_bytes_ > kTrailerBytesMax))
        return bad("the trailers are too long");
      if (byte == '\r' && !in_name_) {
        state_ = State::trailer_lf;
        return {};
      }
      if (in_name_ ? byte != ':' && !is_name(byte) : !is_text(byte))
        return bad("a trailer is not a name and a text");
      if (byte == ':') in_name_ = false;
      return {};
    case State::trailer_lf:
    case State::last_lf:
      if (byte != '\n') return bad("a trailer does not end with CRLF");
      state_ = state_ == State::last_lf ? State::end : State::trailer;
      return {};
    case State::end:
    case State::length:
    case State::data: break;
  }
  return {};
}

}  // namespace boxagnts::net
