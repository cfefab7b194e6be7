#include "net/address.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

namespace boxagnts::net {
namespace {

struct Row {
  Network network;
  AddressClass kind;
};

Network network_of(const char* address, int prefix_bits) {
  return {*parse_ip(address), prefix_bits};
}

// IANA's special-purpose address registries, the narrower ranges first.
const std::vector<Row>& special_v4() {
  using enum AddressClass;
  static const std::vector<Row> kRows{
      {network_of("0.0.0.0", 32), unspecified},
      {network_of("0.0.0.0", 8), reserved},
      {network_of("10.0.0.0", 8), private_use},
      {network_of("100.64.0.0", 10), shared},
      {network_of("127.0.0.0", 8), loopback},
      {network_of("169.254.0.0", 16), link_local},
      {network_of("172.16.0.0", 12), private_use},
      {network_of("192.0.0.0", 24), reserved},    // protocol assignments
      {network_of("192.0.2.0", 24), reserved},    // documentation
      {network_of("192.88.99.0", 24), reserved},  // relays of 6to4, deprecated
      {network_of("192.168.0.0", 16), private_use},
      {network_of("198.18.0.0", 15), reserved},    // benchmarks
      {network_of("198.51.100.0", 24), reserved},  // documentation
      {network_of("203.0.113.0", 24), reserved},   // documentation
      {network_of("224.0.0.0", 4), multicast},
      {network_of("240.0.0.0", 4), reserved},  // the future, and broadcast
  };
  return kRows;
}

// Without those that hold an IPv4 address. Outside 2000::/3 what is not named here is reserved.
const std::vector<Row>& special_v6() {
  using enum AddressClass;
  static const std::vector<Row> kRows{
      {network_of("::", 128), unspecified},
      {network_of("::1", 128), loopback},
      {network_of("64:ff9b:1::", 48), reserved},  // NAT64 of somebody's own; where its IPv4 stands
                                                  // only they know
      {network_of("100::", 64), reserved},        // discarded
      {network_of("2001::", 32), tunnel},
      {network_of("2001::", 23), reserved},      // protocol assignments
      {network_of("2001:db8::", 32), reserved},  // documentation
      {network_of("3fff::", 20), reserved},      // documentation
      {network_of("5f00::", 16), reserved},      // segment routing
      {network_of("fc00::", 7), private_use},
      {network_of("fe80::", 10), link_local},
      {network_of("fec0::", 10), private_use},  // site-local, deprecated
      {network_of("ff00::", 8), multicast},
  };
  return kRows;
}

// Networks whose addresses stand for the IPv4 address that begins at this byte.
struct Carrier {
  Network network;
  std::size_t at;
};
const std::vector<Carrier>& carriers() {
  static const std::vector<Carrier> kCarriers{
      {network_of("::ffff:0:0", 96), 12},
      {network_of("64:ff9b::", 96), 12},
      {network_of("2002::", 16), 2},
  };
  return kCarriers;
}

IpAddress v4_at(const IpAddress& address, std::initializer_list<std::size_t> places) {
  IpAddress inside;
  std::size_t at = 0;
  for (const auto place : places) inside.bytes[at++] = address.bytes[place];
  return inside;
}

IpAddress v4_at(const IpAddress& address, std::size_t at) {
  return v4_at(address, {at, at + 1, at + 2, at + 3});
}

bool same_bits(const IpAddress& a, const IpAddress& b, int bits) {
  const auto whole = static_cast<std::size_t>(bits / 8);
  if (!std::equal(a.bytes.begin(), a.bytes.begin() + whole, b.bytes.begin())) return false;
  const int rest = bits % 8;
  return rest == 0 || (a.bytes[whole] ^ b.bytes[whole]) >> (8 - rest) == 0;
}

std::vector<IpAddress> addresses_of_interfaces() {
  std::vector<IpAddress> found;
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return found;
  for (const auto* entry = first; entry; entry = entry->ifa_next) {
    if (!entry->ifa_addr) continue;
    IpAddress address;
    if (entry->ifa_addr->sa_family == AF_INET) {
      sockaddr_in in;
      std::memcpy(&in, entry->ifa_addr, sizeof in);
      std::memcpy(address.bytes.data(), &in.sin_addr, 4);
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      sockaddr_in6 in6;
      std::memcpy(&in6, entry->ifa_addr, sizeof in6);
      address.v4 = false;
      std::memcpy(address.bytes.data(), &in6.sin6_addr, 16);
    } else {
      continue;
    }
    found.push_back(address);
  }
  ::freeifaddrs(first);
  return found;
}

}  // namespace

std::string IpAddress::text() const {
  char text[INET6_ADDRSTRLEN] = "";
  ::inet_ntop(v4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.size() >= INET6_ADDRSTRLEN || text.contains('\0')) return std::nullopt;
  const std::string ended(text);
  IpAddress address;
  if (::inet_pton(AF_INET, ended.c_str(), address.bytes.data()) == 1) return address;
  address.v4 = false;
  if (::inet_pton(AF_INET6, ended.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::string_view name_of(AddressClass kind) {
  switch (kind) {
    case AddressClass::global: return "global";
    case AddressClass::private_use: return "private";
    case AddressClass::loopback: return "loopback";
    case AddressClass::link_local: return "link-local";
    case AddressClass::shared: return "shared (carrier NAT)";
    case AddressClass::multicast: return "multicast";
    case AddressClass::unspecified: return "unspecified";
    case AddressClass::reserved: return "reserved";
    case AddressClass::tunnel: return "tunnel (Teredo)";
  }
  std::unreachable();
}

AddressClass class_of(const IpAddress& address) {
  if (!address.v4)
    for (const auto& carrier : carriers())
      if (carrier.network.holds(address)) return class_of(v4_at(address, carrier.at));
  for (const auto& row : address.v4 ? special_v4() : special_v6())
    if (row.network.holds(address)) return row.kind;
  static const Network kGlobalUnicast = network_of("2000::", 3);
  return address.v4 || kGlobalUnicast.holds(address) ? AddressClass::global
                                                     : AddressClass::reserved;
}

std::vector<IpAddress> embedded_ipv4(const IpAddress& address) {
  std::vector<IpAddress> found;
  if (address.v4) return found;
  for (const auto& carrier : carriers())
    if (carrier.network.holds(address)) found.push_back(v4_at(address, carrier.at));
  static const Network kCompatible = network_of("::", 96);
  static const Network kLocalNat64 = network_of("64:ff9b:1::", 48);
  if (kCompatible.holds(address)) found.push_back(v4_at(address, 12));
  if (kLocalNat64.holds(address))  // RFC 6052, section 2.2: byte 8 is left out
    for (const auto& places : {std::initializer_list<std::size_t>{6, 7, 9, 10},
                               {7, 9, 10, 11},
                               {9, 10, 11, 12},
                               {12, 13, 14, 15}})
      found.push_back(v4_at(address, places));
  return found;
}

bool Network::holds(const IpAddress& address) const {
  return address.v4 == first.v4 && same_bits(first, address, prefix_bits);
}

bool Network::holds(const Network& other) const {
  return other.prefix_bits >= prefix_bits && holds(other.first);
}

std::string Network::text() const { return first.text() + "/" + std::to_string(prefix_bits); }

Result<Network> parse_network(std::string_view text) {
  const auto wrong = [&](std::string why) {
    return fail(Code::invalid_argument,
                "\"" + std::string(text.substr(0, 100)) + "\" is no network: " + std::move(why));
  };
  const auto slash = text.find('/');
  if (slash == text.npos) return wrong("the bits of its prefix are missing, as in 10.0.0.0/8");
  const auto first = parse_ip(text.substr(0, slash));
  if (!first) return wrong("it begins with no address; write it as 10.0.0.0/8 or fd00::/8");
  const auto digits = text.substr(slash + 1);
  Network network{*first, -1};
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), network.prefix_bits);
  const int bits_max = first->v4 ? 32 : 128;
  if (error != std::errc() || end != digits.data() + digits.size() || digits.size() > 3 ||
      network.prefix_bits < 0 || network.prefix_bits > bits_max)
    return wrong("its prefix is no number from 0 to " + std::to_string(bits_max));
  Network cut = network;
  for (int bit = network.prefix_bits; bit < bits_max; ++bit)
    cut.first.bytes[static_cast<std::size_t>(bit / 8)] &=
        static_cast<std::uint8_t>(~(0x80u >> (bit % 8)));
  if (cut.first != network.first)
    return wrong("bits behind its prefix are set; " + cut.text() + " is one");
  return network;
}

bool has_no_global(const Network& network) {
  for (const auto& carrier : carriers()) {
    if (!carrier.network.holds(network)) continue;
    const int bits = network.prefix_bits - static_cast<int>(8 * carrier.at);
    return has_no_global({v4_at(network.first, carrier.at), std::clamp(bits, 0, 32)});
  }
  return std::ranges::any_of(network.first.v4 ? special_v4() : special_v6(),
                             [&](const Row& row) { return row.network.holds(network); });
}

bool is_of_this_machine(const IpAddress& address) {
  std::vector<IpAddress> forms = embedded_ipv4(address);
  forms.push_back(address);
  const auto interfaces = addresses_of_interfaces();
  return interfaces.empty() || std::ranges::any_of(forms, [&](const IpAddress& form) {
           const auto kind = class_of(form);
           return kind == AddressClass::loopback || kind == AddressClass::unspecified ||
                  std::ranges::find(interfaces, form) != interfaces.end();
         });
}

}  // namespace boxagnts::net
