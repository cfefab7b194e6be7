#include "bench/serve.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/file.h"
#include "bench/proc.h"
#include "bench/programs.h"
#include "bench/timing.h"
#include "store/store.h"

extern char** environ;

namespace boxagnts::bench {
namespace {

constexpr int kSessions = 1'000;
constexpr int kEventsOfEach = 1'000;
constexpr int kStarts = 15;
constexpr std::chrono::seconds kIdle{2};

void fill(const std::string& state_folder) {
  base::SystemClock clock;
  auto store = store::Store::open(state_folder, clock);
  if (!store) die(store.error().message);
  const std::vector<core::EventBody> events(kEventsOfEach,
                                            core::UserMessage{"some sixty bytes of a message, "
                                                              "as they are usually found"});
  for (int i = 0; i < kSessions; ++i) {
    const auto session = (*store)->create_session("session " + std::to_string(i));
    const auto acquired = (*store)->acquire(session.value());
    if (const auto stored = (*store)->append(*acquired.value().lease, events); !stored)
      die(stored.error().message);
  }
}

// A port that was free a moment ago.
std::uint16_t free_port() {
  const base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(socket.get(), raw, size) != 0 || ::getsockname(socket.get(), raw, &size) != 0)
    die("there is no free port");
  return ntohs(address.sin_port);
}

base::UniqueFd connected(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  while (true) {
    base::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0)
      return socket;
  }
}

// A started server; ended by the destructor.
class Server {
 public:
  Server(const std::string& binary, const std::string& folder, std::uint16_t port) {
    const std::string number = std::to_string(port);
    std::vector<std::string> words{binary, "serve", "--port", number, "--workspace-dir", folder};
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    if (::posix_spawn(&process_, binary.c_str(), &actions, nullptr, argv.data(), environ) != 0)
      die("cannot start " + binary);
    posix_spawn_file_actions_destroy(&actions);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
  }
  std::string proc(const std::string& file) const {
    return "/proc/" + std::to_string(process_) + "/" + file;
  }

 private:
  pid_t process_ = 0;
};

// One small request and the first bytes of its answer.
void ask(int socket, std::uint16_t port) {
  const std::string request =
      "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) + "\r\n\r\n";
  char answer[4096];
  if (!base::write_all(socket, request) || ::read(socket, answer, sizeof answer) <= 0)
    die("the server does not answer");
}

// How often all threads of a process have gone to sleep by themselves.
std::uint64_t sleeps(const Server& server) {
  std::uint64_t sum = 0;
  for (const auto& task : std::filesystem::directory_iterator(server.proc("task")))
    sum += proc_number(task.path().string() + "/status", "voluntary_ctxt_switches");
  return sum;
}

}  // namespace

void bench_serve(const std::string& folder, const std::string& binary) {
  std::filesystem::create_directories(folder);
  fill(folder + "/.boxagnts");
  Row accepts{"spawn to accepting", {}}, answers{"spawn to the first answer", {}};
  double resident = 0, wakes = 0;
  for (int start = 0; start < kStarts; ++start) {
    const auto port = free_port();
    const auto begun = std::chrono::steady_clock::now();
    const auto since = [&] {
      return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begun)
          .count();
    };
    const Server server(binary, folder, port);
    const auto socket = connected(port);
    accepts.microseconds.push_back(since());
    ask(socket.get(), port);
    answers.microseconds.push_back(since());
    if (start + 1 < kStarts) continue;
    const auto before = sleeps(server);
    std::this_thread::sleep_for(kIdle);
    wakes = static_cast<double>(sleeps(server) - before) / static_cast<double>(kIdle.count());
    resident = static_cast<double>(proc_number(server.proc("status"), "VmRSS")) / 1024;
  }
  print_header("4b. Start of the server, with 1,000 sessions and a million events stored");
  print(accepts);
  print(answers);
  target("spawn to accepting p50 ms", accepts.percentile(0.5) / 1000, 5);
  std::printf("\n5b. The idle server\n");
  target("resident MB", resident, 10);
  target("wake-ups a second", wakes, 2);
}

}  // namespace boxagnts::bench
