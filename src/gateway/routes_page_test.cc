#include <gtest/gtest.h>

#include "gateway/gateway_fixture.h"

namespace boxagnts::gateway {
namespace {

using net::ServerResponse;

class PageTest : public GatewayTest {
 protected:
  ServerResponse get(std::string path, std::vector<std::pair<std::string, std::string>> headers) {
    auto request = own_request("GET", std::move(path));
    for (auto& header : headers) request.headers.push_back(std::move(header));
    return send(std::move(request));
  }
};

TEST_F(PageTest, ThePageMayRunItsOwnScriptAndReachNoOtherHost) {
  const auto page = get("/", {{"accept-encoding", "gzip, deflate, br, zstd"}});
  ASSERT_EQ(page.status, 200);
  EXPECT_EQ(page.static_body, kHello);
  EXPECT_EQ(header(page, "Content-Encoding"), "br");
  EXPECT_EQ(header(page, "Cache-Control"), "no-cache");
  const auto policy = header(page, "Content-Security-Policy");
  for (const char* part : {"default-src 'none'", "script-src 'self'", "connect-src 'self'",
                           "frame-ancestors 'none'", "require-trusted-types-for 'script'"})
    EXPECT_TRUE(policy.contains(part)) << policy;
  EXPECT_FALSE(policy.contains("unsafe") || policy.contains("http") || policy.contains("*"));
}

TEST_F(PageTest, WhoTakesNoBrotliGetsTheBytesThemselves) {
  for (const char* accepted : {"", "gzip", "br;q=0", "br; q=0.0, gzip", "brotli"}) {
    const auto page = get("/", {{"accept-encoding", accepted}});
    EXPECT_EQ(page.body, "hello\n") << accepted;
    EXPECT_EQ(header(page, "Content-Encoding"), "") << accepted;
  }
  for (const char* accepted : {"br", "gzip, br", "br;q=0.5", "*"})
    EXPECT_EQ(get("/", {{"accept-encoding", accepted}}).static_body, kHello) << accepted;
}

TEST_F(PageTest, AVersionThatIsKnownIsNotSentAgain) {
  const auto first = get("/assets/a-1.js", {});
  ASSERT_EQ(first.status, 200);
  EXPECT_TRUE(header(first, "Cache-Control").contains("immutable"));
  EXPECT_EQ(header(first, "Content-Type"), "text/javascript; charset=utf-8");
  const auto again = get("/assets/a-1.js", {{"if-none-match", header(first, "ETag")}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
}

TEST_F(PageTest, OtherNamesAreNotThere) {
  for (const char* path : {"/assets/b.js", "/assets/..", "/index.html", "/assets/%2e%2e%2fx"})
    EXPECT_NE(get(path, {}).status, 200) << path;
}

}  // namespace
}  // namespace boxagnts::gateway
