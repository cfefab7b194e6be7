#include "bench/model_server.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <csignal>
#include <map>
#include <queue>
#include <string_view>

#include "bench/programs.h"

namespace boxagnts::bench {
namespace {

using Clock = std::chrono::steady_clock;

void write_all(int fd, const void* bytes, std::size_t size) {
  const auto* at = static_cast<const char*>(bytes);
  while (size > 0) {
    const ssize_t put = ::write(fd, at, size);
    if (put <= 0) return;
    at += put;
    size -= static_cast<std::size_t>(put);
  }
}

// One request in the making. The model's name tells the runs apart.
struct Connection {
  std::string input;
  std::size_t wanted = 0;  // head and body, once the head is there
  bool closes = false;
};

class Server {
 public:
  Server(int listener, int results, const ModelScript& script)
      : listener_(listener), results_(results), script_(script) {}

  void serve() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &signals, nullptr);
    const int stop = ::signalfd(-1, &signals, SFD_CLOEXEC);
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    watch(listener_);
    watch(stop);
    while (true) {
      epoll_event events[128];
      const int count = ::epoll_wait(epoll_, events, 128, time_to_next_ms());
      for (int i = 0; i < count; ++i) {
        const int fd = events[i].data.fd;
        if (fd == stop) return report();
        if (fd == listener_)
          take_connection();
        else
          take_bytes(fd);
      }
      answer_due();
    }
  }

 private:
  struct Due {
    Clock::time_point when;
    int fd;
    std::string model;
    int turn;
    bool operator<(const Due& other) const { return when > other.when; }  // soonest on top
  };

  void watch(int fd) {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
  }
  int time_to_next_ms() const {
    if (due_.empty()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due_.top().when - Clock::now());
    return static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  }
  void take_connection() {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connections_[fd];
    watch(fd);
  }
  void drop(int fd) {
    connections_.erase(fd);
    ::close(fd);
  }

  void take_bytes(int fd) {
    Connection& connection = connections_[fd];
    std::string& input = connection.input;
    constexpr std::size_t kPart = 256 << 10;
    const std::size_t have = input.size();
    input.resize_and_overwrite(have + kPart, [&](char* at, std::size_t) {
      const ssize_t got = ::recv(fd, at + have, kPart, 0);
      return have + static_cast<std::size_t>(std::max<ssize_t>(got, 0));
    });
    if (input.size() == have) return drop(fd);
    if (connection.wanted == 0) {
      const auto end = input.find("\r\n\r\n");
      if (end == std::string::npos) return;
      const std::string_view head = std::string_view(input).substr(0, end);
      constexpr std::string_view kLength = "Content-Length: ";
      std::size_t length = 0;
      const auto at = head.find(kLength) + kLength.size();
      std::from_chars(head.data() + at, head.data() + head.size(), length);
      connection.wanted = end + 4 + length;
      connection.closes = head.contains("Connection: close");
    }
    if (input.size() >= connection.wanted) take_request(fd, connection);
  }

  void take_request(int fd, Connection& connection) {
    const auto now = Clock::now();
    const std::string_view request = connection.input;
    constexpr std::string_view kModel = R"("model":")", kResult = R"("tool_call_id":"t)";
    const auto name = request.find(kModel) + kModel.size();
    const std::string model(request.substr(name, request.find('"', name) - name));
    if (const auto ended = ended_.find(model); ended != ended_.end())
      between_us_.push_back(std::chrono::duration<double, std::micro>(now - ended->second).count());
    int turn = 0;
    if (const auto last = request.rfind(kResult); last != std::string_view::npos) {
      const char* digits = request.data() + last + kResult.size();
      std::from_chars(digits, request.data() + request.size(), turn);
    }
    connection.input.clear();
    connection.wanted = 0;
    if (!script_.never_answers) due_.push({now + script_.delay, fd, model, turn + 1});
  }

  void answer_due() {
    while (!due_.empty() && due_.top().when <= Clock::now()) {
      const Due due = due_.top();
      due_.pop();
      const auto found = connections_.find(due.fd);
      if (found == connections_.end()) continue;
      const bool closes = found->second.closes;
      const bool is_last = due.turn > script_.turns;
      const std::string body =
          is_last
              ? R"(data: {"choices":[{"delta":{"content":"done"},"finish_reason":"stop"}]})"
              : R"(data: {"choices":[{"delta":{"tool_calls":[{"index":0,"id":"t)" +
                    std::to_string(due.turn) +
                    R"(","function":{"name":"read","arguments":"{\"file_path\":\"in.txt\"}"}}]},)"
                    R"("finish_reason":"tool_calls"}]})";
      const std::string stream = body + "\n\ndata: [DONE]\n\n";
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: " +
          std::to_string(stream.size()) + "\r\n\r\n" + stream;
      write_all(due.fd, answer.data(), answer.size());
      if (is_last)
        ended_.erase(due.model);
      else
        ended_[due.model] = Clock::now();
      if (closes) drop(due.fd);
    }
  }

  void report() { write_all(results_, between_us_.data(), between_us_.size() * sizeof(double)); }

  const int listener_, results_;
  const ModelScript script_;
  int epoll_ = -1;
  std::map<int, Connection> connections_;
  std::map<std::string, Clock::time_point> ended_;  // of a run's last answer
  std::priority_queue<Due> due_;
  std::vector<double> between_us_;
};

}  // namespace

ModelServer::ModelServer(const ModelScript& script) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  int ends[2];
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0 ||
      ::listen(listener, 4096) != 0 ||
      ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) != 0 ||
      ::pipe(ends) != 0)
    die("no server for the model");
  base_url_ = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/v1";
  std::fflush(stdout);
  child_ = ::fork();
  if (child_ == 0) {
    ::close(ends[0]);
    Server(listener, ends[1], script).serve();
    ::_exit(0);
  }
  ::close(listener);
  ::close(ends[1]);
  results_ = ends[0];
}

std::vector<double> ModelServer::finish() {
  ::kill(child_, SIGTERM);
  std::vector<double> microseconds;
  double one = 0;
  while (::read(results_, &one, sizeof one) == sizeof one) microseconds.push_back(one);
  return microseconds;
}

ModelServer::~ModelServer() {
  ::kill(child_, SIGKILL);
  ::waitpid(child_, nullptr, 0);
  ::close(results_);
}

}  // namespace boxagnts::bench
