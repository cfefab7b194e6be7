#include "net/server_transport.h"

#include <sys/socket.h>

#include <cerrno>

namespace boxagnts::net {

IoResult PlainTransport::read(int fd, std::span<char> into) {
  const ssize_t got = ::recv(fd, into.data(), into.size(), 0);
  if (got > 0) {
    const auto bytes = static_cast<std::size_t>(got);
    return {IoState::moved, bytes, bytes < into.size()};
  }
  if (got == 0) return {IoState::ended};
  if (errno == EAGAIN || errno == EINTR) return {IoState::want_read};
  return {IoState::failed};
}

IoResult PlainTransport::write(int fd, std::span<const iovec> pieces, More more) {
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(pieces.data());
  message.msg_iovlen = pieces.size();
  const int flags = MSG_NOSIGNAL | (more == More::follows ? MSG_MORE : 0);
  const ssize_t put = ::sendmsg(fd, &message, flags);
  if (put >= 0) return {IoState::moved, static_cast<std::size_t>(put)};
  if (errno == EAGAIN || errno == EINTR) return {IoState::want_write};
  return {IoState::failed};
}

void PlainTransport::finish(int fd) { ::shutdown(fd, SHUT_WR); }

}  // namespace boxagnts::net
