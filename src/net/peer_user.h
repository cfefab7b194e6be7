// Which user of this machine holds the other end of a TCP connection over loopback: asked of the
// kernel (sock_diag) by the exact addresses and ports of the client's socket. What a request says
// of itself plays no part. Thread-safe; one question takes some microseconds.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/error.h"
#include "net/address.h"

namespace boxagnts::net {

// The ends of a connection as the client sees them: its own first.
struct ConnectionOf {
  IpAddress client;
  std::uint16_t client_port = 0;
  IpAddress server;
  std::uint16_t server_port = 0;
};

// Whose socket the client's is. Errors: permission_denied when that is not known for certain (not
// loopback, no such connection, one that is not established or belongs to no process any more),
// unavailable when the kernel does not answer such questions.
Result<uid_t> peer_user(const ConnectionOf& connection);

}  // namespace boxagnts::net
