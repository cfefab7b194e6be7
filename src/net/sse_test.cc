#include "net/sse.h"

#include <gtest/gtest.h>

namespace boxagnts::net {
namespace {

std::string written(const SseEvent& event) {
  std::string out;
  append_sse(event, out);
  return out;
}

TEST(SseWriter, WritesWhatBrowsersRead) {
  EXPECT_EQ(written({"message", "a", ""}), "data: a\n\n");
  EXPECT_EQ(written({"frame", R"({"a":1})", "42"}), "id: 42\nevent: frame\ndata: {\"a\":1}\n\n");
  EXPECT_EQ(written({"", "", ""}), "data: \n\n");
  EXPECT_EQ(written({"", "a\nb", ""}), "data: a\ndata: b\n\n");
}

// Nothing that stands in an event starts another line of the stream.
TEST(SseWriter, ReadsBackWhateverItsText) {
  const std::string pieces[] = {"",
                                "a",
                                " a",
                                ":",
                                "data: x",
                                "\n",
                                "\r",
                                "\r\n",
                                "\n\n",
                                "\xef\xbb\xbf",
                                std::string("\0", 1),
                                "\nid: 9",
                                "\r\rretry: 1",
                                "\xff"};
  for (const auto& first : pieces)
    for (const auto& second : pieces) {
      const std::string text = first + second;
      SseParser parser;
      parser.feed(written({"t" + text, text, "i" + text}) + written({"", "end", ""}));
      std::string lines, line;
      for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\r' && text.substr(i + 1).starts_with('\n')) continue;
        lines.push_back(text[i] == '\r' ? '\n' : text[i]);
      }
      for (const char c : text)
        if (c != '\r' && c != '\n' && c != '\0') line.push_back(c);
      const auto event = parser.next();
      ASSERT_TRUE(event && *event);
      EXPECT_EQ((*event)->data, lines);
      EXPECT_EQ((*event)->type, "t" + line);
      EXPECT_EQ((*event)->id, "i" + line);
      const auto end = parser.next();
      ASSERT_TRUE(end && *end);
      EXPECT_EQ((*end)->data, "end");
    }
}

TEST(SseWriter, AHeartbeatIsNoEvent) {
  SseParser parser;
  parser.feed(kSseHeartbeat);
  const auto none = parser.next();
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
}

}  // namespace
}  // namespace boxagnts::net
