// URLs, server-sent events at every cut, and the client against servers that misbehave on loopback.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "base/file.h"
#include "net/http_client.h"
#include "net/sse.h"

namespace boxagnts::net {
namespace {

using namespace std::chrono_literals;
using base::UniqueFd;

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

// A server that accepts one connection and lets the test write to it as it likes.
class Server {
 public:
  using Serve = std::function<void(int connection)>;
  explicit Server(Serve serve) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (!serve) return;  // never accepts
    thread_ = std::jthread([this, serve = std::move(serve)] {
      const UniqueFd connection(::accept(listener_.get(), nullptr, nullptr));
      if (!connection) return;
      std::string request;  // up to the end of its head
      char byte;
      while (!request.ends_with("\r\n\r\n") && ::read(connection.get(), &byte, 1) == 1)
        request += byte;
      request_ = request;
      serve(connection.get());
    });
  }
  ~Server() { ::shutdown(listener_.get(), SHUT_RDWR); }
  Url url() const { return parse_url("http://127.0.0.1:" + std::to_string(port_) + "/x").value(); }
  std::string request() {
    thread_.join();
    return request_;
  }
  static void write(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
  }
  // Holds the connection open until the client leaves.
  static void hold(int connection) {
    char byte;
    while (::read(connection, &byte, 1) > 0) {
    }
  }

