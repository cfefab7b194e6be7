// The inside of the HTTP server: the I/O loop, who is connected and until when each may wait.
// The I/O thread alone uses it, but for post() and flush_later().
#pragma once

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/http_server.h"
#include "net/server_tls.h"
#include "net/server_transport.h"
#include "net/server_workers.h"

namespace boxagnts::net {

class Connection;

// What a connection waits for; each kind has one time limit, so that its list is in the order of
// deadlines.
enum class Wait : std::uint8_t { head, idle, body, write, linger, none };
constexpr std::size_t kWaits = 6;
using ConnectionList = std::list<std::shared_ptr<Connection>>;

struct WaitPlace {
  Wait wait = Wait::none;
  base::Steady deadline = base::kNever;
  ConnectionList::iterator at;
};

struct ConnectionEnds {
  IpAddress peer, local;
  std::uint16_t peer_port = 0, local_port = 0;
};

class ServerCore {
 public:
  using Io = boost::asio::io_context;
  using Descriptor = boost::asio::posix::basic_stream_descriptor<Io::executor_type>;

  ServerCore(ServerOptions server_options, Handler server_handler);

  Status listen();
  Status start();
  void stop();
  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return count_.load(std::memory_order_relaxed); }

  // From any thread.
  template <class Body>
  void post(Body body) {
    boost::asio::post(io_, std::move(body));
  }
  void flush_later(std::shared_ptr<Connection> connection);
  bool is_stopping() const { return stopping_.load(std::memory_order_relaxed); }

  void wait(Connection& connection, Wait wait);
  void forget(Connection& connection);
  void judge_timeouts();
  std::string_view date();
  static ConnectionEnds ends_of(int fd);
  ServerResponse refusal(int status, const Error& error) const;

  // False when the queue is full.
  bool submit_request(ServerWorkers::Job&& job);
  void submit_file(ServerWorkers::Job job);

  const ServerOptions options;
  const Handler handler;
  std::array<char, 64 << 10> scratch;  // what was just read, until the next read

 private:
  void accept();
  void accept_ready();
  void admit(int fd);
  void wake_workers_later();
  bool close_longest_idle();
  void out_of_descriptors();
  void arm_timer(base::Steady deadline);
  void flush_dirty();
  std::chrono::milliseconds limit_of(Wait wait) const;

  ServerWorkers workers_;
  bool is_wake_posted_ = false;
  base::SystemClock system_clock_;
  base::Clock& clock_;
  Io io_{1};
  boost::asio::executor_work_guard<Io::executor_type> work_{io_.get_executor()};
  Descriptor listener_{io_};
  boost::asio::steady_timer accept_timer_{io_};
  boost::asio::steady_timer timer_{io_};
  base::Steady armed_until_ = base::kNever;
  base::UniqueFd spare_;  // given up to take, and close, a connection when there are none left
  std::array<ConnectionList, kWaits> waiting_;
  std::atomic<std::size_t> count_ = 0;
  std::atomic<bool> stopping_ = false;
  std::uint16_t port_ = 0;
  PlainTransport plain_;
  std::unique_ptr<TlsSettings> tls_;  // null: plain
  std::int64_t date_second_ = -1;
  std::string date_;

  std::mutex dirty_mutex_;
  std::vector<std::shared_ptr<Connection>> dirty_;
  base::Thread thread_;
};

}  // namespace boxagnts::net
