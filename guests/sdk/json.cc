#include "guests/sdk/json.h"

namespace boxagnts::guest {
namespace {

bool is_json_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// One value, checked from its first character on; each step returns false where the text is none.
class Scanner {
 public:
  Scanner(const char* at, const char* end) : at_(at), end_(end) {}
  const char* at() const { return at_; }

  // A stack of bits, one a level: whether it is an object.
  bool value() {
    std::uint64_t objects = 0;
    int depth = 0;
    while (true) {
      skip_blanks();
      if (at_ == end_) return false;
      const char c = *at_;
      if (c == '{' || c == '[') {
        if (depth == kDepthMax) return false;
        objects = objects << 1 | (c == '{');
        ++depth;
        ++at_;
        skip_blanks();
        if (at_ < end_ && *at_ == (c == '{' ? '}' : ']')) {
          ++at_;
          objects >>= 1;
          --depth;
        } else {
          if (c == '{' && !key()) return false;
          continue;
        }
      } else if (!scalar(c)) {
        return false;
      }
      // A value is done: what follows it?
      while (depth > 0) {
        skip_blanks();
        if (at_ == end_) return false;
        const bool is_object = objects & 1;
        const char next = *at_++;
        if (next == ',') {
          if (is_object && !key()) return false;
          break;
        }
        if (next != (is_object ? '}' : ']')) return false;
        objects >>= 1;
        --depth;
      }
      if (depth == 0) return true;
    }
  }

  bool string() {
    if (at_ == end_ || *at_++ != '"') return false;
    while (at_ < end_) {
      const char c = *at_++;
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

  void skip_blanks() {
    while (at_ < end_ && is_json_blank(*at_)) ++at_;
  }

 private:
  static constexpr int kDepthMax = 64;

  bool key() {
    skip_blanks();
    if (!string()) return false;
    skip_blanks();
    return at_ < end_ && *at_++ == ':';
  }
  bool escape() {
    if (at_ == end_) return false;
    const char kind = *at_++;
    if (kind != 'u') return Text("\"\\/bfnrt").find(kind) != Text::npos;
    for (int i = 0; i < 4; ++i)
      if (at_ == end_ || !is_hex(*at_++)) return false;
    return true;
  }
  bool scalar(char c) {
    if (c == '"') return string();
    if (c == '-' || is_digit(c)) return number();
    for (const Text word : {Text("true"), Text("false"), Text("null")})
      if (Text(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) {
        at_ += word.size();
        return true;
      }
    return false;
  }
  bool number() {
    if (*at_ == '-') ++at_;
    if (!digits()) return false;
    if (at_ < end_ && *at_ == '.') {
      ++at_;
      if (!digits()) return false;
    }
    if (at_ < end_ && (*at_ == 'e' || *at_ == 'E')) {
      ++at_;
      if (at_ < end_ && (*at_ == '+' || *at_ == '-')) ++at_;
      if (!digits()) return false;
    }
    return true;
  }
  bool digits() {
    const char* const from = at_;
    while (at_ < end_ && is_digit(*at_)) ++at_;
    return at_ > from;
  }

  const char* at_;
  const char* const end_;
};

Text taken(Text& rest, const char* from, const char* to) {
  rest.remove_prefix(static_cast<std::size_t>(to - rest.data()));
  return {from, static_cast<std::size_t>(to - from)};
}

void skip_blanks(Text& text) {
  while (!text.empty() && is_json_blank(text.front())) text.remove_prefix(1);
}

}  // namespace

std::uint32_t json_hex(const char* digits) {
  std::uint32_t code = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = digits[i];
    code = code * 16 + static_cast<std::uint32_t>(is_digit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
  }
  return code;
}

Text json_value(Text text) {
  skip_blanks(text);
  Scanner scanner(text.data(), text.data() + text.size());
  return scanner.value() ? taken(text, text.data(), scanner.at()) : Text();
}

JsonItems::JsonItems(Text container) : rest_(container), is_object_(container.starts_with('{')) {
  if (rest_.empty() || (!is_object_ && rest_.front() != '['))
    rest_ = {};
  else
    rest_.remove_prefix(1);
}

bool JsonItems::next() {
  skip_blanks(rest_);
  if (rest_.empty() || rest_.front() == '}' || rest_.front() == ']') return false;
  if (rest_.front() == ',') {
    rest_.remove_prefix(1);
    skip_blanks(rest_);
  }
  if (is_object_) {
    Scanner scanner(rest_.data(), rest_.data() + rest_.size());
    if (!scanner.string()) return false;
    key_ = taken(rest_, rest_.data(), scanner.at());
    skip_blanks(rest_);
    rest_.remove_prefix(1);  // the colon
    skip_blanks(rest_);
  }
  Scanner scanner(rest_.data(), rest_.data() + rest_.size());
  if (!scanner.value()) return false;
  value_ = taken(rest_, rest_.data(), scanner.at());
  return true;
}

Text json_member(Text object, Text name) {
  if (!object.starts_with('{')) return {};
  for (JsonItems members(object); members.next();)
    if (members.key().size() == name.size() + 2 && members.key().substr(1, name.size()) == name)
      return members.value();
  return {};
}

Text json_digits(Text value) {
  for (const char c : value)
    if (!is_digit(c)) return {};
  return value;
}

}  // namespace boxagnts::guest
