// The text of a message that is being written, and the place in it: moving, killing, yanking.
//
// Pure. The text is UTF-8; places are byte offsets at the beginnings of characters, and what has no
// width of its own (accents, joiners) belongs to the character before it. Not thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "terminal/keys.h"

namespace boxagnts::terminal {

class EditBuffer {
 public:
  const std::string& text() const { return text_; }
  std::size_t cursor() const { return cursor_; }
  bool empty() const { return text_.empty(); }

  // Replaces everything; the cursor goes to the end.
  void set(std::string text);
  void insert(std::string_view text);
  // Replaces what stands from `begin` to the cursor.
  void replace_back_to(std::size_t begin, std::string_view text);
  // False where the key is none of this buffer's, or changes nothing: up in the first line.
  bool apply(const Key& key);
  // Whether a line that ends here goes on: its last character is a backslash. Makes it a newline.
  bool continue_line();

 private:
  std::size_t before(std::size_t at) const;
  std::size_t behind(std::size_t at) const;
  std::size_t word_before(std::size_t at) const;
  std::size_t word_behind(std::size_t at) const;
  std::size_t line_begin(std::size_t at) const;
  std::size_t line_end(std::size_t at) const;
  bool to_line(std::size_t begin, std::size_t end);
  bool kill(std::size_t begin, std::size_t end);
  bool move(std::size_t to);

  std::string text_;
  std::string killed_;
  std::size_t cursor_ = 0;
};

// Where the character at `at` ends, with all that has no width of its own behind it.
std::size_t character_end(std::string_view text, std::size_t at);

}  // namespace boxagnts::terminal
