// Reading a JSON text as it stands: values are views of their text, nothing is built or changed.
//
// json_value() checks everything inside of what it returns; the others are for texts that were
// checked. Nesting of more than 64 is refused; nothing recurses.
#pragma once

#include "guests/sdk/text.h"

namespace boxagnts::guest {

// The value that `text` begins with, behind blanks; "" when there is no well-formed one.
Text json_value(Text text);
// A string, decoded, with half characters as U+FFFD: puts it piece by piece.
template <class Put>
void json_decode(Text string, Put put);

// Goes through a checked object's members or an array's elements, one next() each.
class JsonItems {
 public:
  explicit JsonItems(Text container);
  bool next();
  Text key() const { return key_; }  // with its quotes; of an object's member
  Text value() const { return value_; }

 private:
  Text rest_;
  Text key_;
  Text value_;
  bool is_object_;
};

// The member of that name (one without escapes) of a checked object; "" when there is none, or the
// text is no object.
Text json_member(Text object, Text name);
// The digits of a checked whole number; "" for anything else.
Text json_digits(Text value);

// --- implementation

// The code of an escape's four digits.
std::uint32_t json_hex(const char* digits);

template <class Put>
void json_decode(Text string, Put put) {
  if (string.size() < 2 || string.front() != '"') return;
  const char* at = string.data() + 1;
  const char* const end = string.data() + string.size() - 1;
  while (at < end) {
    const char* const from = at;
    while (at < end && *at != '\\') ++at;
    if (at > from) put(Text(from, static_cast<std::size_t>(at - from)));
    if (at == end) return;
    const char kind = at[1];
    at += 2;
    char character[4] = {kind};
    std::size_t size = 1;
    if (kind == 'u') {
      std::uint32_t code = json_hex(at);
      at += 4;
      if (code >= 0xd800 && code < 0xdc00 && end - at >= 6 && at[0] == '\\' && at[1] == 'u') {
        const std::uint32_t low = json_hex(at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
          code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
          at += 6;
        }
      }
      if (code >= 0xd800 && code < 0xe000) code = 0xfffd;
      size = static_cast<std::size_t>(put_utf8(character, code) - character);
    } else if (kind == 'n') {
      character[0] = '\n';
    } else if (kind == 't') {
      character[0] = '\t';
    } else if (kind == 'r') {
      character[0] = '\r';
    } else if (kind == 'b') {
      character[0] = '\b';
    } else if (kind == 'f') {
      character[0] = '\f';
    }
    put(Text(character, size));
  }
}

}  // namespace boxagnts::guest
