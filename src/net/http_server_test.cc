#include "net/http_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

#include "net/http_server_fixture.h"

namespace boxagnts::net {
namespace {

using namespace std::chrono_literals;

std::string get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(more) + "\r\n";
}

void hello(Exchange& exchange) { exchange.respond({.body = "hello " + exchange.request().path}); }

std::shared_ptr<const std::string> bytes_of(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

base::UniqueFd file_of(const std::string& content) {
  base::UniqueFd fd(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  EXPECT_TRUE(base::write_all(fd.get(), content));
  return fd;
}

// Waits, without a clock, until the server has so many connections.
void wait_for_connections(const HttpServer& server, std::size_t count) {
  while (server.connections() != count) std::this_thread::yield();
}

TEST(HttpServer, AnswersAndKeepsTheConnection) {
  const auto server = start_server(hello);
  RawClient client(server->port());
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(client.send(get("/a")));
    const auto answer = client.answer();
    EXPECT_EQ(status_of(answer), 200);
    EXPECT_EQ(body_of(answer), "hello /a");
    EXPECT_NE(answer.find("\r\nDate: "), std::string::npos);
    EXPECT_EQ(answer.find("Connection:"), std::string::npos);
  }
}

TEST(HttpServer, TellsTheHandlerWhoAsks) {
  std::promise<ServerRequest> seen;
  const auto server = start_server([&](Exchange& exchange) {
    seen.set_value(exchange.request());
    exchange.respond({});
  });
  RawClient client(server->port());
  client.send(get("/a?b=1&c=2&b=3", "X-One: 1\r\n"));
  client.answer();
  const ServerRequest request = seen.get_future().get();
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.target, "/a?b=1&c=2&b=3");
  EXPECT_EQ(request.query_value("b"), "1");
  EXPECT_EQ(request.query_value("d"), std::nullopt);
  EXPECT_EQ(request.header("x-one"), "1");
  EXPECT_EQ(request.peer.text(), "127.0.0.1");
  EXPECT_EQ(request.local_port, server->port());
  EXPECT_NE(request.peer_port, 0);
  EXPECT_FALSE(request.secure);
}

TEST(HttpServer, AnswersAPipelineInOrder) {
  const auto server = start_server(hello);
  RawClient client(server->port());
  std::string all;
  for (int i = 0; i < 500; ++i) all += get("/" + std::to_string(i));
  auto sender = std::async(std::launch::async, [&] { return client.send(all); });
  for (int i = 0; i < 500; ++i) ASSERT_EQ(body_of(client.answer()), "hello /" + std::to_string(i));
  EXPECT_TRUE(sender.get());
}

TEST(HttpServer, ClosesWhereTheClientAsksForIt) {
  const auto server = start_server(hello);
  for (const std::string request :
       {"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"}) {
    RawClient client(server->port());
    client.send(request);
    const auto answer = client.rest();
    EXPECT_EQ(body_of(answer), "hello /");
    EXPECT_NE(answer.find("\r\nConnection: close\r\n"), std::string::npos);
  }
  RawClient old(server->port());
  old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_NE(old.answer().find("\r\nConnection: keep-alive\r\n"), std::string::npos);
  old.send("GET /again HTTP/1.0\r\n\r\n");
  EXPECT_EQ(body_of(old.answer()), "hello /again");
}

TEST(HttpServer, HeadHasTheLengthAndNoBody) {
  const auto server = start_server([](Exchange& exchange) {
    if (exchange.request().path == "/file")
      exchange.respond_file({}, file_of("0123456789"), 2, 5);
    else
      exchange.respond({.static_body = "0123456789"});
  });
  RawClient client(server->port());
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nHEAD /file HTTP/1.1\r\nHost: h\r\n\r\n" +
              get("/"));
  EXPECT_NE(client.until("\r\n\r\n").find("Content-Length: 10\r\n"), std::string::npos);
  EXPECT_NE(client.until("\r\n\r\n").find("Content-Length: 5\r\n"), std::string::npos);
  EXPECT_EQ(body_of(client.answer()), "0123456789");
}

