#include <algorithm>
#include <limits>

#include "guests/sdk/sdk.h"
#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

// All of stdin. The kernel tells its size, so that it costs one allocation and one call.
Text read_input() {
  constexpr std::size_t kFirstBytes = 4096;
  Stat stat{};
  const bool told = wasi_fd_filestat_get(fd::kInput, &stat) == Errno::success && stat.size > 0 &&
                    stat.size < std::numeric_limits<std::size_t>::max() / 2;
  std::size_t capacity = told ? static_cast<std::size_t>(stat.size) : kFirstBytes;
  char* data = allocate(capacity);
  std::size_t size = 0;
  while (true) {
    const Piece piece{data + size, capacity - size};
    std::size_t got = 0;
    if (wasi_fd_read(fd::kInput, &piece, 1, &got) != Errno::success)
      fail(kBadInput, {"the call's arguments could not be read from standard input"});
    size += got;
    if (got == 0 || (told && size == capacity)) return {data, size};
    if (size == capacity) {
      data = extend(data, capacity, capacity * 2);
      capacity *= 2;
    }
  }
}

}  // namespace

// A strict parser of one flat object. Strings are decoded in place: an escape is never shorter than
// what it stands for.
class Arguments::Parser {
 public:
  explicit Parser(Text input) : at_(const_cast<char*>(input.data())), end_(at_ + input.size()) {}

  void parse(Arguments& into, std::initializer_list<Text> known) {
    expect('{');
    skip_blanks();
    if (peek() == '}') {
      ++at_;
    } else {
      do {
        skip_blanks();
        const Text name = string();
        if (std::find(known.begin(), known.end(), name) == known.end())
          fail(kBadInput, {"there is no argument \"", prefix_at_character(name, 80), "\""});
        for (std::size_t i = 0; i < into.count_; ++i)
          if (into.fields_[i].name == name)
            fail(kBadInput, {"the argument ", name, " is given twice"});
        if (into.count_ == kFieldsMax) malformed();
        expect(':');
        into.fields_[into.count_++] = value(name);
        skip_blanks();
      } while (take(','));
      expect('}');
    }
    skip_blanks();
    if (at_ != end_) malformed();
  }

