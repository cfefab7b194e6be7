#include "bench/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <thread>

#include "bench/proc.h"
#include "bench/programs.h"
#include "bench/timing.h"
#include "net/http_server.h"
#include "net/sse.h"

namespace boxagnts::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kReaders = 1000;
constexpr int kEventsPerSecond = 20;
constexpr int kStreamSeconds = 5;
constexpr int kIdle = 9'000;
constexpr int kRounds = 3;

std::int64_t now_ns() { return std::chrono::nanoseconds(Clock::now().time_since_epoch()).count(); }

// A child that ends with this process, or when the owner is gone.
class Child {
 public:
  explicit Child(const std::function<void()>& body) : pid_(::fork()) {
    if (pid_ < 0) die("cannot fork");
    if (pid_ > 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    ::_exit(1);
  }
  ~Child() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Child(const Child&) = delete;
  pid_t pid() const { return pid_; }

 private:
  const pid_t pid_;
};

// --- our server, in a process of its own -----------------------------------------------------

// Sends one event to all who listen, at an even pace.
class Publisher {
 public:
  void add(std::shared_ptr<net::ServerStream> stream) {
    std::lock_guard lock(mutex_);
    streams_.push_back(std::move(stream));
  }
  void run() {
    auto next = Clock::now();
    while (true) {
      next += std::chrono::microseconds(1'000'000 / kEventsPerSecond);
      std::this_thread::sleep_until(next);
      std::string bytes;
      net::append_sse({"frame", std::to_string(now_ns()) + std::string(150, 'x'), "1"}, bytes);
      const auto event = std::make_shared<const std::string>(std::move(bytes));
      std::lock_guard lock(mutex_);
      std::erase_if(streams_, [&](const auto& stream) { return !stream->push(event); });
    }
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<net::ServerStream>> streams_;
};

[[noreturn]] void serve(const std::string& folder, const std::string& page, int port_end) {
  Publisher publisher;
  const auto handler = [&](net::Exchange& exchange) {
    const std::string& path = exchange.request().path;
    if (path == "/page.html")
      return exchange.respond({.headers = {{"Content-Type", "text/html"}}, .static_body = page});
    if (path == "/events")
      return publisher.add(
          exchange.respond_stream({.headers = {{"Content-Type", "text/event-stream"}}}));
    base::UniqueFd file(::open((folder + path).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    struct stat status{};
    if (!file || ::fstat(file.get(), &status) != 0) return exchange.respond({.status = 404});
    exchange.respond_file({.headers = {{"Content-Type", "application/octet-stream"}}},
                          std::move(file), 0, static_cast<std::uint64_t>(status.st_size));
  };
  const auto server = net::HttpServer::start({.address = *net::parse_ip("127.0.0.1")}, handler);
  if (!server) die(server.error().message);
  const std::uint16_t port = (*server)->port();
  if (::write(port_end, &port, sizeof port) != sizeof port) die("cannot tell the port");
  publisher.run();
  ::_exit(1);
}

// --- clients ---------------------------------------------------------------------------------

base::UniqueFd connect_to(std::uint16_t port) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    die("cannot connect to the server");
  return fd;
}

std::uint16_t free_port() {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    die("no free port");
  return ntohs(address.sin_port);
}

// Requests a second as wrk counts them.
double load(const std::string& wrk, std::uint16_t port, const std::string& path) {
  const std::string command =
      wrk + " -t1 -c32 -d2s http://127.0.0.1:" + std::to_string(port) + path;
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(::popen(command.c_str(), "r"),
                                                             ::pclose);
  double per_second = 0;
  for (std::array<char, 256> line{}; pipe && std::fgets(line.data(), line.size(), pipe.get());) {
    const std::string text = line.data();
    if (text.starts_with("Requests/sec:")) per_second = std::stod(text.substr(13));
    if (text.contains("Non-2xx")) die("wrk was answered with errors: " + command);
  }
  if (per_second == 0) die("wrk did not work: " + command);
  return per_second;
}

std::unique_ptr<Child> start_nginx(const std::string& program, const std::string& folder,
                                   std::uint16_t port) {
  const std::string path = folder + "/nginx.conf";
  std::ofstream(path)
      << "daemon off; master_process off; worker_processes 1; pid " << folder
      << "/nginx.pid; error_log /dev/null;\n"
         "events { worker_connections 4096; }\n"
         "http { access_log off; sendfile on; tcp_nopush on; tcp_nodelay on;\n"
         "  client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;\n"
         "  uwsgi_temp_path uwsgi; scgi_temp_path scgi;\n"
         "  keepalive_requests 1000000000;\n  server { listen 127.0.0.1:"
      << port << "; root " << folder << "; } }\n";
  auto nginx = std::make_unique<Child>([&] {
    ::execl(program.c_str(), "nginx", "-e", "/dev/null", "-p", folder.c_str(), "-c", path.c_str(),
            nullptr);
  });
  const auto until = Clock::now() + std::chrono::seconds(5);
  while (true) {  // until it listens
    const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
      return nginx;
    if (Clock::now() > until) die("nginx did not start");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

// --- the rows --------------------------------------------------------------------------------

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.at(values.size() / 2);
}

void bench_files(const std::string& folder, std::uint16_t port) {
  const std::string wrk = find_program("wrk");
  std::string nginx = find_program("nginx");
  if (nginx.empty() && ::access("/usr/sbin/nginx", X_OK) == 0) nginx = "/usr/sbin/nginx";
  if (wrk.empty() || nginx.empty()) {
    std::printf("\nHTTP server: no wrk or no nginx (scripts/install-rivals): left out\n");
    return;
  }
  const std::uint16_t rival = free_port();
  const auto child = start_nginx(nginx, folder, rival);
  std::printf("\nHTTP server, files: wrk -c32, in turn %44s %10s\n", "ours /s", "nginx /s");
  for (const auto& [name, path] :
       {std::pair("page of 12 KB from the binary (nginx: a file)", "/page.html"),
        std::pair("file of 4 KB", "/4k"), std::pair("file of 1 MB", "/1m")}) {
    std::vector<double> ours, theirs;
    for (int round = 0; round < kRounds; ++round) {
      ours.push_back(load(wrk, port, path));
      theirs.push_back(load(wrk, rival, path));
    }
    std::printf("%-78s %10.0f %10.0f\n", name, median(ours), median(theirs));
    target("nginx's requests for each of ours", median(theirs) / median(ours), 2);
  }
}

// Reads what comes on all sockets for some seconds: the age of each event, in microseconds.
std::vector<double> ages_of_events(const std::vector<base::UniqueFd>& readers) {
  const base::UniqueFd poll(::epoll_create1(EPOLL_CLOEXEC));
  for (const auto& reader : readers) {
    epoll_event wanted{.events = EPOLLIN, .data = {.fd = reader.get()}};
    ::epoll_ctl(poll.get(), EPOLL_CTL_ADD, reader.get(), &wanted);
  }
  std::vector<double> ages;
  std::array<char, 64 << 10> buffer;
  std::array<epoll_event, 256> ready;
  const auto begin = Clock::now() + std::chrono::seconds(1);  // the first second warms up
  const auto end = begin + std::chrono::seconds(kStreamSeconds);
  while (Clock::now() < end) {
    const int count = ::epoll_wait(poll.get(), ready.data(), static_cast<int>(ready.size()), 100);
    for (int i = 0; i < count; ++i) {
      const ssize_t got = ::recv(ready[static_cast<std::size_t>(i)].data.fd, buffer.data(),
                                 buffer.size(), MSG_DONTWAIT);
      if (got == 0) die("the server closed a stream");
      std::string_view text(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      const std::int64_t now = now_ns();
      for (auto at = text.find("data: "); at != std::string_view::npos;
           at = text.find("data: ", at + 1)) {
        const auto sent = std::strtoll(text.data() + at + 6, nullptr, 10);
        if (Clock::now() > begin) ages.push_back(static_cast<double>(now - sent) / 1000);
      }
    }
  }
  return ages;
}

void bench_stream(std::uint16_t port, pid_t server) {
  std::vector<base::UniqueFd> readers;
  const auto cpu_ticks = [server] {
    std::ifstream stream("/proc/" + std::to_string(server) + "/stat");
    std::string skipped;
    for (int i = 0; i < 13; ++i) stream >> skipped;
    std::int64_t user = 0, system = 0;
    stream >> user >> system;
    return user + system;
  };
  constexpr std::string_view kAsk = "GET /events HTTP/1.1\r\nHost: h\r\n\r\n";
  for (int i = 0; i < kReaders; ++i) {
    readers.push_back(connect_to(port));
    if (::send(readers.back().get(), kAsk.data(), kAsk.size(), 0) < 0) die("cannot send");
  }
  const auto before = cpu_ticks();
  Row row{"an event from push to the reader", {}, ages_of_events(readers)};
  const double busy = static_cast<double>(cpu_ticks() - before) /
                      static_cast<double>(::sysconf(_SC_CLK_TCK)) / (kStreamSeconds + 1);
  print_header("HTTP server, events: 1,000 readers, 20 events a second");
  print(row);
  const double expected = double{kReaders} * kEventsPerSecond * kStreamSeconds;
  target("p99 ms", row.percentile(0.99) / 1000, 50);
  target("share of the events that did not come in the time",
         1 - static_cast<double>(row.microseconds.size()) / expected, 0.02);
  std::printf("  %-56s %9.0f%%\n", "of one core, for the server", busy * 100);
}

void bench_idle_connections(std::uint16_t port, pid_t server) {
  const std::string status = "/proc/" + std::to_string(server) + "/status";
  const auto before = proc_number(status, "VmRSS");
  std::vector<base::UniqueFd> idle;
  constexpr std::string_view kAsk = "GET /page.html HTTP/1.1\r\nHost: h\r\n\r\n";
  std::array<char, 32 << 10> buffer;
  for (int i = 0; i < kIdle; ++i) {
    idle.push_back(connect_to(port));
    if (::send(idle.back().get(), kAsk.data(), kAsk.size(), 0) < 0 ||
        ::recv(idle.back().get(), buffer.data(), 12'000, MSG_WAITALL) < 0)
      die("no answer");
  }
  const auto held = static_cast<double>(proc_number(status, "VmRSS") - before);
  std::printf("\nHTTP server: %d connections, each idle after one answer\n", kIdle);
  target("KB of the server's memory for each", held / kIdle, 2);
}

}  // namespace

void bench_server(const std::string& folder) {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  std::filesystem::create_directory(folder);
  const std::string page(12'000, 'p');
  std::ofstream(folder + "/page.html") << page;
  std::ofstream(folder + "/4k") << std::string(4 << 10, 'f');
  std::ofstream(folder + "/1m") << std::string(1 << 20, 'm');
  int ends[2];
  if (::pipe(ends) != 0) die("no pipe");
  const Child server([&] { serve(folder, page, ends[1]); });
  std::uint16_t port = 0;
  if (::read(ends[0], &port, sizeof port) != sizeof port) die("the server did not start");
  ::close(ends[0]);
  ::close(ends[1]);
  bench_idle_connections(port, server.pid());
  bench_stream(port, server.pid());
  bench_files(folder, port);
}

}  // namespace boxagnts::bench
