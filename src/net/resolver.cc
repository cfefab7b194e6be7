#include "net/resolver.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <optional>

#include "net/socket_address.h"

namespace boxagnts::net {
namespace {

constexpr std::size_t kAddressesMax = 16;
constexpr int kServerTimeoutMs = 2'000;
constexpr int kTries = 3;

// What a look-up writes; outlives its channel.
struct Answer {
  std::optional<int> status;
  std::vector<IpAddress> addresses;

  static void arrived(void* self, int status, int, ares_addrinfo* found) {
    auto& answer = *static_cast<Answer*>(self);
    answer.status = status;
    if (!found) return;
    for (const auto* node = found->nodes; node; node = node->ai_next) {
      const auto address = address_of(*node->ai_addr);
      if (address && answer.addresses.size() < kAddressesMax &&
          std::ranges::find(answer.addresses, *address) == answer.addresses.end())
        answer.addresses.push_back(*address);
    }
    ::ares_freeaddrinfo(found);
  }
};

struct Destroy {
  void operator()(ares_channel channel) const { ::ares_destroy(channel); }
};
using Channel = std::unique_ptr<ares_channeldata, Destroy>;

Result<Channel> make_channel(const std::string& servers) {
  ares_options options{};
  options.timeout = kServerTimeoutMs;
  options.tries = kTries;
  char lookups[] = "fb";  // the file, then the servers; whatever nsswitch says
  options.lookups = lookups;
  ares_channel made = nullptr;
  int error =
      ::ares_init_options(&made, &options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS);
  Channel channel(made);
  if (error == ARES_SUCCESS && !servers.empty())
    error = ::ares_set_servers_ports_csv(channel.get(), servers.c_str());
  if (error != ARES_SUCCESS)
    return fail(Code::unavailable, "names cannot be looked up here", ::ares_strerror(error));
  return channel;
}

// Waits once for the channel's sockets or its own timers, and lets it work.
Status turn(ares_channel channel, const Deadline& deadline, Waiter& waiter) {
  std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
  const int bits = ::ares_getsock(channel, sockets.data(), ARES_GETSOCK_MAXNUM);
  std::array<pollfd, ARES_GETSOCK_MAXNUM> wanted{};
  std::size_t count = 0;
  for (int i = 0; i < ARES_GETSOCK_MAXNUM; ++i) {
    const bool reads = ARES_GETSOCK_READABLE(bits, i), writes = ARES_GETSOCK_WRITABLE(bits, i);
    if (reads || writes)
      wanted[count++] = {sockets[static_cast<std::size_t>(i)],
                         static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)), 0};
  }
  timeval room{.tv_sec = kServerTimeoutMs / 1000, .tv_usec = 0}, left{};
  const timeval* next = ::ares_timeout(channel, &room, &left);  // either of the two
  const auto wake_at =
      Clock::now() + std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec);
  const bool ready = TRY(waiter.wait_until({wanted.data(), count}, wake_at, deadline));
  if (!ready) ::ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  for (const auto& entry : std::span(wanted).first(ready ? count : 0)) {
    const bool reads = (entry.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
    ::ares_process_fd(channel, reads ? entry.fd : ARES_SOCKET_BAD,
                      (entry.revents & POLLOUT) != 0 ? entry.fd : ARES_SOCKET_BAD);
  }
  return {};
}

Error failure(const std::string& host, int status) {
  const std::string why = ::ares_strerror(status);
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_SUCCESS: return {Code::unavailable, "the host " + host + " cannot be found", why};
    case ARES_EBADNAME:
      return {Code::invalid_argument, "the host " + host.substr(0, 300) + " is no name", why};
    default:
      return {Code::unavailable,
              "no name server says what the host " + host + " is (" + why +
                  "); is this machine connected?",
              why};
  }
}

}  // namespace

bool is_local_name(const std::string& host) {
  std::string_view name = host;
  if (name.ends_with('.')) name.remove_suffix(1);
  return name == "localhost" || name.ends_with(".localhost");
}

Resolver::Resolver(std::vector<DnsServer> name_servers) {
  for (const auto& server : name_servers) {
    const std::string text = server.address.text();
    servers_ += (servers_.empty() ? "" : ",") + (server.address.v4 ? text : "[" + text + "]") +
                ":" + std::to_string(server.port);
  }
}

Result<std::vector<IpAddress>> Resolver::addresses_of(const std::string& host,
                                                      const Deadline& deadline,
                                                      Waiter& waiter) const {
  if (const auto literal = parse_ip(host)) return std::vector{*literal};
  if (is_local_name(host))
    return std::vector{parse_ip("127.0.0.1").value(), parse_ip("::1").value()};
  Answer answer;
  const Channel channel = TRY(make_channel(servers_));
  // Unsorted: sorting would connect sockets to addresses that nobody has admitted yet.
  ares_addrinfo_hints hints{};
  hints.ai_flags = ARES_AI_NOSORT;
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  ::ares_getaddrinfo(channel.get(), host.c_str(), nullptr, &hints, Answer::arrived, &answer);
  while (!answer.status) TRY(turn(channel.get(), deadline, waiter));
  if (*answer.status != ARES_SUCCESS || answer.addresses.empty())
    return std::unexpected(failure(host, *answer.status));
  return std::move(answer.addresses);
}

}  // namespace boxagnts::net
