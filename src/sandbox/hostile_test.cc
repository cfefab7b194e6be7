// Guests made to take more than they were given, a matrix: resource or escape x way. Each must end
// by the limit it hits, named, with nothing left behind; the table with the time to stop is
// printed.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sandbox/sandbox_fixture.h"
#include "vfs/host_filesystem.h"
#include "vfs/streams.h"

namespace boxagnts::sandbox {
namespace {

namespace fs = std::filesystem;

std::size_t entries_of(const char* folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++count;
  return count;
}
std::size_t open_descriptors() { return entries_of("/proc/self/fd"); }
std::size_t threads() { return entries_of("/proc/self/task"); }

// A workspace on disk beside a folder that no guest may reach.
class HostileTest : public SandboxTest {
 protected:
  HostileTest() {
    char name[] = "/tmp/hostile_test.XXXXXX";
    base_ = ::mkdtemp(name);
    fs::create_directories(base_ + "/inside/folder");
    fs::create_directories(base_ + "/inside/.boxagnts");
    fs::create_directories(base_ + "/outside");
    std::ofstream(base_ + "/inside/file") << "inside";
    std::ofstream(base_ + "/inside/.boxagnts/log") << "state";
    std::ofstream(base_ + "/inside/secret.key") << "masked";
    std::ofstream(base_ + "/outside/secret") << "outside";
    ::mkfifo((base_ + "/inside/fifo").c_str(), 0600);
    mount(core::Access::read_write);
  }
  ~HostileTest() override { fs::remove_all(base_); }

  void mount(core::Access access) {
    auto masks = vfs::Masks::parse({"**/*.key"}).value();
    process_.name_space =
        vfs::NameSpace::make(
            {{"/inside", vfs::open_host_filesystem(base_ + "/inside", access, masks).value()},
             {"/scratch", scratch_}})
            .value();
    process_.working_directory = "/inside";
  }

