#include "net/peer_user.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>

#include "base/file.h"

namespace boxagnts::net {
namespace {

using base::UniqueFd;

sockaddr_in6 any_port(const char* address) {
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  ::inet_pton(AF_INET6, address, &any.sin6_addr);
  return any;
}

std::pair<IpAddress, std::uint16_t> end_of(int fd, int (*name)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage bytes{};
  socklen_t size = sizeof bytes;
  EXPECT_EQ(name(fd, reinterpret_cast<sockaddr*>(&bytes), &size), 0);
  IpAddress address;
  address.v4 = bytes.ss_family == AF_INET;
  if (address.v4) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(bytes);
    std::memcpy(address.bytes.data(), &v4.sin_addr, 4);
    return {address, ntohs(v4.sin_port)};
  }
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(bytes);
  std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
  return {address, ntohs(v6.sin6_port)};
}

// A real connection; what the accepting side sees of it.
struct Connected {
  UniqueFd listener, client, server;
  ConnectionOf seen;

  template <class Address>
  Connected(const Address& listen, const char* to, uid_t as = ::getuid())
      : listener(::socket(family(listen), SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const int off = 0;
    ::setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&listen), sizeof listen), 0);
    EXPECT_EQ(::listen(listener.get(), 4), 0);
    const auto port = end_of(listener.get(), ::getsockname).second;
    const IpAddress target = *parse_ip(to);
    if (::seteuid(as) != 0) ADD_FAILURE();  // a socket belongs to who makes it
    client.reset(::socket(target.v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::seteuid(::getuid()) != 0) ADD_FAILURE();
    sockaddr_storage bytes{};
    socklen_t size;
    if (target.v4) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(bytes);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      std::memcpy(&v4.sin_addr, target.bytes.data(), 4);
      size = sizeof v4;
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(bytes);
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      std::memcpy(&v6.sin6_addr, target.bytes.data(), 16);
      size = sizeof v6;
    }
    EXPECT_EQ(::connect(client.get(), reinterpret_cast<const sockaddr*>(&bytes), size), 0);
    server.reset(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    std::tie(seen.client, seen.client_port) = end_of(server.get(), ::getpeername);
    std::tie(seen.server, seen.server_port) = end_of(server.get(), ::getsockname);
  }
  static int family(const sockaddr_in&) { return AF_INET; }
  static int family(const sockaddr_in6&) { return AF_INET6; }
};

sockaddr_in v4_any() {
  sockaddr_in any{};
  any.sin_family = AF_INET;
  any.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return any;
}

bool is_refused(const ConnectionOf& connection) {
  const auto user = peer_user(connection);
  return !user && user.error().code == Code::permission_denied;
}

TEST(PeerUser, IsWhoMadeTheSocket) {
  const Connected v4(v4_any(), "127.0.0.1");
  EXPECT_EQ(peer_user(v4.seen), ::getuid());
  const Connected v6(any_port("::1"), "::1");
  EXPECT_EQ(peer_user(v6.seen), ::getuid());
}

// The server listens on IPv6 for both, and sees an IPv4-mapped address.
TEST(PeerUser, IsKnownBehindAnIpv4MappedAddress) {
  const Connected plain(any_port("::"), "127.0.0.1");
  EXPECT_EQ(plain.seen.client.text(), "::ffff:127.0.0.1");
  EXPECT_EQ(peer_user(plain.seen), ::getuid());
  const Connected mapped(v4_any(), "::ffff:127.0.0.1");
  EXPECT_EQ(peer_user(mapped.seen), ::getuid());
}

TEST(PeerUser, IsNotWhoAccepted) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can be somebody else";
  constexpr uid_t kNobody = 65'534;
  const Connected other(v4_any(), "127.0.0.1", kNobody);
  EXPECT_EQ(peer_user(other.seen), kNobody);
}

TEST(PeerUser, AForgedConnectionIsRefused) {
  const Connected real(v4_any(), "127.0.0.1");
  ConnectionOf forged = real.seen;
  ++forged.client_port;
  EXPECT_TRUE(is_refused(forged));
  forged = real.seen;
  forged.client = *parse_ip("127.0.0.2");
  EXPECT_TRUE(is_refused(forged));
  // A port on which somebody listens, for which the kernel offers the listener.
  forged = {real.seen.server, real.seen.server_port, real.seen.server, 1};
  EXPECT_TRUE(is_refused(forged));
  // Mixed families are no connection.
  forged = real.seen;
  forged.server = *parse_ip("::1");
  EXPECT_TRUE(is_refused(forged));
}

TEST(PeerUser, AnotherMachineIsRefusedUnasked) {
  ConnectionOf other{*parse_ip("192.0.2.1"), 1000, *parse_ip("127.0.0.1"), 2000};
  auto user = peer_user(other);
  ASSERT_FALSE(user);
  EXPECT_NE(user.error().message.find("does not come from this machine"), std::string::npos);
  std::swap(other.client, other.server);
  user = peer_user(other);
  ASSERT_FALSE(user);
  EXPECT_NE(user.error().message.find("does not come from this machine"), std::string::npos);
}

// Who has closed its socket is nobody: the kernel would say root.
TEST(PeerUser, AClosedSocketIsRefused) {
  Connected closed(v4_any(), "127.0.0.1");
  closed.client.reset();
  EXPECT_TRUE(is_refused(closed.seen));
}

// A connection that nobody has accepted yet is established and nobody's.
TEST(PeerUser, ASocketOfNoProcessIsRefused) {
  const Connected first(v4_any(), "127.0.0.1");
  sockaddr_in to = v4_any();
  to.sin_port = htons(first.seen.server_port);
  const UniqueFd waits(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::connect(waits.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  const auto [address, port] = end_of(waits.get(), ::getsockname);
  EXPECT_EQ(peer_user({address, port, first.seen.server, first.seen.server_port}), ::getuid());
  EXPECT_TRUE(is_refused({first.seen.server, first.seen.server_port, address, port}));
}

}  // namespace
}  // namespace boxagnts::net
