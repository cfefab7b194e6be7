// The network of a guest: http_open's head and body, what it refuses, waiting, and a replay.
#include "sandbox/http_open.h"

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "sandbox/sandbox_fixture.h"
#include "vfs/streams.h"

namespace boxagnts::sandbox {
namespace {

struct Asking {
  std::string method = "GET";
  std::string url = "http://a.test/";
  std::string headers;
  std::string body;
  std::uint32_t timeout_ms = 0;
  std::string sizes[4];  // of the four, instead of the true ones
  std::uint32_t result = 16;
  bool nonblocking = false;
  bool polls = false;  // waits with poll_oneoff where a read would wait
};

std::string literal(std::string_view bytes) {
  std::string text;
  for (const char c : bytes) {
    constexpr char kHex[] = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    text += {'\\', kHex[byte >> 4], kHex[byte & 15]};
  }
  return text;
}

// Opens, then copies all that comes to stdout. Exits with http_open's errno, or 100 and that of a
// read, or 200 and that of poll_oneoff.
std::string asks(const Asking& asking) {
  const std::string_view parts[] = {asking.method, asking.url, asking.headers, asking.body};
  std::string data, call;
  std::size_t at = 1000;
  for (int i = 0; i < 4; ++i) {
    data += "(data (i32.const " + std::to_string(at) + ") \"" + literal(parts[i]) + "\")";
    const auto& size = asking.sizes[i];
    call += "(i32.const " + std::to_string(at) + ") (i32.const " +
            (size.empty() ? std::to_string(parts[i].size()) : size) + ") ";
    at += 20'000;
  }
  return R"((module
    (import "boxagnts" "http_open" (func $http
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_fdstat_set_flags"
      (func $flags (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 4))" +
         data + R"((func (export "_start") (local $e i32)
      (local.set $e (call $http )" +
         call + "(i32.const " + std::to_string(asking.timeout_ms) + ") (i32.const " +
         std::to_string(asking.result) + R"()))
      (if (local.get $e) (then (call $exit (local.get $e))))
      (if (i32.const )" +
         (asking.nonblocking ? "1" : "0") + R"()
        (then (drop (call $flags (i32.load (i32.const 16)) (i32.const 4)))))
      (loop $l
        (i32.store (i32.const 0) (i32.const 100000)) (i32.store (i32.const 4) (i32.const 1000))
        (local.set $e (call $read (i32.load (i32.const 16)) (i32.const 0) (i32.const 1)
          (i32.const 8)))
        (if (i32.and (i32.eq (local.get $e) (i32.const 6)) (i32.const )" +
         (asking.polls ? "1" : "0") + R"()) (then
          (i32.store8 (i32.const 508) (i32.const 1))
          (i32.store (i32.const 516) (i32.load (i32.const 16)))
          (local.set $e (call $poll (i32.const 500) (i32.const 600) (i32.const 1) (i32.const 8)))
          (if (local.get $e) (then (call $exit (i32.add (i32.const 200) (local.get $e)))))
          (br $l)))
        (if (local.get $e) (then (call $exit (i32.add (i32.const 100) (local.get $e)))))
        (if (i32.eqz (i32.load (i32.const 8))) (then (call $exit (i32.const 0))))
        (i32.store (i32.const 4) (i32.load (i32.const 8)))
        (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
        (br $l)))))";
}

class TestNetwork final : public Network {
 public:
  Result<NetworkAnswer> open(const NetworkRequest& request, base::Steady deadline,
                             std::stop_token stop) override {
    asked.push_back(request);
    deadlines.push_back(deadline);
    if (meanwhile) meanwhile();
    if (waits) {
      std::mutex mutex;
      std::unique_lock lock(mutex);
      std::condition_variable_any never;
      never.wait_until(lock, stop, deadline, [] { return false; });
      return fail(stop.stop_requested() ? Code::cancelled : Code::timeout, "waited");
    }
    if (error) return std::unexpected(*error);
    return NetworkAnswer{.status = 200,
                         .url = request.url,
                         .protocol = "http/1.1",
                         .headers = {{"content-type", "text/plain"}, {"x", "\xff"}},
                         .body = body};
  }

  std::vector<NetworkRequest> asked;
  std::vector<base::Steady> deadlines;
  std::shared_ptr<vfs::File> body = vfs::make_text_stream("the body");
  std::optional<Error> error;
  bool waits = false;
  std::function<void()> meanwhile;
};

// What was cut after its first bytes.
class CutStream final : public vfs::File {
 public:
  vfs::Sys<vfs::Stat> stat() override { return vfs::Stat{}; }
  vfs::Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t) override {
    if (std::exchange(given_, true)) return std::unexpected(EIO);
    into[0] = std::byte{'x'};
    return 1;
  }
  vfs::Sys<std::size_t> write_at(std::span<const std::byte>, std::uint64_t) override { return 0; }
  vfs::Sys<std::uint64_t> append(std::span<const std::byte>) override { return 0; }
  vfs::Sys<void> resize(std::uint64_t) override { return {}; }
  vfs::Sys<void> set_times(const vfs::NewTimes&) override { return {}; }
  vfs::Sys<void> sync() override { return {}; }
  bool is_stream() const override { return true; }

 private:
  bool given_ = false;
};

class HttpOpenTest : public SandboxTest {
 protected:
  HttpOpenTest() { process_.network = &network_; }

