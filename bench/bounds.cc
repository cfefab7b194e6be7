#include "bench/bounds.h"

#include <sys/wait.h>
#include <unistd.h>
#include <wasmtime.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/json.h"
#include "base/thread.h"
#include "bench/proc.h"
#include "bench/programs.h"
#include "bench/timing.h"
#include "sandbox/sandbox.h"
#include "store/store.h"
#include "toolbox/guest_tools.h"
#include "tools/call_pipeline.h"
#include "tools/test_execution.h"
#include "vfs/host_filesystem.h"
#include "vfs/streams.h"

namespace boxagnts::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().message + " " + result.error().context);
  return std::move(*result);
}

std::uint64_t wake_ups() {
  std::uint64_t sum = 0;
  for (const auto& task : fs::directory_iterator("/proc/self/task"))
    sum += proc_number(task.path() / "status", "voluntary_ctxt_switches");
  return sum;
}
// What a program that waits for work consists of, in a process of its own.
void idle_child(const std::string& workspace) {
  base::SystemClock clock;
  const auto store = must(store::Store::open(workspace + "/idle", clock));
  const auto sandbox = sandbox::Sandbox::make(clock);
  tools::Registry registry;
  if (!toolbox::add_embedded(registry, *sandbox, clock)) die("no tools");
  const auto call = [&] {
    core::Grant grant;
    grant.mounts = {{workspace, workspace, core::Access::read_only}};
    grant.working_directory = workspace;
    const tools::ToolContext context{.workspace = workspace};
    must(tools::TestExecution(grant, context, clock)
             .run(*registry.find("read"), *base::parse_json(R"({"file_path":"in.txt"})")));
  };
  const double fresh = resident_mb();
  double after = 0, wakes = 0;
  auto thread = must(base::Thread::start("calls", 3 << 20, [&] {
    for (int i = 0; i < 10'000; ++i) call();
    after = resident_mb();
    std::this_thread::sleep_for(1s);  // the ticker parks itself
    const auto before = wake_ups();
    std::this_thread::sleep_for(4s);
    wakes = static_cast<double>(wake_ups() - before - 1) / 4;
  }));
  thread.join();
  std::printf("\n5. At rest\n");
  target("resident MB, store open and tools listed", fresh, 10);
  target("resident MB after 10,000 calls", after, 25);
  target("wake-ups a second", wakes, 2);
  std::fflush(stdout);
}

std::string wasm_of(const std::string& body) {
  const std::string wat = R"((module
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 2) (data (i32.const 1000) "a/../b") (func (export "_start") )" +
                          body + "))";
  wasm_byte_vec_t bytes;
  if (wasmtime_wat2wasm(wat.data(), wat.size(), &bytes)) die("a guest of the benchmark is broken");
  std::string wasm(bytes.data, bytes.size);
  wasm_byte_vec_delete(&bytes);
  return wasm;
}

// A guest for each place where a stop request may find it.
std::vector<std::string> waiting_guests() {
  return {"(loop $l (br $l))",
          "(loop $l (memory.fill (i32.const 0) (i32.const 1) (i32.const 131072)) (br $l))",
          "(loop $l (drop (call $random (i32.const 0) (i32.const 131072))) (br $l))",
          ("(loop $l (drop (call $open (i32.const 4) (i32.const 1) (i32.const 1000) (i32.const 6) "
           "(i32.const 0) (i64.const 2) (i64.const 0) (i32.const 0) (i32.const 32))) (br $l))"),
          ("(i64.store (i32.const 24) (i64.const 3600000000000)) (i32.store (i32.const 16) "
           "(i32.const 1)) (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const "
           "128)))"),
          ("(i32.store (i32.const 0) (i32.const 64)) (i32.store (i32.const 4) (i32.const 8)) (drop "
           "(call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))")};
}

}  // namespace

void bench_idle(const std::string& workspace) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    idle_child(workspace);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) die("the idle program failed");
}

