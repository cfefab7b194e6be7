// What the server's tests share: a server on loopback and clients that send bytes as they like.
// Waits end when what is waited for has come; the time limit of a socket is for failing tests only.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_server.h"

namespace boxagnts::net {

inline std::unique_ptr<HttpServer> start_server(Handler handler, ServerOptions options = {}) {
  options.address = *parse_ip("127.0.0.1");
  auto server = HttpServer::start(std::move(options), std::move(handler));
  if (!server) {
    ADD_FAILURE() << server.error().message;
    return nullptr;
  }
  return std::move(*server);
}

class RawClient {
 public:
  RawClient() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  explicit RawClient(std::uint16_t port, int receive_buffer_bytes = 0) : RawClient() {
    if (receive_buffer_bytes > 0)
      ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer_bytes,
                   sizeof receive_buffer_bytes);
    connect(port);
  }
  void connect(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      ADD_FAILURE() << "cannot connect: " << std::strerror(errno);
  }

  int fd() const { return fd_.get(); }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  void end() { ::shutdown(fd_.get(), SHUT_WR); }
  // Closes so that the other side sees a reset.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    fd_.reset();
  }
  void close() { fd_.reset(); }

  // False at the end of the stream (or after the time limit, which fails the test).
  bool receive() {
    char buffer[16 << 10];
    const ssize_t got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) ADD_FAILURE() << "nothing came after: " << seen_;
    if (got <= 0) return false;
    seen_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
  // All until the server closes.
  std::string rest() {
    while (receive()) {
    }
    return std::exchange(seen_, {});
  }
  // Up to and with `mark`; what came later stays for the next call.
  std::string until(std::string_view mark) {
    std::size_t at;
    while ((at = seen_.find(mark)) == std::string::npos)
      if (!receive()) return std::exchange(seen_, {});
    std::string before = seen_.substr(0, at + mark.size());
    seen_.erase(0, before.size());
    return before;
  }
  std::string bytes(std::size_t count) {
    while (seen_.size() < count && receive()) {
    }
    std::string taken = seen_.substr(0, count);
    seen_.erase(0, taken.size());
    return taken;
  }
  // One answer with Content-Length: head and body.
  std::string answer() {
    std::string head = until("\r\n\r\n");
    const auto at = head.find("Content-Length: ");
    if (at == std::string::npos) return head;
    return head + bytes(std::strtoull(head.c_str() + at + 16, nullptr, 10));
  }

 private:
  base::UniqueFd fd_;
  std::string seen_;
};

inline int status_of(std::string_view answer) {
  if (!answer.starts_with("HTTP/1.1 ")) return 0;
  return std::atoi(std::string(answer.substr(9, 3)).c_str());
}

inline std::string_view body_of(std::string_view answer) {
  const auto end = answer.find("\r\n\r\n");
  return end == std::string_view::npos ? std::string_view() : answer.substr(end + 4);
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/fd"))
    ++count;
  return count;
}

}  // namespace boxagnts::net
