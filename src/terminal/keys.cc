#include "terminal/keys.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/text.h"

namespace boxagnts::terminal {
namespace {

constexpr std::string_view kPasteBegins = "\x1b[200~", kPasteEnds = "\x1b[201~";
constexpr std::size_t kSequenceBytesMax = 32;

std::optional<KeyKind> control_key(char byte) {
  switch (byte) {
    case '\r':
    case '\n': return KeyKind::enter;
    case '\t': return KeyKind::tab;
    case 0x7f:
    case 0x08: return KeyKind::backspace;
    case 0x01: return KeyKind::home;
    case 0x02: return KeyKind::left;
    case 0x03: return KeyKind::interrupt;
    case 0x04: return KeyKind::end_of_input;
    case 0x05: return KeyKind::end;
    case 0x06: return KeyKind::right;
    case 0x0b: return KeyKind::kill_to_end;
    case 0x0c: return KeyKind::redraw;
    case 0x0e: return KeyKind::next;
    case 0x10: return KeyKind::previous;
    case 0x12: return KeyKind::search;
    case 0x15: return KeyKind::kill_to_start;
    case 0x17: return KeyKind::rub_word;
    case 0x19: return KeyKind::yank;
    case 0x1a: return KeyKind::suspend;
    default: return std::nullopt;
  }
}

std::optional<KeyKind> alt_key(char byte) {
  switch (byte) {
    case '\r':
    case '\n': return KeyKind::new_line;
    case 'b': return KeyKind::word_left;
    case 'f': return KeyKind::word_right;
    case 'd': return KeyKind::kill_word;
    case 0x7f:
    case 0x08: return KeyKind::rub_word;
    default: return std::nullopt;
  }
}

// Of "ESC [ PARAMETERS FINAL" and "ESC O FINAL".
std::optional<KeyKind> sequence_key(std::string_view parameters, char final) {
  // ";5" is Ctrl, ";3" Alt: both move by words.
  const bool by_word = parameters.ends_with(";5") || parameters.ends_with(";3");
  switch (final) {
    case 'A': return KeyKind::up;
    case 'B': return KeyKind::down;
    case 'C': return by_word ? KeyKind::word_right : KeyKind::right;
    case 'D': return by_word ? KeyKind::word_left : KeyKind::left;
    case 'H': return KeyKind::home;
    case 'F': return KeyKind::end;
    case '~': {
      const auto number = parameters.substr(0, parameters.find(';'));
      if (number == "1" || number == "7") return KeyKind::home;
      if (number == "4" || number == "8") return KeyKind::end;
      if (number == "3") return KeyKind::del;
      return std::nullopt;
    }
    // Enter with a modifier, as terminals that tell keys apart send it.
    case 'u':
      return parameters.starts_with("13;") ? std::optional(KeyKind::new_line) : std::nullopt;
    default: return std::nullopt;
  }
}

std::size_t utf8_length(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80   ? 1
         : byte < 0xc0 ? 1
         : byte < 0xe0 ? 2
         : byte < 0xf0 ? 3
         : byte < 0xf8 ? 4
                       : 1;
}

// As text that may stand in a message: lines end in a newline, and no control character is left.
std::string as_text(std::string_view pasted) {
  std::string text;
  for (std::size_t at = 0; at < pasted.size(); ++at) {
    const char byte = pasted[at];
    if (byte == '\r') {
      if (at + 1 == pasted.size() || pasted[at + 1] != '\n') text += '\n';
    } else if (byte == '\n' || byte == '\t' ||
               (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f)) {
      text += byte;
    }
  }
  return base::is_utf8(text) ? text : base::repair_utf8(text);
}

void add_typed(std::vector<Key>& keys, std::string_view text) {
  if (!keys.empty() && keys.back().kind == KeyKind::text)
    keys.back().text += text;
  else
    keys.push_back({KeyKind::text, std::string(text)});
}

}  // namespace

std::vector<Key> KeyDecoder::feed(std::string_view bytes) {
  held_ += bytes;
  std::vector<Key> keys;
  std::size_t at = 0;
  while (at < held_.size()) {
    const std::string_view rest = std::string_view(held_).substr(at);
    const std::size_t taken = pasting_ ? take_paste(rest, keys) : take(rest, keys);
    if (taken == 0) break;
    at += taken;
  }
  held_.erase(0, at);
  return keys;
}

std::vector<Key> KeyDecoder::settle() {
  std::vector<Key> keys;
  if (!pending()) return keys;
  // What follows an Escape that stands alone is dropped with it.
  if (held_[0] == '\x1b')
    keys.push_back({KeyKind::escape});
  else
    add_typed(keys, base::repair_utf8(held_));
  held_.clear();
  return keys;
}

std::size_t KeyDecoder::take(std::string_view bytes, std::vector<Key>& keys) {
  if (bytes[0] == '\x1b') return take_escape(bytes, keys);
  if (const auto kind = control_key(bytes[0])) {
    keys.push_back({*kind});
    return 1;
  }
  if (static_cast<unsigned char>(bytes[0]) < 0x20) return 1;
  const auto is_later = [](char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; };
  if (bytes.size() < utf8_length(bytes[0]) && std::ranges::all_of(bytes.substr(1), is_later))
    return 0;
  std::string text;
  const std::size_t taken = base::append_character(bytes, 0, text);
  if (std::exchange(pasted_, false))
    keys.push_back({KeyKind::text, std::move(text)});
  else
    add_typed(keys, text);
  return taken;
}

std::size_t KeyDecoder::take_escape(std::string_view bytes, std::vector<Key>& keys) {
  if (bytes.size() == 1) return 0;
  if (bytes[1] == '\x1b') {  // two Escapes: the first is a person's
    keys.push_back({KeyKind::escape});
    return 1;
  }
  if (bytes[1] != '[' && bytes[1] != 'O') {
    if (const auto kind = alt_key(bytes[1])) keys.push_back({*kind});
    std::string ignored;
    return base::append_character(bytes, 1, ignored);
  }
  if (bytes[1] == 'O') {
    if (bytes.size() < 3) return 0;
    if (const auto kind = sequence_key({}, bytes[2])) keys.push_back({*kind});
    return 3;
  }
  const auto final =
      std::ranges::find_if(bytes.substr(2), [](char c) { return c < 0x20 || c > 0x3f; });
  const auto length = static_cast<std::size_t>(final - bytes.begin()) + 1;
  if (final == bytes.end()) return bytes.size() > kSequenceBytesMax ? bytes.size() : 0;
  if (bytes.starts_with(kPasteBegins)) {
    pasting_ = true;
    paste_.clear();
    return kPasteBegins.size();
  }
  if (*final < 0x40) return length - 1;  // no sequence after all: what broke it is a key of its own
  if (const auto kind = sequence_key(bytes.substr(2, length - 3), *final)) keys.push_back({*kind});
  return length;
}

std::size_t KeyDecoder::take_paste(std::string_view bytes, std::vector<Key>& keys) {
  const auto keep = [&](std::string_view part) {
    paste_ += part.substr(0, kPasteBytesMax - std::min(kPasteBytesMax, paste_.size()));
  };
  if (const auto end = bytes.find(kPasteEnds); end != std::string_view::npos) {
    keep(bytes.substr(0, end));
    pasting_ = false;
    if (auto text = as_text(paste_); !text.empty()) {
      keys.push_back({KeyKind::text, std::move(text)});
      pasted_ = true;
    }
    paste_.clear();
    return end + kPasteEnds.size();
  }
  // The end may be cut anywhere: what could be its beginning stays.
  const auto may_end = bytes.rfind('\x1b');
  const std::size_t sure =
      may_end != std::string_view::npos && kPasteEnds.starts_with(bytes.substr(may_end))
          ? may_end
          : bytes.size();
  keep(bytes.substr(0, sure));
  return sure;
}

}  // namespace boxagnts::terminal
