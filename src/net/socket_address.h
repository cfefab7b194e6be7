// An IP address with a port as the kernel wants it, and back. Values; thread-safe.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <optional>

#include "net/address.h"

namespace boxagnts::net {

struct SocketAddress {
  sockaddr_storage bytes{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&bytes); }
};

SocketAddress socket_address(const IpAddress& address, std::uint16_t port);
std::uint16_t port_of(const SocketAddress& address);
// Of another family: none.
std::optional<IpAddress> address_of(const sockaddr& address);

}  // namespace boxagnts::net
