// What a hostile or broken client sends, against what it is answered: shapes of smuggling,
// malformed heads and bodies, paths; each at every cut of its bytes.
#include <gtest/gtest.h>
#include <netinet/tcp.h>

#include <string>

#include "net/body_decoder.h"
#include "net/http_server_fixture.h"
#include "net/request_head.h"

namespace boxagnts::net {
namespace {

constexpr std::size_t kHeadBytesMax = 2048;

// The answer says what the handler saw, so that a wrong reading shows.
void tell(Exchange& exchange) {
  const auto body = exchange.whole_body(1 << 20);
  if (!body) return exchange.respond({.status = base::info(body.error().code).http_status});
  const auto& request = exchange.request();
  std::string text = request.method + " " + request.path + " @" + request.host;
  for (const auto& [name, value] : request.query) text += " [" + name + "=" + value + "]";
  exchange.respond({.body = text + " {" + *body + "}"});
}

struct Shape {
  const char* name;
  std::string bytes;  // then the client says no more
  int status;
  std::string body;  // of a 200
};

std::string with_header(const std::string& header) {
  return "GET /x HTTP/1.1\r\nHost: h\r\n" + header + "\r\n\r\n";
}
std::string posted(const std::string& headers, const std::string& body) {
  return "POST /x HTTP/1.1\r\nHost: h\r\n" + headers + "\r\n" + body;
}
std::string chunked(const std::string& body) {
  return posted("Transfer-Encoding: chunked\r\n", body);
}
std::string target(const std::string& text) {
  return "GET " + text + " HTTP/1.1\r\nHost: h\r\n\r\n";
}

const std::string kNul(1, '\0');

std::vector<Shape> right_shapes() {
  return {
      {"plain", target("/x"), 200, "GET /x @h {}"},
      {"one empty line before", "\r\n" + target("/x"), 200, "GET /x @h {}"},
      {"HTTP/1.0 without a host", "GET /x HTTP/1.0\r\n\r\n", 200, "GET /x @ {}"},
      {"a length", posted("Content-Length: 3\r\n", "abc"), 200, "POST /x @h {abc}"},
      {"no length", posted("", ""), 200, "POST /x @h {}"},
      {"chunks", chunked("3\r\nabc\r\n2;a=b\r\nde\r\n0\r\nT: x\r\n\r\n"), 200,
       "POST /x @h {abcde}"},
      {"absolute target", target("http://Example.com:80/x?a=1"), 200,
       "GET /x @example.com:80 [a=1] {}"},
      {"absolute target without a path", target("http://e.com"), 200, "GET / @e.com {}"},
      {"IPv6 host", "GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 200, "GET /x @[::1]:80 {}"},
      {"escapes", target("/a%20b/%c3%a4?q=a+b%26&r&=s"), 200,
       "GET /a b/\xc3\xa4 @h [q=a b&] [r=] [=s] {}"},
      {"decoded once", target("/%2525"), 200, "GET /%25 @h {}"},
      {"three dots", target("/.../..a"), 200, "GET /.../..a @h {}"},
      {"blanks around a value", with_header("A: \t b \t"), 200, "GET /x @h {}"},
  };
}

std::vector<Shape> shapes_of_lengths() {
  return {
      {"length and chunks",
       posted("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"), 400, ""},
      {"chunks and length",
       posted("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"), 400, ""},
      {"two lengths", posted("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"), 400, ""},
      {"the same length twice", posted("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400,
       ""},
      {"a list of lengths", posted("Content-Length: 3, 3\r\n", "abc"), 400, ""},
      {"a signed length", posted("Content-Length: +3\r\n", "abc"), 400, ""},
      {"a negative length", posted("Content-Length: -3\r\n", "abc"), 400, ""},
      {"a hexadecimal length", posted("Content-Length: 0x3\r\n", "abc"), 400, ""},
      {"an empty length", posted("Content-Length:\r\n", "abc"), 400, ""},
      {"a length beyond 64 bits", posted("Content-Length: 18446744073709551616\r\n", ""), 400, ""},
      {"two codings", posted("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", ""),
       400, ""},
      {"gzip, chunked", posted("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 400, ""},
      {"chunked, gzip", posted("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n"), 400, ""},
      {"chunked twice in one", posted("Transfer-Encoding: chunked, chunked\r\n", ""), 400, ""},
      {"identity", posted("Transfer-Encoding: identity\r\n", ""), 400, ""},
      {"chunked in quotes", posted("Transfer-Encoding: \"chunked\"\r\n", ""), 400, ""},
      {"xchunked", posted("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"), 400, ""},
      {"chunks in HTTP/1.0",
       "POST /x HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, ""},
  };
}

std::vector<Shape> shapes_of_chunks() {
  return {
      {"a chunk without a size", chunked("\r\nabc\r\n0\r\n\r\n"), 400, ""},
      {"a size in 0x", chunked("0x3\r\nabc\r\n0\r\n\r\n"), 400, ""},
      {"a signed size", chunked("+3\r\nabc\r\n0\r\n\r\n"), 400, ""},
      {"a blank after a size", chunked("3 \r\nabc\r\n0\r\n\r\n"), 400, ""},
      {"a blank before a size", chunked(" 3\r\nabc\r\n0\r\n\r\n"), 400, ""},
      {"a size of 16 digits", chunked("0000000000000003\r\nabc\r\n0\r\n\r\n"), 400, ""},
      {"a chunk longer than its size", chunked("3\r\nabcd\r\n0\r\n\r\n"), 400, ""},
      {"a size ended by LF", chunked("3\nabc\r\n0\r\n\r\n"), 400, ""},
      {"a size ended by CR", chunked("3\rabc\r\n0\r\n\r\n"), 400, ""},
      {"a chunk ended by LF", chunked("3\r\nabc\n0\r\n\r\n"), 400, ""},
      {"a chunk ended by CR and more", chunked("3\r\nabc\rx0\r\n\r\n"), 400, ""},
      {"an extension with LF", chunked("3;a\nbc\r\nabc\r\n0\r\n\r\n"), 400, ""},
      {"an extension with NUL", chunked("3;" + kNul + "\r\nabc\r\n0\r\n\r\n"), 400, ""},
      {"a long extension", chunked("3;" + std::string(300, 'x') + "\r\nabc\r\n0\r\n\r\n"), 400, ""},
      {"a folded trailer", chunked("0\r\n a: b\r\n\r\n"), 400, ""},
      {"a trailer without a name", chunked("0\r\n: b\r\n\r\n"), 400, ""},
      {"a trailer without a colon", chunked("0\r\nab\r\n\r\n"), 400, ""},
      {"a trailer ended by LF", chunked("0\r\na: b\n\r\n"), 400, ""},
      {"trailers ended by CR and more", chunked("0\r\na: b\r\n\rx"), 400, ""},
      {"long trailers", chunked("0\r\na: " + std::string(9000, 'x') + "\r\n\r\n"), 400, ""},
  };
}

std::vector<Shape> shapes_of_lines() {
  return {
      {"lines ended by LF", "GET /x HTTP/1.1\nHost: h\n\n", 400, ""},
      {"one line ended by LF", "GET /x HTTP/1.1\r\nHost: h\nA: b\r\n\r\n", 400, ""},
      {"LF in a value", with_header("A: b\nc"), 400, ""},
      {"CR in a value", with_header("A: b\rc"), 400, ""},
      {"CR CR LF", "GET /x HTTP/1.1\r\r\nHost: h\r\n\r\n", 400, ""},
      {"two empty lines before", "\r\n\r\n" + target("/x"), 400, ""},
      {"a folded value", with_header("A: b\r\n c"), 400, ""},
      {"a fold by tab", with_header("A: b\r\n\tc"), 400, ""},
      {"a fold before any header", "GET /x HTTP/1.1\r\n Host: h\r\n\r\n", 400, ""},
      {"NUL in a value", with_header("A: b" + kNul), 400, ""},
      {"DEL in a value", with_header("A: b\x7f"), 400, ""},
      {"ESC in a value", with_header("A: \x1b[2J"), 400, ""},
      {"a blank before the colon", with_header("A : b"), 400, ""},
      {"a blank in a name", with_header("A B: b"), 400, ""},
      {"a name with NUL", with_header("A" + kNul + ": b"), 400, ""},
      {"a name beyond ASCII", with_header("\xc3\xa4: b"), 400, ""},
      {"no name", with_header(": b"), 400, ""},
      {"no colon", with_header("Ab"), 400, ""},
  };
}

std::vector<Shape> shapes_of_request_lines() {
  return {
      {"two blanks", "GET  /x HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
      {"a tab for a blank", "GET\t/x HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
      {"a blank after the version", "GET /x HTTP/1.1 \r\nHost: h\r\n\r\n", 400, ""},
      {"no version", "GET /x\r\nHost: h\r\n\r\n", 400, ""},
      {"HTTP/2.0", "GET /x HTTP/2.0\r\nHost: h\r\n\r\n", 505, ""},
      {"HTTP/1.2", "GET /x HTTP/1.2\r\nHost: h\r\n\r\n", 505, ""},
      {"HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, ""},
      {"a method in brackets", "(GET) /x HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
      {"TLS", std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11), 400, ""},
  };
}

std::vector<Shape> shapes_of_hosts() {
  return {
      {"no host", "GET /x HTTP/1.1\r\n\r\n", 400, ""},
      {"an empty host", "GET /x HTTP/1.1\r\nHost:\r\n\r\n", 400, ""},
      {"two hosts", "GET /x HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400, ""},
      {"two hosts in one", "GET /x HTTP/1.1\r\nHost: h, i\r\n\r\n", 400, ""},
      {"a host with a user", "GET /x HTTP/1.1\r\nHost: u@h\r\n\r\n", 400, ""},
      {"a host with a path", "GET /x HTTP/1.1\r\nHost: h/p\r\n\r\n", 400, ""},
      {"a host with a port beyond 65535", "GET /x HTTP/1.1\r\nHost: h:65536\r\n\r\n", 400, ""},
      {"a host with a name for a port", "GET /x HTTP/1.1\r\nHost: h:http\r\n\r\n", 400, ""},
      {"a host with an escape", "GET /x HTTP/1.1\r\nHost: h%2e\r\n\r\n", 400, ""},
      {"a host in cut brackets", "GET /x HTTP/1.1\r\nHost: [::1\r\n\r\n", 400, ""},
      {"an absolute target and no host", "GET http://h/x HTTP/1.1\r\n\r\n", 400, ""},
      {"an absolute target and a bad host", "GET http://h/x HTTP/1.1\r\nHost: a b\r\n\r\n", 400,
       ""},
  };
}

std::vector<Shape> shapes_of_targets() {
  return {
      {"authority", "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n", 400, ""},
      {"asterisk", "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", 400, ""},
      {"another scheme", target("ftp://h/x"), 400, ""},
      {"a user in the target", target("http://u@h/x"), 400, ""},
      {"no host in the target", target("http:///x"), 400, ""},
      {"no slash", target("x"), 400, ""},
      {"a fragment", target("/x#y"), 400, ""},
      {"bytes beyond ASCII", target("/\xc3\xa4"), 400, ""},
      {"dot segment", target("/a/./b"), 400, ""},
      {"dot-dot segment", target("/a/../b"), 400, ""},
      {"dot-dot at the end", target("/.."), 400, ""},
      {"escaped dot-dot", target("/%2e%2E/b"), 400, ""},
      {"half escaped dot-dot", target("/.%2e/b"), 400, ""},
      {"dot-dot of an absolute target", target("http://h/../b"), 400, ""},
      {"an escaped slash", target("/a%2fb"), 400, ""},
      {"an escaped backslash", target("/a%5Cb"), 400, ""},
      {"a backslash", target("/a\\..\\b"), 400, ""},
      {"an escaped NUL", target("/a%00"), 400, ""},
      {"a cut escape", target("/a%2"), 400, ""},
      {"an escape of no digits", target("/a%zz"), 400, ""},
      {"a path of broken UTF-8", target("/%ff"), 400, ""},
      {"a path of overlong UTF-8", target("/%c0%ae"), 400, ""},
      {"a query of broken UTF-8", target("/?a=%ff"), 400, ""},
      {"a cut escape in the query", target("/?a=%"), 400, ""},
  };
}

std::vector<Shape> shapes_of_sizes() {
  return {
      {"a long target", target("/" + std::string(kHeadBytesMax, 'x')), 414, ""},
      {"long headers", with_header("A: " + std::string(kHeadBytesMax, 'x')), 431, ""},
      {"an expectation", with_header("Expect: magic"), 417, ""},
  };
}

std::vector<Shape> shapes() {
  std::vector<Shape> all;
  for (const auto part :
       {right_shapes, shapes_of_lengths, shapes_of_chunks, shapes_of_lines, shapes_of_request_lines,
        shapes_of_hosts, shapes_of_targets, shapes_of_sizes})
    for (auto& shape : part()) all.push_back(std::move(shape));
  std::string many = "GET /x HTTP/1.1\r\nHost: h\r\n";
  for (int i = 0; i < 130; ++i) many += "a:b\r\n";
  all.push_back({"many headers", many + "\r\n", 431, ""});
  return all;
}

class Matrix : public testing::TestWithParam<Shape> {
 protected:
  static void SetUpTestSuite() { server_ = start_server(tell, {.head_bytes_max = kHeadBytesMax}); }
  static void TearDownTestSuite() { server_.reset(); }

  static void check(const Shape& shape, const std::string& answer) {
    EXPECT_EQ(status_of(answer), shape.status) << answer;
    // Every refusal ends the connection, and one answer is all there is: nothing was smuggled.
    EXPECT_EQ(answer.find("HTTP/1.1 ", 1), std::string::npos) << answer;
    if (shape.status == 200) EXPECT_EQ(body_of(answer), shape.body);
    if (shape.status != 200) EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
  }
  static std::unique_ptr<HttpServer> server_;
};
std::unique_ptr<HttpServer> Matrix::server_;

TEST_P(Matrix, IsAnswered) {
  RawClient client(server_->port());
  client.send(GetParam().bytes);
  std::string answer = client.answer();
  client.end();
  check(GetParam(), answer + client.rest());
}

TEST_P(Matrix, IsAnsweredTheSameByteByByte) {
  if (GetParam().bytes.size() > 300) return;
  RawClient client(server_->port());
  const int one = 1;
  ::setsockopt(client.fd(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  for (const char byte : GetParam().bytes)
    if (!client.send({&byte, 1})) break;  // refused before the end
  std::string answer = client.answer();
  client.end();
  check(GetParam(), answer + client.rest());
}

// What a smuggler hopes for: that the bytes after are taken for a request of their own.
TEST_P(Matrix, NothingIsReadAfterARefusal) {
  if (GetParam().status == 200) return;
  RawClient client(server_->port());
  client.send(GetParam().bytes + "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n");
  client.end();
  const std::string answer = client.rest();
  EXPECT_EQ(answer.find("/smuggled"), std::string::npos) << answer;
  check(GetParam(), answer);
}

// Refused where it stands: what follows may never come.
TEST(HeadScanner, RefusesAtTheFirstWrongByte) {
  for (const std::string head : {"GET / HTTP/1.1\rH", "\rG", "GET / HTTP/1.1\r\nA: b\r\n\rx",
                                 "GET / HTTP/1.1\n", "GET / HTTP/1.1\r\n ", "GET /\x01"}) {
    HeadScanner scanner(kHeadBytesMax);
    const auto before = scanner.scan(std::string_view(head).substr(0, head.size() - 1));
    EXPECT_TRUE(before && !*before) << head;
    EXPECT_FALSE(scanner.scan(head)) << head;
  }
}

// The same verdict of the parser, cut in two at every byte, and byte by byte.
struct Verdict {
  int status = 0;  // 0: wants more
  std::string seen;
  bool operator==(const Verdict&) const = default;
};

Verdict judge(std::string_view bytes, std::size_t first, std::size_t then) {
  HeadScanner scanner(kHeadBytesMax);
  std::optional<RequestHead> head;
  BodyDecoder decoder;
  std::string body, have;
  std::size_t given = 0, used = 0;
  while (true) {
    if (!head) {
      const auto found = scanner.scan(have);
      if (!found) return {found.error().status, {}};
      if (*found) {
        auto parsed = parse_request_head(have.substr(0, **found));
        if (!parsed) return {parsed.error().status, {}};
        head = std::move(*parsed);
        decoder = BodyDecoder(*head);
        used = **found;
      }
    }
    if (head) {
      const auto taken = decoder.feed(std::string_view(have).substr(used), body, SIZE_MAX);
      if (!taken) return {taken.error().status, {}};
      used += *taken;
      if (decoder.ended()) return {200, head->request.path + body};
    }
    if (given == bytes.size()) return {0, {}};
    const std::size_t count = std::min(given == 0 ? first : then, bytes.size() - given);
    have += bytes.substr(given, count);
    given += count;
  }
}

TEST_P(Matrix, IsTheSameAtEveryCut) {
  const auto& bytes = GetParam().bytes;
  const Verdict whole = judge(bytes, bytes.size(), 1);
  if (whole.status != 0) EXPECT_EQ(whole.status, GetParam().status);
  for (std::size_t cut = 1; cut < std::min<std::size_t>(bytes.size(), 600); ++cut)
    ASSERT_EQ(judge(bytes, cut, bytes.size()).status, whole.status) << "cut at " << cut;
  EXPECT_TRUE(judge(bytes, 1, 1) == whole);
}

INSTANTIATE_TEST_SUITE_P(Shapes, Matrix, testing::ValuesIn(shapes()), [](const auto& info) {
  std::string name;
  for (const char c : std::string_view(info.param.name))
    name.push_back(std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_');
  return name;
});

}  // namespace
}  // namespace boxagnts::net
