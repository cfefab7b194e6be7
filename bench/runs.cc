#include "bench/runs.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <functional>
#include <thread>

#include "agent/runs.h"
#include "base/thread.h"
#include "bench/model_server.h"
#include "bench/proc.h"
#include "bench/programs.h"
#include "bench/timing.h"
#include "sandbox/sandbox.h"
#include "toolbox/guest_tools.h"

namespace boxagnts::bench {
namespace {

template <class T>
T must(Result<T> result) {
  if (!result) die(result.error().message + " " + result.error().context);
  return std::move(*result);
}

// What `app` puts together, against one model server.
struct Program {
  Program(const std::string& workspace, const std::string& state, const std::string& base_url) {
    store = must(store::Store::open(workspace + "/" + state, clock));
    changes = must(workspace::Changes::open(workspace + "/" + state, clock));
    sandbox = sandbox::Sandbox::make(clock, {.instances_max = 128});
    if (!toolbox::add_embedded(registry, *sandbox, clock)) die("no tools");
    pipeline = must(tools::CallPipeline::make(registry, clock));
    http = net::HttpClient::make();
    const auto environment = [base_url](const std::string& name) {
      return name == "OPENAI_BASE_URL" ? base_url : std::string();
    };
    agent::Settings settings;
    settings.workspace = workspace;
    settings.runs_max = 2000;
    runs = agent::Runs::make({*store, tools::fixed_tools(registry, *pipeline), clock,
                              [this, environment](const std::string& name) {
                                return models::open_model(name, {.environment = environment}, *http,
                                                          clock);
                              },
                              *changes, *rules},
                             settings);
  }

  agent::Started start(const std::string& model, std::optional<core::SessionId> session = {}) {
    return must(runs->start({.prompt = "go on",
                             .session = std::move(session),
                             .model = "openai/" + model,
                             .mode = core::Mode::plan,
                             .turns_max = 1000}));
  }
  // Waits for a run's end.
  void await(const agent::Started& started) {
    const auto tail = must(runs->tail(started.session, started.after));
    while (true) {
      const auto item = must(tail->next({}, base::kNever));
      const auto* event = item ? std::get_if<core::Event>(&*item) : nullptr;
      const auto* ended = event ? std::get_if<core::RunEnded>(&event->body) : nullptr;
      if (ended && ended->outcome != core::Outcome::finished) die(ended->error.message);
      if (ended) return;
    }
  }
  // A session with this many exchanges of two messages, each of so many bytes.
  core::SessionId session_of(int exchanges, std::size_t bytes) {
    const auto session = must(store->create_session("bench"));
    const auto acquired = must(store->acquire(session));
    std::vector<core::EventBody> bodies;
    for (int i = 0; i < exchanges; ++i) {
      bodies.emplace_back(core::UserMessage{std::string(bytes, 'q')});
      bodies.emplace_back(core::AssistantBlock{core::TextBlock{std::string(bytes, 'a')}});
      bodies.emplace_back(core::TurnEnded{});
    }
    must(store->append(*acquired.lease, bodies));
    return session;
  }

  base::SystemClock clock;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<workspace::Changes> changes;
  std::unique_ptr<agent::RuleBook> rules =
      agent::make_memory_rule_book(policy::Rules({.workspace = "/"}));
  std::unique_ptr<sandbox::Sandbox> sandbox;
  tools::Registry registry;
  std::unique_ptr<tools::CallPipeline> pipeline;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<agent::Runs> runs;
};

void in_a_child(const std::function<void()>& work) {
  std::fflush(stdout);
  const pid_t child = ::fork();
  if (child == 0) {
    work();
    std::fflush(stdout);
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0) die("a benchmark of runs failed");
}

void raise_descriptors() {
  rlimit limit;
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void overhead_of_a_turn(const std::string& workspace) {
  constexpr int kTurns = 300, kExchanges = 3300;
  constexpr std::size_t kMessageBytes = 60;  // 400 KB and 9,900 events together
  ModelServer server({.turns = kTurns});
  in_a_child([&] {
    Program program(workspace, "turns", server.base_url());
    program.await(program.start("m", program.session_of(kExchanges, kMessageBytes)));
  });
  const Row row{"answer's end to the next request, one read between", {}, server.finish()};
  if (row.microseconds.size() != kTurns) die("turns are missing");
  print_header("6. A turn's own overhead, history of 400 KB, event 10,000");
  print(row);
  target("p50 ms", row.percentile(0.5) / 1000, 0.4);
  target("p99 ms", row.percentile(0.99) / 1000, 2);
}

void many_runs(const std::string& workspace) {
  constexpr int kRuns = 100, kTurns = 19;  // and the last one, in words
  ModelServer server({.turns = kTurns, .delay = std::chrono::milliseconds(50)});
  double seconds = 0;
  int ends[2];
  if (::pipe(ends) != 0) die("no pipe");
  in_a_child([&] {
    raise_descriptors();
    Program program(workspace, "many", server.base_url());
    program.await(program.start("warm"));
    std::vector<agent::Started> started;
    const double us = time_us([&] {
      for (int i = 0; i < kRuns; ++i) started.push_back(program.start("m" + std::to_string(i)));
      for (const auto& run : started) program.await(run);
    });
    [[maybe_unused]] const auto put = ::write(ends[1], &us, sizeof us);
  });
  if (::read(ends[0], &seconds, sizeof seconds) != sizeof seconds) die("no time");
  seconds /= 1e6;
  Row row{"answer's end to the run's next request", {}, server.finish()};
  row.microseconds.erase(row.microseconds.begin(), row.microseconds.begin() + kTurns);  // warm
  print_header("8. 100 runs at once, 20 turns each, the model answers after 50 ms");
  print(row);
  target("p95 ms", row.percentile(0.95) / 1000, 15);
  const double turns_a_second = kRuns * (kTurns + 1) / seconds;
  std::printf("  %-56s %10.0f  target >= 1500     %s\n", "turns a second", turns_a_second,
              turns_a_second >= 1500 ? "met" : "MISSED");
}

double proportional_kb() {
  return static_cast<double>(proc_number("/proc/self/smaps_rollup", "Pss"));
}

void waiting_runs(const std::string& workspace) {
  constexpr int kRuns = 1000, kExchanges = 10;
  constexpr std::size_t kMessageBytes = 2000;
  const ModelServer server({.never_answers = true});
  in_a_child([&] {
    raise_descriptors();
    Program program(workspace, "waiting", server.base_url());
    program.start("first", program.session_of(kExchanges, kMessageBytes));
    std::vector<core::SessionId> sessions;
    for (int i = 0; i < kRuns; ++i)
      sessions.push_back(program.session_of(kExchanges, kMessageBytes));
    const double before = proportional_kb();
    for (const auto& session : sessions) program.start("m", session);
    std::this_thread::sleep_for(std::chrono::seconds(3));  // until all have asked
    const double each = (proportional_kb() - before) / kRuns;
    std::printf("\n9. 1,000 runs waiting for their model, 20 messages of 2 KB each\n");
    target("proportional KB each", each, 100);
    std::fflush(stdout);
    ::_exit(0);  // without waiting for answers that never come
  });
}

}  // namespace

void bench_runs(const std::string& workspace) {
  overhead_of_a_turn(workspace);
  many_runs(workspace);
  waiting_runs(workspace);
}

}  // namespace boxagnts::bench
