// IP addresses and what kind of network they belong to: what decides whether a connection that a
// name led to may be made. Values; thread-safe; pure but for is_of_this_machine.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace boxagnts::net {

// IPv4 is kept as IPv4; an IPv4-mapped IPv6 address stays IPv6, as it came.
struct IpAddress {
  bool v4 = true;
  std::array<std::uint8_t, 16> bytes{};  // in network order; of IPv4 the first four

  std::string text() const;  // as inet_ntop writes it
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

// A dotted quad of decimal numbers or an IPv6 address, to the letter: no brackets, no zone, none of
// inet_aton's shorter forms.
std::optional<IpAddress> parse_ip(std::string_view text);

enum class AddressClass : std::uint8_t {
  global,
  private_use,
  loopback,
  link_local,  // where clouds keep their metadata services
  shared,      // 100.64.0.0/10, behind a carrier's NAT
  multicast,
  unspecified,  // 0.0.0.0 and ::, which connect to this machine
  reserved,     // all else that IANA's special-purpose registries do not call globally reachable
  tunnel,       // Teredo: the IPv4 inside is somebody's relay, not the one that is reached
};
std::string_view name_of(AddressClass kind);

// IPv4-mapped, NAT64 (64:ff9b::/96) and 6to4 addresses are of the class of the IPv4 inside. What no
// registry knows is reserved.
AddressClass class_of(const IpAddress& address);

// The IPv4 addresses that an IPv6 address may stand for: mapped, compatible, NAT64 (64:ff9b::/96;
// below 64:ff9b:1::/48 for every prefix length of RFC 6052), 6to4. Of IPv4 none.
std::vector<IpAddress> embedded_ipv4(const IpAddress& address);

// "10.0.0.0/8", "fd00::/8".
struct Network {
  IpAddress first;
  int prefix_bits = 0;

  bool holds(const IpAddress& address) const;  // of its own family
  bool holds(const Network& other) const;
  std::string text() const;
};
// Errors: invalid_argument, also when bits behind the prefix are set.
Result<Network> parse_network(std::string_view text);

// Whether it is known that no address of it is global.
bool has_no_global(const Network& network);

// Loopback, unspecified, or an address that an interface of this machine has now; an IPv6 address
// also when one of its embedded IPv4 addresses is. Asks the kernel each time; when that fails every
// address counts as ours.
bool is_of_this_machine(const IpAddress& address);

}  // namespace boxagnts::net