 private:
  UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::string request_;
  std::jthread thread_;
};

Result<std::string> get(const Server& server, Timeouts timeouts = {}, std::stop_token stop = {},
                        Request request = {}) {
  const auto client = HttpClient::make();
  request.url = server.url();
  const auto response = TRY(client->send(request, timeouts, stop));
  std::string body = std::to_string(response->status()) + " ";
  while (true) {
    const auto piece = TRY(response->read(stop));
    if (piece.empty()) return body;
    body += piece;
  }
}

struct Wire {
  const char* name;
  std::string bytes;
  std::string body;  // "" = refused with unavailable
};
class ClientReads : public testing::TestWithParam<Wire> {};

TEST_P(ClientReads, WholeAndByteByByte) {
  for (const bool slowly : {false, true}) {
    const Server server([&](int connection) {
      const std::string_view bytes = GetParam().bytes;
      if (!slowly) return Server::write(connection, bytes);
      for (std::size_t i = 0; i < bytes.size(); ++i) Server::write(connection, bytes.substr(i, 1));
    });
    const auto body = get(server);
    if (GetParam().body.empty())
      EXPECT_EQ(body.error().code, Code::unavailable) << (body ? *body : "");
    else
      EXPECT_EQ(body.value_or("failed: " + (body ? "" : body.error().message)), GetParam().body);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, ClientReads,
    testing::Values(
        Wire{"Length", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 hello"},
        Wire{"NoBody", "HTTP/1.1 204 No\r\n\r\n", "204 "},
        Wire{"Chunked",
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: "
             "chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\n\r\n",
             "200 hello"},
        Wire{"UntilClose", "HTTP/1.1 200 OK\r\n\r\nhello", "200 hello"},
        Wire{"ShortLength", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", ""},
        Wire{"ShortChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", ""},
        Wire{"NoLastChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
             ""},
        Wire{"BadChunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello", ""},
        Wire{"CutHead", "HTTP/1.1 200 OK\r\nContent-Le", ""}, Wire{"Nothing", "", ""},
        Wire{"Interim",
             "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nLink: x\r\n\r\n"
             "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
             "200 hello"},
        Wire{"InterimOnly", "HTTP/1.1 100 Continue\r\n\r\n", ""},
        Wire{"NotHttp", "SSH-2.0-OpenSSH\r\n\r\n", ""},
        Wire{"HugeHead", "HTTP/1.1 200 OK\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", ""}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Client, LargeBodiesArriveWhole) {
  const std::string body(3'000'000, 'b');
  const Server server([&](int connection) {
    Server::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + body);
  });
  EXPECT_EQ(get(server)->size(), body.size() + 4);
}

TEST(Client, SendsWhatItWasGivenAndHeadersAreLooked) {
  Server server([](int connection) {
    Server::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  });
  ASSERT_TRUE(
      get(server, {}, {}, {.method = "POST", .headers = {{"X-A", "b"}}, .body = "payload"}));
  const auto request = server.request();
  EXPECT_TRUE(request.starts_with("POST /x HTTP/1.1\r\nHost: 127.0.0.1:"));
  EXPECT_TRUE(request.contains("X-A: b\r\n"));
  EXPECT_TRUE(request.contains("Content-Length: 7\r\n"));
}

TEST(Client, HeadersCannotSmuggleLines) {
  const Server server(nullptr);
  const auto refused = get(server, {.first_byte = 50ms}, {}, {.headers = {{"X", "a\r\nEvil: 1"}}});
  EXPECT_EQ(refused.error().code, Code::invalid_argument);
}

TEST(Client, ARequestLineCannotBeSplit) {
  const Server server(nullptr);
  for (const auto* bad : {"/ HTTP/1.1\r\nEvil: 1\r\nX:", "/a b", "/\n", "/\x7f"}) {
    Request request{.url = server.url()};
    request.url.target = bad;
    const auto sent = HttpClient::make()->send(request, {.first_byte = 50ms}, {});
    EXPECT_EQ(sent.error().code, Code::invalid_argument) << bad;
  }
  Request request{.method = "GET / HTTP/1.1\r\nEvil: 1\r\nX:", .url = server.url()};
  EXPECT_EQ(HttpClient::make()->send(request, {.first_byte = 50ms}, {}).error().code,
            Code::invalid_argument);
}

TEST(Client, AChunkHeadWithoutEndIsNotBuffered) {
  std::size_t taken = 0;
  {
    const Server server([&](int connection) {
      Server::write(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;");
      const std::string more(1 << 20, 'x');
      for (int i = 0; i < 64; ++i) {
        const ssize_t put = ::send(connection, more.data(), more.size(), MSG_NOSIGNAL);
        if (put <= 0) return;
        taken += static_cast<std::size_t>(put);
      }
    });
    const auto body = get(server);
    EXPECT_EQ(body.error().code, Code::unavailable);
    EXPECT_TRUE(body.error().message.contains("64 KiB")) << body.error().message;
  }
  EXPECT_LT(taken, 32u << 20) << "only what the kernel's buffers hold";
}

TEST(Client, AHeadAnswerHasNoBody) {
  const Server server([](int connection) {
    Server::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  });
  EXPECT_EQ(get(server, {}, {}, {.method = "HEAD"}).value_or("failed"), "200 ");
}

// A listener whose queue is full: a further connection is neither taken nor refused.
class FullServer {
 public:
  FullServer() : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 0), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    for (auto& filler : fillers_) {
      filler = UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      ::connect(filler.get(), reinterpret_cast<sockaddr*>(&address), sizeof address);
    }
  }
  Request request() const {
    return {.url = parse_url("http://127.0.0.1:" + std::to_string(port_)).value()};
  }

 private:
  UniqueFd listener_;
  UniqueFd fillers_[4];
  std::uint16_t port_ = 0;
};

TEST(Client, AConnectionThatIsNeverTakenTimesOutOrIsStopped) {
  const FullServer server;
  const auto late = HttpClient::make()->send(server.request(), {.connect = 50ms}, {});
  EXPECT_EQ(late.error().code, Code::timeout);
  EXPECT_TRUE(late.error().message.contains("connecting")) << late.error().message;
  EXPECT_TRUE(late.error().message.contains("50 ms")) << late.error().message;
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  const auto stopped = HttpClient::make()->send(server.request(), {}, source.get_token());
  EXPECT_EQ(stopped.error().code, Code::cancelled);
}

TEST(Client, NobodyListeningIsUnavailableAndNamed) {
  Url url;
  {
    url = Server(nullptr).url();
  }
  const auto response = HttpClient::make()->send({.url = url}, {}, {});
  EXPECT_EQ(response.error().code, Code::unavailable);
  EXPECT_TRUE(response.error().message.contains(std::to_string(url.port)))
      << response.error().message;
}

TEST(Client, StallsTimeOutAndSayWhere) {
  const Server silent(Server::hold);
  const auto late = get(silent, {.first_byte = 50ms});
  EXPECT_EQ(late.error().code, Code::timeout);
  EXPECT_TRUE(late.error().message.contains("50 ms")) << late.error().message;
  const Server half([](int connection) {
    Server::write(connection, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
    Server::hold(connection);
  });
  const auto stalled = get(half, {.stall = 50ms});
  EXPECT_EQ(stalled.error().code, Code::timeout);
  EXPECT_TRUE(stalled.error().message.contains("stalled")) << stalled.error().message;
}

TEST(Client, AStopWakesItWhereverItWaits) {
  for (const auto& serve : {Server::Serve(Server::hold), Server::Serve([](int connection) {
                              Server::write(connection,
                                            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
                              Server::hold(connection);
                            }),
                            Server::Serve()}) {
    const Server server(serve);
    std::stop_source source;
    std::jthread stopper([&] { source.request_stop(); });
    EXPECT_EQ(get(server, {}, source.get_token()).error().code, Code::cancelled);
  }
}

}  // namespace
}  // namespace boxagnts::net