 private:
  [[noreturn]] static void malformed() {
    fail(kBadInput,
         {"the call's arguments are no JSON object of texts, numbers and true or false"});
  }
  char peek() const { return at_ < end_ ? *at_ : '\0'; }
  bool take(char c) {
    if (at_ == end_ || *at_ != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  void expect(char c) {
    skip_blanks();
    if (!take(c)) malformed();
  }
  bool word(Text text) {
    if (Text(at_, static_cast<std::size_t>(end_ - at_)).substr(0, text.size()) != text)
      return false;
    at_ += text.size();
    return true;
  }

  Field value(Text name) {
    skip_blanks();
    if (peek() == '"') return {name, Kind::text, string(), 0, false};
    if (word("true")) return {name, Kind::flag, {}, 1, false};
    if (word("false")) return {name, Kind::flag, {}, 0, false};
    if (word("null")) return {name, Kind::absent, {}, 0, false};
    return number(name);
  }

  // Integers, also written as 5.0 or 5e2, the way some writers of JSON do.
  Field number(Text name) {
    const bool negative = take('-');
    if (peek() < '0' || peek() > '9') malformed();
    const bool leading_zero = peek() == '0';
    const char* const first = at_;
    std::uint64_t value = 0;
    while (peek() >= '0' && peek() <= '9') value = appended(name, value, *at_++ - '0');
    if (leading_zero && at_ - first > 1) malformed();
    if (take('.')) {
      const char* const fraction = at_;
      while (peek() >= '0' && peek() <= '9')
        if (*at_++ != '0') not_whole(name);
      if (at_ == fraction) malformed();
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '-') not_whole(name);
      take('+');
      if (peek() < '0' || peek() > '9') malformed();
      std::uint64_t exponent = 0;
      while (peek() >= '0' && peek() <= '9')
        exponent =
            std::min<std::uint64_t>(exponent * 10 + static_cast<std::uint64_t>(*at_++ - '0'), 100);
      for (; exponent > 0 && value > 0; --exponent) value = appended(name, value, 0);
    }
    return {name, Kind::number, {}, value, negative && value > 0};
  }
  static std::uint64_t appended(Text name, std::uint64_t value, int digit) {
    constexpr std::uint64_t kMost = std::uint64_t{1} << 53;
    value = value * 10 + static_cast<std::uint64_t>(digit);
    if (value > kMost) fail(kBadInput, {"the number given for ", name, " is too large"});
    return value;
  }
  [[noreturn]] static void not_whole(Text name) {
    fail(kBadInput, {name, " takes a whole number"});
  }

  Text string() {
    if (!take('"')) malformed();
    char* const begin = at_;
    char* to = at_;
    while (true) {
      // Everything up to the next quote, escape or control character stands for itself.
      const char* const from = at_;
      at_ += plain_run();
      const auto size = static_cast<std::size_t>(at_ - from);
      if (to != from) __builtin_memmove(to, from, size);
      to += size;
      if (at_ == end_ || static_cast<unsigned char>(*at_) < 0x20) malformed();
      if (*at_++ == '"') return {begin, static_cast<std::size_t>(to - begin)};
      to = escape(to);
    }
  }
  std::size_t plain_run() const {
    const char* from = at_;
    const v128_t quote = wasm_i8x16_splat('"'), slash = wasm_i8x16_splat('\\');
    for (; end_ - from >= 16; from += 16) {
      const v128_t bytes = wasm_v128_load(from);
      const v128_t special =
          wasm_v128_or(wasm_v128_or(wasm_i8x16_eq(bytes, quote), wasm_i8x16_eq(bytes, slash)),
                       wasm_u8x16_lt(bytes, wasm_i8x16_splat(0x20)));
      if (const auto mask = wasm_i8x16_bitmask(special); mask != 0)
        return static_cast<std::size_t>(from - at_) +
               static_cast<std::size_t>(__builtin_ctz(static_cast<unsigned>(mask)));
    }
    while (from < end_ && *from != '"' && *from != '\\' &&
           static_cast<unsigned char>(*from) >= 0x20)
      ++from;
    return static_cast<std::size_t>(from - at_);
  }
  char* escape(char* to) {
    if (at_ == end_) malformed();
    switch (const char kind = *at_++; kind) {
      case '"':
      case '\\':
      case '/': *to = kind; return to + 1;
      case 'b': *to = '\b'; return to + 1;
      case 'f': *to = '\f'; return to + 1;
      case 'n': *to = '\n'; return to + 1;
      case 'r': *to = '\r'; return to + 1;
      case 't': *to = '\t'; return to + 1;
      case 'u': return character(to);
      default: malformed();
    }
  }
  char* character(char* to) {
    std::uint32_t code = hex();
    if (code >= 0xd800 && code < 0xdc00) {
      if (!take('\\') || !take('u')) malformed();
      const std::uint32_t low = hex();
      if (low < 0xdc00 || low > 0xdfff) malformed();
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    } else if (code >= 0xdc00 && code <= 0xdfff) {
      malformed();
    }
    return put_utf8(to, code);
  }
  std::uint32_t hex() {
    std::uint32_t code = 0;
    for (int i = 0; i < 4; ++i) {
      const char c = peek();
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) malformed();
      code = code * 16 + static_cast<std::uint32_t>(digit);
      ++at_;
    }
    return code;
  }

  char* at_;
  char* const end_;
};

Arguments Arguments::read(std::initializer_list<Text> known) {
  Arguments arguments;
  Parser(read_input()).parse(arguments, known);
  return arguments;
}

const Arguments::Field* Arguments::find(Text name, Kind kind, Text wanted) const {
  for (std::size_t i = 0; i < count_; ++i) {
    const Field& field = fields_[i];
    if (field.name != name || field.kind == Kind::absent) continue;
    if (field.kind != kind) fail(kBadInput, {name, " takes ", wanted});
    return &field;
  }
  return nullptr;
}

Text Arguments::text(Text name) const {
  const auto* field = find(name, Kind::text, "a text");
  if (!field) fail(kBadInput, {"the argument ", name, " is missing"});
  return field->text;
}

Text Arguments::text_or(Text name, Text other) const {
  const auto* field = find(name, Kind::text, "a text");
  return field ? field->text : other;
}

std::uint64_t Arguments::number_or(Text name, std::uint64_t other, std::uint64_t low) const {
  const auto* field = find(name, Kind::number, "a whole number");
  if (!field) return other;
  if (field->negative || field->number < low) fail(kBadInput, {name, " begins at 1"});
  return field->number;
}

bool Arguments::flag_or(Text name, bool other) const {
  const auto* field = find(name, Kind::flag, "true or false");
  return field ? field->number == 1 : other;
}

}  // namespace boxagnts::guest