  std::string base_;
};

// --- every resource, every way
// --------------------------------------------------------------------

struct Way {
  const char* resource;
  const char* way;
  std::string wat;
  const char* named;  // part of the reason; nullptr: ends by itself with EXIT
  int exit_code = 0;
};

std::string looped(const std::string& body) {
  return command("(loop $l " + body + " (br $l))", "(data (i32.const 1000) \"folder/../file\")");
}
const std::string kVector = "(i32.store (i32.const 0) (i32.const 64))(i32.store (i32.const 4) ";

// Fills with writes of 60 KiB until a write fails; exits with that errno.
std::string file_flood(const std::string& path, int directory) {
  return command(R"((local $e i32)
      (local.set $e (call $open (i32.const )" +
                     std::to_string(directory) + R"() (i32.const 0) (i32.const 1000) (i32.const )" +
                     std::to_string(path.size()) + R"() (i32.const 1)
        (i64.const 64) (i64.const 0) (i32.const 0) (i32.const 32)))
      (if (local.get $e) (then (call $exit (local.get $e))))
      (i32.store (i32.const 0) (i32.const 2000)) (i32.store (i32.const 4) (i32.const 60000))
      (loop $l
        (local.set $e (call $write (i32.load (i32.const 32)) (i32.const 0) (i32.const 1)
          (i32.const 8)))
        (br_if $l (i32.eqz (local.get $e))))
      (call $exit (local.get $e)))",
                 "(data (i32.const 1000) \"" + path + "\")");
}

std::vector<Way> ways() {
  const std::string memory = "(memory (export \"memory\") 2)";
  return {
      {"time", "plain loop", command("(loop $l (br $l))"), "wasm_timeout"},
      {"time", "memory.fill", looped("(memory.fill (i32.const 0) (i32.const 1) (i32.const 99999))"),
       "wasm_timeout"},
      {"time", "memory.copy", looped("(memory.copy (i32.const 0) (i32.const 8) (i32.const 99999))"),
       "wasm_timeout"},
      {"time", "table.fill",
       command("(loop $l (table.fill $t (i32.const 0) (ref.null func) (i32.const 19000)) (br $l))",
               "(table $t 19000 funcref)"),
       "wasm_timeout"},
      {"time", "indirect calls",
       command("(loop $l (call_indirect (type $v) (i32.const 0)) (br $l))",
               "(type $v (func)) (table 1 funcref) (elem (i32.const 0) "
               "$nothing) (func $nothing)"),
       "wasm_timeout"},
      {"time", "tail calls", command("(return_call $again)", "(func $again (return_call $again))"),
       "wasm_timeout"},
      {"time", "start function", R"((module (memory (export "memory") 1)
        (func $spin (loop $l (br $l))) (start $spin) (func (export "_start"))))",
       "wasm_timeout"},
      {"time", "poll_oneoff for an hour", command(R"(
        (i64.store (i32.const 24) (i64.const 3600000000000))
        (i32.store (i32.const 16) (i32.const 1))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))"),
       "wasm_timeout"},
      {"time", "poll_oneoff on a pipe", command(R"((i32.store8 (i32.const 8) (i32.const 1))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128))))"),
       "wasm_timeout"},
      {"time", "fd_read of a pipe",
       command(kVector + "(i32.const 10)) (drop (call $read (i32.const 0) (i32.const 0) "
                         "(i32.const 1) (i32.const 8)))"),
       "wasm_timeout"},
      {"time", "random_get", looped("(drop (call $random (i32.const 0) (i32.const 131072)))"),
       "wasm_timeout"},
      {"time", "path_open that fails",
       looped("(drop (call $open (i32.const 4) (i32.const 1) (i32.const 1000) (i32.const 3) "
              "(i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))"),
       "wasm_timeout"},
      {"memory", "memory.grow by one page", looped("(drop (memory.grow (i32.const 1)))"),
       "wasm_max_memory_size"},
      {"memory", "memory.grow at once", command("(drop (memory.grow (i32.const 60000)))"),
       "wasm_max_memory_size"},
      {"memory", "declared", command("", "", "(memory (export \"memory\") 60000)"),
       "wasm_max_memory_size"},
      {"table", "table.grow",
       command("(loop $l (drop (table.grow $t (ref.null func) (i32.const 1000))) (br $l))",
               "(table $t 1 funcref)"),
       "table"},
      {"stack", "recursion", command("(call $down)", "(func $down (call $down))"),
       "wasm_max_wasm_stack"},
      {"stack", "mutual recursion through a table",
       command("(call $a)",
               "(type $v (func)) (table 1 funcref) (elem (i32.const 0) $a) (func $a (call "
               "$b)) (func $b (call_indirect (type $v) (i32.const 0)))"),
       "wasm_max_wasm_stack"},
      {"output", "stdout",
       looped(kVector + "(i32.const 600)) (drop (call $write (i32.const 1) (i32.const 0) "
                        "(i32.const 1) (i32.const 12)))"),
       "bytes of output"},
      {"output", "stderr",
       looped(kVector + "(i32.const 600)) (drop (call $write (i32.const 2) (i32.const 0) "
                        "(i32.const 1) (i32.const 12)))"),
       "bytes of diagnostics"},
      {"open files", "path_open",
       command(R"((local $e i32)
      (loop $l
        (local.set $e (call $open (i32.const 4) (i32.const 0) (i32.const 1000) (i32.const 4)
          (i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))
        (br_if $l (i32.eqz (local.get $e))))
      (call $exit (local.get $e)))",
               "(data (i32.const 1000) \"file\")"),
       nullptr, 33},
      {"disk", "a flood into scratch memory", file_flood("f", 6), nullptr, 51},
      {"escape", "a FIFO of the workspace",
       command("(call $exit (call $open (i32.const 4) (i32.const 1) (i32.const 1000) (i32.const 4) "
               "(i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32)))",
               "(data (i32.const 1000) \"fifo\")"),
       nullptr, 60},
  };
}