void bench_cancel(const std::string& workspace) {
  constexpr int kPoints = 1002;  // a multiple of the kinds of guest
  base::SystemClock clock;
  const auto sandbox = sandbox::Sandbox::make(clock);
  std::vector<std::shared_ptr<const sandbox::Program>> programs;
  for (const auto& guest : waiting_guests())
    programs.push_back(must(sandbox->compile(wasm_of(guest))));
  auto silent = must(vfs::make_pipe());
  sandbox::Process process;
  process.name_space = must(vfs::NameSpace::make(
      {{workspace, must(vfs::open_host_filesystem(workspace, core::Access::read_only, {}))}}));
  process.working_directory = workspace;
  process.arguments = {"guest"};
  process.standard_input = silent.reader;

  std::atomic<bool> done = false;
  std::vector<std::jthread> burners;
  for (unsigned i = 0; i < std::thread::hardware_concurrency(); ++i)
    burners.emplace_back([&] {
      while (!done) std::atomic_signal_fence(std::memory_order_seq_cst);
    });
  std::mt19937 random(2026);
  Row row{"from the stop request to the caller's release", {}, {}};
  std::size_t before = 0;
  for (int i = -static_cast<int>(programs.size()); i < kPoints; ++i) {
    // By now every module has its memory image, and the engine its ticker.
    if (i == 0) before = open_descriptors() + thread_count();
    std::stop_source source;
    std::chrono::steady_clock::time_point asked;
    std::jthread stopper([&, wait = std::chrono::microseconds(random() % 3000)] {
      std::this_thread::sleep_for(wait);
      asked = std::chrono::steady_clock::now();
      source.request_stop();
    });
    const auto result =
        must(sandbox->run(*programs[static_cast<std::size_t>(i + kPoints) % programs.size()],
                          process, source.get_token()));
    const auto released = std::chrono::steady_clock::now();
    stopper.join();
    if (result.end != sandbox::End::stopped) die("a guest ended by itself: " + result.reason);
    if (i >= 0)
      row.microseconds.push_back(
          std::max(0.0, std::chrono::duration<double, std::micro>(released - asked).count()));
  }
  const double left = static_cast<double>(open_descriptors() + thread_count() - before);
  done = true;
  print_header("10. Cancel at 1,002 random points, all cores busy");
  print(row);
  target("p99 ms", row.percentile(0.99) / 1000, 50);
  target("threads and descriptors left over", left, 0);
}

void bench_wasmtime(const std::string& workspace, const std::string& binary) {
  const std::string wasmtime = find_program("wasmtime");
  if (wasmtime.empty()) {
    std::printf("\nWasmtime's command line is not here (scripts/install-rivals): row left out\n");
    return;
  }
  const std::string module = workspace + "/read.wasm", compiled = workspace + "/read.cwasm";
  for (const auto& guest : toolbox::embedded_guests())
    if (guest.name == "read") std::ofstream(module) << must(guest.wasm.expand());
  std::ofstream(workspace + "/call.json") << R"({"file_path":"in.txt"})";
  const std::string input = workspace + "/call.json";
  // The guest's kit knows the root as descriptor 3 and the working directory as 4.
  const std::string root = workspace + "::/", here = workspace + "::.";
  if (spawn_and_wait({wasmtime, "compile", "-o", compiled, module}) != 0)
    die("wasmtime cannot compile the guest");
  const std::vector<std::string> theirs{
      wasmtime, "run", "--allow-precompiled", "--dir", root, "--dir", here, compiled};
  const std::vector<std::string> compiling{wasmtime, "run", "--dir", root, "--dir", here, module};
  const std::vector<std::string> ours{binary, "tool", "run", "read", "--workspace-dir", workspace};
  for (const auto* command : {&theirs, &compiling, &ours})
    if (spawn_and_wait(*command, input) != 0) die(command->at(0) + " cannot run the guest");
  std::vector<Row> rows{
      {"boxagnts tool run read", [&] { spawn_and_wait(ours, input); }},
      {"wasmtime run read.cwasm, compiled before", [&] { spawn_and_wait(theirs, input); }},
      {"wasmtime run read.wasm", [&] { spawn_and_wait(compiling, input); }}};
  measure(rows, 4, 10);
  print_header("The same guest in a whole process, spawn to exit");
  for (const auto& row : rows) print(row);
  // Ours also reads configuration, judges the call and checks its arguments; a tenth is noise here.
  target("times wasmtime, compiled before (p50)", rows[0].percentile(0.5) / rows[1].percentile(0.5),
         1.1);
}

}  // namespace boxagnts::bench
