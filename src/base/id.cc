#include "base/id.h"

#include <sodium/randombytes.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace boxagnts::base {

std::string new_ulid(Timestamp now) {
  static constexpr char kAlphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";  // Crockford base 32
  std::array<unsigned char, 16> bytes{};
  std::uint64_t milliseconds = static_cast<std::uint64_t>(now / 1000);
  for (int i = 5; i >= 0; --i, milliseconds >>= 8)
    bytes[static_cast<std::size_t>(i)] = static_cast<unsigned char>(milliseconds);
  randombytes_buf(bytes.data() + 6, 10);
  std::string text(26, '0');
  unsigned __int128 number = 0;
  for (const auto byte : bytes) number = number << 8 | byte;
  for (std::size_t i = 26; i-- > 0; number >>= 5)
    text[i] = kAlphabet[static_cast<unsigned>(number & 31)];
  return text;
}

bool is_id_text(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  });
}

}  // namespace boxagnts::base
