// URLs, and server-sent events at every cut.
#include <gtest/gtest.h>

#include "net/sse.h"
#include "net/url.h"

namespace boxagnts::net {
namespace {

TEST(Url, Parts) {
  const auto url = parse_url("HTTP://Example.com:8080/v1/x?y=1#frag").value();
  EXPECT_EQ(url.scheme, "http");
  EXPECT_EQ(url.host, "example.com");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.target, "/v1/x?y=1");
  EXPECT_EQ(parse_url("http://h")->target, "/");
  EXPECT_EQ(parse_url("http://h?q")->target, "/?q");
  EXPECT_EQ(parse_url("http://[::1]:90/")->host, "::1");
}

class BadUrl : public testing::TestWithParam<const char*> {};
TEST_P(BadUrl, IsRefused) { EXPECT_FALSE(parse_url(GetParam())); }
INSTANTIATE_TEST_SUITE_P(Table, BadUrl,
                         testing::Values("", "h", "ftp://h/", "http://", "http://:80/",
                                         "http://u@h/", "http://u:p@h/", "http://h:0/",
                                         "http://h:65536/", "http://h:8x/", "http://h /",
                                         "http://[::1", "http://[::1]x/", "http://[evil]/",
                                         "http://h\x7f/", "http://\xff/", "javascript:1"));

std::vector<SseEvent> parse_in(const std::vector<std::string_view>& pieces) {
  SseParser parser;
  std::vector<SseEvent> events;
  for (const auto piece : pieces) {
    parser.feed(piece);
    while (auto event = parser.next().value()) events.push_back(*event);
  }
  return events;
}

TEST(Sse, IsTheSameAtEveryCut) {
  const std::string stream =
      "\xef\xbb\xbf: comment\r\ndata: h\xc3\xa9llo\r\ndata\ndata:  two\n\nevent: x\rid: 7\rdata: "
      "{\"a\":1}\r\r"
      "retry: 5\n\nnonsense: y\ndata:\xf0\x9f\x98\x80\n\ndata: never finished\n";
  const auto whole = parse_in({stream});
  ASSERT_EQ(whole.size(), 3u);
  EXPECT_EQ(whole[0].data, "h\xc3\xa9llo\n\n two");
  EXPECT_EQ(whole[0].type, "message");
  EXPECT_EQ(whole[1].type, "x");
  EXPECT_EQ(whole[1].id, "7");
  EXPECT_EQ(whole[2].data, "\xf0\x9f\x98\x80");
  EXPECT_EQ(whole[2].id, "7") << "the last id stays";
  const auto same = [&](const std::vector<SseEvent>& events) {
    ASSERT_EQ(events.size(), whole.size());
    for (std::size_t i = 0; i < events.size(); ++i) {
      EXPECT_EQ(events[i].data, whole[i].data);
      EXPECT_EQ(events[i].type, whole[i].type);
    }
  };
  const std::string_view view = stream;
  for (std::size_t cut = 0; cut <= stream.size(); ++cut)
    same(parse_in({view.substr(0, cut), view.substr(cut)}));
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < stream.size(); ++i) bytes.push_back(view.substr(i, 1));
  same(parse_in(bytes));
}

TEST(Sse, AnEventIsBounded) {
  SseParser parser(100);
  parser.feed("data: " + std::string(200, 'x'));
  EXPECT_EQ(parser.next().error().code, Code::limit_exceeded);
}

}  // namespace
}  // namespace boxagnts::net
