// HTTP/2 over TLS, against a server that answers frame by frame: faults in each phase, several
// threads on one connection, bodies both ways.
#include <poll.h>

#include <thread>

#include "net/http2_fixture.h"

namespace boxagnts::net {
namespace {

using namespace std::chrono_literals;
using On = Http2Peer::On;
using H2Stream = Http2Peer::Stream;

class Http2 : public testing::Test {
 protected:
  std::unique_ptr<TestServer> server(On on_whole, On on_head = nullptr,
                                     std::uint32_t streams_max = 100) {
    return std::make_unique<TestServer>(
        [=, this](Peer& peer, int number) {
          Http2Peer http2(peer, on_head, on_whole, streams_max);
          http2.serve();
          const std::scoped_lock lock(mutex_);
          resets_.insert(resets_.end(), http2.resets.begin(), http2.resets.end());
          ++ended_;
          ended_.notify_all();
          (void)number;
        },
        TestServerOptions{.certificate = &certificate_, .alpn = "\x02h2"});
  }
  std::string get(TestServer& server, Timeouts timeouts = {}, std::stop_token stop = {},
                  const char* method = "GET") {
    return told(fetch(*client_, {.method = method, .url = server.url()}, {.timeouts = timeouts},
                      std::move(stop)));
  }

  const Certificate authority_ = Certificate::authority();
  const PemFile authority_file_{authority_.pem()};
  const Certificate certificate_ = Certificate::make({}, &authority_);
  std::unique_ptr<HttpClient> client_ = HttpClient::make({.ca_file = authority_file_.path()});
  std::mutex mutex_;
  std::vector<std::uint32_t> resets_;
  std::atomic<int> ended_ = 0;
};

void hello(Http2Peer& peer, std::int32_t id, H2Stream&) { peer.answer(id, "hello"); }

TEST_F(Http2, IsSpokenWhereTheServerOffersIt) {
  const auto on = server(hello);
  const auto response = send(*client_, {.url = on->url()}).value();
  EXPECT_EQ(response->protocol(), "h2");
  EXPECT_EQ(told(whole(*response)), "200 hello");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(get(*on), "200 hello");
  EXPECT_EQ(on->connections(), 1);
}

TEST_F(Http2, TheRequestArrivesAsItIs) {
  H2Stream seen;
  {
    const auto on = server([&](Http2Peer& peer, std::int32_t id, H2Stream& stream) {
      seen = stream;
      peer.answer(id, "");
    });
    ASSERT_EQ(told(fetch(*client_, {.method = "POST",
                                    .url = on->url("/p?q=1"),
                                    .headers = {{"X-Mixed", "v"}, {"Authorization", "k"}},
                                    .body = "payload"})),
              "200 ");
    const auto authority = on->url().authority();
    EXPECT_EQ(seen.headers, (Headers{{":method", "POST"},
                                     {":scheme", "https"},
                                     {":authority", authority},
                                     {":path", "/p?q=1"},
                                     {"content-length", "7"},
                                     {"x-mixed", "v"},
                                     {"authorization", "k"}}));
  }
  EXPECT_EQ(seen.body, "payload");
}

TEST_F(Http2, LargeBodiesGoBothWays) {
  const std::string body(3'000'000, 'b');
  const auto on = server(
      [](Http2Peer& peer, std::int32_t id, H2Stream& stream) { peer.answer(id, stream.body); });
  EXPECT_EQ(told(fetch(*client_, {.method = "PUT", .url = on->url(), .body = body})),
            "200 " + body);
  std::size_t left = body.size();
  const auto next = [&](std::stop_token) -> Result<std::string> {
    const std::size_t size = std::min<std::size_t>(left, 70'000);
    left -= size;
    return std::string(size, 'b');
  };
  EXPECT_EQ(told(fetch(*client_, {.method = "PUT", .url = on->url(), .body_source = next})),
            "200 " + body);
  EXPECT_EQ(on->connections(), 1);
}

TEST_F(Http2, ThreadsShareOneConnection) {
  const auto on = server([](Http2Peer& peer, std::int32_t id, H2Stream& stream) {
    peer.answer(id, Http2Peer::header(stream, ":path") + std::string(100'000, 'x'));
  });
  ASSERT_EQ(get(*on).substr(0, 4), "200 ");  // the connection stands
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 8; ++t)
      threads.emplace_back([&, t] {
        for (int i = 0; i < 25; ++i) {
          const std::string path = "/" + std::to_string(t) + "." + std::to_string(i);
          if (told(fetch(*client_, {.url = on->url(path)})) !=
              "200 " + path + std::string(100'000, 'x'))
            ++wrong;
        }
      });
  }
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(on->connections(), 1);
}

// One thread drives the connection and waits for what never comes; the others are served by it, and
// it is stopped alone.
TEST_F(Http2, AWaitingDriverServesTheOthersAndIsStoppedAlone) {
  std::atomic<int> came = 0;
  const auto on = server([&](Http2Peer& peer, std::int32_t id, H2Stream& stream) {
    ++came;
    came.notify_all();
    if (Http2Peer::header(stream, ":path") != "/never") peer.answer(id, "hello");
  });
  ASSERT_EQ(get(*on), "200 hello");
  std::stop_source source;
  std::string outcome;
  std::jthread waiting(
      [&] { outcome = told(fetch(*client_, {.url = on->url("/never")}, {}, source.get_token())); });
  came.wait(1);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(get(*on), "200 hello");
  source.request_stop();
  waiting.join();
  EXPECT_TRUE(outcome.starts_with("cancelled: ")) << outcome;
  EXPECT_EQ(get(*on), "200 hello");
  EXPECT_EQ(on->connections(), 1);
  client_.reset();
  ended_.wait(0);
  EXPECT_EQ(resets_, std::vector<std::uint32_t>{NGHTTP2_CANCEL});
}

TEST_F(Http2, ASlowReaderStopsNobody) {
  const std::string much(2'000'000, 'x');
  const auto on =
      server([&](Http2Peer& peer, std::int32_t id, H2Stream&) { peer.answer(id, much); });
  std::vector<std::unique_ptr<Response>> unread;
  for (int i = 0; i < 20; ++i) unread.push_back(send(*client_, {.url = on->url()}).value());
  EXPECT_EQ(get(*on), "200 " + much);
  for (const auto& response : unread) EXPECT_EQ(told(whole(*response)), "200 " + much);
  EXPECT_EQ(on->connections(), 1);
}

TEST_F(Http2, AFullConnectionIsJoinedByAnother) {
  const auto on =
      server([](Http2Peer& peer, std::int32_t id, H2Stream&) { peer.answer(id, "x"); }, nullptr, 2);
  ASSERT_EQ(get(*on), "200 x");  // its settings are known
  std::vector<std::unique_ptr<Response>> open;
  for (int i = 0; i < 5; ++i) open.push_back(send(*client_, {.url = on->url()}).value());
  EXPECT_EQ(on->connections(), 3);
}

TEST_F(Http2, UnsharedConnectionsAreOnesOwnAndKeptAfterwards) {
  const auto on = server(hello);
  const SendOptions alone{.sharing = Sharing::unshared};
  {
    const auto first = send(*client_, {.url = on->url()}, alone).value();
    const auto second = send(*client_, {.url = on->url()}, alone).value();
    EXPECT_EQ(on->connections(), 2);
    std::string body;
    while (body.size() < 5) {
      const int fd = first->poll_descriptor();
      pollfd wanted{fd, POLLIN, 0};
      if (fd >= 0) ::poll(&wanted, 1, 60'000);
      body += first->try_read().value().value_or("");
    }
    EXPECT_EQ(body, "hello");
    while (first->try_read().value() != "") {
    }
  }
  EXPECT_EQ(told(fetch(*client_, {.url = on->url()}, alone)), "200 hello");
  EXPECT_EQ(on->connections(), 2);
}

// --- faults -------------------------------------------------------------------------------------

struct Fault {
  const char* name;
  std::function<void(Http2Peer&, std::int32_t, int number)> happens;
  const char* outcome;  // its beginning
  int connections = 1;
};
class Http2Fault : public Http2, public testing::WithParamInterface<Fault> {};
TEST_P(Http2Fault, IsToldOrHealed) {
  std::atomic<int> requests = 0;
  const auto on = server([&](Http2Peer& peer, std::int32_t id, H2Stream&) {
    GetParam().happens(peer, id, requests++);
  });
  const auto outcome = get(*on, {.first_byte = 60s, .stall = 60s});
  EXPECT_TRUE(outcome.starts_with(GetParam().outcome)) << outcome;
  EXPECT_EQ(on->connections(), GetParam().connections);
}

Headers huge_head() {
  Headers headers{{":status", "200"}};
  for (int i = 0; i < 40; ++i)
    headers.emplace_back("x-" + std::to_string(i), std::string(4000, 'x'));
  return headers;
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, Http2Fault,
    testing::Values(
        Fault{"RefusedStream",
              [](Http2Peer& peer, std::int32_t id, int number) {
                if (number == 0) return peer.reset(id, NGHTTP2_REFUSED_STREAM);
                peer.answer(id, "second");
              },
              "200 second", 2},
        Fault{"RefusedForEver",
              [](Http2Peer& peer, std::int32_t id, int) { peer.reset(id, NGHTTP2_REFUSED_STREAM); },
              "unavailable: ", 3},
        Fault{"GoAwayBefore",
              [](Http2Peer& peer, std::int32_t id, int number) {
                if (number == 0) return peer.go_away(0);
                peer.answer(id, "second");
              },
              "200 second", 2},
        Fault{"GoAwayAfter",
              [](Http2Peer& peer, std::int32_t id, int) {
                peer.go_away(id);
                peer.answer(id, "first");
              },
              "200 first"},
        Fault{"ResetBeforeHead",
              [](Http2Peer& peer, std::int32_t id, int) { peer.reset(id, NGHTTP2_INTERNAL_ERROR); },
              "unavailable: "},
        Fault{"ResetInBody",
              [](Http2Peer& peer, std::int32_t id, int) {
                peer.answer(id, "hel", {{":status", "200"}}, true);
                peer.flush();
                peer.reset(id, NGHTTP2_NO_ERROR);
              },
              "unavailable: "},
        Fault{"CloseBeforeHead", [](Http2Peer& peer, std::int32_t, int) { peer.end_connection(); },
              "unavailable: "},
        Fault{"CloseInBody",
              [](Http2Peer& peer, std::int32_t id, int) {
                peer.answer(id, "hel", {{":status", "200"}}, true);
                peer.flush();
                peer.end_connection();
              },
              "unavailable: "},
        Fault{"ShorterThanSaid",
              [](Http2Peer& peer, std::int32_t id, int) {
                peer.answer(id, "hel", {{":status", "200"}, {"content-length", "5"}});
              },
              "unavailable: "},
        Fault{"NoHttp2",
              [](Http2Peer& peer, std::int32_t, int) {
                peer.write_raw("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
              },
              "unavailable: "},
        Fault{"HugeHead",
              [](Http2Peer& peer, std::int32_t id, int) { peer.answer(id, "x", huge_head()); },
              "unavailable: "},
        Fault{"Interim",
              [](Http2Peer& peer, std::int32_t id, int) {
                peer.interim(id, {{":status", "103"}, {"link", "x"}});
                peer.answer(id, "hello");
              },
              "200 hello"},
        Fault{"InterimWithoutEnd",
              [](Http2Peer& peer, std::int32_t id, int) {
                for (int i = 0; i < 40; ++i) {
                  peer.interim(id, {{":status", "103"}});
                  peer.flush();
                }
                peer.answer(id, "hello");
              },
              "unavailable: "}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(Http2, ACutIsToldWithoutWaiting) {
  const auto on = server([](Http2Peer& peer, std::int32_t id, H2Stream&) {
    peer.answer(id, "hel", {{":status", "200"}}, true);
    peer.flush();
    peer.end_connection();
  });
  const auto response = send(*client_, {.url = on->url()}, {.sharing = Sharing::unshared}).value();
  Result<std::optional<std::string>> piece;
  while (piece = response->try_read(), piece) {
    ASSERT_NE(*piece, "") << "a clean end";
    pollfd wanted{response->poll_descriptor(), POLLIN, 0};
    if (wanted.fd >= 0) ASSERT_EQ(::poll(&wanted, 1, 60'000), 1);
  }
  EXPECT_EQ(piece.error().code, Code::unavailable);
}

TEST_F(Http2, StallsTimeOutAndSayWhere) {
  const auto silent = server(nullptr);
  const auto late = get(*silent, {.first_byte = 50ms});
  EXPECT_TRUE(late.starts_with("timeout: waiting for the answer")) << late;
  const auto half = server([](Http2Peer& peer, std::int32_t id, H2Stream&) {
    peer.answer(id, "hel", {{":status", "200"}}, true);
  });
  const auto stalled = get(*half, {.stall = 50ms});
  EXPECT_TRUE(stalled.starts_with("timeout: ") && stalled.contains("stalled")) << stalled;
}

TEST_F(Http2, AStopWakesItWhereverItWaits) {
  const On half = [](Http2Peer& peer, std::int32_t id, H2Stream&) {
    peer.answer(id, "hel", {{":status", "200"}}, true);
  };
  for (const auto& on_whole : {On(), half}) {
    const auto on = server(on_whole);
    std::stop_source source;
    std::jthread stopper([&] { source.request_stop(); });
    EXPECT_TRUE(get(*on, {}, source.get_token()).starts_with("cancelled: "));
  }
}

TEST_F(Http2, AConnectionThatClosedMeanwhileIsReplaced) {
  std::atomic<int> requests = 0;
  const auto on = server([&](Http2Peer& peer, std::int32_t id, H2Stream&) {
    peer.answer(id, "hello");
    if (requests++ == 0) peer.go_away(id);
  });
  EXPECT_EQ(get(*on), "200 hello");
  EXPECT_EQ(get(*on, {}, {}, "POST"), "200 hello");
  EXPECT_LE(on->connections(), 2);
}

}  // namespace
}  // namespace boxagnts::net
