// boxagnts_bench: the sandbox, the whole call and the event log, each beside what it is judged
// against. Usage: boxagnts_bench [BOXAGNTS-BINARY [PART]]; with the binary also start-up times of
// whole programs; PART is one of those named in run().
#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/json.h"
#include "base/thread.h"
#include "bench/bounds.h"
#include "bench/overlay.h"
#include "bench/pages.h"
#include "bench/programs.h"
#include "bench/runs.h"
#include "bench/search.h"
#include "bench/serve.h"
#include "bench/server.h"
#include "bench/timing.h"
#include "sandbox/sandbox.h"
#include "store/store.h"
#include "toolbox/guest_tools.h"
#include "tools/call_pipeline.h"
#include "tools/test_execution.h"
#include "vfs/host_filesystem.h"
#include "vfs/memory_filesystem.h"

namespace boxagnts::bench {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().message + " " + result.error().context);
  return std::move(*result);
}

// A scratch workspace with one file of 100 lines, 4.6 KB.
class Workspace {
 public:
  Workspace() {
    char name[] = "/tmp/boxagnts_bench.XXXXXX";
    if (!::mkdtemp(name)) die("cannot make a folder in /tmp");
    root = name;
    std::ofstream file(root + "/in.txt");
    for (int i = 0; i < 100; ++i) file << std::string(45, static_cast<char>('a' + i % 26)) << '\n';
  }
  ~Workspace() { std::filesystem::remove_all(root); }
  std::string root;
};

// What `read` does, in process and unguarded: open, read, number the lines, hand the text over.
std::string native_read(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || ::fstat(fd, &status) != 0) die("cannot open " + path);
  std::string content(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t got = ::read(fd, content.data(), content.size());
  ::close(fd);
  if (got != status.st_size) die("short read");
  std::string out;
  out.reserve(content.size() + 1024);
  int line = 0;
  for (std::size_t at = 0; at < content.size();) {
    const std::size_t end = std::min(content.find('\n', at), content.size());
    char number[16];
    out.append(number,
               static_cast<std::size_t>(std::snprintf(number, sizeof number, "%6d\t", ++line)));
    out.append(content, at, end - at).append("\n");
    at = end + 1;
  }
  return out;
}

class LoggedRun final : public tools::RunControl {
 public:
  Status decided(const core::CallDecided& decision) override {
    last = decision;
    return {};
  }
  Result<tools::Asked> ask(core::Approval) override {
    return tools::Asked{.why = "nobody is there"};
  }
  void touches(const core::CallFacts&) override {}
  Status note(core::EventBody) override { return {}; }
  Result<core::RuleAdded> add_rule(const std::string&) override {
    return fail(Code::unsupported, "no rules here");
  }
  core::CallDecided last;
};

