#include "base/json.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>
#include <cstring>

#include "base/text.h"

namespace boxagnts::base {
namespace {

// The first byte from `at` on that is no plain ASCII: what must be escaped, or is part of a longer
// character. Eight bytes at a time (Bit Twiddling Hacks, "Determine if a word has a byte less than
// n").
std::size_t plain_until(std::string_view text, std::size_t at) {
  constexpr std::uint64_t kOnes = ~0ull / 255, kHigh = kOnes * 0x80;
  const auto has = [](std::uint64_t word, unsigned char byte) {
    const std::uint64_t zero_where = word ^ (kOnes * byte);
    return (zero_where - kOnes) & ~zero_where & kHigh;
  };
  for (; at + 8 <= text.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, text.data() + at, 8);
    const std::uint64_t control = (word - kOnes * 0x20) & ~word & kHigh;
    if ((word & kHigh) | control | has(word, '"') | has(word, '\\') | has(word, 0x7f)) break;
  }
  for (; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c < 0x20 || c == '"' || c == '\\' || c >= 0x7f) break;
  }
  return at;
}

void append_escape(unsigned char c, std::string& out) {
  static constexpr char kHex[] = "0123456789abcdef";
  switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
  }
}

template <class Number>
void append_number(Number number, std::string& out) {
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, end);
}

// A number too large for a double becomes infinite in the parser, and could not be written again.
bool is_finite(const Json& value) {
  if (value.is_double()) return std::isfinite(value.get_double());
  if (value.is_array()) return std::ranges::all_of(value.get_array(), is_finite);
  if (value.is_object())
    return std::ranges::all_of(value.get_object(),
                               [](const auto& member) { return is_finite(member.value()); });
  return true;
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
  boost::json::parse_options options;
  options.max_depth = kJsonDepthMax;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code error;
  std::size_t used = parser.write_some(text.data(), text.size(), error);
  if (!error && used < text.size()) {
    const auto rest = text.substr(used);
    if (rest.find_first_not_of(" \t\r\n") != std::string_view::npos)
      return fail(Code::invalid_argument,
                  "invalid JSON: more text after the value at byte " + std::to_string(used));
  }
  if (!error) parser.finish(error);
  if (error)
    return fail(Code::invalid_argument,
                "invalid JSON at byte " + std::to_string(used) + ": " + error.message());
  Json value = parser.release();
  if (!is_finite(value))
    return fail(Code::invalid_argument, "invalid JSON: a number is too large for a double");
  return value;
}

void append_quoted(std::string_view text, std::string& out) {
  out += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = plain_until(text, at);
    out.append(text, at, end - at);
    if (end == text.size()) break;
    const auto c = static_cast<unsigned char>(text[end]);
    if (c < 0x80) {
      append_escape(c, out);
      at = end + 1;
    } else {
      at = append_character(text, end, out);
    }
  }
  out += '"';
}

void append_text(const Json& value, std::string& out) {
  switch (value.kind()) {
    case boost::json::kind::null: out += "null"; break;
    case boost::json::kind::bool_: out += value.get_bool() ? "true" : "false"; break;
    case boost::json::kind::int64: append_number(value.get_int64(), out); break;
    case boost::json::kind::uint64: append_number(value.get_uint64(), out); break;
    case boost::json::kind::double_:
      if (std::isfinite(value.get_double()))
        append_number(value.get_double(), out);
      else
        out += "null";
      break;
    case boost::json::kind::string: append_quoted(value.get_string(), out); break;
    case boost::json::kind::array: {
      out += '[';
      bool first = true;
      for (const auto& item : value.get_array()) {
        if (!std::exchange(first, false)) out += ',';
        append_text(item, out);
      }
      out += ']';
      break;
    }
    case boost::json::kind::object: {
      out += '{';
      bool first = true;
      for (const auto& member : value.get_object()) {
        if (!std::exchange(first, false)) out += ',';
        append_quoted(member.key(), out);
        out += ':';
        append_text(member.value(), out);
      }
      out += '}';
      break;
    }
  }
}

std::string to_text(const Json& value) {
  std::string out;
  append_text(value, out);
  return out;
}

const Json* find(const Json& object, std::string_view key) {
  const auto* members = object.if_object();
  return members ? members->if_contains(key) : nullptr;
}

std::optional<std::string_view> get_string(const Json& object, std::string_view key) {
  const auto* value = find(object, key);
  if (!value || !value->is_string()) return std::nullopt;
  return std::string_view(value->get_string());
}

std::optional<std::int64_t> get_int(const Json& object, std::string_view key) {
  const auto* value = find(object, key);
  if (!value) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_uint64() && value->get_uint64() <= INT64_MAX)
    return static_cast<std::int64_t>(value->get_uint64());
  if (value->is_double()) {  // 3.0 is an integer in JSON
    const double number = value->get_double();
    if (std::trunc(number) == number && std::abs(number) < 9e15)
      return static_cast<std::int64_t>(number);
  }
  return std::nullopt;
}

std::optional<bool> get_bool(const Json& object, std::string_view key) {
  const auto* value = find(object, key);
  if (!value || !value->is_bool()) return std::nullopt;
  return value->get_bool();
}

const JsonArray* get_array(const Json& object, std::string_view key) {
  const auto* value = find(object, key);
  return value ? value->if_array() : nullptr;
}

std::string describe_type(const Json& value) {
  switch (value.kind()) {
    case boost::json::kind::null: return "null";
    case boost::json::kind::bool_: return value.get_bool() ? "true" : "false";
    case boost::json::kind::int64:
    case boost::json::kind::uint64:
    case boost::json::kind::double_: return "the number " + to_text(value);
    case boost::json::kind::string: return "a string";
    case boost::json::kind::array: return "an array";
    case boost::json::kind::object: return "an object";
  }
  std::unreachable();
}

}  // namespace boxagnts::base
