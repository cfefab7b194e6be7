// Looking names up, by c-ares: /etc/hosts, then the name servers.
//
// localhost and what is below it are this machine, and an address is itself, without a look-up
// (RFC 6761). Each look-up has its own channel on the calling thread: thread-safe, nothing is kept,
// so two look-ups may give different answers, and who checks an answer uses that very answer.
// Errors: unavailable (no such name, no answer), timeout, cancelled. At most 16 addresses.
#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "net/http_client.h"
#include "net/waiter.h"

namespace boxagnts::net {

bool is_local_name(const std::string& host);  // localhost, *.localhost

class Resolver {
 public:
  explicit Resolver(std::vector<DnsServer> name_servers);
  // In the order of the answer, not sorted by family.
  Result<std::vector<IpAddress>> addresses_of(const std::string& host, const Deadline& deadline,
                                              Waiter& waiter) const;

 private:
  std::string servers_;  // as c-ares wants them; "" = the system's
};

}  // namespace boxagnts::net
