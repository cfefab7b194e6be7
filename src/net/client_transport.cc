#include "net/client_transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace boxagnts::net {
namespace {

class SocketTransport final : public ClientTransport {
 public:
  SocketTransport(base::UniqueFd fd, std::string peer)
      : fd_(std::move(fd)), peer_(std::move(peer)) {}

  Result<std::optional<std::size_t>> read(std::span<char> into) override {
    return outcome(::recv(fd_.get(), into.data(), into.size(), MSG_DONTWAIT));
  }
  Result<std::optional<std::size_t>> write(std::string_view bytes) override {
    return outcome(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  }
  int descriptor() const override { return fd_.get(); }

 private:
  Result<std::optional<std::size_t>> outcome(ssize_t moved) const {
    if (moved >= 0) return static_cast<std::size_t>(moved);
    if (errno == EAGAIN || errno == EINTR) return std::nullopt;
    return fail(Code::unavailable,
                "the connection to " + peer_ + " was cut (" + base::errno_text(errno) + ")");
  }

  const base::UniqueFd fd_;
  const std::string peer_;
};

}  // namespace

std::unique_ptr<ClientTransport> make_socket_transport(base::UniqueFd fd, std::string peer) {
  return std::make_unique<SocketTransport>(std::move(fd), std::move(peer));
}

Status write_all(ClientTransport& transport, std::string_view bytes, const Deadline& deadline,
                 Waiter& waiter) {
  while (!bytes.empty()) {
    if (const auto put = TRY(transport.write(bytes)))
      bytes.remove_prefix(*put);
    else
      TRY(waiter.wait(transport.descriptor(), transport.write_events(), deadline));
  }
  return {};
}

Result<std::size_t> read_some(ClientTransport& transport, std::span<char> into,
                              const Deadline& deadline, Waiter& waiter) {
  while (true) {
    if (const auto got = TRY(transport.read(into))) {
      if (*got == 0) return fail(Code::unavailable, deadline.doing + ": the other side hung up");
      return *got;
    }
    TRY(waiter.wait(transport.descriptor(), transport.read_events(), deadline));
  }
}

}  // namespace boxagnts::net