TEST(HttpServer, SendsFilesOfAnySize) {
  std::string content;
  for (int i = 0; content.size() < (5u << 20); ++i) content += std::to_string(i) + ",";
  const auto server = start_server([&](Exchange& exchange) {
    const auto offset = std::stoull(std::string(*exchange.request().query_value("from")));
    const auto bytes = std::stoull(std::string(*exchange.request().query_value("bytes")));
    exchange.respond_file({}, file_of(content), offset, bytes);
  });
  RawClient client(server->port());
  for (const auto& [from, bytes] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, 0}, {7, 1}, {0, 65536}, {3, 65537}, {0, content.size()}, {9, content.size() - 9}}) {
    client.send(get("/?from=" + std::to_string(from) + "&bytes=" + std::to_string(bytes)));
    const auto answer = client.answer();
    ASSERT_EQ(body_of(answer), std::string_view(content).substr(from, bytes)) << from;
  }
}

// A part is never taken for the whole: the connection ends before the length that was promised.
TEST(HttpServer, AFileThatProvesShorterEndsTheConnection) {
  const auto server = start_server([](Exchange& exchange) {
    exchange.respond_file({}, file_of(std::string(100'000, 'x')), 0, 200'000);
  });
  RawClient client(server->port());
  client.send(get("/"));
  const auto answer = client.rest();
  EXPECT_NE(answer.find("Content-Length: 200000"), std::string::npos);
  EXPECT_EQ(body_of(answer).size(), 100'000u);
}

TEST(HttpServer, ReadsBodiesAsTheyCome) {
  const auto server = start_server([](Exchange& exchange) {
    std::size_t bytes = 0, largest = 0;
    while (true) {
      const auto piece = exchange.read_body();
      if (!piece || piece->empty()) break;
      bytes += piece->size();
      largest = std::max(largest, piece->size());
    }
    exchange.respond({.body = std::to_string(bytes) + (largest <= (64u << 10) ? " ok" : " large")});
  });
  RawClient client(server->port());
  const std::string body(3'000'000, 'x');
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3000000\r\n\r\n" + body);
  EXPECT_EQ(body_of(client.answer()), "3000000 ok");
  client.send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2DC6C0\r\n" + body +
              "\r\n0\r\n\r\n" + get("/after"));
  EXPECT_EQ(body_of(client.answer()), "3000000 ok");
  EXPECT_EQ(body_of(client.answer()), "0 ok");
}

TEST(HttpServer, ABodyBeyondTheHandlersBoundIsAnError) {
  const auto server = start_server([](Exchange& exchange) {
    const auto body = exchange.whole_body(10);
    exchange.respond({.status = body ? 200 : base::info(body.error().code).http_status});
  });
  RawClient client(server->port());
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n01234567890");
  EXPECT_EQ(status_of(client.answer()), 413);
  client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789");
  EXPECT_EQ(status_of(client.answer()), 200);
}

TEST(HttpServer, SaysContinueWhenTheBodyIsWanted) {
  const auto server = start_server([](Exchange& exchange) {
    if (exchange.request().path == "/no") return exchange.respond({.status = 403});
    exchange.respond({.body = *exchange.whole_body(100)});
  });
  constexpr auto kHead =
      " HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  RawClient client(server->port());
  client.send(std::string("POST /yes") + kHead);
  EXPECT_EQ(client.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("ab");
  EXPECT_EQ(body_of(client.answer()), "ab");
  // Refused without it: whether the body follows cannot be known, so the connection ends.
  client.send(std::string("POST /no") + kHead);
  const auto answer = client.rest();
  EXPECT_EQ(status_of(answer), 403);
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST(HttpServer, ABodyThatNobodyReadsIsDrainedInBounds) {
  const auto server = start_server(hello);
  RawClient client(server->port());
  client.send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 60000\r\n\r\n" +
              std::string(60'000, 'x') + get("/b"));
  EXPECT_EQ(body_of(client.answer()), "hello /a");
  EXPECT_EQ(body_of(client.answer()), "hello /b");
  client.send("POST /c HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n");
  const auto answer = client.rest();
  EXPECT_EQ(body_of(answer), "hello /c");
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
}

TEST(HttpServer, AHandlerThatAnswersNothingOrThrowsIsA500) {
  const auto server = start_server([](Exchange& exchange) {
    if (exchange.request().path == "/throw") throw std::runtime_error("on purpose");
  });
  RawClient client(server->port());
  client.send(get("/") + get("/throw"));
  EXPECT_EQ(status_of(client.answer()), 500);
  EXPECT_EQ(status_of(client.answer()), 500);
}

TEST(HttpServer, NoHeaderOfAnAnswerStartsAnother) {
  const auto server = start_server(
      [](Exchange& exchange) { exchange.respond({.headers = {{"X", "a\r\nSet-Cookie: b"}}}); });
  RawClient client(server->port());
  client.send(get("/"));
  const auto answer = client.answer();
  EXPECT_EQ(status_of(answer), 500);
  EXPECT_EQ(answer.find("Set-Cookie"), std::string::npos);
}

TEST(HttpServer, TheServersOwnHeadersCannotBeForged) {
  const auto server = start_server([](Exchange& exchange) {
    exchange.respond(
        {.headers = {{"content-LENGTH", "99"}, {"Transfer-Encoding", "chunked"}}, .body = "abc"});
  });
  RawClient client(server->port());
  client.send(get("/"));
  const auto answer = client.answer();
  EXPECT_EQ(body_of(answer), "abc");
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
}

// --- streams ---------------------------------------------------------------------------------

// Hands the streams that a server's handler opens to the test.
class Streams {
 public:
  Handler handler() {
    return [this](Exchange& exchange) {
      auto stream = exchange.respond_stream({.headers = {{"Content-Type", "text/event-stream"}}});
      std::lock_guard lock(mutex_);
      streams_.push_back(std::move(stream));
      came_.notify_all();
    };
  }
  std::shared_ptr<ServerStream> next() {
    std::unique_lock lock(mutex_);
    came_.wait(lock, [this] { return !streams_.empty(); });
    auto stream = std::move(streams_.front());
    streams_.erase(streams_.begin());
    return stream;
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  std::vector<std::shared_ptr<ServerStream>> streams_;
};

// Counts what a stream's on_change tells.
class Changes {
 public:
  explicit Changes(ServerStream& stream) : stream_(stream) {
    stream.on_change([this] {
      std::lock_guard lock(mutex_);
      ++count_;
      came_.notify_all();
    });
  }
  ~Changes() { stream_.on_change({}); }
  template <class Condition>
  void wait_until(Condition condition) {
    std::unique_lock lock(mutex_);
    came_.wait(lock, condition);
  }

 private:
  std::mutex mutex_;
  std::condition_variable came_;
  int count_ = 0;
  ServerStream& stream_;
};

TEST(HttpServerStream, GoesOnAfterTheHandlerAndKeepsTheConnection) {
  Streams streams;
  const auto server = start_server(streams.handler());
  RawClient client(server->port());
  for (int round = 0; round < 2; ++round) {
    client.send(get("/"));
    const auto stream = streams.next();
    EXPECT_NE(client.until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
    EXPECT_TRUE(stream->push(bytes_of("hello")));
    EXPECT_EQ(client.until("hello\r\n"), "5\r\nhello\r\n");
    EXPECT_TRUE(stream->push(bytes_of("0123456789abcdef")));
    EXPECT_EQ(client.until("f\r\n"), "10\r\n0123456789abcdef\r\n");
    stream->close();
    EXPECT_FALSE(stream->push(bytes_of("late")));
    EXPECT_EQ(client.until("0\r\n\r\n"), "0\r\n\r\n");
  }
}

TEST(HttpServerStream, LettingItGoClosesIt) {
  Streams streams;
  const auto server = start_server(streams.handler());
  RawClient client(server->port());
  client.send(get("/"));
  streams.next()->push(bytes_of("a"));
  client.until("\r\n\r\n");
  EXPECT_EQ(client.until("0\r\n\r\n"), "1\r\na\r\n0\r\n\r\n");
}

TEST(HttpServerStream, EndsWithTheConnectionInHttp10AndHasNoBodyForHead) {
  Streams streams;
  const auto server = start_server(streams.handler());
  RawClient old(server->port());
  old.send("GET / HTTP/1.0\r\n\r\n");
  streams.next()->push(bytes_of("plain"));
  const auto answer = old.rest();
  EXPECT_EQ(body_of(answer), "plain");
  EXPECT_EQ(answer.find("chunked"), std::string::npos);
  RawClient client(server->port());
  client.send("HEAD / HTTP/1.1\r\nHost: h\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto stream = streams.next();
  Changes(*stream).wait_until([&] { return stream->gone(); });
  client.until("\r\n\r\n");
  EXPECT_EQ(status_of(client.until("\r\n\r\n")), 200);
}

TEST(HttpServerStream, ASlowReaderIsBoundedAndHarmsNobody) {
  Streams streams;
  const auto server = start_server(streams.handler(), {.stream_bytes_max = 256 << 10});
  RawClient slow(server->port(), 4096), quick(server->port());
  slow.send(get("/"));
  const auto to_slow = streams.next();
  quick.send(get("/"));
  const auto to_quick = streams.next();
  quick.until("\r\n\r\n");
  const auto piece = bytes_of(std::string(16 << 10, 'x'));
  std::size_t pushed = 0;
  bool refused = false;
  for (int i = 0; i < 4096 && !refused; ++i) {
    if (to_slow->push(piece))
      ++pushed;
    else
      refused = true;
    ASSERT_TRUE(to_quick->push(bytes_of("e")));
    ASSERT_EQ(quick.until("e\r\n"), "1\r\ne\r\n");
  }
  EXPECT_TRUE(refused);
  EXPECT_LE(to_slow->waiting_bytes(), 256u << 10);
  // Nothing of what was taken is lost, and when it has gone out the stream says so.
  std::thread reader([&] { slow.rest(); });
  Changes(*to_slow).wait_until([&] { return to_slow->waiting_bytes() == 0; });
  EXPECT_TRUE(to_slow->push(piece));
  to_slow->close();
  slow.end();
  reader.join();
  EXPECT_GE(pushed, 16u);
}

TEST(HttpServerStream, AClientThatVanishesIsTold) {
  Streams streams;
  const auto server = start_server(streams.handler());
  for (const bool by_reset : {false, true}) {
    auto client = std::make_unique<RawClient>(server->port());
    client->send(get("/"));
    const auto stream = streams.next();
    client->until("\r\n\r\n");
    Changes changes(*stream);
    by_reset ? client->reset() : client->close();
    changes.wait_until([&] { return stream->gone(); });
    EXPECT_FALSE(stream->push(bytes_of("x")));
    EXPECT_EQ(stream->waiting_bytes(), 0u);
  }
}

TEST(HttpServerStream, OutlivesTheServer) {
  Streams streams;
  auto server = start_server(streams.handler());
  RawClient client(server->port());
  client.send(get("/"));
  const auto stream = streams.next();
  stream->push(bytes_of("a"));
  server.reset();
  EXPECT_TRUE(stream->gone());
  EXPECT_FALSE(stream->push(bytes_of("x")));
  stream->close();
  EXPECT_EQ(body_of(client.rest()), "1\r\na\r\n0\r\n\r\n");
}

// --- limits ----------------------------------------------------------------------------------

// A handler that stays until it is let go, so that all workers can be kept busy.
class Gate {
 public:
  void wait() {
    std::unique_lock lock(mutex_);
    ++inside_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return open_; });
  }
  void wait_for_inside(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return inside_ >= count; });
  }
  void open() {
    std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  // Opens it before the server is destroyed, which waits for who is inside.
  struct OpensAtTheEnd {
    Gate& gate;
    ~OpensAtTheEnd() { gate.open(); }
  };

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int inside_ = 0;
  bool open_ = false;
};

// No further descriptor can be opened while it lives.
class DescriptorsUsedUp {
 public:
  DescriptorsUsedUp() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int lowest_free = ::dup(0);
    ::close(lowest_free);
    const rlimit none{.rlim_cur = static_cast<rlim_t>(lowest_free), .rlim_max = before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~DescriptorsUsedUp() { give_back(); }
  void give_back() const { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

TEST(HttpServerLimits, AFullQueueIsA503) {
  Gate gate;
  const auto server = start_server(
      [&](Exchange& exchange) {
        gate.wait();
        exchange.respond({});
      },
      {.waiting_requests_max = 1, .workers = 1});
  const Gate::OpensAtTheEnd opens{gate};
  RawClient first(server->port()), second(server->port()), third(server->port());
  first.send(get("/"));
  gate.wait_for_inside(1);
  second.send(get("/"));
  third.send(get("/"));
  // One of the two waits, the other is told to come again.
  pollfd both[2] = {{second.fd(), POLLIN, 0}, {third.fd(), POLLIN, 0}};
  ASSERT_EQ(::poll(both, 2, 60'000), 1);
  RawClient& refused = both[0].revents ? second : third;
  RawClient& waits = both[0].revents ? third : second;
  const auto answer = refused.answer();
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_NE(answer.find("\r\nRetry-After: 1\r\n"), std::string::npos);
  gate.open();
  EXPECT_EQ(status_of(first.answer()), 200);
  EXPECT_EQ(status_of(waits.answer()), 200);
}

TEST(HttpServerLimits, BeyondTheConnectionsTheLongestIdleGoes) {
  Gate gate;
  const auto server = start_server(
      [&](Exchange& exchange) {
        if (exchange.request().path == "/wait") gate.wait();
        exchange.respond({});
      },
      {.connections_max = 2});
  const Gate::OpensAtTheEnd opens{gate};
  RawClient busy(server->port()), idle(server->port());
  busy.send(get("/wait"));
  gate.wait_for_inside(1);
  idle.send(get("/"));
  EXPECT_EQ(status_of(idle.answer()), 200);
  RawClient late(server->port());
  EXPECT_EQ(idle.rest(), "");  // closed for the newcomer
  late.send(get("/wait"));
  gate.wait_for_inside(2);
  RawClient last(server->port());
  EXPECT_EQ(status_of(last.rest()), 503);  // nobody is idle
  gate.open();
  EXPECT_EQ(status_of(late.answer()), 200);
  EXPECT_EQ(status_of(busy.answer()), 200);
}

TEST(HttpServerLimits, WaitsEndByTheClock) {
  base::ManualClock clock;
  const auto server = start_server(
      [](Exchange& exchange) {
        const auto body = exchange.whole_body(1 << 20);
        exchange.respond({.status = body ? 200 : base::info(body.error().code).http_status});
      },
      {.clock = &clock});
  RawClient idle(server->port()), head(server->port()), body(server->port());
  wait_for_connections(*server, 3);
  idle.send(get("/"));
  EXPECT_EQ(status_of(idle.answer()), 200);
  // A head a byte at a time gains no time.
  head.send("GET / HT");
  body.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n012");
  RawClient other(server->port());
  other.send(get("/"));
  EXPECT_EQ(status_of(other.answer()), 200);  // what was sent before has been read
  clock.advance(9'999ms);
  server->check_timeouts();
  head.send("T");
  other.send(get("/"));
  EXPECT_EQ(status_of(other.answer()), 200);
  clock.advance(1ms);
  server->check_timeouts();
  EXPECT_EQ(status_of(head.rest()), 408);
  clock.advance(20s);
  server->check_timeouts();
  EXPECT_EQ(status_of(body.rest()), 504);
  clock.advance(45s);
  server->check_timeouts();
  EXPECT_EQ(idle.rest(), "");
}

TEST(HttpServerLimits, AReaderThatStopsReadingIsLetGo) {
  base::ManualClock clock;
  Streams streams;
  const auto server = start_server(streams.handler(), {.clock = &clock});
  RawClient slow(server->port(), 4096);
  slow.send(get("/"));
  const auto stream = streams.next();
  const auto piece = bytes_of(std::string(64 << 10, 'x'));
  do {
    while (stream->push(piece)) {
    }
    server->check_timeouts();  // the I/O thread has tried to send
  } while (stream->waiting_bytes() == 0);
  while (!stream->gone()) {
    clock.advance(31s);
    server->check_timeouts();
  }
  EXPECT_EQ(server->connections(), 0u);
}

// What one waits for is not counted in seconds: all of them stay while another is served.
TEST(HttpServerLimits, ThousandsOfIdleConnectionsHarmNobody) {
  const auto server = start_server(hello);  // raises the limit of descriptors
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::size_t count = std::min<std::size_t>(10'000, (limit.rlim_cur - 500) / 2);
  std::vector<std::unique_ptr<RawClient>> idle;
  for (std::size_t i = 0; i < count; ++i) {
    idle.push_back(std::make_unique<RawClient>(server->port()));
    if (i % 100 == 0) {
      idle.back()->send(get("/" + std::to_string(i)));
      ASSERT_EQ(body_of(idle.back()->answer()), "hello /" + std::to_string(i));
    }
  }
  wait_for_connections(*server, count);
  for (auto& client : idle) {
    client->send(get("/again"));
    ASSERT_EQ(body_of(client->answer()), "hello /again");
    if (&client - idle.data() == 200) break;
  }
}

// Without descriptors the longest idle one goes; without an idle one the newcomer does, and the
// server goes on when there are some again.
TEST(HttpServerLimits, NoDescriptorsLeft) {
  Gate gate;
  const auto server = start_server([&](Exchange& exchange) {
    if (exchange.request().path == "/wait") gate.wait();
    exchange.respond({});
  });
  const Gate::OpensAtTheEnd opens{gate};
  RawClient first(server->port());
  first.send(get("/"));
  EXPECT_EQ(status_of(first.answer()), 200);
  RawClient second, third, last;
  const DescriptorsUsedUp used_up;
  second.connect(server->port());
  EXPECT_EQ(first.rest(), "");
  second.send(get("/wait"));
  gate.wait_for_inside(1);
  third.connect(server->port());  // nobody is idle now
  EXPECT_EQ(third.rest(), "");
  gate.open();
  EXPECT_EQ(status_of(second.answer()), 200);
  used_up.give_back();
  last.connect(server->port());
  last.send(get("/"));
  EXPECT_EQ(status_of(last.answer()), 200);
}

// --- vanishing clients and the end ---------------------------------------------------------------

TEST(HttpServer, ClientsThatVanishLeaveNothingBehind) {
  const std::size_t before = open_descriptors();
  {
    const auto server = start_server([](Exchange& exchange) {
      if (exchange.request().path == "/file")
        return exchange.respond_file({}, file_of(std::string(4 << 20, 'x')), 0, 4 << 20);
      if (exchange.request().path == "/stream") {
        exchange.respond_stream({})->push(bytes_of(std::string(100'000, 'x')));
        return;
      }
      const auto body = exchange.whole_body(1 << 20);
      if (body) exchange.respond({.body = *body});
    });
    const std::size_t running = open_descriptors();
    const std::string whole = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nsome body";
    for (const bool by_reset : {false, true}) {
      const auto vanish = [&](std::string_view bytes) {
        RawClient client(server->port());
        client.send(bytes);
        if (by_reset) client.reset();
      };
      for (std::size_t cut = 0; cut <= whole.size(); ++cut) vanish(whole.substr(0, cut));
      for (int i = 0; i < 20; ++i)
        for (const char* path : {"/file", "/stream"}) vanish(get(path));
    }
    // Some are still on their way to the server; in the end none is left.
    while (server->connections() > 0 || open_descriptors() > running) std::this_thread::yield();
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST(HttpServer, TheHandlerHearsOfAClientThatVanishes) {
  std::promise<void> started, told;
  const auto server = start_server([&](Exchange& exchange) {
    started.set_value();
    std::stop_callback on_gone(exchange.gone(), [&] { told.set_value(); });
    told.get_future().wait();
  });
  RawClient client(server->port());
  client.send(get("/"));
  started.get_future().wait();
  client.close();
  wait_for_connections(*server, 0);
}

TEST(HttpServer, AClientThatEndsItsSideIsStillAnswered) {
  const auto server = start_server(hello);
  RawClient client(server->port());
  client.send(get("/a") + get("/b"));
  client.end();
  EXPECT_EQ(body_of(client.answer()), "hello /a");
  EXPECT_EQ(body_of(client.answer()), "hello /b");
  EXPECT_EQ(client.rest(), "");
}

TEST(HttpServer, StopsWhileBusy) {
  std::promise<void> reading;
  std::atomic<int> cancelled = 0;
  auto server = start_server([&](Exchange& exchange) {
    if (exchange.request().path == "/stream") {
      exchange.respond_stream({});
      return;
    }
    reading.set_value();
    const auto body = exchange.whole_body(100);
    if (!body && body.error().code == Code::cancelled) ++cancelled;
    exchange.respond({.status = 503});
  });
  RawClient idle(server->port()), uploads(server->port()), half(server->port());
  half.send("GET / HT");
  uploads.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nsome");
  reading.get_future().wait();
  server.reset();
  EXPECT_EQ(cancelled, 1);
  EXPECT_EQ(status_of(uploads.rest()), 503);
  EXPECT_EQ(idle.rest(), "");
  EXPECT_EQ(half.rest(), "");
}

// --- starting --------------------------------------------------------------------------------

TEST(HttpServer, ATakenPortIsAnErrorOrTheNextOne) {
  const auto first = start_server(hello);
  ServerOptions options{.address = *parse_ip("127.0.0.1"), .port = first->port()};
  const auto taken = HttpServer::start(options, hello);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, Code::conflict);
  EXPECT_NE(taken.error().message.find("is in use by another program"), std::string::npos);
  options.if_taken = ServerOptions::IfTaken::next_free;
  const auto next = HttpServer::start(options, hello);
  ASSERT_TRUE(next);
  EXPECT_GT((*next)->port(), first->port());
}

TEST(HttpServer, AForeignAddressIsAnError) {
  const auto server = HttpServer::start({.address = *parse_ip("192.0.2.1")}, hello);
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, Code::invalid_argument);
}

TEST(HttpServer, ListensOnIpv6AndTakesIpv4There) {
  auto server = HttpServer::start({.address = *parse_ip("::")}, [](Exchange& exchange) {
    exchange.respond({.body = exchange.request().peer.text()});
  });
  ASSERT_TRUE(server);
  RawClient client((*server)->port());
  client.send(get("/"));
  EXPECT_EQ(body_of(client.answer()), "::ffff:127.0.0.1");
}

}  // namespace
}  // namespace boxagnts::net
