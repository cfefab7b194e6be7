// A message being written: the text and the place in it, and how it stands on the screen.
#include <gtest/gtest.h>

#include "base/text.h"
#include "terminal/edit_buffer.h"
#include "terminal/edit_view.h"

namespace boxagnts::terminal {
namespace {

using enum KeyKind;

// The text with a | where the cursor is, after these keys.
std::string edited(std::string_view written, std::vector<Key> keys) {
  EditBuffer buffer;
  buffer.set(std::string(written));
  for (const auto& key : keys) (void)buffer.apply(key);
  std::string shown = buffer.text();
  return shown.insert(buffer.cursor(), "|");
}

TEST(EditBuffer, KeysDoWhatTheyDoInAShell) {
  struct Row {
    std::string_view before;
    std::vector<Key> keys;
    std::string_view after;
  };
  const std::vector<Row> rows{
      {"abc", {}, "abc|"},
      {"abc", {{left}, {text, "x"}}, "abx|c"},
      {"abc", {{home}, {right}, {del}}, "a|c"},
      {"abc", {{backspace}, {backspace}, {backspace}, {backspace}}, "|"},
      {"日本", {{left}, {backspace}}, "|本"},
      {"e\xcc\x81x", {{left}, {backspace}}, "|x"},  // an accent goes with its letter
      {"one two-three", {{word_left}, {word_left}}, "one |two-three"},
      {"one two", {{home}, {word_right}}, "one| two"},
      {"one two", {{rub_word}, {yank}, {yank}}, "one twotwo|"},
      {"one two", {{home}, {kill_word}}, "| two"},
      {"one two", {{home}, {kill_to_end}, {text, "x"}, {yank}}, "xone two|"},
      {"one\ntwo", {{kill_to_start}}, "one\n|"},
      {"one\ntwo", {{up}}, "one|\ntwo"},
      {"o\ntwo", {{up}, {kill_to_end}}, "o|two"},
      {"日本\nab", {{up}}, "日|本\nab"},
      {"one\ntwo\nx", {{up}, {up}, {end}, {down}}, "one\ntwo|\nx"},
      {"one", {{new_line}, {text, "two"}}, "one\ntwo|"},
      {"", {{left}, {right}, {del}, {rub_word}, {kill_to_end}, {yank}, {up}, {down}}, "|"},
  };
  for (const auto& [before, keys, after] : rows) EXPECT_EQ(edited(before, keys), after) << before;
}

TEST(EditBuffer, SaysWhereAKeyDoesNothing) {
  EditBuffer buffer;
  buffer.set("one\ntwo");
  EXPECT_TRUE(buffer.apply({up}));
  EXPECT_FALSE(buffer.apply({up})) << "the history's, from the first line";
  EXPECT_TRUE(buffer.apply({down}));
  EXPECT_FALSE(buffer.apply({down}));
}

TEST(EditBuffer, ABackslashAtTheEndGoesOn) {
  EditBuffer buffer;
  buffer.set("one\\");
  EXPECT_TRUE(buffer.continue_line());
  EXPECT_EQ(buffer.text(), "one\n");
  EXPECT_FALSE(buffer.continue_line());
  buffer.set("one\\x");
  EXPECT_FALSE(buffer.continue_line());
  buffer.set("one\\");
  (void)buffer.apply({left});
  EXPECT_FALSE(buffer.continue_line()) << "not at the end";
}

// --- the screen ---------------------------------------------------------------------------------

TEST(EditView, RowsNeverFillTheScreensLastColumn) {
  const std::string words =
      "日本語 wörld e\xcc\x81 abc\tdef\nsecond line that is rather long 日本語日本語\n\n🦀";
  for (std::size_t columns = 1; columns < 60; ++columns) {
    for (std::size_t at = 0; at <= words.size();) {
      const auto layout = lay_out("ask> ", words, at, columns);
      for (const auto& row : layout.rows)
        EXPECT_LT(base::display_width(row), std::max<std::size_t>(columns, 4)) << columns;
      EXPECT_LT(layout.cursor_row, layout.rows.size());
      EXPECT_LT(layout.cursor_column, std::max<std::size_t>(columns, 4));
      at = at == words.size() ? at + 1 : character_end(words, at);
    }
  }
}

TEST(EditView, LinesHaveTheSameBeginning) {
  const auto layout = lay_out("ask> ", "one\ntwo three", 5, 14);
  EXPECT_EQ(layout.rows, (std::vector<std::string>{"ask> one", "   | two thre", "e"}));
  EXPECT_EQ(layout.cursor_row, 1u);
  EXPECT_EQ(layout.cursor_column, 6u);
  EXPECT_EQ(lay_out("unattended> ", "ab", 2, 10).rows[0], "> ab") << "no room for the prompt";
}

// A terminal that does what the view writes: printable text, CR, LF, cursor up, down, right, clear.
class Terminal {
 public:
  explicit Terminal(std::size_t columns) : columns_(columns) { rows_.resize(1); }
  void write(std::string_view bytes) {
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      if (bytes[i] == '\r') {
        column_ = 0;
      } else if (bytes[i] == '\n') {
        if (++row_ == rows_.size()) rows_.emplace_back();
      } else if (bytes[i] == '\x1b') {
        std::size_t count = 0;
        for (i += 2; bytes[i] >= '0' && bytes[i] <= '9'; ++i) count = count * 10 + (bytes[i] - '0');
        if (bytes[i] == 'A') row_ -= std::min(row_, count);
        if (bytes[i] == 'B') row_ += count;
        if (bytes[i] == 'C') column_ += count;
        if (bytes[i] == 'J') {
          rows_.resize(row_ + 1);
          rows_[row_].resize(column_);
        }
      } else {
        rows_[row_].resize(std::max(rows_[row_].size(), column_ + 1), ' ');
        rows_[row_][column_++] = bytes[i];
        EXPECT_LT(column_, columns_) << "it wrapped by itself";
      }
    }
  }
  std::vector<std::string> rows_;
  std::size_t row_ = 0, column_ = 0;

