#include "net/peer_user.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <span>

#include "base/file.h"
#include "base/guard.h"

namespace boxagnts::net {
namespace {

// IPv4 that came in as IPv4-mapped IPv6: the kernel keeps both in one table.
IpAddress unmapped(const IpAddress& address) {
  constexpr std::array<std::uint8_t, 12> kPrefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (address.v4 || !std::ranges::equal(kPrefix, std::span(address.bytes).first(12)))
    return address;
  IpAddress v4{.v4 = true};
  std::ranges::copy(std::span(address.bytes).last(4), v4.bytes.begin());
  return v4;
}

IpAddress address_of(std::uint8_t family, const __be32 (&words)[4]) {
  IpAddress address{.v4 = family == AF_INET};
  std::memcpy(address.bytes.data(), words, address.v4 ? 4 : 16);
  return unmapped(address);
}

struct Question {
  nlmsghdr header;
  inet_diag_req_v2 body;
};

Question question_of(const ConnectionOf& of) {
  Question question{};
  question.header = {.nlmsg_len = sizeof question,
                     .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                     .nlmsg_flags = NLM_F_REQUEST,
                     .nlmsg_seq = 1};
  auto& body = question.body;
  body.sdiag_family = of.client.v4 ? AF_INET : AF_INET6;
  body.sdiag_protocol = IPPROTO_TCP;
  body.idiag_states = 1u << TCP_ESTABLISHED;
  body.id.idiag_sport = htons(of.client_port);
  body.id.idiag_dport = htons(of.server_port);
  std::memcpy(body.id.idiag_src, of.client.bytes.data(), of.client.v4 ? 4 : 16);
  std::memcpy(body.id.idiag_dst, of.server.bytes.data(), of.server.v4 ? 4 : 16);
  body.id.idiag_cookie[0] = body.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
  return question;
}

Result<inet_diag_msg> ask(const Question& question) {
  const base::UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG));
  const timeval patience{.tv_sec = 1, .tv_usec = 0};
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (!fd || ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      ::sendto(fd.get(), &question, sizeof question, 0, reinterpret_cast<const sockaddr*>(&kernel),
               sizeof kernel) < 0)
    return fail(Code::unavailable, "the kernel does not say who holds a connection",
                base::errno_text(errno));
  alignas(nlmsghdr) char answer[4096];
  const ssize_t got = ::recv(fd.get(), answer, sizeof answer, 0);
  nlmsghdr header{};
  if (got < static_cast<ssize_t>(sizeof header))
    return fail(Code::unavailable, "the kernel does not say who holds a connection");
  std::memcpy(&header, answer, sizeof header);
  inet_diag_msg message{};
  if (header.nlmsg_type != SOCK_DIAG_BY_FAMILY ||
      got < static_cast<ssize_t>(NLMSG_LENGTH(sizeof message)))
    return fail(Code::permission_denied, "there is no such connection on this machine");
  std::memcpy(&message, answer + NLMSG_HDRLEN, sizeof message);
  return message;
}

}  // namespace

Result<uid_t> peer_user(const ConnectionOf& connection) {
  ConnectionOf of = connection;
  of.client = unmapped(of.client);
  of.server = unmapped(of.server);
  if (GUARD("net.peer-loopback", class_of(of.client) != AddressClass::loopback ||
                                     class_of(of.server) != AddressClass::loopback))
    return fail(Code::permission_denied, "the connection does not come from this machine");
  if (of.client.v4 != of.server.v4)
    return fail(Code::permission_denied, "there is no such connection on this machine");
  const inet_diag_msg found = TRY(ask(question_of(of)));
  // Without such a connection the kernel offers a socket that listens on the port.
  const bool is_it = found.idiag_state == TCP_ESTABLISHED &&
                     found.id.idiag_sport == htons(of.client_port) &&
                     found.id.idiag_dport == htons(of.server_port) &&
                     address_of(found.idiag_family, found.id.idiag_src) == of.client &&
                     address_of(found.idiag_family, found.id.idiag_dst) == of.server;
  if (GUARD("net.peer-connection", !is_it))
    return fail(Code::permission_denied, "there is no such connection on this machine");
  // A socket that its process has closed belongs to root in the kernel's answer.
  if (GUARD("net.peer-inode", found.idiag_inode == 0))
    return fail(Code::permission_denied, "the connection belongs to no process any more");
  return found.idiag_uid;
}

}  // namespace boxagnts::net
