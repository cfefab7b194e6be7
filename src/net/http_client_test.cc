// The client against HTTP/1.1 servers that misbehave on loopback: each fault in each phase, streams
// cut at every byte, kept connections, the gate.
#include <poll.h>
#include <zlib.h>

#include <functional>
#include <thread>

#include "net/http_client_fixture.h"

namespace boxagnts::net {
namespace {

using namespace std::chrono_literals;
using base::UniqueFd;
using Serve = TestServer::Serve;

Result<std::string> get(const TestServer& server, Timeouts timeouts = {}, std::stop_token stop = {},
                        Request request = {}) {
  const auto client = HttpClient::make();
  request.url = server.url();
  return fetch(*client, request, {.timeouts = timeouts}, std::move(stop));
}

// Reads one request, then says this.
Serve saying(std::string bytes) {
  return [bytes = std::move(bytes)](Peer& peer, int) {
    peer.read_head();
    peer.write(bytes);
  };
}

void head_then_hold(Peer& peer, int) {
  peer.read_head();
  peer.hold();
}

void half_then_hold(Peer& peer, int) {
  peer.read_head();
  peer.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel");
  peer.hold();
}

struct Wire {
  const char* name;
  std::string bytes;
  std::string body;  // "" = refused with unavailable
};
class ClientReads : public testing::TestWithParam<Wire> {};

TEST_P(ClientReads, WholeAndByteByByte) {
  for (const bool slowly : {false, true}) {
    const TestServer server([&](Peer& peer, int) {
      peer.read_head();
      const std::string_view bytes = GetParam().bytes;
      if (!slowly) peer.write(bytes);
      for (std::size_t i = 0; slowly && i < bytes.size(); ++i) peer.write(bytes.substr(i, 1));
    });
    const auto body = told(get(server));
    if (GetParam().body.empty())
      EXPECT_TRUE(body.starts_with("unavailable: ")) << body;
    else
      EXPECT_EQ(body, GetParam().body);
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
        Wire{"NoChunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "200 "},
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
  const TestServer server(saying(with_length(body)));
  EXPECT_EQ(told(get(server)), "200 " + body);
}

TEST(Client, SendsWhatItWasGivenAndHeadersAreLooked) {
  std::string seen;
  {
    const TestServer server([&](Peer& peer, int) {
      seen = peer.read_head() + peer.read_exactly(7);
      peer.write(with_length(""));
    });
    ASSERT_EQ(
        told(get(server, {}, {}, {.method = "POST", .headers = {{"X-A", "b"}}, .body = "payload"})),
        "200 ");
  }
  EXPECT_TRUE(seen.starts_with("POST /x HTTP/1.1\r\nHost: 127.0.0.1:")) << seen;
  EXPECT_TRUE(seen.contains("X-A: b\r\n"));
  EXPECT_TRUE(seen.contains("Content-Length: 7\r\n"));
  EXPECT_TRUE(seen.ends_with("\r\n\r\npayload"));
}

TEST(Client, ABodyOfUnknownLengthIsChunked) {
  std::string seen;
  {
    const TestServer server([&](Peer& peer, int) {
      seen = peer.read_until("0\r\n\r\n");
      peer.write(with_length(""));
    });
    std::vector<std::string> pieces{std::string(18, 'b'), "a"};
    const auto next = [&](std::stop_token) -> Result<std::string> {
      if (pieces.empty()) return std::string();
      auto piece = pieces.back();
      pieces.pop_back();
      return piece;
    };
    ASSERT_EQ(told(get(server, {}, {}, {.method = "PUT", .body_source = next})), "200 ");
  }
  EXPECT_TRUE(seen.contains("Transfer-Encoding: chunked\r\n")) << seen;
  EXPECT_FALSE(seen.contains("Content-Length")) << seen;
  EXPECT_TRUE(seen.ends_with("\r\n\r\n1\r\na\r\n12\r\n" + std::string(18, 'b') + "\r\n0\r\n\r\n"))
      << seen;
}

TEST(Client, ABodyThatCannotBeReadEndsTheRequest) {
  const TestServer server([](Peer& peer, int) { peer.hold(); });
  const auto outcome = get(server, {}, {}, {.method = "PUT", .body_source = [](std::stop_token) {
                                              return fail(Code::io, "the file is gone");
                                            }});
  EXPECT_EQ(told(outcome), "io: the file is gone");
}

TEST(Client, ARefusalEndsASendingThatNobodyReads) {
  const TestServer server([](Peer& peer, int) {
    peer.read_head();
    peer.write("HTTP/1.1 413 Too much\r\nContent-Length: 3\r\n\r\nbig");
    char byte;  // what the kernel holds stays unread until the client leaves
    ::recv(peer.fd(), &byte, 0, 0);
    pollfd gone{peer.fd(), POLLRDHUP, 0};
    ::poll(&gone, 1, 60'000);
  });
  const auto endless = [](std::stop_token) -> Result<std::string> {
    return std::string(1 << 20, 'x');
  };
  EXPECT_EQ(told(get(server, {}, {}, {.method = "PUT", .body_source = endless})), "413 big");
}

struct BadRequest {
  const char* name;
  Request request;
};
class ClientRefuses : public testing::TestWithParam<BadRequest> {};
TEST_P(ClientRefuses, BeforeItConnects) {
  const TestServer server(head_then_hold);
  Request request = GetParam().request;
  request.url = server.url();
  if (!GetParam().request.url.target.empty()) request.url.target = GetParam().request.url.target;
  const auto client = HttpClient::make();
  const auto gate = gate_for(server.url());
  const auto sent = client->send(request, *gate, {.timeouts = {.first_byte = 50ms}}, {});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, Code::invalid_argument) << sent.error().message;
  EXPECT_EQ(server.connections(), 0);
}
INSTANTIATE_TEST_SUITE_P(
    Matrix, ClientRefuses,
    testing::Values(BadRequest{"ALineInAHeader", {.headers = {{"X", "a\r\nEvil: 1"}}}},
                    BadRequest{"ANewlineInAHeader", {.headers = {{"X", "a\nEvil: 1"}}}},
                    BadRequest{"ANulInAHeader", {.headers = {{"X", std::string("a\0b", 3)}}}},
                    BadRequest{"ALineInAName", {.headers = {{"X: 1\r\nEvil", "1"}}}},
                    BadRequest{"ASpaceInAName", {.headers = {{"X ", "1"}}}},
                    BadRequest{"NoName", {.headers = {{"", "1"}}}},
                    BadRequest{"ALineInTheTarget",
                               {.url = {.target = "/ HTTP/1.1\r\nEvil: 1\r\nX:"}}},
                    BadRequest{"ASpaceInTheTarget", {.url = {.target = "/a b"}}},
                    BadRequest{"ANewlineInTheTarget", {.url = {.target = "/\n"}}},
                    BadRequest{"ADelInTheTarget", {.url = {.target = "/\x7f"}}},
                    BadRequest{"AnotherHostAsTarget", {.url = {.target = "http://evil/"}}},
                    BadRequest{"AMethodWithALine", {.method = "GET / HTTP/1.1\r\nEvil: 1\r\nX:"}},
                    BadRequest{"NoMethod", {.method = ""}},
                    BadRequest{"Connect", {.method = "CONNECT"}},
                    BadRequest{"Host", {.headers = {{"Host", "evil"}}}},
                    BadRequest{"ContentLength", {.headers = {{"content-length", "5"}}}},
                    BadRequest{"TransferEncoding", {.headers = {{"Transfer-Encoding", "chunked"}}}},
                    BadRequest{"Connection", {.headers = {{"CONNECTION", "x"}}}},
                    BadRequest{"Upgrade", {.headers = {{"Upgrade", "h2c"}}}},
                    BadRequest{"Expect", {.headers = {{"Expect", "100-continue"}}}},
                    BadRequest{"ProxyAuthorization", {.headers = {{"Proxy-Authorization", "x"}}}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(Client, AChunkHeadWithoutEndIsNotBuffered) {
  std::size_t taken = 0;
  {
    const TestServer server([&](Peer& peer, int) {
      peer.read_head();
      peer.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;");
      const std::string more(1 << 20, 'x');
      for (int i = 0; i < 64; ++i) {
        const ssize_t put = ::send(peer.fd(), more.data(), more.size(), MSG_NOSIGNAL);
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

TEST(Client, InterimAnswersWithoutEndAreRefused) {
  const TestServer server([](Peer& peer, int) {
    peer.read_head();
    for (int i = 0; i < 100; ++i) peer.write("HTTP/1.1 103 Early\r\n\r\n");
    peer.write(with_length("late"));
  });
  EXPECT_EQ(told(get(server)), "unavailable: 127.0.0.1:" + std::to_string(server.port()) +
                                   " sends interim answers without end");
}

TEST(Client, AProtocolThatNobodyAskedForIsRefused) {
  const TestServer server(saying("HTTP/1.1 101 Switching\r\nUpgrade: x\r\n\r\n"));
  EXPECT_TRUE(told(get(server)).contains("changes the protocol"));
}

TEST(Client, AHeadAnswerHasNoBody) {
  const TestServer server(saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"));
  EXPECT_EQ(told(get(server, {}, {}, {.method = "HEAD"})), "200 ");
}

TEST(Client, TrailersAreNoHeaders) {
  const TestServer server(
      saying("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"
             "Set-Cookie: late\r\n\r\n"));
  const auto client = HttpClient::make();
  const auto response = send(*client, {.url = server.url()}).value();
  EXPECT_EQ(response->headers(), (Headers{{"Transfer-Encoding", "chunked"}}));
  EXPECT_EQ(told(whole(*response)), "200 hello");
  EXPECT_EQ(response->header("Set-Cookie"), "");
}

TEST(Client, AllHeadersAreTold) {
  const TestServer server(
      saying("HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 0\r\n\r\n"));
  const auto client = HttpClient::make();
  const auto response = send(*client, {.url = server.url()}).value();
  EXPECT_EQ(response->headers(), (Headers{{"X-A", "1"}, {"x-a", "2"}, {"Content-Length", "0"}}));
  EXPECT_EQ(response->header("X-a"), "1");
  EXPECT_EQ(response->header("None"), "");
  EXPECT_EQ(response->protocol(), "http/1.1");
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
  const auto client = HttpClient::make();
  const auto late = send(*client, server.request(), {.timeouts = {.connect = 50ms}});
  EXPECT_EQ(late.error().code, Code::timeout);
  EXPECT_TRUE(late.error().message.contains("connecting")) << late.error().message;
  EXPECT_TRUE(late.error().message.contains("50 ms")) << late.error().message;
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  const auto stopped = send(*client, server.request(), {}, source.get_token());
  EXPECT_EQ(stopped.error().code, Code::cancelled);
}

TEST(Client, NobodyListeningIsUnavailableAndNamed) {
  Url url;
  {
    url = TestServer(nullptr).url();
  }
  const auto client = HttpClient::make();
  const auto response = send(*client, {.url = url});
  EXPECT_EQ(response.error().code, Code::unavailable);
  EXPECT_TRUE(response.error().message.contains(std::to_string(url.port)))
      << response.error().message;
}

TEST(Client, StallsTimeOutAndSayWhere) {
  const TestServer silent(head_then_hold);
  const auto late = get(silent, {.first_byte = 50ms});
  EXPECT_EQ(late.error().code, Code::timeout);
  EXPECT_TRUE(late.error().message.contains("50 ms")) << late.error().message;
  const TestServer half(half_then_hold);
  const auto stalled = get(half, {.stall = 50ms});
  EXPECT_EQ(stalled.error().code, Code::timeout);
  EXPECT_TRUE(stalled.error().message.contains("stalled")) << stalled.error().message;
  const TestServer deaf([](Peer& peer, int) {
    pollfd gone{peer.fd(), POLLRDHUP, 0};
    ::poll(&gone, 1, 60'000);
  });
  const auto unsent =
      get(deaf, {.stall = 50ms}, {}, {.method = "PUT", .body = std::string(64 << 20, 'x')});
  EXPECT_EQ(unsent.error().code, Code::timeout);
  EXPECT_TRUE(unsent.error().message.contains("sending")) << unsent.error().message;
}

TEST(Client, AStopWakesItWhereverItWaits) {
  for (const auto& serve : {Serve(head_then_hold), Serve(half_then_hold), Serve()}) {
    const TestServer server(serve);
    std::stop_source source;
    std::jthread stopper([&] { source.request_stop(); });
    EXPECT_EQ(get(server, {}, source.get_token()).error().code, Code::cancelled);
  }
}

TEST(Client, ResetsAreUnavailableInEachPhase) {
  for (const std::string_view said :
       {"", "HTTP/1.1 200 OK\r\nConte", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhel"}) {
    const TestServer server([&](Peer& peer, int) {
      peer.read_head();
      peer.write(said);
      peer.reset();
    });
    EXPECT_TRUE(told(get(server)).starts_with("unavailable: ")) << said;
  }
}

TEST(Client, TriesWithoutWaiting) {
  std::atomic<bool> go = false;
  const TestServer server([&](Peer& peer, int) {
    peer.read_head();
    peer.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
    go.wait(false);
    peer.write("hello");
    peer.hold();
  });
  const auto client = HttpClient::make();
  const auto response =
      send(*client, {.url = server.url()}, {.sharing = Sharing::unshared}).value();
  EXPECT_EQ(response->try_read().value(), std::nullopt);
  const int fd = response->poll_descriptor();
  ASSERT_GE(fd, 0);
  go = true;
  go.notify_all();
  pollfd wanted{fd, POLLIN, 0};
  ASSERT_EQ(::poll(&wanted, 1, 60'000), 1);
  std::string body;
  while (body.size() < 5) body += response->try_read().value().value_or("");
  EXPECT_EQ(body, "hello");
  EXPECT_EQ(response->poll_descriptor(), -1);
  EXPECT_EQ(response->try_read().value(), "");
  EXPECT_EQ(response->read({}).value(), "");
}

// --- coded bodies ---

// 200,000 zeros, in a few hundred bytes.
std::string deflated_zeros() {
  const std::string zeros(200'000, '\0');
  std::string out(::compressBound(zeros.size()), '\0');
  uLongf size = out.size();
  EXPECT_EQ(::compress(reinterpret_cast<Bytef*>(out.data()), &size,
                       reinterpret_cast<const Bytef*>(zeros.data()), zeros.size()),
            Z_OK);
  out.resize(size);
  return out;
}

TEST(Decoding, IsAskedForAndUndone) {
  std::string seen;
  {
    const TestServer server([&](Peer& peer, int) {
      seen = peer.read_head();
      peer.write(with_length(deflated_zeros(), "Content-Encoding: deflate\r\nX-A: b\r\n"));
    });
    const auto client = HttpClient::make();
    const auto response =
        send(*client, {.url = server.url()}, {.decoding = Decoding::decoded}).value();
    EXPECT_EQ(response->headers(), (Headers{{"X-A", "b"}}));
    EXPECT_EQ(told(whole(*response)), "200 " + std::string(200'000, '\0'));
  }
  EXPECT_TRUE(seen.contains("Accept-Encoding: gzip, br, zstd\r\n")) << seen;
}

TEST(Decoding, IsNotDoneUnasked) {
  std::string seen;
  {
    const TestServer server([&](Peer& peer, int) {
      seen = peer.read_head();
      peer.write(with_length("as it is", "Content-Encoding: gzip\r\n"));
    });
    const auto client = HttpClient::make();
    EXPECT_EQ(told(fetch(*client, {.url = server.url()})), "200 as it is");
    EXPECT_FALSE(seen.contains("Accept-Encoding")) << seen;
    EXPECT_EQ(told(fetch(*client, {.url = server.url(), .headers = {{"Range", "bytes=3-"}}},
                         {.decoding = Decoding::decoded})),
              "200 as it is");
  }
  EXPECT_FALSE(seen.contains("Accept-Encoding")) << seen;
}

TEST(Decoding, FaultsAreTold) {
  for (const auto& [answer, outcome] :
       {std::pair{with_length("x", "Content-Encoding: compress\r\n"), "unsupported: "},
        std::pair{with_length("no gzip", "Content-Encoding: gzip\r\n"), "unavailable: "},
        std::pair{with_length(deflated_zeros().substr(0, 50), "Content-Encoding: deflate\r\n"),
                  "unavailable: "},
        std::pair{with_length("", "Content-Encoding: gzip\r\n"), "200 "}}) {
    const TestServer server(saying(answer));
    const auto client = HttpClient::make();
    const auto said = told(fetch(*client, {.url = server.url()}, {.decoding = Decoding::decoded}));
    EXPECT_TRUE(said.starts_with(outcome)) << said;
  }
}

// What is decoded and not handed out yet is nothing that a poll of the connection would show.
TEST(Decoding, WhatIsThereNeedsNoWaiting) {
  const TestServer server([&](Peer& peer, int) {
    peer.read_head();
    const auto body = deflated_zeros();
    peer.write("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\nContent-Length: 100000\r\n\r\n" +
               body);
    peer.hold();
  });
  const auto client = HttpClient::make();
  const auto response = send(*client, {.url = server.url()},
                             {.decoding = Decoding::decoded, .sharing = Sharing::unshared})
                            .value();
  for (std::size_t left = 200'000; left > 0;) {
    pollfd wanted{response->poll_descriptor(), POLLIN, 0};
    if (wanted.fd >= 0) ASSERT_EQ(::poll(&wanted, 1, 60'000), 1);
    left -= response->try_read().value().value_or("").size();
  }
}

// --- kept connections ---------------------------------------------------------------------------

// Answers until the client leaves; says which connection it was.
void keep_answering(Peer& peer, int number) {
  while (!peer.read_head().empty()) peer.write(with_length(std::to_string(number)));
}

TEST(Pool, AConnectionServesOneRequestAfterAnother) {
  const TestServer server(keep_answering);
  const auto client = HttpClient::make();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(told(fetch(*client, {.url = server.url()})), "200 0");
  EXPECT_EQ(server.connections(), 1);
}

TEST(Pool, ConnectionsInUseAreNotShared) {
  const TestServer server(half_then_hold);
  const auto client = HttpClient::make();
  const auto first = send(*client, {.url = server.url()}).value();
  const auto second = send(*client, {.url = server.url()}).value();
  EXPECT_EQ(server.connections(), 2);
}

TEST(Pool, WhatCannotBeReusedIsNot) {
  struct Case {
    const char* name;
    std::string answer;
  };
  for (const auto& [name, answer] :
       {Case{"asked to close", with_length("x", "Connection: close\r\n")},
        Case{"HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx"},
        Case{"says more", with_length("x") + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"}}) {
    const TestServer server([&](Peer& peer, int) {
      while (!peer.read_head().empty()) peer.write(answer);
    });
    const auto client = HttpClient::make();
    for (int i = 0; i < 3; ++i)
      EXPECT_EQ(told(fetch(*client, {.url = server.url()})), "200 x") << name;
    EXPECT_EQ(server.connections(), 3) << name;
  }
}

TEST(Pool, AnAnswerThatWasNotReadEndsItsConnection) {
  const TestServer server(keep_answering);
  const auto client = HttpClient::make();
  {
    const auto left = send(*client, {.url = server.url()}).value();
  }
  EXPECT_EQ(told(fetch(*client, {.url = server.url()})).substr(0, 4), "200 ");
  EXPECT_EQ(server.connections(), 2);
}

// A kept connection that dies under a request, in each way a server may let it die.
TEST(Pool, AStaleConnectionIsReplacedOnceWhenThatIsSafe) {
  enum class Death { silent, reset, within_head };
  struct Case {
    const char* method;
    Death death;
    bool comes_through;
  };
  for (const auto& [method, death, comes_through] :
       {Case{"GET", Death::silent, true}, Case{"GET", Death::reset, true},
        Case{"PUT", Death::silent, true}, Case{"POST", Death::silent, false},
        Case{"POST", Death::reset, false}, Case{"GET", Death::within_head, false}}) {
    const TestServer server([&](Peer& peer, int number) {
      peer.read_head();
      peer.write(with_length(std::to_string(number)));
      if (number > 0) return peer.hold();
      peer.read_head();  // the second request on the first connection: no answer
      if (death == Death::reset) peer.reset();
      if (death == Death::within_head) peer.write("HTTP/1.1 2");
    });
    const auto client = HttpClient::make();
    ASSERT_EQ(told(fetch(*client, {.url = server.url()})), "200 0");
    const auto second = told(fetch(*client, {.method = method, .url = server.url()}));
    if (comes_through)
      EXPECT_EQ(second, "200 1") << method;
    else
      EXPECT_TRUE(second.starts_with("unavailable: ")) << method << second;
    EXPECT_EQ(server.connections(), comes_through ? 2 : 1) << method;
  }
}

TEST(Pool, AConnectionThatTheServerClosedMeanwhileIsNotUsed) {
  std::atomic<bool> closed = false;
  const TestServer server([&](Peer& peer, int number) {
    peer.read_head();
    peer.write(with_length(std::to_string(number)));
    if (number > 0) return peer.hold();
    ::shutdown(peer.fd(), SHUT_RDWR);
    closed = true;
    closed.notify_all();
  });
  const auto client = HttpClient::make();
  ASSERT_EQ(told(fetch(*client, {.url = server.url()})), "200 0");
  closed.wait(false);
  EXPECT_EQ(told(fetch(*client, {.method = "POST", .url = server.url()})), "200 1");
}

TEST(Pool, KeepsAFewConnectionsToOnePlace) {
  constexpr int kMany = 12;
  std::atomic<int> gone = 0;
  const TestServer server([&](Peer& peer, int number) {
    keep_answering(peer, number);
    ++gone;
    gone.notify_all();
  });
  const auto client = HttpClient::make();
  std::vector<std::unique_ptr<Response>> responses;
  for (int i = 0; i < kMany; ++i) responses.push_back(send(*client, {.url = server.url()}).value());
  for (const auto& response : responses) ASSERT_TRUE(whole(*response));
  for (int seen = gone; seen < kMany - 8; seen = gone) gone.wait(seen);
  EXPECT_EQ(gone, kMany - 8);
}

// --- the gate -----------------------------------------------------------------------------------

// Notes what it is asked, and answers as told.
class NotingGate final : public ConnectGate {
 public:
  EgressVerdict decide(const Destination& destination, std::stop_token) const override {
    asked.push_back(destination.method + " " + destination.text() + destination.path);
    return {.allowed = allows, .rule = "r", .reason = "no: r"};
  }
  Status admit(const Destination&, const EgressVerdict& verdict,
               const IpAddress& address) const override {
    EXPECT_EQ(verdict.rule, "r");
    asked.push_back(address.text());
    if (!admits) return fail(Code::permission_denied, "no: address", "r");
    return {};
  }
  bool allows = true, admits = true;
  mutable std::vector<std::string> asked;
};

TEST(Gate, DecidesBeforeTheLookUpAndBeforeTheConnection) {
  const TestServer server(keep_answering);
  const auto client = HttpClient::make();
  NotingGate gate;
  gate.allows = false;
  const auto denied = client->send({.url = server.url("/a?b")}, gate, {}, {});
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().code, Code::permission_denied);
  EXPECT_EQ(denied.error().message, "no: r");
  EXPECT_EQ(gate.asked, std::vector<std::string>{"GET " + server.origin() + "/a"});
  gate.allows = true;
  gate.admits = false;
  gate.asked.clear();
  const auto kept_out = client->send({.url = server.url()}, gate, {}, {});
  ASSERT_FALSE(kept_out);
  EXPECT_EQ(kept_out.error().code, Code::permission_denied);
  EXPECT_EQ(kept_out.error().message, "no: address");
  EXPECT_EQ(gate.asked.back(), "127.0.0.1");
  EXPECT_EQ(server.connections(), 0);
}

TEST(Gate, AKeptConnectionIsUsedOnlyWhenItsPeerIsAdmitted) {
  const TestServer server(keep_answering);
  const auto client = HttpClient::make();
  ASSERT_TRUE(fetch(*client, {.url = server.url()}));
  NotingGate gate;
  gate.admits = false;
  const auto kept_out = client->send({.url = server.url()}, gate, {}, {});
  ASSERT_FALSE(kept_out);
  EXPECT_EQ(kept_out.error().code, Code::permission_denied);
  EXPECT_EQ(server.connections(), 1);
}

TEST(Gate, LocalhostIsThisMachineWithoutALookUp) {
  const TestServer server(keep_answering);
  // A name server that would notice a question: nobody answers there.
  const auto client = HttpClient::make({.name_servers = {{*parse_ip("127.0.0.1"), 1}}});
  for (const auto* host : {"localhost", "a.localhost"}) {
    const auto url = parse_url(server.origin(host) + "/").value();
    EXPECT_EQ(told(fetch(*client, {.url = url})).substr(0, 4), "200 ") << host;
  }
}

}  // namespace
}  // namespace boxagnts::net