TEST_F(HostileTest, EveryWayEndsByItsLimitAndLeavesNothing) {
  process_.limits.memory_bytes = 4 << 20;
  process_.limits.output_bytes = 10'000;
  auto silent = vfs::make_pipe().value();
  run_wat(command(""));  // the engine's own threads and descriptors stand from here on
  const auto descriptors_before = open_descriptors(), threads_before = threads();
  std::printf("%-12s %-36s %10s  %s\n", "resource", "way", "stopped ms", "by");
  for (const auto& way : ways()) {
    SCOPED_TRACE(std::string(way.resource) + " by " + way.way);
    process_.standard_input = silent.reader;
    process_.limits.wall_time = std::string_view(way.resource) == "time" ? 60ms : 60'000ms;
    const auto result = run_wat(way.wat);
    std::printf(
        "%-12s %-36s %10.1f  %s\n", way.resource, way.way,
        static_cast<double>(result.duration_us) / 1000,
        way.named ? result.reason.c_str() : ("errno " + std::to_string(result.exit_code)).c_str());
    if (way.named) {
      EXPECT_EQ(result.end, End::limit);
      EXPECT_TRUE(result.reason.contains(way.named)) << result.reason;
    } else {
      EXPECT_EQ(result.end, End::exited) << result.reason;
      EXPECT_EQ(result.exit_code, way.exit_code);
    }
    EXPECT_EQ(open_descriptors(), descriptors_before);
    EXPECT_EQ(threads(), threads_before);
    process_.standard_input = nullptr;
    EXPECT_EQ(run_wat(command("")).end, End::exited) << "the sandbox is unusable afterwards";
  }
}

// --- every path-taking function on what may not be changed, or is not there
// --------------------------------

struct PathFunction {
  const char* name;
  const char* type;
  std::string arguments;  // PATH is the path's pointer and size; OTHER a free name's
  bool changes;           // else it only looks
};

const std::vector<PathFunction> kPathFunctions{
    {"path_create_directory", "i32 i32 i32", "(i32.const 4) PATH", true},
    {"path_filestat_get", "i32 i32 i32 i32 i32", "(i32.const 4)(i32.const 0) PATH (i32.const 64)",
     false},
    {"path_filestat_set_times", "i32 i32 i32 i32 i64 i64 i32",
     "(i32.const 4)(i32.const 0) PATH (i64.const 1)(i64.const 1)(i32.const 5)", true},
    {"path_link", "i32 i32 i32 i32 i32 i32 i32",
     "(i32.const 4)(i32.const 0) PATH (i32.const 4) OTHER", true},
    {"path_link", "i32 i32 i32 i32 i32 i32 i32",
     "(i32.const 4)(i32.const 0) FILE (i32.const 4) PATH", true},
    {"path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32",
     "(i32.const 4)(i32.const 0) PATH (i32.const 0)(i64.const 2)(i64.const 0)(i32.const 0)"
     "(i32.const 64)",
     false},
    {"path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32",
     "(i32.const 4)(i32.const 0) PATH (i32.const 0)(i64.const 64)(i64.const 0)(i32.const 0)"
     "(i32.const 64)",
     true},
    {"path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32",
     "(i32.const 4)(i32.const 0) PATH (i32.const 1)(i64.const 64)(i64.const 0)(i32.const 0)"
     "(i32.const 64)",
     true},
    {"path_open", "i32 i32 i32 i32 i32 i64 i64 i32 i32",
     "(i32.const 4)(i32.const 0) PATH (i32.const 8)(i64.const 64)(i64.const 0)(i32.const 0)"
     "(i32.const 64)",
     true},
    {"path_readlink", "i32 i32 i32 i32 i32 i32",
     "(i32.const 4) PATH (i32.const 64)(i32.const 99)"
     "(i32.const 60)",
     false},
    {"path_remove_directory", "i32 i32 i32", "(i32.const 4) PATH", true},
    {"path_rename", "i32 i32 i32 i32 i32 i32", "(i32.const 4) PATH (i32.const 4) OTHER", true},
    {"path_rename", "i32 i32 i32 i32 i32 i32", "(i32.const 4) FILE (i32.const 4) PATH", true},
    {"path_symlink", "i32 i32 i32 i32 i32", "FILE (i32.const 4) PATH", true},
    {"path_unlink_file", "i32 i32 i32", "(i32.const 4) PATH", true}};

