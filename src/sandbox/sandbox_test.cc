// The sandbox against guests made to break it: every limit is hit and named, every way of ending is
// told apart, bad modules get a sentence, and nothing of one call is seen by the next.
#include <thread>

#include "sandbox/sandbox_fixture.h"

namespace boxagnts::sandbox {
namespace {

TEST_F(SandboxTest, ReturningAndExitingAreTheGuestsOwnEnds) {
  EXPECT_EQ(run_wat(command("")).end, End::exited);
  EXPECT_EQ(run_wat(command("")).exit_code, 0);
  const auto three = run_wat(command("(call $exit (i32.const 3))"));
  EXPECT_EQ(three.end, End::exited);
  EXPECT_EQ(three.exit_code, 3);
}

TEST_F(SandboxTest, InputComesInAndOutputGoesOut) {
  process_.input = "hello";
  // Reads stdin to 64, then writes it to stdout and its first 4 bytes to stderr.
  const auto result = run_wat(command(R"(
    (i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 32))
    (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
    (i32.store (i32.const 4) (i32.load (i32.const 8)))
    (drop (call $write (i32.const 1) (i32.const 0) (i32.const 1) (i32.const 12)))
    (i32.store (i32.const 4) (i32.const 4))
    (drop (call $write (i32.const 2) (i32.const 0) (i32.const 1) (i32.const 12))))"));
  EXPECT_EQ(result.output, "hello");
  EXPECT_EQ(result.errors, "hell");
}

// --- limits: hit, named with their value, and the next call is unharmed
// --------------------------------

struct LimitCase {
  const char* name;
  std::string wat;
  const char* named;  // part of the reason
};

class SandboxLimit : public SandboxTest, public testing::WithParamInterface<LimitCase> {};

TEST_P(SandboxLimit, EndsTheCallAndIsNamed) {
  process_.limits.wall_time = 50ms;
  process_.limits.memory_bytes = 1 << 20;
  process_.limits.output_bytes = 1000;
  const auto result = run_wat(GetParam().wat);
  EXPECT_EQ(result.end, End::limit);
  EXPECT_TRUE(result.reason.contains(GetParam().named)) << result.reason;
  EXPECT_LE(result.output.size(), 1000u);
  EXPECT_EQ(run_wat(command("")).end, End::exited) << "the sandbox is unusable afterwards";
}

const std::string kSleepForAnHour = R"(
  (i64.store (i32.const 24) (i64.const 3600000000000)) (i32.store (i32.const 16) (i32.const 1))
  (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))";
const std::string kFlood = R"(
  (i32.store (i32.const 4) (i32.const 600))
  (loop $l (drop (call $write (i32.const FD) (i32.const 0) (i32.const 1) (i32.const 12)))
    (br $l)))";
std::string flood(char fd) {
  std::string text = kFlood;
  return text.replace(text.find("FD"), 2, 1, fd);
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, SandboxLimit,
    testing::Values(
        LimitCase{"LoopPlain", command("(loop $l (br $l))"), "wasm_timeout of 50 ms"},
        LimitCase{
            "LoopInMemoryFill",
            command(
                "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 100000)) (br $l))"),
            "wasm_timeout of 50 ms"},
        LimitCase{
            "LoopInHostCalls",
            command("(loop $l (drop (call $random (i32.const 0) (i32.const 65536))) (br $l))"),
            "wasm_timeout of 50 ms"},
        LimitCase{"SleepInPoll", command(kSleepForAnHour), "wasm_timeout of 50 ms"},
        LimitCase{"MemoryGrown", command("(loop $l (drop (memory.grow (i32.const 1))) (br $l))"),
                  "wasm_max_memory_size of 1048576 bytes"},
        LimitCase{"MemoryFromTheStart", command("", "", "(memory (export \"memory\") 100)"),
                  "wasm_max_memory_size of 1048576 bytes"},
        LimitCase{"Recursion", command("(call $f)", "(func $f (call $f))"),
                  "wasm_max_wasm_stack of 1048576 bytes"},
        LimitCase{
            "TableGrown",
            command("(loop $l (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $l))",
                    "(table $t 1 funcref)"),
            "20000 table elements"},
        LimitCase{"OutputFlood", command(flood('1')), "1000 bytes of output"},
        LimitCase{"DiagnosticsFlood", command(flood('2')), "1000 bytes of diagnostics"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(SandboxTest, OpenFilesAreLimitedByAnErrnoTheGuestCanHandle) {
  process_.limits.open_files = 20;
  // Opens "." below the working directory until it fails; exits with the errno.
  const auto result = run_wat(command(
      R"((local $e i32)
      (loop $l
        (local.set $e (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 1)
          (i32.const 2)
          (i64.const 0) (i64.const 0) (i32.const 0) (i32.const 32)))
        (br_if $l (i32.eqz (local.get $e))))
      (call $exit (local.get $e)))",
      R"((data (i32.const 0) "."))"));
  EXPECT_EQ(result.exit_code, 33) << "EMFILE";
}

// --- stop: the caller is released wherever the guest is
// -------------------------------------------------

class SandboxStop : public SandboxTest, public testing::WithParamInterface<std::string> {};

TEST_P(SandboxStop, ReleasesTheCaller) {
  std::stop_source source;
  process_.limits.wall_time = 10s;  // ends it should the stop not
  const auto program = compile(GetParam());
  ASSERT_TRUE(program);
  std::jthread stopper([&] { source.request_stop(); });
  const auto result = run(*program, source.get_token());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->end, End::stopped);
}

INSTANTIATE_TEST_SUITE_P(
    Where, SandboxStop,
    testing::Values(
        command("(loop $l (br $l))"), command(kSleepForAnHour),
        command("(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 99999)) (br $l))"),
        command("(loop $l (drop (call $random (i32.const 0) (i32.const 65536))) (br $l))")));

// --- traps
// ----------------------------------------------------------------------------------------------

struct TrapCase {
  std::string body;
  const char* said;
};
class SandboxTrap : public SandboxTest, public testing::WithParamInterface<TrapCase> {};

TEST_P(SandboxTrap, EndsTheCallWithItsReason) {
  const auto result = run_wat(command(GetParam().body, "(table 1 funcref) (type $t (func))"));
  EXPECT_EQ(result.end, End::trapped);
  EXPECT_TRUE(result.reason.contains(GetParam().said)) << result.reason;
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, SandboxTrap,
    testing::Values(TrapCase{"(unreachable)", "unreachable"},
                    TrapCase{"(drop (i32.div_u (i32.const 1) (i32.const 0)))", "divide by zero"},
                    TrapCase{"(drop (i32.load (i32.const -8)))", "out of bounds memory"},
                    TrapCase{"(call_indirect (type $t) (i32.const 0))", "uninitialized element"},
                    TrapCase{"(call_indirect (type $t) (i32.const 9))", "undefined element"}));

// --- guest pointers: at and past the end, for every function that takes them
// -------------------------------

struct PointerCase {
  const char* function;
  const char* type;
  const char* arguments;  // with bad pointers
};

class SandboxPointer : public SandboxTest, public testing::WithParamInterface<PointerCase> {};

TEST_P(SandboxPointer, PastTheEndIsFault) {
  const auto& [function, type, arguments] = GetParam();
  const std::string wat =
      std::string("(module (import \"wasi_snapshot_preview1\" \"") + function + "\" (func $f " +
      type +
      " (result i32))) (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit "
      "(param i32))) (memory (export \"memory\") 1) (data (i32.const 0) \"f\") (func "
      "(export \"_start\") (call $exit (call $f " +
      arguments + "))))";
  const auto result = run_wat(wat);
  EXPECT_EQ(result.end, End::exited) << result.reason;
  EXPECT_EQ(result.exit_code, 21) << function << ": EFAULT";
}

#define END "(i32.const 65533)"  // four bytes do not fit
#define WAY_PAST "(i32.const -1)"
INSTANTIATE_TEST_SUITE_P(
    Matrix, SandboxPointer,
    testing::Values(
        PointerCase{"args_get", "(param i32 i32)", END "(i32.const 0)"},
        PointerCase{"args_get", "(param i32 i32)", "(i32.const 0)" END},
        PointerCase{"args_sizes_get", "(param i32 i32)", END "(i32.const 0)"},
        PointerCase{"args_sizes_get", "(param i32 i32)", "(i32.const 0)" WAY_PAST},
        PointerCase{"environ_sizes_get", "(param i32 i32)", WAY_PAST "(i32.const 0)"},
        PointerCase{"clock_res_get", "(param i32 i32)", "(i32.const 0)" END},
        PointerCase{"clock_time_get", "(param i32 i64 i32)", "(i32.const 0)(i64.const 0)" END},
        PointerCase{"random_get", "(param i32 i32)", END "(i32.const 4)"},
        PointerCase{"random_get", "(param i32 i32)", "(i32.const 0)" WAY_PAST},
        PointerCase{"fd_write", "(param i32 i32 i32 i32)",
                    "(i32.const 1)" END "(i32.const 1)(i32.const 0)"},
        PointerCase{"fd_write", "(param i32 i32 i32 i32)",
                    "(i32.const 1)(i32.const 0)(i32.const 0)" WAY_PAST},
        PointerCase{"fd_read", "(param i32 i32 i32 i32)",
                    "(i32.const 0)" WAY_PAST "(i32.const 1)(i32.const 0)"},
        PointerCase{"fd_fdstat_get", "(param i32 i32)", "(i32.const 1)" END},
        PointerCase{"fd_filestat_get", "(param i32 i32)", "(i32.const 4)" END},
        PointerCase{"fd_prestat_get", "(param i32 i32)", "(i32.const 4)" END},
        PointerCase{"fd_prestat_dir_name", "(param i32 i32 i32)",
                    "(i32.const 3)" WAY_PAST "(i32.const 9)"},
        PointerCase{"fd_readdir", "(param i32 i32 i32 i64 i32)",
                    "(i32.const 4)" END "(i32.const 99)(i64.const 0)(i32.const 0)"},
        PointerCase{"fd_readdir", "(param i32 i32 i32 i64 i32)",
                    "(i32.const 4)(i32.const 0)(i32.const 99)(i64.const 0)" END},
        PointerCase{
            "path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32)",
            "(i32.const 4)(i32.const 0)" WAY_PAST
            "(i32.const 1)(i32.const 1)(i64.const 2)(i64.const 0)(i32.const 0)(i32.const 0)"},
        PointerCase{
            "path_open", "(param i32 i32 i32 i32 i32 i64 i64 i32 i32)",
            "(i32.const 4)(i32.const 0)(i32.const 0)(i32.const 1)(i32.const 1)(i64.const 66)"
            "(i64.const 0)(i32.const 0)" END},
        PointerCase{"path_create_directory", "(param i32 i32 i32)",
                    "(i32.const 4)" WAY_PAST "(i32.const 1)"},
        PointerCase{"path_remove_directory", "(param i32 i32 i32)",
                    "(i32.const 4)" WAY_PAST "(i32.const 1)"},
        PointerCase{"path_unlink_file", "(param i32 i32 i32)",
                    "(i32.const 4)" WAY_PAST "(i32.const 1)"},
        PointerCase{"path_filestat_get", "(param i32 i32 i32 i32 i32)",
                    "(i32.const 4)(i32.const 0)" WAY_PAST "(i32.const 1)(i32.const 0)"},
        PointerCase{"path_rename", "(param i32 i32 i32 i32 i32 i32)",
                    "(i32.const 4)(i32.const 0)(i32.const 1)(i32.const 4)" WAY_PAST
                    "(i32.const 1)"},
        PointerCase{"path_symlink", "(param i32 i32 i32 i32 i32)",
                    WAY_PAST "(i32.const 1)(i32.const 4)(i32.const 0)(i32.const 1)"},
        PointerCase{"path_link", "(param i32 i32 i32 i32 i32 i32 i32)",
                    "(i32.const 4)(i32.const 0)" WAY_PAST
                    "(i32.const 1)(i32.const 4)(i32.const 0)(i32.const 1)"},
        PointerCase{"path_readlink", "(param i32 i32 i32 i32 i32 i32)",
                    "(i32.const 4)(i32.const 0)(i32.const 1)" WAY_PAST
                    "(i32.const 4)(i32.const 0)"},
        PointerCase{"poll_oneoff", "(param i32 i32 i32 i32)",
                    WAY_PAST "(i32.const 0)(i32.const 1)(i32.const 0)"},
        PointerCase{"poll_oneoff", "(param i32 i32 i32 i32)",
                    "(i32.const 0)" WAY_PAST "(i32.const 1)(i32.const 0)"}));

TEST_F(SandboxTest, LinksOutOfTheSandboxCannotBeMade) {
  const auto result = run_wat(R"((module
    (import "wasi_snapshot_preview1" "path_symlink"
      (func $f (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (memory (export "memory") 1) (data (i32.const 0) "/etc/passwd")
    (func (export "_start")
      (call $exit
        (call $f (i32.const 0) (i32.const 11) (i32.const 4) (i32.const 5) (i32.const 6))))))");
  EXPECT_EQ(result.exit_code, 63) << "EPERM";
}

// --- modules that are none
// --------------------------------------------------------------------------------

TEST_F(SandboxTest, BadModulesGetOneClearSentenceEach) {
  using namespace std::string_literals;
  const auto said = [&](const std::string& bytes) {
    const auto program = sandbox_->compile(bytes);
    EXPECT_FALSE(program);
    EXPECT_EQ(program.error().code, Code::invalid_argument);
    EXPECT_FALSE(program.error().message.contains('\n'));
    return program.error().message;
  };
  EXPECT_TRUE(said("").contains("does not begin"));
  EXPECT_TRUE(said("#!/bin/sh\n").contains("does not begin"));
  EXPECT_TRUE(said("\0asm"s).contains("truncated"));
  EXPECT_TRUE(said("\0asm\x0d\0\1\0"s).contains("component"));
  const std::string whole = wasm_of(command(""));
  EXPECT_TRUE(said(whole.substr(0, whole.size() / 2)).contains("truncated"));
  // Each names what it wants and is not given.
  const auto wants = [&](const std::string& extra) {
    return said(wasm_of("(module " + extra +
                        " (memory (export \"memory\") 1) (func (export \"_start\")))"));
  };
  EXPECT_TRUE(wants("(memory 1)").contains("multiple memories")) << wants("(memory 1)");
  EXPECT_TRUE(
      said(wasm_of("(module (memory (export \"memory\") i64 1) (func (export \"_start\")))"))
          .contains("memory64"));
  EXPECT_TRUE(wants("(type (struct))").contains("gc")) << wants("(type (struct))");
  EXPECT_TRUE(wants("(tag)").contains("exceptions")) << wants("(tag)");
  for (const auto* start : {"(param i32)", "(result i32) (i32.const 0)"})
    EXPECT_TRUE(said(wasm_of("(module (memory (export \"memory\") 1) (func (export \"_start\") " +
                             std::string(start) + "))"))
                    .contains("_start takes or gives"));
  EXPECT_TRUE(wants("(table 20001 funcref)").contains("20000")) << wants("(table 20001 funcref)");
  EXPECT_TRUE(said(wasm_of("(module (func (export \"_start\")))")).contains("memory"));
  EXPECT_TRUE(said(wasm_of("(module (memory (export \"memory\") 1))")).contains("_start"));
  const std::string unknown =
      said(wasm_of(R"((module (import "env" "system" (func)) (memory (export "me)"
                   R"(mory") 1) (func (export "_start"))))"));
  EXPECT_TRUE(unknown.contains("env") && unknown.contains("system")) << unknown;
  EXPECT_FALSE(sandbox_->load_compiled("garbage"));
}

