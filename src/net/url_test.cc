// Where the parser behind net/url.h reads otherwise than the standard (found by
// tests/drive_urls.py).
#include "net/url.h"

#include <gtest/gtest.h>

namespace boxagnts::net {
namespace {

TEST(ResolveUrl, PassesOverMoreThanTwoSlashes) {
  const auto base = parse_url("https://e.test:8443/a/b?q").value();
  for (const auto* reference :
       {"///x/y", "/\\/x/y", "\\\\\\x/y", "/\t//x/y", " \x01////x/y", "//\n/x/y"})
    EXPECT_EQ(resolve_url(base, reference)->text(), "https://x/y") << reference;
  EXPECT_EQ(resolve_url(base, "//x/y")->text(), "https://x/y");
  EXPECT_EQ(resolve_url(base, "/x//y")->text(), "https://e.test:8443/x//y");
  EXPECT_FALSE(resolve_url(base, "///"));
}

TEST(ParseUrl, AWayUpBesideADriveIsRefused) {
  for (const auto* text :
       {"http://a.test/C:/../x", "http://a.test/c|/%2E./x", "http://a.test/x/C:\\..\\y",
        "http://a.test/C:/.\t./x", "http://a.test/C:/x/%2e%2e"}) {
    const auto url = parse_url(text);
    ASSERT_FALSE(url) << text;
    EXPECT_TRUE(url.error().message.contains("a way up")) << url.error().message;
  }
  EXPECT_EQ(parse_url("http://a.test/C:/x?/../")->target, "/C:/x?/../");
  EXPECT_EQ(parse_url("http://a.test/CC:/../x")->target, "/x");
  EXPECT_EQ(parse_url("http://a.test/C:/..x/...")->target, "/C:/..x/...");
}

TEST(ParseUrl, ANameWithAnEmptyPartIsRefused) {
  for (const auto* text : {"http://a..b/", "http://a.test../", "http://.a/", "http://./",
                           "http://../s:/x", "http:../s:///x", "http://a\u3002.b/"})
    EXPECT_FALSE(parse_url(text)) << text;
  EXPECT_EQ(parse_url("http://a.test./")->host, "a.test.");
}

}  // namespace
}  // namespace boxagnts::net