void bench_call(const Workspace& workspace) {
  base::SystemClock clock;
  const auto sandbox = sandbox::Sandbox::make(clock);
  tools::Registry registry;
  if (!toolbox::add_embedded(registry, *sandbox, clock)) die("no tools");

  // Row 1: the sandbox alone.
  std::shared_ptr<const sandbox::Program> program;
  for (const auto& guest : toolbox::embedded_guests())
    if (guest.name == "read") program = must(sandbox->load_compiled(must(guest.cwasm.expand())));
  const auto host = must(vfs::open_host_filesystem(workspace.root, core::Access::read_only, {}));
  const auto scratch = vfs::make_memory_filesystem(clock, 1 << 20);
  sandbox::Process process;
  process.name_space = must(vfs::NameSpace::make({{workspace.root, host}, {"/tmp", scratch}}));
  process.working_directory = workspace.root;
  process.arguments = {"read"};
  process.environment = {"PWD=" + workspace.root};
  process.input = R"({"file_path":"in.txt"})";
  std::vector<Row> rows{
      {"sandbox::run of read, 4.6 KB",
       [&] {
         const auto result = must(sandbox->run(*program, process, {}));
         if (result.output.size() < 4600) die("read failed: " + result.output + result.reason);
       }},
      {"the same work natively, in process",
       [&] {
         if (native_read(workspace.root + "/in.txt").size() < 4600) die("native read failed");
       }},
  };
  measure(rows, 50, 400);
  print_header("1. One sandboxed read of 4.6 KB, warm");
  for (const auto& row : rows) print(row);
  target("p50 us", rows[0].percentile(0.5), 15);
  target("p99 us", rows[0].percentile(0.99), 40);
  target("times the native work (p50)", rows[0].percentile(0.5) / rows[1].percentile(0.5), 2);
  std::vector<Row> spawned{{"posix_spawn cat -n, and wait",
                            [&] { spawn_and_wait({"cat", "-n", workspace.root + "/in.txt"}); }}};
  measure(spawned, 5, 40);
  print(spawned[0]);

  // Row 2: the whole call with its durable event.
  const auto pipeline = must(tools::CallPipeline::make(registry, clock));
  const auto store = must(store::Store::open(workspace.root + "/.boxagnts", clock));
  const auto session = must(store->create_session("bench"));
  const auto acquired = must(store->acquire(session));
  tools::RunPolicy policy;
  policy.mode = core::Mode::edits;
  policy.rules = std::make_shared<const policy::Rules>(
      policy::Places{.workspace = workspace.root, .home = "/root"});
  policy.envelope.mounts = {{workspace.root, workspace.root, core::Access::read_write},
                            {"", "/tmp", core::Access::read_write}};
  policy.envelope.working_directory = workspace.root;
  policy.envelope.environment = process.environment;
  const tools::ToolContext context{.workspace = workspace.root, .scratch = scratch};
  LoggedRun control;
  std::vector<Row> call{{"whole call: JSON, schema, policy, sandbox, durable event", [&] {
                           auto result =
                               must(pipeline->run({"c1", "read", R"({"file_path":"in.txt"})"},
                                                  policy, context, control));
                           if (result.result.status != core::ResultStatus::ok)
                             die(result.result.text);
                           const core::EventBody bodies[]{control.last, std::move(result)};
                           must(store->append(*acquired.lease, bodies));
                         }}};
  measure(call, 10, 500);
  print_header("2. The whole call");
  for (const auto& row : call) print(row);
  target("p50 us", call[0].percentile(0.5), 120);
}

// Row 3 as a stranger meets it: new process, no cache anywhere, first call of a tool.
void bench_first_call(const Workspace& workspace) {
  std::vector<double> first;
  for (int i = 0; i < 20; ++i) {
    int ends[2];
    if (::pipe(ends) != 0) die("no pipe");
    const pid_t child = ::fork();
    if (child == 0) {
      double us = 0;
      {
        auto thread = must(base::Thread::start("first", 3 << 20, [&] {
          us = time_us([&] {
            base::SystemClock clock;
            const auto sandbox = sandbox::Sandbox::make(clock);
            tools::Registry registry;
            if (!toolbox::add_embedded(registry, *sandbox, clock)) die("no tools");
            core::Grant grant;
            grant.mounts = {{workspace.root, workspace.root, core::Access::read_only}};
            grant.working_directory = workspace.root;
            const tools::ToolContext context{.workspace = workspace.root};
            const auto output = must(
                tools::TestExecution(grant, context, clock)
                    .run(*registry.find("read"), *base::parse_json(R"({"file_path":"in.txt"})")));
            if (output.text.size() < 4600) die("read failed: " + output.text);
          });
        }));
      }
      [[maybe_unused]] const auto put = ::write(ends[1], &us, sizeof us);
      ::_exit(0);
    }
    ::close(ends[1]);
    double us = 0;
    if (::read(ends[0], &us, sizeof us) != sizeof us) die("the child failed");
    ::close(ends[0]);
    ::waitpid(child, nullptr, 0);
    first.push_back(us);
  }
  Row row{"engine made, tool loaded, file read", {}, first};
  print_header("3. First call ever of a built-in tool, in a new process");
  print(row);
  target("p50 ms", row.percentile(0.5) / 1000, 10);
}

