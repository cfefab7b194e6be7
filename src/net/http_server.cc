#include "net/http_server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <future>
#include <tuple>

#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "net/response_head.h"
#include "net/server_connection.h"
#include "net/server_core.h"
#include "net/socket_address.h"

namespace boxagnts::net {
namespace {

constexpr int kBacklog = 4096;
constexpr int kGoneSeconds = 60;
constexpr int kAcceptsInARow = 64;
constexpr unsigned kPortsTried = 100;
constexpr std::size_t kStackBytes = 1 << 20;
constexpr std::chrono::milliseconds kLinger{2'000};
constexpr std::chrono::milliseconds kOutOfDescriptorsPause{200};
constexpr std::chrono::milliseconds kTimerStep{100};  // deadlines this near are judged together

using Socket = base::UniqueFd;

using GetName = int (*)(int, sockaddr*, socklen_t*);

// Of one end of a socket; the empty address where there is none.
std::pair<IpAddress, std::uint16_t> end_of(int fd, GetName get_name) {
  SocketAddress address{.size = sizeof(sockaddr_storage)};
  if (get_name(fd, reinterpret_cast<sockaddr*>(&address.bytes), &address.size) != 0) return {};
  return {address_of(*address.get()).value_or(IpAddress{}), port_of(address)};
}

void set_option(int fd, int level, int name, int value) {
  ::setsockopt(fd, level, name, &value, sizeof value);
}

Result<Socket> listening_socket(const IpAddress& ip, std::uint16_t port) {
  Socket fd(::socket(ip.v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno(errno, "cannot make a socket for " + ip.text());
  set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
  if (!ip.v4) set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, 0);
  // Connections inherit these. A machine that is gone without a word is noticed, on quiet streams
  // as well.
  set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(fd.get(), SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd.get(), IPPROTO_TCP, TCP_KEEPIDLE, kGoneSeconds);
  set_option(fd.get(), IPPROTO_TCP, TCP_USER_TIMEOUT, kGoneSeconds * 1000);
  const SocketAddress address = socket_address(ip, port);
  const std::string where = "port " + std::to_string(port) + " of " + ip.text();
  if (::bind(fd.get(), address.get(), address.size) != 0 || ::listen(fd.get(), kBacklog) != 0) {
    const int error = errno;
    const std::string context = base::errno_text(error);
    if (error == EADDRINUSE)
      return fail(Code::conflict, where + " is in use by another program; choose another port",
                  context);
    if (error == EACCES)
      return fail(Code::permission_denied,
                  where + " may not be used by this user; choose a port above 1023", context);
    if (error == EADDRNOTAVAIL)
      return fail(Code::invalid_argument,
                  ip.text() + " is no address of this machine; choose one of its own", context);
    return fail_errno(error, "cannot listen on " + where);
  }
  return fd;
}

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

bool is_out_of_descriptors(int error) {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

}  // namespace

ServerCore::ServerCore(ServerOptions server_options, Handler server_handler)
    : options(std::move(server_options)),
      handler(std::move(server_handler)),
      workers_(options.waiting_requests_max),
      clock_(options.clock ? *options.clock : system_clock_) {}

Status ServerCore::listen() {
  if (!options.certificate_file.empty() || !options.key_file.empty())
    tls_ = TRY(TlsSettings::load(options.certificate_file, options.key_file));
  const unsigned tries = options.if_taken == ServerOptions::IfTaken::next_free ? kPortsTried : 1;
  for (unsigned i = 0; i < tries; ++i) {
    const auto port = static_cast<std::uint16_t>(options.port + i);
    auto socket = listening_socket(options.address, port);
    if (!socket && socket.error().code == Code::conflict && i + 1 < tries && port < 65'535)
      continue;
    auto fd = TRY(std::move(socket));
    port_ = end_of(fd.get(), ::getsockname).second;
    listener_.assign(fd.release());
    return {};
  }
  return fail(Code::conflict, "no port is free there");  // the last try has returned
}

Status ServerCore::start() {
  raise_descriptor_limit();
  spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  TRY(workers_.start(options.workers));
  post([this] { accept(); });
  thread_ = TRY(base::Thread::start("http-io", kStackBytes, [this] { io_.run(); }));
  return {};
}

void ServerCore::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  const auto for_all = [this](void (Connection::*act)()) {
    ConnectionList all;
    for (const auto& list : waiting_) all.insert(all.end(), list.begin(), list.end());
    for (const auto& connection : all) ((*connection).*act)();
  };
  post([this, for_all] {
    listener_.close();
    accept_timer_.cancel();
    for_all(&Connection::begin_stop);
  });
  workers_.stop();
  post([this, for_all] {
    for_all(&Connection::close);
    timer_.cancel();
    work_.reset();
  });
  thread_.join();
}

// --- connections -----------------------------------------------------------------------------

void ServerCore::accept() {
  listener_.async_wait(Descriptor::wait_read, [this](const boost::system::error_code& error) {
    if (!error && !is_stopping()) accept_ready();
  });
}

void ServerCore::accept_ready() {
  for (int i = 0; i < kAcceptsInARow; ++i) {
    const int fd =
        ::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      admit(fd);
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (is_out_of_descriptors(errno)) return out_of_descriptors();
    break;
  }
  accept();
}

// Without descriptors a connection cannot even be refused: one is given up for it.
void ServerCore::out_of_descriptors() {
  // The kernel looks for a descriptor first, so that it may be that nobody waits.
  pollfd waits{listener_.native_handle(), POLLIN, 0};
  if (::poll(&waits, 1, 0) != 1) return accept();
  if (!close_longest_idle()) {
    spare_.reset();
    Socket(::accept4(listener_.native_handle(), nullptr, nullptr, SOCK_CLOEXEC)).reset();
    spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    base::log(base::LogLevel::warning, "net", "the server has no descriptor left");
    accept_timer_.expires_after(kOutOfDescriptorsPause);
    accept_timer_.async_wait([this](const boost::system::error_code& error) {
      if (!error && !is_stopping()) accept();
    });
    return;
  }
  accept();
}

void ServerCore::admit(int fd) {
  if (GUARD("net.server-connections", connections() >= options.connections_max) &&
      !close_longest_idle()) {
    if (tls_) {  // a handshake is more than a refusal is worth
      ::close(fd);
      return;
    }
    ServerResponse response =
        refusal(503, {Code::busy, "the server has as many connections as it takes"});
    response.headers.emplace_back("Retry-After", "1");
    std::string bytes;
    if (append_head(response, {.after = After::closes, .content_length = response.body.size()},
                    date(), bytes))
      bytes += response.body;
    [[maybe_unused]] const auto sent =
        ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::close(fd);
    return;
  }
  Descriptor socket(io_);
  boost::system::error_code error;
  if (socket.assign(fd, error)) {
    ::close(fd);
    return;
  }
  std::unique_ptr<Transport> own;
  if (tls_ && !(own = tls_->accept(fd))) return;
  Transport& transport = own ? *own : static_cast<Transport&>(plain_);
  auto connection =
      std::make_shared<Connection>(*this, std::move(socket), transport, std::move(own));
  count_.fetch_add(1, std::memory_order_relaxed);
  auto& list = waiting_[static_cast<std::size_t>(Wait::none)];
  connection->place.at = list.insert(list.end(), connection);
  connection->begin();
}

bool ServerCore::close_longest_idle() {
  auto& idle = waiting_[static_cast<std::size_t>(Wait::idle)];
  if (idle.empty()) return false;
  const auto longest = idle.front();
  longest->close();
  return true;
}

void ServerCore::forget(Connection& connection) {
  count_.fetch_sub(1, std::memory_order_relaxed);
  waiting_[static_cast<std::size_t>(connection.place.wait)].erase(connection.place.at);
}

ConnectionEnds ServerCore::ends_of(int fd) {
  ConnectionEnds ends;
  std::tie(ends.peer, ends.peer_port) = end_of(fd, ::getpeername);
  std::tie(ends.local, ends.local_port) = end_of(fd, ::getsockname);
  return ends;
}

// --- time ------------------------------------------------------------------------------------

std::chrono::milliseconds ServerCore::limit_of(Wait wait) const {
  switch (wait) {
    case Wait::head: return options.timeouts.head;
    case Wait::idle: return options.timeouts.idle;
    case Wait::body: return options.timeouts.body;
    case Wait::write: return options.timeouts.write;
    case Wait::linger: return kLinger;
    case Wait::none: break;
  }
  return std::chrono::milliseconds::max();
}

void ServerCore::wait(Connection& connection, Wait wait) {
  WaitPlace& place = connection.place;
  auto& to = waiting_[static_cast<std::size_t>(wait)];
  to.splice(to.end(), waiting_[static_cast<std::size_t>(place.wait)], place.at);
  place.wait = wait;
  if (wait == Wait::none) return;
  place.deadline = clock_.steady() + limit_of(wait);
  if (place.deadline < armed_until_) arm_timer(place.deadline);
}

void ServerCore::judge_timeouts() {
  const auto now = clock_.steady();
  auto earliest = base::kNever;
  for (std::size_t i = 0; i + 1 < kWaits; ++i) {
    while (!waiting_[i].empty() && waiting_[i].front()->place.deadline <= now) {
      const auto late = waiting_[i].front();
      late->timed_out();
    }
    if (!waiting_[i].empty()) earliest = std::min(earliest, waiting_[i].front()->place.deadline);
  }
  armed_until_ = base::kNever;
  if (earliest != base::kNever) arm_timer(earliest);
}

void ServerCore::arm_timer(base::Steady deadline) {
  armed_until_ = deadline;
  timer_.expires_after(
      std::max<std::chrono::steady_clock::duration>(deadline - clock_.steady(), kTimerStep));
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) judge_timeouts();
  });
}

std::string_view ServerCore::date() {
  const std::int64_t second = clock_.now() / 1'000'000;
  if (second != date_second_) {
    date_second_ = second;
    date_ = http_date(second);
  }
  return date_;
}

// --- workers ---------------------------------------------------------------------------------

bool ServerCore::submit_request(ServerWorkers::Job&& job) {
  if (!workers_.submit_request(std::move(job))) return false;
  wake_workers_later();
  return true;
}

void ServerCore::submit_file(ServerWorkers::Job job) {
  workers_.submit_file(std::move(job));
  wake_workers_later();
}

// When all sockets that are ready now have been read.
void ServerCore::wake_workers_later() {
  if (std::exchange(is_wake_posted_, true)) return;
  post([this] {
    is_wake_posted_ = false;
    workers_.wake();
  });
}

// --- streams and refusals --------------------------------------------------------------------

void ServerCore::flush_later(std::shared_ptr<Connection> connection) {
  std::unique_lock lock(dirty_mutex_);
  dirty_.push_back(std::move(connection));
  const bool is_first = dirty_.size() == 1;
  lock.unlock();
  if (is_first) post([this] { flush_dirty(); });
}

void ServerCore::flush_dirty() {
  std::vector<std::shared_ptr<Connection>> dirty;
  {
    std::lock_guard lock(dirty_mutex_);
    dirty.swap(dirty_);
  }
  for (const auto& connection : dirty) connection->flush_stream();
}

ServerResponse ServerCore::refusal(int status, const Error& error) const {
  if (options.refusal) return options.refusal(status, error);
  const JsonObject inner{{"code", std::string(base::info(error.code).name)},
                         {"message", error.message}};
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}},
          .body = base::to_text(JsonObject{{"error", inner}})};
}

namespace {

class AsioServer final : public HttpServer {
 public:
  AsioServer(ServerOptions options, Handler handler)
      : core_(std::move(options), std::move(handler)) {}
  ~AsioServer() override { core_.stop(); }
  Status start() {
    TRY(core_.listen());
    return core_.start();
  }
  std::uint16_t port() const override { return core_.port(); }
  std::size_t connections() const override { return core_.connections(); }
  void check_timeouts() override {
    std::promise<void> done;
    core_.post([&] {
      core_.judge_timeouts();
      done.set_value();
    });
    done.get_future().wait();
  }

 private:
  ServerCore core_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(ServerOptions options, Handler handler) {
  try {
    auto server = std::make_unique<AsioServer>(std::move(options), std::move(handler));
    TRY(server->start());
    return server;
  } catch (const std::exception& error) {  // Asio, when it finds no descriptor for itself
    return fail(Code::busy, "the server cannot start: the system gives it no more resources",
                error.what());
  }
}

}  // namespace boxagnts::net