 private:
  const std::size_t columns_;
};

TEST(EditView, WhatIsDrawnTakesThePlaceOfWhatWas) {
  Terminal terminal(20);
  EditView view;
  const ScreenSize screen{20, 10};
  const auto draw = [&](std::string_view text, std::size_t cursor,
                        std::vector<std::string> below = {}) {
    terminal.write(view.draw(lay_out("ask> ", text, cursor, screen.columns), below, screen));
  };
  terminal.write("before\r\n");
  draw("", 0);
  draw("a text of more than a row", 3, {"  one", "  two"});
  EXPECT_EQ(terminal.rows_, (std::vector<std::string>{"before", "ask> a text of more",
                                                      " than a row", "  one", "  two"}));
  EXPECT_EQ(terminal.row_, 1u);
  EXPECT_EQ(terminal.column_, 8u);
  draw("a text of more than a row", 25);
  EXPECT_EQ(terminal.row_, 2u);
  draw("short", 5);
  EXPECT_EQ(terminal.rows_, (std::vector<std::string>{"before", "ask> short"}));
  terminal.write(view.leave());
  EXPECT_EQ(terminal.row_, 2u);
  EXPECT_EQ(terminal.column_, 0u);
  EXPECT_EQ(view.leave(), "");
}

TEST(EditView, ATextLargerThanTheScreenIsShownAroundTheCursor) {
  std::string text;
  for (int i = 0; i < 50; ++i) text += "line " + std::to_string(i) + "\n";
  EditView view;
  const ScreenSize screen{40, 8};
  Terminal terminal(40);
  terminal.write(view.draw(lay_out("> ", text, text.size(), 40), {}, screen));
  EXPECT_EQ(terminal.rows_.size(), 7u);
  EXPECT_EQ(terminal.rows_[5], "| line 49");
  terminal.write(view.draw(lay_out("> ", text, 0, 40), {}, screen));
  EXPECT_EQ(terminal.rows_.size(), 7u);
  EXPECT_EQ(terminal.rows_[0], "> line 0");
  EXPECT_EQ(terminal.row_, 0u);
}

TEST(EditView, ATerminalThatBecameNarrowHasBrokenTheRows) {
  EditView view;
  (void)view.draw(lay_out("> ", std::string(90, 'x'), 90, 40), {},
                  {40, 10});  // 3 rows, at the third
  view.resized(20);
  // 39 columns are two rows of 20, twice; the cursor is in the row below them.
  const auto drawn = view.draw(lay_out("> ", "y", 1, 20), {}, {20, 10});
  EXPECT_TRUE(drawn.starts_with("\r\x1b[4A")) << drawn;
}

}  // namespace
}  // namespace boxagnts::terminal