// Row 7: appends, beside bare SQLite doing one insert of the same bytes with the same settings.
void bench_append(const Workspace& workspace) {
  base::SystemClock clock;
  const auto store = must(store::Store::open(workspace.root + "/log", clock));
  const auto session = must(store->create_session("bench"));
  const auto acquired = must(store->acquire(session));
  const core::EventBody body = core::AssistantBlock{core::TextBlock{std::string(300, 'x')}};
  const auto append = [&] { must(store->append(*acquired.lease, std::span(&body, 1))); };

  sqlite3* bare = nullptr;
  sqlite3_open((workspace.root + "/bare.db").c_str(), &bare);
  const auto execute = [&](const char* sql) {
    if (sqlite3_exec(bare, sql, nullptr, nullptr, nullptr) != SQLITE_OK) die(sqlite3_errmsg(bare));
  };
  execute(
      "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; CREATE TABLE e(n INTEGER PRIMARY KEY, b "
      "TEXT)");
  sqlite3_stmt* insert = nullptr;
  sqlite3_prepare_v2(bare, "INSERT INTO e(b) VALUES(?)", -1, &insert, nullptr);
  const std::string text(350, 'x');

  std::vector<Row> early{{"append of one event, events 10 to 5,000", append},
                         {"bare SQLite insert, same settings", [&] {
                            sqlite3_bind_text(insert, 1, text.data(), static_cast<int>(text.size()),
                                              SQLITE_STATIC);
                            sqlite3_step(insert);
                            sqlite3_reset(insert);
                          }}};
  measure(early, 10, 450);
  for (int i = 0; i < 100'000; ++i) append();
  std::vector<Row> late{{"append of one event, after 100,000", append}};
  measure(late, 10, 450);
  std::vector<Row> watched{{"append of one event, 200 readers waiting", append}};
  {
    std::stop_source source;
    std::vector<base::Thread> readers;
    for (int i = 0; i < 200; ++i)
      readers.push_back(
          must(base::Thread::start("reader", 256 << 10, [&, stop = source.get_token()] {
            while (!stop.stop_requested())
              (void)store->wait(session, 1'000'000'000, stop, base::kNever);
          })));
    measure(watched, 10, 450);
    source.request_stop();
  }
  print_header("7. Event append");
  for (const auto* rows : {&early, &late, &watched})
    for (const auto& row : *rows) print(row);
  target("p50 us", early[0].percentile(0.5), 50);
  target("event 100,000 against event 10 (p50)", late[0].percentile(0.5) / early[0].percentile(0.5),
         1.2);
  target("with 200 readers against none (p50)",
         watched[0].percentile(0.5) / late[0].percentile(0.5), 1.2);
  sqlite3_finalize(insert);
  sqlite3_close(bare);
}

void bench_version(const std::string& binary) {
  std::vector<Row> rows{{"boxagnts --version", [&] { spawn_and_wait({binary, "--version"}); }},
                        {"/bin/true", [] { spawn_and_wait({"true"}); }}};
  for (const auto* rival : {"codex", "claude", "opencode", "gemini", "rg", "node"})
    if (!find_program(rival).empty())
      rows.push_back(
          {std::string(rival) + " --version", [rival] { spawn_and_wait({rival, "--version"}); }});
  measure(rows, 4, 5);
  print_header("4. Start of a whole program, spawn to exit");
  for (const auto& row : rows) print(row);
  target("boxagnts --version p50 ms", rows[0].percentile(0.5) / 1000, 3);
}

struct Part {
  const char* name;
  std::function<void()> measure;
};

int run(const std::string& binary, const std::string& only) {
  const Workspace workspace;
  const std::vector<Part> forking{// before this process has threads
                                  {"first-call", [&] { bench_first_call(workspace); }},
                                  {"idle", [&] { bench_idle(workspace.root); }},
                                  {"runs", [&] { bench_runs(workspace.root); }},
                                  {"server", [&] { bench_server(workspace.root + "/served"); }}};
  std::vector<Part> threaded{{"call", [&] { bench_call(workspace); }},
                             {"append", [&] { bench_append(workspace); }},
                             {"overlay", [&] { bench_overlay(workspace.root); }},
                             {"cancel", [&] { bench_cancel(workspace.root); }},
                             {"search", [&] { bench_search(workspace.root + "/tree"); }},
                             {"pages", [&] { bench_pages(workspace.root); }}};
  if (!binary.empty()) {
    threaded.push_back({"version", [&] { bench_version(binary); }});
    threaded.push_back({"serve", [&] { bench_serve(workspace.root + "/large", binary); }});
    threaded.push_back({"wasmtime", [&] { bench_wasmtime(workspace.root, binary); }});
  }
  const auto all_of = [&](const std::vector<Part>& parts) {
    for (const auto& part : parts)
      if (only.empty() || only == part.name) part.measure();
  };
  all_of(forking);
  auto thread = must(base::Thread::start("bench", 4 << 20, [&] { all_of(threaded); }));
  thread.join();
  return 0;
}

}  // namespace
}  // namespace boxagnts::bench

int main(int argc, char** argv) {
  return boxagnts::bench::run(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "");
}
