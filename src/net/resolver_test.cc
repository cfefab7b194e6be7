// Look-ups against a name server of the test's own, what the gate makes of their answers, and
// connecting to one of several addresses.
#include "net/resolver.h"

#include <poll.h>

#include <map>

#include "net/connector.h"
#include "net/http_client_fixture.h"

namespace boxagnts::net {
namespace {

using namespace std::chrono_literals;

IpAddress ip(const char* text) { return parse_ip(text).value(); }

// What is known of a name: at each question the next entry of its list, the last one again.
struct Entry {
  std::vector<std::string> addresses = {};  // IPv4 and IPv6
  std::string alias = {};                   // CNAME, whose addresses come along
  int code = 0;                             // RCODE
  bool silent = false;
};

class NameServer {
 public:
  explicit NameServer(std::map<std::string, std::vector<Entry>> names)
      : names_(std::move(names)), socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    socklen_t size = sizeof address;
    ::getsockname(socket_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~NameServer() {
    ::shutdown(socket_.get(), SHUT_RDWR);
    thread_.join();
  }
  std::vector<DnsServer> servers() const { return {{ip("127.0.0.1"), port_}}; }
  int questions() const { return questions_; }
  void wait_for_a_question() const { questions_.wait(0); }

 private:
  void serve() {
    char bytes[512];
    while (true) {
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(socket_.get(), bytes, sizeof bytes, 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
      if (got < 12) return;  // shut down
      const auto reply = answer({bytes, static_cast<std::size_t>(got)});
      ++questions_;
      questions_.notify_all();
      if (!reply.empty())
        ::sendto(socket_.get(), reply.data(), reply.size(), 0,
                 reinterpret_cast<const sockaddr*>(&from), size);
    }
  }

  static std::string number(unsigned value) {
    return {static_cast<char>(value >> 8), static_cast<char>(value & 255)};
  }
  static std::string labels(std::string_view name) {
    std::string out;
    while (!name.empty()) {
      const auto label = name.substr(0, name.find('.'));
      out += static_cast<char>(label.size());
      out += label;
      name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return out + '\0';
  }
  static std::string record(const std::string& owner, unsigned type, const std::string& data) {
    return owner + number(type) + number(1) + std::string(4, '\0') +
           number(static_cast<unsigned>(data.size())) + data;
  }

  std::string answer(std::string_view question) {
    std::string name;
    std::size_t at = 12;
    while (at < question.size() && question[at] != 0) {
      const auto size = static_cast<std::size_t>(question[at]);
      name += (name.empty() ? "" : ".") + std::string(question.substr(at + 1, size));
      at += size + 1;
    }
    const unsigned type = static_cast<unsigned char>(question[at + 2]);
    const std::string asked(question.substr(12, at + 5 - 12));
    const auto found = names_.find(name);
    Entry entry{.code = 3};
    if (found != names_.end()) {
      auto& times = asked_[name + std::to_string(type)];
      entry = found->second[std::min(times++, found->second.size() - 1)];
    }
    if (entry.silent) return {};
    std::string owner("\xc0\x0c", 2), records;
    unsigned count = 0;
    if (!entry.alias.empty()) {
      records += record(owner, 5, labels(entry.alias));
      owner = labels(entry.alias);
      ++count;
    }
    for (const auto& text : entry.addresses) {
      const auto address = ip(text.c_str());
      if (address.v4 != (type == 1)) continue;
      records += record(
          owner, type,
          std::string(reinterpret_cast<const char*>(address.bytes.data()), address.v4 ? 4 : 16));
      ++count;
    }
    return std::string(question.substr(0, 2)) + "\x81" + static_cast<char>(0x80 | entry.code) +
           number(1) + number(count) + number(0) + number(0) + asked + records;
  }

  std::map<std::string, std::vector<Entry>> names_;
  std::map<std::string, std::size_t> asked_;
  const base::UniqueFd socket_;
  std::uint16_t port_ = 0;
  std::atomic<int> questions_ = 0;
  std::thread thread_;
};

Result<std::vector<IpAddress>> look_up(const NameServer& server, const std::string& host,
                                       std::chrono::milliseconds limit = 60s,
                                       std::stop_token stop = {}) {
  Waiter waiter(std::move(stop));
  return Resolver(server.servers())
      .addresses_of(host, deadline_after(limit, "looking up " + host), waiter);
}

std::vector<std::string> texts(const Result<std::vector<IpAddress>>& addresses) {
  if (!addresses) return {addresses.error().message};
  std::vector<std::string> out;
  for (const auto& address : *addresses) out.push_back(address.text());
  std::ranges::sort(out);
  return out;
}

TEST(Resolver, BothFamiliesAndAliasesAreFound) {
  const NameServer server({{"both.test", {{.addresses = {"203.0.113.1", "2001:db8::1"}}}},
                           {"four.test", {{.addresses = {"203.0.113.1", "203.0.113.2"}}}},
                           {"six.test", {{.addresses = {"2001:db8::1"}}}},
                           {"alias.test", {{.addresses = {"203.0.113.9"}, .alias = "far.test"}}}});
  using Texts = std::vector<std::string>;
  EXPECT_EQ(texts(look_up(server, "both.test")), (Texts{"2001:db8::1", "203.0.113.1"}));
  EXPECT_EQ(texts(look_up(server, "four.test")), (Texts{"203.0.113.1", "203.0.113.2"}));
  EXPECT_EQ(texts(look_up(server, "six.test")), (Texts{"2001:db8::1"}));
  EXPECT_EQ(texts(look_up(server, "alias.test")), (Texts{"203.0.113.9"}));
}

TEST(Resolver, FailuresAreToldApart) {
  const NameServer server({{"empty.test", {{}}}, {"broken.test", {{.code = 2}}}});
  for (const auto& [host, words] :
       {std::pair{"none.test", "cannot be found"}, std::pair{"empty.test", "cannot be found"},
        std::pair{"broken.test", "no name server"}}) {
    const auto found = look_up(server, host, 5s);  // less than what silence would take
    ASSERT_FALSE(found) << host;
    EXPECT_EQ(found.error().code, Code::unavailable) << host << found.error().message;
    EXPECT_TRUE(found.error().message.contains(words)) << found.error().message;
    EXPECT_TRUE(found.error().message.contains(host)) << found.error().message;
  }
}

TEST(Resolver, ASilentServerTimesOutOrIsStopped) {
  const NameServer server({{"silent.test", {{.silent = true}}}});
  EXPECT_EQ(look_up(server, "silent.test", 50ms).error().code, Code::timeout);
  std::stop_source source;
  std::jthread stopper([&] {
    server.wait_for_a_question();
    source.request_stop();
  });
  EXPECT_EQ(look_up(server, "silent.test", 60s, source.get_token()).error().code, Code::cancelled);
}

TEST(Resolver, ALongAnswerIsCut) {
  Entry many;
  for (int i = 1; i <= 25; ++i) many.addresses.push_back("203.0.113." + std::to_string(i));
  const NameServer server({{"many.test", {many}}});
  EXPECT_EQ(look_up(server, "many.test").value().size(), 16u);
}

TEST(Resolver, AddressesAndThisMachineAreNotAskedFor) {
  const NameServer server({});
  for (const auto* host : {"192.0.2.7", "2001:db8::7", "localhost", "localhost.", "a.b.localhost"})
    EXPECT_TRUE(look_up(server, host)) << host;
  EXPECT_EQ(server.questions(), 0);
}

// --- the gate between a look-up and a connection ------------------------------------------------

void keep_answering(Peer& peer, int) {
  while (!peer.read_head().empty()) peer.write(with_length("hello"));
}

TEST(Names, LeadToTheAddressThatWasChecked) {
  const TestServer server(keep_answering);
  // Every second answer is another address: the one that was checked is the one that is used.
  const NameServer names(
      {{"flip.test", {{.addresses = {"127.0.0.1"}}, {.addresses = {"10.255.255.1"}}}}});
  const auto client = HttpClient::make({.name_servers = names.servers()});
  const auto url = parse_url(server.origin("flip.test")).value();
  EXPECT_EQ(told(fetch(*client, {.url = url})), "200 hello");
  EXPECT_EQ(names.questions(), 2) << "one of each family, once";
}

TEST(Names, ThatLeadToWhatIsNotAdmittedAreRefused) {
  const TestServer server(keep_answering);
  const NameServer names({{"evil.test", {{.addresses = {"127.0.0.1", "::1"}}}},
                          {"alias.test", {{.addresses = {"127.0.0.1"}, .alias = "far.test"}}},
                          {"mapped.test", {{.addresses = {"::ffff:127.0.0.1"}}}},
                          {"nat64.test", {{.addresses = {"64:ff9b::7f00:1"}}}},
                          {"cloud.test", {{.addresses = {"169.254.169.254"}}}}});
  const auto client = HttpClient::make({.name_servers = names.servers()});
  const auto gate = make_gate({.allowed = {{"*://*:*", "test"}}}).value();
  for (const auto* host : {"evil.test", "alias.test", "mapped.test", "nat64.test", "cloud.test"}) {
    const auto sent = client->send({.url = parse_url(server.origin(host)).value()}, *gate, {}, {});
    ASSERT_FALSE(sent) << host;
    EXPECT_EQ(sent.error().code, Code::permission_denied) << host << sent.error().message;
  }
  EXPECT_EQ(server.connections(), 0);
}

TEST(Names, ThatMayNotBeReachedAreNotLookedUp) {
  const NameServer names({});
  const auto client = HttpClient::make({.name_servers = names.servers()});
  const auto gate = make_gate({}).value();
  EXPECT_EQ(
      client->send({.url = parse_url("http://secret.test/").value()}, *gate, {}, {}).error().code,
      Code::permission_denied);
  EXPECT_EQ(names.questions(), 0);
}

TEST(Names, BehindAProxyAreLookedUpByIt) {
  const TestServer proxy(keep_answering);
  const NameServer names({});
  const auto client = HttpClient::make({.proxy = "http://127.0.0.1:" + std::to_string(proxy.port()),
                                        .name_servers = names.servers()});
  EXPECT_EQ(told(fetch(*client, {.url = parse_url("http://far.test/").value()})), "200 hello");
  EXPECT_EQ(names.questions(), 0);
}

TEST(Names, BehindSocks5AreLookedUpAndCheckedHere) {
  std::atomic<int> used = 0;
  const TestServer proxy([&](Peer&, int) { ++used; });
  const NameServer names({{"evil.test", {{.addresses = {"10.0.0.1"}}}}});
  const auto client =
      HttpClient::make({.proxy = "socks5://127.0.0.1:" + std::to_string(proxy.port()),
                        .name_servers = names.servers()});
  const auto gate = make_gate({.allowed = {{"*://*:*", "test"}}}).value();
  EXPECT_EQ(
      client->send({.url = parse_url("http://evil.test/").value()}, *gate, {}, {}).error().code,
      Code::permission_denied);
  EXPECT_EQ(used, 0);
}

// --- one of several addresses -------------------------------------------------------------------

TEST(Connector, FamiliesTakeTurns) {
  const std::vector mixed{ip("1.1.1.1"), ip("1.1.1.2"), ip("::1"), ip("1.1.1.3"), ip("::2")};
  EXPECT_EQ(interleaved(mixed),
            (std::vector{ip("::1"), ip("1.1.1.1"), ip("::2"), ip("1.1.1.2"), ip("1.1.1.3")}));
}

// A listener at an address; a deaf one neither takes nor refuses connections.
class Listener {
 public:
  enum class Kind { takes, deaf };
  Listener(const char* address, std::uint16_t port, Kind kind)
      : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in name{
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {}, .sin_zero = {}};
    ::inet_pton(AF_INET, address, &name.sin_addr);
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<sockaddr*>(&name), sizeof name), 0);
    EXPECT_EQ(::listen(fd_.get(), kind == Kind::deaf ? 0 : 8), 0);
    socklen_t size = sizeof name;
    ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&name), &size);
    port_ = ntohs(name.sin_port);
    for (auto& filler : fillers_) {
      if (kind != Kind::deaf) break;
      filler = base::UniqueFd(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
      ::connect(filler.get(), reinterpret_cast<sockaddr*>(&name), sizeof name);
    }
  }
  std::uint16_t port() const { return port_; }

