// The world as objects: streams handed in, devices mounted, waiting, and a world played back.
#include "sandbox/world.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "sandbox/sandbox_fixture.h"
#include "vfs/recorded.h"
#include "vfs/streams.h"

namespace boxagnts::sandbox {
namespace {

class WorldTest : public SandboxTest {
 protected:
  static void write_to(vfs::File& file, std::string_view text) {
    while (!text.empty()) {
      const auto put = file.write_at(std::as_bytes(std::span(text)), 0);
      if (put) text.remove_prefix(*put);
      ASSERT_TRUE(put || put.error() == EAGAIN);
    }
  }
  static std::string read_from(vfs::File& file) {
    std::array<std::byte, 4096> buffer;
    const auto got = file.read_at(buffer, 0);
    if (!got) return "errno " + std::to_string(got.error());
    return {reinterpret_cast<const char*>(buffer.data()), *got};
  }
};

// Copies stdin to stdout in pieces of 1000 bytes to its end; exits with the errno that stopped it.
const std::string kCat = command(R"((local $e i32)
  (i32.store (i32.const 0) (i32.const 64))
  (loop $l
    (i32.store (i32.const 4) (i32.const 1000))
    (local.set $e (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (if (local.get $e) (then (call $exit (local.get $e))))
    (if (i32.eqz (i32.load (i32.const 8))) (then (call $exit (i32.const 0))))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (local.set $e (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
    (if (local.get $e) (then (call $exit (local.get $e))))
    (br $l)))");

TEST_F(WorldTest, StreamsPassThroughWholeWhileBothSidesWork) {
  auto in = vfs::make_pipe().value(), out = vfs::make_pipe().value();
  process_.standard_input = std::move(in.reader);
  process_.standard_output = std::move(out.writer);
  std::string sent;
  for (int i = 0; sent.size() < 300'000; ++i) sent += std::to_string(i) + "\n";
  std::string received;
  const auto program = compile(kCat);
  ASSERT_TRUE(program);
  std::jthread feeder([&] {
    write_to(*in.writer, sent);
    in.writer.reset();
  });
  std::jthread drainer([&] {
    while (received.size() < sent.size()) {
      const auto piece = read_from(*out.reader);
      if (!piece.starts_with("errno ")) received += piece;
    }
  });
  const auto result = run(*program);
  ASSERT_TRUE(result);
  drainer.join();
  EXPECT_EQ(result->exit_code, 0);
  EXPECT_EQ(result->output, "") << "nothing is collected beside the stream";
  EXPECT_EQ(received, sent);
}

TEST_F(WorldTest, TheOutputLimitHoldsForAStreamToo) {
  auto out = vfs::make_pipe().value();
  process_.standard_output = out.writer;
  process_.input = "0123456789";
  process_.limits.output_bytes = 4;
  const auto result = run_wat(kCat);
  EXPECT_EQ(result.end, End::limit);
  EXPECT_EQ(read_from(*out.reader), "0123");
}

// What goes before a piece that would have to wait is told, and nothing is written twice.
TEST_F(WorldTest, AShortWriteOfSeveralBuffersIsNoError) {
  auto out = vfs::make_pipe().value();
  process_.standard_output = out.writer;
  const auto result = run_wat(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_fdstat_set_flags"
      (func $flags (param i32 i32) (result i32)))
    (memory (export "memory") 3)
    (func (export "_start") (local $e i32)
      (drop (call $flags (i32.const 1) (i32.const 4)))
      (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 65536))
      (i32.store (i32.const 8) (i32.const 64)) (i32.store (i32.const 12) (i32.const 10))
      (local.set $e (call $write (i32.const 1) (i32.const 0) (i32.const 2) (i32.const 16)))
      (call $exit (i32.add (local.get $e) (i32.load (i32.const 16)))))))");
  EXPECT_EQ(result.exit_code, 65536);
}

// Who shares the pipe or terminal keeps a blocking one, and we never block.
TEST(HostStream, NeverWaitsToWrite) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const base::UniqueFd reader(ends[0]), shared(::dup(ends[1]));
  const auto pipe = vfs::make_host_stream(base::UniqueFd(ends[1]));
  const base::UniqueFd master(::posix_openpt(O_RDWR | O_NOCTTY));
  if (!master) GTEST_SKIP() << "no terminal can be made here";
  ASSERT_TRUE(::grantpt(master.get()) == 0 && ::unlockpt(master.get()) == 0);
  const base::UniqueFd slave(::open(::ptsname(master.get()), O_RDWR | O_NOCTTY));
  ASSERT_TRUE(slave);
  const auto terminal = vfs::make_host_stream(base::UniqueFd(::dup(slave.get())));
  const std::string much(1 << 20, 'x');
  for (auto* stream : {pipe.get(), terminal.get()}) {
    std::size_t total = 0;
    while (const auto put = stream->write_at(std::as_bytes(std::span(much)), 0)) total += *put;
    EXPECT_GT(total, 0u);
    EXPECT_EQ(stream->write_at(std::as_bytes(std::span(much)), 0).error(), EAGAIN);
    std::array<std::byte, 8> room;
    if (stream == terminal.get()) EXPECT_EQ(stream->read_at(room, 0).error(), EAGAIN);
  }
  EXPECT_EQ(::fcntl(shared.get(), F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(::fcntl(slave.get(), F_GETFL) & O_NONBLOCK, 0);
}

TEST_F(WorldTest, AReaderThatIsGoneIsEpipe) {
  auto out = vfs::make_pipe().value();
  out.reader.reset();
  process_.standard_output = out.writer;
  process_.input = "x";
  EXPECT_EQ(run_wat(kCat).exit_code, 64) << "EPIPE";
}

TEST_F(WorldTest, AGuestThatWaitsForInputIsReleasedByStopAndByItsTime) {
  auto in = vfs::make_pipe().value();
  process_.standard_input = in.reader;
  process_.limits.wall_time = 30ms;
  EXPECT_EQ(run_wat(kCat).end, End::limit);
  process_.limits.wall_time = 60s;
  std::stop_source source;
  const auto program = compile(kCat);
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_EQ(run(*program, source.get_token())->end, End::stopped);
}

TEST_F(WorldTest, AGuestThatWaitsToWriteIsReleasedToo) {
  auto out = vfs::make_pipe().value();
  process_.standard_output = out.writer;
  const std::string much(1 << 20, 'x');
  process_.input = much;
  process_.limits.wall_time = 30ms;
  EXPECT_EQ(run_wat(kCat).end, End::limit);
}

TEST_F(WorldTest, PollWaitsForStreamsAndClocksTogether) {
  // Subscribes to stdin and to a clock of an hour; exits with 100 + the event's type.
  const std::string wat = command(R"(
    (i32.store8 (i32.const 8) (i32.const 1)) (i32.store (i32.const 16) (i32.const 0))
    (i32.store (i32.const 64) (i32.const 1)) (i64.store (i32.const 72) (i64.const 3600000000000))
    (drop (call $poll (i32.const 0) (i32.const 200) (i32.const 2) (i32.const 400)))
    (if (i32.ne (i32.load (i32.const 400)) (i32.const 1)) (then (call $exit (i32.const 1))))
    (call $exit (i32.add (i32.const 100) (i32.load8_u (i32.const 210)))))");
  auto in = vfs::make_pipe().value();
  process_.standard_input = in.reader;
  std::jthread feeder([&] { write_to(*in.writer, "x"); });
  EXPECT_EQ(run_wat(wat).exit_code, 101) << "fd_read";
}

// Opens "/dev/NAME" from the root for reading and writing, reads 4 bytes, writes 4; exits with the
// sum of the bytes read, plus 1000 times the errno of the write.
std::string device(const std::string& name) {
  return command(R"((local $fd i32) (local $e i32)
    (local.set $e (call $open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const )" +
                     std::to_string(4 + name.size()) + R"() (i32.const 0)
      (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 32)))
    (if (local.get $e) (then (call $exit (i32.add (i32.const 5000) (local.get $e)))))
    (local.set $fd (i32.load (i32.const 32)))
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 4))
    (i32.store (i32.const 64) (i32.const 0x01010101))
    (drop (call $read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
    (local.set $e (call $write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 12)))
    (call $exit (i32.add (i32.mul (i32.const 1000) (local.get $e))
      (i32.add (i32.mul (i32.const 100) (i32.load (i32.const 8)))
        (i32.add (i32.load8_u (i32.const 64)) (i32.load8_u (i32.const 67)))))))",
                 "(data (i32.const 100) \"dev/" + name + "\")");
}

TEST_F(WorldTest, DevicesDoWhatTheirNamesSay) {
  const auto random = [](std::span<std::byte> into) { std::ranges::fill(into, std::byte{9}); };
  auto streams = vfs::make_devices(random);
  auto pipe = vfs::make_pipe().value();
  write_to(*pipe.writer, "pipe");
  streams.push_back({"in", pipe.reader});
  process_.name_space =
      vfs::NameSpace::make({{"/work", scratch_}, {"/dev", vfs::make_stream_folder(streams)}})
          .value();
  EXPECT_EQ(run_wat(device("in")).exit_code, 8000 + 400 + 'p' + 'e') << "a pipe; EBADF to write";
  EXPECT_EQ(run_wat(device("null")).exit_code, 2) << "reads nothing, takes all";
  EXPECT_EQ(run_wat(device("zero")).exit_code, 400);
  EXPECT_EQ(run_wat(device("urandom")).exit_code, 418);
  EXPECT_EQ(run_wat(device("random")).exit_code, 418);
  EXPECT_EQ(run_wat(device("full")).exit_code, 51'400) << "ENOSPC";
  EXPECT_EQ(run_wat(device("tty")).exit_code, 5044) << "ENOENT";
}

// --- a world played back
// --------------------------------------------------------------------------

// Looks at everything that differs from run to run, spins as often as a random byte says, and
// writes what it saw (1000..1400) to stdout.
const std::string kLooksAround = R"((module
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir"
    (func $list (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get"
    (func $stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 500) "file")
  (data (i32.const 510) "new")
  (func (export "_start") (local $n i32)
    (drop (call $time (i32.const 0) (i64.const 0) (i32.const 1000)))
    (drop (call $time (i32.const 1) (i64.const 0) (i32.const 1008)))
    (drop (call $time (i32.const 2) (i64.const 0) (i32.const 1016)))
    (drop (call $random (i32.const 1024) (i32.const 16)))
    (drop (call $stat (i32.const 4) (i32.const 0) (i32.const 500) (i32.const 4) (i32.const 1040)))
    (drop (call $list (i32.const 4) (i32.const 1104) (i32.const 160) (i64.const 0) (i32.const 0)))
    (drop (call $open (i32.const 4) (i32.const 0) (i32.const 510) (i32.const 3) (i32.const 1)
      (i64.const 66) (i64.const 0) (i32.const 0) (i32.const 8)))
    (i32.store (i32.const 16) (i32.const 1264)) (i32.store (i32.const 20) (i32.const 40))
    (drop (call $write (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i32.const 24)))
    (drop (call $open (i32.const 4) (i32.const 0) (i32.const 500) (i32.const 4) (i32.const 0)
      (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 8)))
    (drop (call $read (i32.load (i32.const 8)) (i32.const 16) (i32.const 1) (i32.const 24)))
    (i32.store (i32.const 16) (i32.const 1304))
    (drop (call $read (i32.const 0) (i32.const 16) (i32.const 1) (i32.const 24)))
    (i64.store (i32.const 224) (i64.const 1000000)) (i32.store (i32.const 216) (i32.const 1))
    (drop (call $poll (i32.const 200) (i32.const 1344) (i32.const 1) (i32.const 24)))
    (local.set $n (i32.load8_u (i32.const 1024)))
    (loop $l (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $l (i32.gt_s (local.get $n) (i32.const 0))))
    (i32.store (i32.const 16) (i32.const 1000)) (i32.store (i32.const 20) (i32.const 400))
    (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 24))))))";

