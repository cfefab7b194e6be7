#include "net/socket_address.h"

#include <netinet/in.h>

#include <cstring>

namespace boxagnts::net {

SocketAddress socket_address(const IpAddress& address, std::uint16_t port) {
  SocketAddress out;
  if (address.v4) {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.bytes.data(), sizeof v4.sin_addr);
    std::memcpy(&out.bytes, &v4, sizeof v4);
    out.size = sizeof v4;
  } else {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes.data(), sizeof v6.sin6_addr);
    std::memcpy(&out.bytes, &v6, sizeof v6);
    out.size = sizeof v6;
  }
  return out;
}

std::optional<IpAddress> address_of(const sockaddr& address) {
  IpAddress out;
  if (address.sa_family == AF_INET) {
    std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in&>(address).sin_addr, 4);
    return out;
  }
  if (address.sa_family != AF_INET6) return std::nullopt;
  out.v4 = false;
  std::memcpy(out.bytes.data(), &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, 16);
  return out;
}

std::uint16_t port_of(const SocketAddress& address) {
  if (address.bytes.ss_family == AF_INET)
    return ntohs(reinterpret_cast<const sockaddr_in&>(address.bytes).sin_port);
  return ntohs(reinterpret_cast<const sockaddr_in6&>(address.bytes).sin6_port);
}

}  // namespace boxagnts::net