  // Head and body of what the guest printed.
  static std::pair<std::string, std::string> parts_of(const std::string& output) {
    if (output.size() < 4) return {"(no head)", output};
    std::size_t size = 0;
    for (int i = 3; i >= 0; --i)
      size = size << 8 | static_cast<unsigned char>(output[static_cast<std::size_t>(i)]);
    return {output.substr(4, size), output.substr(std::min(output.size(), 4 + size))};
  }
  static void write_to(vfs::File& file, std::string_view text) {
    ASSERT_EQ(file.write_at(std::as_bytes(std::span(text)), 0), text.size());
  }

  TestNetwork network_;
};

TEST_F(HttpOpenTest, TheHeadComesFirstThenTheBody) {
  const auto result = run_wat(asks({.method = "POST",
                                    .url = "http://a.test/x?y",
                                    .headers = "X-One: 1\nX-Two:\t two \n\n",
                                    .body = std::string("a\0b", 3)}));
  EXPECT_EQ(result.exit_code, 0);
  const auto [head, body] = parts_of(result.output);
  EXPECT_EQ(head, R"({"status":200,"url":"http://a.test/x?y","protocol":"http/1.1","headers":)"
                  "[[\"content-type\",\"text/plain\"],[\"x\",\"\xef\xbf\xbd\"]]}");
  EXPECT_EQ(body, "the body");
  ASSERT_EQ(network_.asked.size(), 1u);
  const auto& asked = network_.asked[0];
  EXPECT_EQ(asked.method, "POST");
  EXPECT_EQ(asked.body, std::string("a\0b", 3));
  const std::vector<std::pair<std::string, std::string>> wanted{{"X-One", "1"}, {"X-Two", "two"}};
  EXPECT_EQ(asked.headers, wanted);
}

TEST_F(HttpOpenTest, RefusalsAndFailuresAreHeadsWithTheirRule) {
  network_.error = Error{Code::permission_denied, "b.test is not allowed", "default"};
  EXPECT_EQ(parts_of(run_wat(asks({})).output).first,
            R"({"error":{"code":"permission_denied","message":"b.test is not allowed",)"
            R"("rule":"default"}})");
  network_.error = Error{Code::unavailable, "nobody is there", "connect: refused"};
  EXPECT_EQ(parts_of(run_wat(asks({})).output).first,
            R"({"error":{"code":"unavailable","message":"nobody is there","rule":""}})");
  process_.network = nullptr;
  EXPECT_EQ(parts_of(run_wat(asks({})).output).first,
            R"({"error":{"code":"permission_denied","message":"this program has no network",)"
            R"("rule":"no-network"}})");
}

TEST_F(HttpOpenTest, RequestsThatSayTooMuchAreRefusedBeforeAnythingIsSent) {
  std::vector<Asking> cases;
  for (const char* header : {"Host: b.test",
                             "host: b.test",
                             "Connection: close",
                             "Content-Length: 5",
                             "TE: trailers",
                             "Transfer-Encoding: chunked",
                             "Upgrade: websocket",
                             "Trailer: x",
                             "Keep-Alive: 5",
                             "Proxy-Authorization: x",
                             "Proxy-Connection: x",
                             "Accept-Encoding: gzip",
                             "Expect: x",
                             "HTTP2-Settings: x",
                             "no colon",
                             ": no name",
                             "a b: c",
                             "a\r: b",
                             "X: a\rHost: b",
                             "X: a\x01",
                             "X: a\x7f",
                             "a : b"})
    cases.push_back({.headers = header});
  for (const char* method : {"", "GET /", "G\nET", "CONNECT", "connect", "G\xc3\xa4T"})
    cases.push_back({.method = method});
  cases.push_back({.method = std::string(33, 'A')});
  cases.push_back({.url = std::string(9000, 'a')});
  cases.push_back({.url = "http://\xff/"});
  std::string many;
  for (int i = 0; i < 101; ++i) many += "x: y\n";
  cases.push_back({.headers = many});
  for (const auto& asking : cases) {
    const auto result = run_wat(asks(asking));
    EXPECT_TRUE(parts_of(result.output).first.contains("\"code\":\"invalid_argument\""))
        << asking.method << asking.headers << result.output;
  }
  EXPECT_TRUE(network_.asked.empty());
}

TEST_F(HttpOpenTest, PointersAndSizesAreLookedAt) {
  constexpr int kTooBig = 1, kFault = 21;
  for (int i = 0; i < 4; ++i) {
    Asking asking;
    asking.sizes[i] = "262144";
    EXPECT_EQ(run_wat(asks(asking)).exit_code, kFault) << i;
    asking.sizes[i] = "-1";
    EXPECT_EQ(run_wat(asks(asking)).exit_code, kFault) << i;
  }
  EXPECT_EQ(run_wat(asks({.result = 262'142})).exit_code, kFault);
  Asking large;
  large.sizes[2] = "65537";
  EXPECT_EQ(run_wat(asks(large)).exit_code, kTooBig);
  EXPECT_TRUE(network_.asked.empty());
}

TEST_F(HttpOpenTest, AFullTableSendsNothing) {
  process_.limits.open_files = 6;  // 0 to 2, "/", ".", "/work"
  EXPECT_EQ(run_wat(asks({})).exit_code, 33) << "EMFILE";
  EXPECT_TRUE(network_.asked.empty());
  process_.limits.open_files = 7;
  EXPECT_EQ(run_wat(asks({})).exit_code, 0);
}

TEST_F(HttpOpenTest, ABodyThatWasCutIsNoEnd) {
  network_.body = std::make_shared<CutStream>();
  const auto result = run_wat(asks({}));
  EXPECT_EQ(result.exit_code, 129) << "EIO";
  EXPECT_EQ(parts_of(result.output).second, "x");
}

TEST_F(HttpOpenTest, ABodyIsWaitedForByReadByPollOrNotAtAll) {
  for (const bool polls : {false, true}) {
    auto pipe = vfs::make_pipe().value();
    network_.body = pipe.reader;
    std::jthread server([&] {
      write_to(*pipe.writer, "one");
      write_to(*pipe.writer, "two");
      pipe.writer.reset();
    });
    const auto result = run_wat(asks({.nonblocking = polls, .polls = polls}));
    EXPECT_EQ(result.exit_code, 0);
    EXPECT_EQ(parts_of(result.output).second, "onetwo");
  }
  auto pipe = vfs::make_pipe().value();
  network_.body = pipe.reader;
  EXPECT_EQ(run_wat(asks({.nonblocking = true})).exit_code, 106) << "EAGAIN";
}

TEST_F(HttpOpenTest, StopAndTimeReleaseAGuestThatWaits) {
  auto pipe = vfs::make_pipe().value();
  network_.body = pipe.reader;
  for (const bool for_head : {true, false}) {
    network_.waits = for_head;
    process_.limits.wall_time = 30ms;
    EXPECT_EQ(run_wat(asks({})).end, End::limit);
    process_.limits.wall_time = 60s;
    std::stop_source source;
    const auto program = compile(asks({}));
    std::jthread stopper([&] { source.request_stop(); });
    EXPECT_EQ(run(*program, source.get_token())->end, End::stopped);
  }
}

TEST_F(HttpOpenTest, TimeInWhichAPersonIsAskedIsLeftOutOfTheLimitAndNoOther) {
  base::ManualClock clock;
  sandbox_ = Sandbox::make(clock, {.instances_max = 4});
  base::StoppedTime stopped;
  stopped.add(1h);  // of an earlier process of the call
  process_.limits.wall_time = 30s;
  const struct {
    const base::StoppedTime* stopped;
    std::chrono::milliseconds asked, worked;
    End end;
  } kRows[] = {
      {&stopped, 10h, 0ms, End::exited},      {&stopped, 10h, 29'999ms, End::exited},
      {&stopped, 10h, 30s, End::limit},       {&stopped, 0ms, 30s, End::limit},
      {&stopped, 1ms, 29'999ms, End::exited}, {nullptr, 30s, 0ms, End::limit},
      {nullptr, 0ms, 29'999ms, End::exited},
  };
  for (const auto& row : kRows) {
    process_.stopped = row.stopped;
    network_.meanwhile = [&] {
      clock.advance(row.asked + row.worked);
      stopped.add(row.asked);
    };
    EXPECT_EQ(run_wat(asks({})).end, row.end)
        << row.asked.count() << " ms asked, " << row.worked.count() << " ms worked";
  }
}

TEST_F(HttpOpenTest, ItsOwnTimeIsALowerOne) {
  run_wat(asks({}));
  run_wat(asks({.timeout_ms = 1000}));
  run_wat(asks({.timeout_ms = 4'000'000}));
  ASSERT_EQ(network_.deadlines.size(), 3u);
  EXPECT_LT(network_.deadlines[1], network_.deadlines[0]);
  EXPECT_LT(network_.deadlines[2] - network_.deadlines[1], process_.limits.wall_time);
  network_.waits = true;
  EXPECT_TRUE(parts_of(run_wat(asks({.timeout_ms = 5})).output).first.contains("\"timeout\""));
}

TEST_F(HttpOpenTest, NothingCanBeWrittenToAnAnswer) {
  EXPECT_EQ(run_wat(R"((module
    (import "boxagnts" "http_open" (func $http
      (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 50) "GET")
    (func (export "_start")
      (drop (call $http (i32.const 50) (i32.const 3) (i32.const 0) (i32.const 0) (i32.const 0)
        (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 16)))
      (call $exit (call $write (i32.load (i32.const 16)) (i32.const 0) (i32.const 1)
        (i32.const 8))))))")
                .exit_code,
            8)
      << "EBADF";
}

// --- played back ---

class RecordedNetworkTest : public HttpOpenTest {
 protected:
  ProcessResult ask(vfs::Tape& tape, const Asking& asking) {
    const auto host = make_host_world(clock_);
    const auto world = make_recorded_world(tape.recording() ? host.get() : nullptr, tape);
    const auto network = make_recorded_network(tape.recording() ? &network_ : nullptr, tape);
    process_.world = world.get();
    process_.network = network.get();
    auto result = run_wat(asks(asking));
    process_.world = nullptr;
    process_.network = nullptr;
    return result;
  }
};

TEST_F(RecordedNetworkTest, AReplayAnswersTheSameAndReachesNothing) {
  for (const bool polls : {false, true}) {
    auto pipe = vfs::make_pipe().value();
    network_.body = pipe.reader;
    vfs::Tape recording;
    const Asking asking{.headers = "X: y", .nonblocking = polls, .polls = polls};
    ProcessResult first;
    {
      std::jthread server([&] {
        write_to(*pipe.writer, "streamed");
        pipe.writer.reset();
      });
      first = ask(recording, asking);
    }
    ASSERT_EQ(first.exit_code, 0) << first.reason;
    EXPECT_EQ(parts_of(first.output).second, "streamed");
    const auto asked = network_.asked.size();
    vfs::Tape playing(recording.bytes());
    const auto again = ask(playing, asking);
    EXPECT_EQ(again.output, first.output);
    EXPECT_EQ(again.exit_code, 0);
    EXPECT_FALSE(playing.diverged());
    EXPECT_TRUE(playing.at_end());
    EXPECT_EQ(network_.asked.size(), asked);
  }
}

TEST_F(RecordedNetworkTest, RefusalsArePlayedBackToo) {
  network_.error = Error{Code::permission_denied, "no", "block_networks[1]"};
  vfs::Tape recording;
  const auto first = ask(recording, {});
  vfs::Tape playing(recording.bytes());
  EXPECT_EQ(ask(playing, {}).output, first.output);
  EXPECT_TRUE(playing.at_end());
}

TEST_F(RecordedNetworkTest, AnotherRequestDiverges) {
  vfs::Tape recording;
  ask(recording, {.headers = "A: b"});
  for (const auto& other : {Asking{}, Asking{.url = "http://b.test/", .headers = "A: b"},
                            Asking{.headers = "A: bc"}, Asking{.headers = "A: b", .body = "x"}}) {
    vfs::Tape playing(recording.bytes());
    EXPECT_TRUE(ask(playing, other).output.contains("unavailable"));
    EXPECT_TRUE(playing.diverged());
  }
}

TEST_F(RecordedNetworkTest, ATapeThatWasCutShortDivergesAtEveryLength) {
  vfs::Tape recording;
  ask(recording, {});
  for (std::size_t size = 0; size < recording.bytes().size(); ++size) {
    vfs::Tape playing(recording.bytes().substr(0, size));
    ask(playing, {});
    EXPECT_TRUE(playing.diverged()) << size;
  }
}

}  // namespace
}  // namespace boxagnts::sandbox