TEST_F(SandboxTest, SeveralTablesRunInEveryEngine) {
  std::string tables;
  for (int i = 0; i < 8; ++i) tables += "(table 20000 funcref)";
  for (const std::uint64_t fuel : {0, 1'000'000}) {
    process_.limits.fuel = fuel;
    EXPECT_EQ(run_wat(command("(call $exit (i32.const 3))", tables)).exit_code, 3);
  }
}

TEST_F(SandboxTest, ALargeTransferIsWholeInOneCall) {
  scratch_ = vfs::make_memory_filesystem(clock_, 8 << 20);
  process_.name_space = vfs::NameSpace::make({{"/work", scratch_}}).value();
  // Writes 3 MiB to a new file and to stdout, and reads the file back into one buffer.
  const auto result = run_wat(command(
      R"((local $fd i32)
      (drop (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 9)
        (i64.const 102) (i64.const 0) (i32.const 0) (i32.const 32)))
      (local.set $fd (i32.load (i32.const 32)))
      (i32.store (i32.const 8) (i32.const 65536)) (i32.store (i32.const 12) (i32.const 0x300000))
      (drop (call $write (local.get $fd) (i32.const 8) (i32.const 1) (i32.const 36)))
      (drop (call $write (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 40)))
      (call $exit (i32.add (i32.eq (i32.load (i32.const 36)) (i32.const 0x300000))
        (i32.shl (i32.eq (i32.load (i32.const 40)) (i32.const 0x300000)) (i32.const 1)))))",
      "(data (i32.const 0) \"f\")", "(memory (export \"memory\") 64)"));
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.output.size(), 3u << 20);
}

