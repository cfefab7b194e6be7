// Bytes and characters: vectorised searching and copying, UTF-8.
//
// Loads and stores go in steps of 16 bytes and may run over a block's end by 15 (sdk.h,
// allocate()).
#pragma once

#include <wasm_simd128.h>

#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

// Copies and returns the end of the copy. Short texts are cheaper by hand than by memory.copy,
// which is a call into the host's runtime.
inline char* copy(char* to, Text from) {
  constexpr std::size_t kLongBytes = 256;
  if (from.size() >= kLongBytes) {
    __builtin_memcpy(to, from.data(), from.size());
  } else {
#pragma clang loop vectorize(disable) unroll(disable)
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = from[i];
  }
  return to + from.size();
}

// The first `wanted` in [from, end), or end.
inline const char* find_byte(const char* from, const char* end, char wanted) {
  const v128_t pattern = wasm_i8x16_splat(wanted);
  for (; end - from >= 16; from += 16) {
    const auto mask = wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(from), pattern));
    if (mask != 0) return from + __builtin_ctz(static_cast<unsigned>(mask));
  }
  while (from < end && *from != wanted) ++from;
  return from;
}

inline std::uint64_t count_byte(const char* from, const char* end, char wanted) {
  const v128_t pattern = wasm_i8x16_splat(wanted);
  std::uint64_t count = 0;
  for (; end - from >= 16; from += 16)
    count += static_cast<unsigned>(__builtin_popcount(
        static_cast<unsigned>(wasm_i8x16_bitmask(wasm_i8x16_eq(wasm_v128_load(from), pattern)))));
  for (; from < end; ++from) count += *from == wanted;
  return count;
}

inline bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Bytes of the well-formed character that begins at `from`, or 0 when there is none.
inline std::size_t character_size(const char* from, const char* end) {
  const auto byte = [&](int i) { return static_cast<unsigned char>(from[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || static_cast<std::size_t>(end - from) < size) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if (!is_continuation(from[i])) return 0;
  if (lead == 0xe0 && byte(1) < 0xa0) return 0;  // overlong
  if (lead == 0xed && byte(1) > 0x9f) return 0;  // surrogates
  if (lead == 0xf0 && byte(1) < 0x90) return 0;
  if (lead == 0xf4 && byte(1) > 0x8f) return 0;  // past U+10FFFF
  return size;
}

// The longest prefix of at most `bytes_max` bytes that does not cut a character.
inline Text prefix_at_character(Text text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  std::size_t size = bytes_max;
  while (size > 0 && bytes_max - size < 3 && is_continuation(text[size])) --size;
  return text.substr(0, size);
}

// Writes the character of a code point and returns its end: up to four bytes.
inline char* put_utf8(char* to, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { *to++ = static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
  return to;
}

inline bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

inline Text trimmed(Text text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

// Lines as editors count them: a last one without a line end counts too.
inline std::uint64_t count_lines(Text text) {
  if (text.empty()) return 0;
  return count_byte(text.data(), text.data() + text.size(), '\n') + (text.back() != '\n');
}

}  // namespace boxagnts::guest
