// What terminals send, cut at every byte.
#include "terminal/keys.h"

#include <gtest/gtest.h>

namespace boxagnts::terminal {
namespace {

using enum KeyKind;

// Neighbouring texts, which cuts part, are one.
void append(std::vector<Key>& keys, std::vector<Key> more) {
  for (auto& key : more) {
    if (key.kind == text && !keys.empty() && keys.back().kind == text)
      keys.back().text += key.text;
    else
      keys.push_back(std::move(key));
  }
}

std::vector<Key> decode(std::string_view bytes, std::size_t cut_at = 0) {
  KeyDecoder decoder;
  auto keys = decoder.feed(bytes.substr(0, cut_at));
  append(keys, decoder.feed(bytes.substr(cut_at)));
  append(keys, decoder.settle());
  return keys;
}

struct Sent {
  std::string_view bytes;
  std::vector<Key> keys;
};

const std::vector<Sent>& sent() {
  static const std::vector<Sent> all{
      {"abc", {{text, "abc"}}},
      {"wörld 日本 🦀", {{text, "wörld 日本 🦀"}}},
      {"a\rb\n", {{text, "a"}, {enter}, {text, "b"}, {enter}}},
      {"\x1b\r\x1b\n", {{new_line}, {new_line}}},
      {"\x1b[13;2u", {{new_line}}},
      {"\x01\x02\x03\x04\x05\x06", {{home}, {left}, {interrupt}, {end_of_input}, {end}, {right}}},
      {"\x08\x7f\x09\x0b\x0c\x0e\x10",
       {{backspace}, {backspace}, {tab}, {kill_to_end}, {redraw}, {next}, {previous}}},
      {"\x12\x15\x17\x19\x1a", {{search}, {kill_to_start}, {rub_word}, {yank}, {suspend}}},
      {"\x1b[A\x1b[B\x1b[C\x1b[D", {{up}, {down}, {right}, {left}}},
      {"\x1bOA\x1bOB\x1bOC\x1bOD\x1bOH\x1bOF", {{up}, {down}, {right}, {left}, {home}, {end}}},
      {"\x1b[H\x1b[F\x1b[1~\x1b[4~\x1b[7~\x1b[8~\x1b[3~",
       {{home}, {end}, {home}, {end}, {home}, {end}, {del}}},
      {"\x1b[1;5C\x1b[1;5D\x1b[1;3C\x1b[1;3D",
       {{word_right}, {word_left}, {word_right}, {word_left}}},
      {"\x1b"
       "b\x1b"
       "f\x1b"
       "d\x1b\x7f",
       {{word_left}, {word_right}, {kill_word}, {rub_word}}},
      // Unknown ones are dropped whole, and what follows is taken for what it is.
      {"\x1b[15~\x1b[?1;2cx\x1bOPy\x1bzw", {{text, "xyw"}}},
      {"\x1b\x1b[A", {{escape}, {up}}},
      {"\x1b[1\x03z", {{interrupt}, {text, "z"}}},
      {"\x1b[200~one\r\ntwo\rthree\n\tx\x1b[201~\r", {{text, "one\ntwo\nthree\n\tx"}, {enter}}},
      {"\x1b[200~a\x1b[31mb\x03\x04\x7f"
       "c\x1b[201~",
       {{text, "a[31mbc"}}},
      {"\x1b[200~\x1b[20\x1b[201~", {{text, "[20"}}},
      {"\x1b[200~\x1b[201~x", {{text, "x"}}},
  };
  return all;
}

TEST(Keys, AreWhatTheTerminalMeans) {
  for (const auto& [bytes, keys] : sent()) EXPECT_EQ(decode(bytes), keys) << bytes;
}

TEST(Keys, MayBeCutAnywhere) {
  for (const auto& [bytes, keys] : sent())
    for (std::size_t at = 0; at <= bytes.size(); ++at)
      EXPECT_EQ(decode(bytes, at), keys) << bytes << " cut at " << at;
}

TEST(Keys, AnEscapeStandsAloneOnceNothingFollows) {
  KeyDecoder decoder;
  EXPECT_TRUE(decoder.feed("\x1b").empty());
  EXPECT_TRUE(decoder.pending());
  EXPECT_EQ(decoder.settle(), std::vector<Key>{{escape}});
  EXPECT_FALSE(decoder.pending());
  EXPECT_EQ(decoder.feed("[A"), (std::vector<Key>{{text, "[A"}}));
}

TEST(Keys, BytesThatAreNoTextAreReplaced) {
  EXPECT_EQ(decode("a\xff"
                   "b\xc3"),
            (std::vector<Key>{{text,
                               "a\xef\xbf\xbd"
                               "b\xef\xbf\xbd"}}));
  EXPECT_EQ(decode("\x1b[200~\xc3\x28\x1b[201~"), (std::vector<Key>{{text, "\xef\xbf\xbd("}}));
  EXPECT_TRUE(decode(std::string("\x1b[") + std::string(100, '1')).empty())
      << "an endless sequence";
}

TEST(Keys, APasteIsBounded) {
  KeyDecoder decoder;
  std::vector<Key> keys = decoder.feed("\x1b[200~");
  for (int i = 0; i < 40; ++i) (void)decoder.feed(std::string(64 << 10, 'x'));
  EXPECT_FALSE(decoder.pending());
  keys = decoder.feed("\x1b[201~y");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].text.size(), KeyDecoder::kPasteBytesMax);
  EXPECT_EQ(keys[1].text, "y");
}

}  // namespace
}  // namespace boxagnts::terminal