class RecordedTest : public WorldTest {
 protected:
  // One run in a world that records on, or plays from, `tape`; without inner objects it must play.
  ProcessResult look_around(vfs::Tape& tape, std::string_view input) {
    const auto text = input.empty() ? nullptr : vfs::make_text_stream(input);
    const auto host = make_host_world(clock_);
    const auto world = make_recorded_world(tape.recording() ? host.get() : nullptr, tape);
    process_.name_space =
        vfs::NameSpace::make(
            {{"/work", vfs::make_recorded(tape.recording() ? scratch_ : nullptr, tape)}})
            .value();
    process_.standard_input = vfs::make_recorded(text, tape);
    process_.world = world.get();
    process_.limits.fuel = 10'000'000;
    auto result = run_wat(kLooksAround);
    process_.world = nullptr;
    return result;
  }
  void put_file(std::string_view text) {
    auto file = scratch_->root()->open_file("file", {.write = true, .create = true}).value();
    ASSERT_TRUE(file->write_at(std::as_bytes(std::span(text)), 0));
  }
};

TEST_F(RecordedTest, ARecordedWorldGivesTheSameBytesAndTheSameFuelTwice) {
  put_file("what stands in the file");
  vfs::Tape recording;
  const auto first = look_around(recording, "what came in");
  ASSERT_EQ(first.end, End::exited) << first.reason;
  ASSERT_EQ(first.output.size(), 400u);
  EXPECT_TRUE(first.output.contains("what stands in the file"));
  EXPECT_TRUE(first.output.contains("what came in"));
  for (int i = 0; i < 3; ++i) {
    vfs::Tape playing(recording.bytes());
    const auto again = look_around(playing, "");
    EXPECT_EQ(again.output, first.output);
    EXPECT_EQ(again.fuel_used, first.fuel_used);
    EXPECT_FALSE(playing.diverged());
    EXPECT_TRUE(playing.at_end());
  }
  vfs::Tape anew;
  EXPECT_NE(look_around(anew, "what came in").output, first.output)
      << "the guest sees nothing that differs from run to run: the test shows nothing";
}

