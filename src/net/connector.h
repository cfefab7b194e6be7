// Connecting to one of several addresses by happy eyeballs (RFC 8305): families take turns, each
// attempt has 250 ms before the next begins beside it, the first that stands is taken.
//
// Connects to exactly the addresses it is given. Thread-safe: functions.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "net/address.h"
#include "net/waiter.h"

namespace boxagnts::net {

struct Connected {
  base::UniqueFd fd;  // does not block
  IpAddress peer;
};

// IPv6 first, then in turns; the order within a family stays.
std::vector<IpAddress> interleaved(const std::vector<IpAddress>& addresses);

// `peer` names the other side in sentences. Errors: unavailable (that of the last attempt),
// timeout, cancelled.
Result<Connected> connect_any(const std::vector<IpAddress>& addresses, std::uint16_t port,
                              const std::string& peer, const Deadline& deadline, Waiter& waiter);

}  // namespace boxagnts::net