std::string path_call(const PathFunction& function, const std::string& path) {
  std::string arguments = function.arguments;
  const auto put = [&](const std::string& what, int at, std::size_t size) {
    if (const auto found = arguments.find(what); found != std::string::npos)
      arguments.replace(
          found, what.size(),
          "(i32.const " + std::to_string(at) + ")(i32.const " + std::to_string(size) + ")");
  };
  put("PATH", 1000, path.size());
  put("FILE", 2000, 4);
  put("OTHER", 3000, 5);
  return std::string("(module (import \"wasi_snapshot_preview1\" \"") + function.name +
         "\" (func $f (param " + function.type +
         ") (result i32))) (import \"wasi_snapshot_preview1\" \"proc_exit\" (func $exit (param "
         "i32))) (memory (export \"memory\") 1) (data (i32.const 1000) \"" +
         path +
         "\") (data (i32.const 2000) \"file\") (data (i32.const 3000) \"other\") (func "
         "(export \"_start\") (call $exit (call $f " +
         arguments + "))))";
}

// Everything below the base: path, kind, size, content, time of change.
std::string snapshot(const std::string& base) {
  std::string text;
  for (const auto& entry : fs::recursive_directory_iterator(base)) {
    struct stat status{};
    ::lstat(entry.path().c_str(), &status);
    text += entry.path().string() + " " + std::to_string(status.st_mode) + " " +
            std::to_string(status.st_size) + " " + std::to_string(status.st_mtim.tv_nsec) + "\n";
  }
  return text;
}

TEST_F(HostileTest, NoPathFunctionChangesAReadOnlyMount) {
  mount(core::Access::read_only);
  const auto before = snapshot(base_);
  for (const auto& function : kPathFunctions)
    for (const auto* path : {"file", "folder", "new"}) {
      const auto result = run_wat(path_call(function, path));
      EXPECT_EQ(result.end, End::exited);
      if (function.changes) EXPECT_NE(result.exit_code, 0) << function.name << " " << path;
      EXPECT_EQ(snapshot(base_), before) << function.name << " " << path;
    }
}

TEST_F(HostileTest, NoPathFunctionReachesWhatIsHidden) {
  EXPECT_EQ(::symlink("secret.key", (base_ + "/inside/to_masked").c_str()), 0);
  EXPECT_EQ(::symlink(".boxagnts/log", (base_ + "/inside/to_state").c_str()), 0);
  const auto before = snapshot(base_);
  for (const auto& function : kPathFunctions)
    for (const auto* path :
         {"secret.key", "folder/../secret.key", "./secret.key", ".boxagnts", ".boxagnts/log",
          ".BOXAGNTS/log", "folder/../.boxagnts/log", "folder/new.key", ".boxagnts/new"}) {
      const auto result = run_wat(path_call(function, path));
      EXPECT_EQ(result.end, End::exited);
      EXPECT_NE(result.exit_code, 0) << function.name << " " << path;
      EXPECT_EQ(snapshot(base_), before) << function.name << " " << path;
    }
  for (const auto& function : kPathFunctions) {
    if (std::string_view(function.name) != "path_open") continue;
    for (const auto* path : {"to_masked", "to_state"}) {
      auto followed = function;  // lookupflags: follow the link
      followed.arguments.replace(followed.arguments.find("(i32.const 0)"), 13, "(i32.const 1)");
      EXPECT_NE(run_wat(path_call(followed, path)).exit_code, 0) << path;
    }
  }
  EXPECT_EQ(snapshot(base_), before);
}

}  // namespace
}  // namespace boxagnts::sandbox
