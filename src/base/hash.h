// BLAKE2b-256 (RFC 7693) by libsodium: names of blobs, cache keys. Thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace boxagnts::base {

// 64 lower-case hexadecimal digits.
std::string blake2b_hex(std::string_view bytes);

}  // namespace boxagnts::base
