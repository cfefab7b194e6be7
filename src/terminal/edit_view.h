// How a message that is being written stands on the screen: rows, the cursor, what to write so that
// it stands there. Nothing in the text steers the terminal. Pure; not thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace boxagnts::terminal {

struct ScreenSize {
  std::size_t columns = 80, rows = 24;
};

struct EditLayout {
  std::vector<std::string> rows;
  std::size_t cursor_row = 0, cursor_column = 0;
};

// `prompt` stands before the first line, as many columns before every other one. A row leaves the
// last column free: a terminal that has filled it may or may not be on the next row.
EditLayout lay_out(std::string_view prompt, std::string_view text, std::size_t cursor,
                   std::size_t columns);

class EditView {
 public:
  // What to write so that the rows, and `below` under them, take the place of what was drawn
  // before. Where there are more rows than the screen has, those around the cursor are shown.
  std::string draw(const EditLayout& layout, const std::vector<std::string>& below,
                   ScreenSize screen);
  // The terminal has other columns now: it has broken what was drawn into other rows.
  void resized(std::size_t columns);
  // What to write so that the next output begins under what was drawn.
  std::string leave();
  // The screen was cleared, or belongs to others since.
  void forget() { *this = EditView(); }

 private:
  std::vector<std::size_t> widths_;  // of the rows drawn
  std::size_t cursor_row_ = 0, cursor_column_ = 0;
};

}  // namespace boxagnts::terminal
