#include "net/connector.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>

#include "net/socket_address.h"

namespace boxagnts::net {
namespace {

using namespace std::chrono_literals;
constexpr auto kStagger = 250ms;

class Race {
 public:
  Race(const std::vector<IpAddress>& addresses, std::uint16_t port, const std::string& peer)
      : addresses_(interleaved(addresses)), port_(port), peer_(peer) {}

  Result<Connected> run(const Deadline& deadline, Waiter& waiter) {
    while (true) {
      TRY(waiter.check(deadline));
      // The next begins when its time has come, or when nobody else is running.
      const auto now = Clock::now();
      if (next_ < addresses_.size() && (runners_.empty() || now >= next_at_)) {
        if (auto won = begin(addresses_[next_++])) return std::move(*won);
        next_at_ = now + kStagger;
        continue;
      }
      if (runners_.empty()) return std::unexpected(last_);
      const bool more = next_ < addresses_.size();
      std::vector<pollfd> wanted;
      for (const auto& runner : runners_) wanted.push_back({runner.fd.get(), POLLOUT, 0});
      if (!TRY(waiter.wait_until(wanted, more ? next_at_ : Clock::time_point::max(), deadline)))
        continue;
      if (auto won = look(wanted)) return std::move(*won);
    }
  }

 private:
  // Taken at once, under way, or failed at once.
  std::optional<Connected> begin(const IpAddress& address) {
    Connected runner{base::UniqueFd(::socket(address.v4 ? AF_INET : AF_INET6,
                                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)),
                     address};
    if (!runner.fd) {
      failed(errno);
      return std::nullopt;
    }
    const int one = 1;
    ::setsockopt(runner.fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ::setsockopt(runner.fd.get(), SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    const auto to = socket_address(address, port_);
    if (::connect(runner.fd.get(), to.get(), to.size) == 0) return runner;
    if (errno == EINPROGRESS || errno == EINTR)
      runners_.push_back(std::move(runner));
    else
      failed(errno);
    return std::nullopt;
  }

  std::optional<Connected> look(const std::vector<pollfd>& polled) {
    for (std::size_t i = polled.size(); i-- > 0;) {
      if (polled[i].revents == 0) continue;
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(runners_[i].fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error == 0) return std::move(runners_[i]);
      failed(error);
      runners_.erase(runners_.begin() + static_cast<std::ptrdiff_t>(i));
      next_at_ = Clock::now();  // no reason to wait any longer
    }
    return std::nullopt;
  }

  void failed(int error) {
    last_ = {Code::unavailable, "cannot connect to " + peer_ + " (" + base::errno_text(error) +
                                    "); is the server running?"};
  }

  const std::vector<IpAddress> addresses_;
  const std::uint16_t port_;
  const std::string& peer_;
  std::vector<Connected> runners_;
  std::size_t next_ = 0;
  Clock::time_point next_at_;
  Error last_{Code::unavailable, peer_ + " has no address"};
};

}  // namespace

std::vector<IpAddress> interleaved(const std::vector<IpAddress>& addresses) {
  std::vector<IpAddress> families[2], out;
  for (const auto& address : addresses) families[address.v4 ? 1 : 0].push_back(address);
  for (std::size_t i = 0; i < std::max(families[0].size(), families[1].size()); ++i)
    for (const auto& family : families)
      if (i < family.size()) out.push_back(family[i]);
  return out;
}

Result<Connected> connect_any(const std::vector<IpAddress>& addresses, std::uint16_t port,
                              const std::string& peer, const Deadline& deadline, Waiter& waiter) {
  return Race(addresses, port, peer).run(deadline, waiter);
}

}  // namespace boxagnts::net