TEST_F(RecordedTest, AReplayChangesNothing) {
  put_file("x");
  vfs::Tape recording;
  look_around(recording, "in");
  ASSERT_TRUE(scratch_->root()->stat_entry("new"));
  ASSERT_TRUE(scratch_->root()->remove_file("new"));
  vfs::Tape playing(recording.bytes());
  look_around(playing, "");
  EXPECT_FALSE(scratch_->root()->stat_entry("new"));
}

TEST_F(RecordedTest, AnotherProgramDivergesAndIsTold) {
  put_file("x");
  vfs::Tape recording;
  look_around(recording, "in");
  vfs::Tape playing(recording.bytes());
  const auto world = make_recorded_world(nullptr, playing);
  process_.world = world.get();
  run_wat(command("(drop (call $random (i32.const 0) (i32.const 8)))"));
  EXPECT_TRUE(playing.diverged());
  process_.world = nullptr;
}

TEST_F(RecordedTest, ATapeThatWasCutShortDivergesAtEveryLength) {
  put_file("x");
  vfs::Tape recording;
  look_around(recording, "in");
  const std::size_t step = recording.bytes().size() / 50 + 1;
  for (std::size_t size = 0; size < recording.bytes().size(); size += step) {
    vfs::Tape playing(recording.bytes().substr(0, size));
    look_around(playing, "");
    EXPECT_TRUE(playing.diverged()) << size;
  }
}

}  // namespace
}  // namespace boxagnts::sandbox
