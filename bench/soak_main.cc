// boxagnts_soak SECONDS: eight threads call tools and guests that misbehave, as fast as they can;
// memory, descriptors and threads must stay flat. Exit 1 when they grow, or a call does not end as
// it should.
#include <wasmtime.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "base/json.h"
#include "base/thread.h"
#include "bench/proc.h"
#include "bench/programs.h"
#include "sandbox/sandbox.h"
#include "toolbox/guest_tools.h"
#include "tools/test_execution.h"
#include "tools/tool.h"

namespace boxagnts::bench {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr int kThreads = 8;
constexpr std::uint64_t kCallsMin = 100'000;
constexpr double kGrowthMaxMb = 4;

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().message + " " + result.error().context);
  return std::move(*result);
}

struct Misbehaving {
  const char* body;
  sandbox::End end;
  std::chrono::milliseconds wall_time;
};
constexpr std::chrono::milliseconds kLong = 60s,
                                    kShort = 5ms;  // only what waits for its time has little of it
constexpr Misbehaving kMisbehaving[]{
    {"(unreachable)", sandbox::End::trapped, kLong},
    {"(drop (i32.load (i32.const -8)))", sandbox::End::trapped, kLong},
    {"(loop $l (drop (memory.grow (i32.const 1))) (br $l))", sandbox::End::limit, kLong},
    {"(call $down)", sandbox::End::limit, kLong},
    {"(loop $l (br $l))", sandbox::End::limit, kShort},
    {"(i64.store (i32.const 24) (i64.const 3600000000000)) (i32.store (i32.const 16) (i32.const "
     "1)) "
     "(drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))",
     sandbox::End::limit, kShort}};

std::string wasm_of(const std::string& body) {
  const std::string wat = R"((module (import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2) (func $down (call $down))
    (func (export "_start") )" +
                          body + "))";
  wasm_byte_vec_t bytes;
  if (wasmtime_wat2wasm(wat.data(), wat.size(), &bytes)) die("a guest of the soak is broken");
  std::string wasm(bytes.data, bytes.size);
  wasm_byte_vec_delete(&bytes);
  return wasm;
}

class Soak {
 public:
  explicit Soak(std::string workspace) : workspace_(std::move(workspace)) {
    if (!toolbox::add_embedded(registry_, *sandbox_, clock_)) die("no tools");
    for (const auto& guest : kMisbehaving)
      programs_.push_back(must(sandbox_->compile(wasm_of(guest.body))));
    std::string text;
    for (int i = 0; i < 200; ++i) text += "line " + std::to_string(i) + "\n";
    for (int i = 0; i < kThreads; ++i)
      std::ofstream(workspace_ + "/in" + std::to_string(i) + ".txt") << text;
  }

  std::uint64_t calls() const { return calls_; }

  void work(int thread, const std::atomic<bool>& done) {
    const std::string mine = std::to_string(thread) + ".txt";
    for (std::uint64_t n = 0; !done; ++n) {
      call("read", R"({"file_path":"in)" + mine + "\"}");
      call("glob", R"({"pattern":"**/*.txt"})");
      call("write", R"({"file_path":"out)" + mine + R"(","content":"one\ntwo\n"})");
      call("edit", R"({"file_path":"out)" + mine + R"(","old_string":"two","new_string":"three"})");
      if (n % 16 == static_cast<std::uint64_t>(thread)) misbehave(n / 16 % programs_.size());
    }
  }

 private:
  void call(const std::string& tool, const std::string& arguments) {
    core::Grant grant;
    grant.mounts = {{workspace_, workspace_, core::Access::read_write},
                    {"", "/tmp", core::Access::read_write}};
    grant.working_directory = workspace_;
    const tools::ToolContext context{.workspace = workspace_};
    const auto output = must(tools::TestExecution(grant, context, clock_)
                                 .run(*registry_.find(tool), *base::parse_json(arguments)));
    if (output.status != core::ResultStatus::ok) die(tool + ": " + output.text);
    ++calls_;
  }

  void misbehave(std::size_t which) {
    sandbox::Process process;
    process.name_space = must(vfs::NameSpace::make({}));
    process.working_directory = "/";
    process.arguments = {"guest"};
    process.limits.wall_time = kMisbehaving[which].wall_time;
    process.limits.memory_bytes = 4 << 20;
    const auto result = must(sandbox_->run(*programs_[which], process, {}));
    if (result.end != kMisbehaving[which].end)
      die(std::string("a guest did not end as it should: ") + kMisbehaving[which].body);
    ++calls_;
  }

  const std::string workspace_;
  base::SystemClock clock_;
  const std::unique_ptr<sandbox::Sandbox> sandbox_ = sandbox::Sandbox::make(clock_);
  tools::Registry registry_;
  std::vector<std::shared_ptr<const sandbox::Program>> programs_;
  std::atomic<std::uint64_t> calls_ = 0;
};

int run(int seconds) {
  char name[] = "/tmp/boxagnts_soak.XXXXXX";
  if (!::mkdtemp(name)) die("cannot make a folder in /tmp");
  std::atomic<bool> done = false;
  double early_mb = 0, late_mb = 0;
  std::size_t early_descriptors = 0, early_threads = 0, most_descriptors = 0, most_threads = 0;
  std::uint64_t calls = 0;
  {
    Soak soak(name);
    std::vector<base::Thread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.push_back(must(base::Thread::start("soak", 3 << 20, [&, i] { soak.work(i, done); })));
    const auto begun = std::chrono::steady_clock::now();
    const auto spent = [&] {
      return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    };
    std::printf("%8s %10s %12s %12s %8s\n", "seconds", "calls", "resident MB", "descriptors",
                "threads");
    for (int step = 1; step <= 20 || soak.calls() < kCallsMin; ++step) {
      while (spent() < seconds * step / 20.0) std::this_thread::sleep_for(10ms);
      late_mb = resident_mb();
      // Descriptors of calls under way come and go: the most of several looks is compared.
      std::size_t descriptors = 0;
      for (int i = 0; i < 200; ++i) descriptors = std::max(descriptors, open_descriptors());
      if (step == 2) {
        early_mb = late_mb;
        early_descriptors = descriptors;
        early_threads = thread_count();
      }
      if (step > 2) {
        most_descriptors = std::max(most_descriptors, descriptors);
        most_threads = std::max(most_threads, thread_count());
      }
      std::printf("%8.0f %10llu %12.1f %12zu %8zu\n", spent(),
                  static_cast<unsigned long long>(soak.calls()), late_mb, descriptors,
                  thread_count());
      std::fflush(stdout);
    }
    done = true;
    for (auto& thread : threads) thread.join();
    calls = soak.calls();
  }
  fs::remove_all(name);
  // A call holds a handful of descriptors; eight of them more or less are no growth.
  const bool flat = late_mb <= early_mb + kGrowthMaxMb && most_threads <= early_threads &&
                    most_descriptors <= early_descriptors + kThreads * 6;
  std::printf("%llu calls: %s\n", static_cast<unsigned long long>(calls),
              flat ? "flat" : "GROWING");
  return flat ? 0 : 1;
}

}  // namespace
}  // namespace boxagnts::bench

int main(int argc, char** argv) {
  return boxagnts::bench::run(argc > 1 ? std::atoi(argv[1]) : 600);
}
