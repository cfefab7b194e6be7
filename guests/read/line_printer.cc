#include "guests/read/line_printer.h"

#include <algorithm>

#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

constexpr std::size_t kLineCharactersMax = 2000;
constexpr std::size_t kUnfinishedBytesMax =
    4 * kLineCharactersMax;  // a longer line is cut for certain
constexpr std::size_t kOutputBytesMax = 128 << 10;
constexpr std::size_t kNumberWidth = 6;
constexpr Text kMark = "\xef\xbb\xbf";
constexpr Text kReplacement = "\xef\xbf\xbd";

}  // namespace

LinePrinter::LinePrinter(std::uint64_t first, std::uint64_t lines_max)
    : first_(first), lines_max_(lines_max), digits_from_(kDigitsMax) {
  for (char& digit : digits_) digit = ' ';
  do {
    digits_[--digits_from_] = static_cast<char>('0' + first % 10);
    first /= 10;
  } while (first > 0);
}

std::size_t LinePrinter::print(Text piece, Piece kind) {
  const char* at = piece.data();
  const char* const end = at + piece.size();
  const_cast<char&>(*end) = '\n';  // every search ends there
  if (!begun_ && piece.starts_with(kMark)) {
    begins_with_mark_ = true;
    at += kMark.size();
  }
  begun_ = true;
  while (at < end) {
    if (inside_line_) {
      at = find_byte(at, end, '\n');
      inside_line_ = at == end;
      if (!inside_line_) ++at;
    } else if (done()) {
      lines_ += count_byte(at, end, '\n') + (end[-1] != '\n');
      inside_line_ = end[-1] != '\n';
      at = end;
    } else if (lines_ + 1 < first_) {
      at = skip_line(at, end);
    } else if (shown_ > 0 && out.size() >= kOutputBytesMax) {
      full_ = true;
    } else {
      const char* const next = print_line(at, end, kind);
      if (!next) break;
      at = next;
    }
  }
  return static_cast<std::size_t>(at - piece.data());
}

const char* LinePrinter::skip_line(const char* at, const char* end) {
  ++lines_;
  const char* const newline = find_byte(at, end, '\n');
  inside_line_ = newline == end;
  return inside_line_ ? end : newline + 1;
}

const char* LinePrinter::print_line(const char* at, const char* end, Piece kind) {
  const char* newline = print_short_line(at, end, kind);
  if (newline) return newline < end ? newline + 1 : end;
  newline = find_byte(at, end, '\n');
  const bool ended = newline < end;
  if (!ended && kind == Piece::more_follows) {
    if (static_cast<std::size_t>(end - at) <= kUnfinishedBytesMax) return nullptr;
    inside_line_ = true;
  }
  const bool crlf = ended && newline > at && newline[-1] == '\r';
  number_in(out.reserve(kNumberBytesMax));
  out.commit(number_bytes());
  put_characters({at, static_cast<std::size_t>(newline - at) - crlf});
  end_line(crlf, ended);
  return ended ? newline + 1 : end;
}

const char* LinePrinter::print_short_line(const char* at, const char* end, Piece kind) {
  char* const to = number_in(out.reserve(kNumberBytesMax + kLineCharactersMax + 32));
  const v128_t newlines = wasm_i8x16_splat('\n');
  v128_t seen = wasm_i8x16_splat(0);
  for (std::size_t size = 0; size <= kLineCharactersMax; size += 16) {
    const v128_t bytes = wasm_v128_load(at + size);
    wasm_v128_store(to + size, bytes);
    seen = wasm_v128_or(seen, bytes);
    const auto mask = wasm_i8x16_bitmask(wasm_i8x16_eq(bytes, newlines));
    if (mask == 0) continue;
    size += static_cast<std::size_t>(__builtin_ctz(static_cast<unsigned>(mask)));
    const char* const newline = at + size;
    const bool ended = newline < end;
    if ((!ended && kind == Piece::more_follows) || size > kLineCharactersMax) break;
    const bool crlf = ended && size > 0 && newline[-1] == '\r';
    size -= crlf;
    out.commit(number_bytes());
    if (wasm_i8x16_bitmask(seen) == 0)
      out.commit(size);
    else
      put_characters({at, size});
    end_line(crlf, ended);
    return newline;
  }
  return nullptr;
}

void LinePrinter::put_characters(Text line) {
  const char* at = line.data();
  const char* const end = at + line.size();
  for (std::size_t count = 0; at < end; ++count) {
    if (count == kLineCharactersMax) {
      out.put(" … [line cut]");
      ++cut_lines_;
      return;
    }
    const std::size_t size = character_size(at, end);
    out.put(size > 0 ? Text(at, size) : kReplacement);
    repaired_bytes_ += size == 0;
    at += size > 0 ? size : 1;
  }
}

std::size_t LinePrinter::number_bytes() const {
  return std::max(kNumberWidth, kDigitsMax - digits_from_) + 1;
}

char* LinePrinter::number_in(char* to) const {
  const std::size_t from = std::min(digits_from_, kDigitsMax - kNumberWidth);
  to = copy(to, {digits_ + from, kDigitsMax - from});
  *to = '\t';
  return to + 1;
}

void LinePrinter::end_line(bool crlf, bool ended) {
  out.put('\n');
  ++lines_;
  ++shown_;
  crlf_lines_ += crlf;
  ended_lines_ += ended;
  // The next number, digit by digit: cheaper than dividing it anew for every line.
  std::size_t digit = kDigitsMax - 1;
  while (digit >= digits_from_ && digits_[digit] == '9') digits_[digit--] = '0';
  if (digit < digits_from_) {
    digits_from_ = digit;
    digits_[digit] = '1';
  } else {
    ++digits_[digit];
  }
}

}  // namespace boxagnts::guest