 private:
  base::UniqueFd fd_, fillers_[4];
  std::uint16_t port_ = 0;
};

TEST(Connector, TheFirstThatStandsIsTaken) {
  const Listener good("127.0.0.3", 0, Listener::Kind::takes);
  const Listener deaf("127.0.0.2", good.port(), Listener::Kind::deaf);
  Waiter waiter({});
  const auto deadline = deadline_after(60s, "connecting");
  for (const auto& addresses :
       {std::vector{ip("127.0.0.2"), ip("127.0.0.3")},  // deaf, then good
        std::vector{ip("127.0.0.4"), ip("127.0.0.3")},  // refused, then good
        std::vector{ip("::1"), ip("127.0.0.4"), ip("127.0.0.2"), ip("127.0.0.3")}}) {
    const auto connected = connect_any(addresses, good.port(), "h", deadline, waiter);
    ASSERT_TRUE(connected) << connected.error().message;
    EXPECT_EQ(connected->peer, ip("127.0.0.3"));
  }
  const auto refused =
      connect_any({ip("127.0.0.4"), ip("127.0.0.5")}, good.port(), "h:1", deadline, waiter);
  EXPECT_EQ(refused.error().code, Code::unavailable);
  EXPECT_TRUE(refused.error().message.contains("h:1")) << refused.error().message;
}

}  // namespace
}  // namespace boxagnts::net