TEST_F(SandboxTest, ListingsAreBoundedTogether) {
  const auto top = scratch_->root();
  for (int i = 0; i < 60'000; ++i)
    ASSERT_TRUE(top->make_link(std::to_string(i) + std::string(240, 'n'), "x"));
  // Opens the folder again and again and reads its beginning: exits with the errno of reading.
  const auto result = run_wat(R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_readdir"
      (func $list (param i32 i32 i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 1) (data (i32.const 0) ".")
    (func (export "_start") (local $n i32) (local $e i32)
      (loop $l
        (drop (call $open (i32.const 4) (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 2)
          (i64.const 16384) (i64.const 0) (i32.const 0) (i32.const 32)))
        (local.set $e (call $list (i32.load (i32.const 32)) (i32.const 64) (i32.const 100)
          (i64.const 0) (i32.const 36)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $l (i32.and (i32.eqz (local.get $e)) (i32.lt_u (local.get $n) (i32.const 30)))))
      (call $exit (local.get $e)))))");
  EXPECT_EQ(result.exit_code, 48) << "ENOMEM";
}

TEST_F(SandboxTest, WhatTheBuildPrecompilesRunsHere) {
  const auto cwasm =
      precompile(wasm_of(command("(call $exit (i32.const 7))")), Target::baseline, Fuel::off);
  ASSERT_TRUE(cwasm);
  const auto program = sandbox_->load_compiled(*cwasm);
  ASSERT_TRUE(program) << program.error().message << program.error().context;
  EXPECT_EQ(run(**program)->exit_code, 7);
}

// --- isolation
// ---------------------------------------------------------------------------------------------

TEST_F(SandboxTest, NothingOfOneCallIsSeenByTheNext) {
  // Exits with what it finds at 1000 and 70000 and in a global, and leaves marks there.
  const auto program = compile(command(R"(
    (local $seen i32)
    (local.set $seen (i32.add (global.get $g)
      (i32.add (i32.load (i32.const 1000)) (i32.load (i32.const 120000)))))
    (global.set $g (i32.const 1)) (i32.store (i32.const 1000) (i32.const 1))
    (i32.store (i32.const 120000) (i32.const 1)) (call $exit (local.get $seen)))",
                                       "(global $g (mut i32) (i32.const 0))"));
  for (int i = 0; i < 20; ++i) EXPECT_EQ(run(*program)->exit_code, 0);
}

TEST_F(SandboxTest, MoreThanTheInstancesAtOnceIsBusyAndPasses) {
  const auto program = compile(command("(loop $l (br $l))"));
  std::stop_source source;
  process_.limits.wall_time = 10s;  // ends it should the stop not
  std::atomic<int> busy = 0, stopped = 0;
  {
    std::vector<base::Thread> threads;
    for (int i = 0; i < 6; ++i)
      threads.push_back(*base::Thread::start("guest", 3 << 20, [&] {
        const auto result = sandbox_->run(*program, process_, source.get_token());
        if (!result && result.error().code == Code::busy) {
          if (++busy == 2) source.request_stop();  // four are running: let them go
        } else if (result && result->end == End::stopped) {
          ++stopped;
        }
      }));
  }
  EXPECT_EQ(busy, 2);
  EXPECT_EQ(stopped, 4);
  EXPECT_EQ(run_wat(command("")).end, End::exited);
}

}  // namespace
}  // namespace boxagnts::sandbox
