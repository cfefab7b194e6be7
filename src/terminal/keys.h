// What a terminal sends, as keys: UTF-8, the escape sequences of xterm and its kin, bracketed
// paste.
//
// Pure: bytes in, keys out, however they are cut. What a paste holds is text and never a key; a
// sequence nobody knows is dropped whole. Not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace boxagnts::terminal {

enum class KeyKind : std::uint8_t {
  text,  // characters, typed or (whole, with its newlines) pasted
  enter,
  new_line,  // Alt-Enter
  tab,
  escape,
  backspace,
  del,
  left,
  right,
  up,
  down,
  home,
  end,
  word_left,
  word_right,
  rub_word,     // Ctrl-W, Alt-Backspace: back to where the word begins
  kill_word,    // Alt-D: to where it ends
  kill_to_end,  // Ctrl-K
  kill_to_start,
  yank,
  previous,  // Ctrl-P
  next,
  search,
  redraw,
  interrupt,     // Ctrl-C
  end_of_input,  // Ctrl-D
  suspend,       // Ctrl-Z
};

struct Key {
  KeyKind kind = KeyKind::text;
  std::string text = {};
  bool operator==(const Key&) const = default;
};

class KeyDecoder {
 public:
  // A paste beyond this is cut.
  static constexpr std::size_t kPasteBytesMax = 1 << 20;

  std::vector<Key> feed(std::string_view bytes);
  // Whether what came so far may be the beginning of a key. A person's Escape is one: when nothing
  // follows soon, settle() takes it for what it is.
  bool pending() const { return !held_.empty() && !pasting_; }
  std::vector<Key> settle();

 private:
  // How many bytes of `bytes` are one key, appended to `keys`; 0: more must come.
  std::size_t take(std::string_view bytes, std::vector<Key>& keys);
  std::size_t take_escape(std::string_view bytes, std::vector<Key>& keys);
  std::size_t take_paste(std::string_view bytes, std::vector<Key>& keys);

  std::string held_;  // not yet a key
  std::string paste_;
  bool pasting_ = false;
  bool pasted_ = false;  // the last text was a paste: what is typed behind it is another key
};

}  // namespace boxagnts::terminal
