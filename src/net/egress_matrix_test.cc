// Every form of an address, by every way in, at every door: none reaches what no rule allows. What
// must not be reached is a real server on loopback; names are looked up at a name server of the
// test.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

#include "base/file.h"
#include "net/egress.h"
#include "net/http_client.h"

namespace boxagnts::net {
namespace {

base::UniqueFd bound(int type, const IpAddress& address, std::uint16_t port) {
  base::UniqueFd fd(::socket(address.v4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in in{};
  in.sin_family = AF_INET;
  in.sin_port = htons(port);
  sockaddr_in6 in6{};
  in6.sin6_family = AF_INET6;
  in6.sin6_port = htons(port);
  std::memcpy(&in.sin_addr, address.bytes.data(), 4);
  std::memcpy(&in6.sin6_addr, address.bytes.data(), 16);
  const bool is_bound = address.v4
                            ? ::bind(fd.get(), reinterpret_cast<sockaddr*>(&in), sizeof in) == 0
                            : ::bind(fd.get(), reinterpret_cast<sockaddr*>(&in6), sizeof in6) == 0;
  return is_bound ? std::move(fd) : base::UniqueFd();
}

std::uint16_t port_of(int fd) {
  sockaddr_in in{};
  socklen_t size = sizeof in;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&in), &size);
  return ntohs(in.sin_port);
}

// Answers each connection with `answer` and counts them.
class Listener {
 public:
  Listener(base::UniqueFd fd, std::string answer) : fd_(std::move(fd)), answer_(std::move(answer)) {
    EXPECT_TRUE(fd_);
    EXPECT_EQ(::listen(fd_.get(), 16), 0);
    thread_ = std::jthread([this] { serve(); });
  }
  ~Listener() { ::shutdown(fd_.get(), SHUT_RDWR); }
  int connections() const { return connections_; }
  void set_answer(std::string answer) {
    const std::lock_guard lock(mutex_);
    answer_ = std::move(answer);
  }

 private:
  void serve() {
    while (true) {
      const base::UniqueFd connection(::accept(fd_.get(), nullptr, nullptr));
      if (!connection) return;
      ++connections_;
      std::string head;
      char byte;
      while (!head.ends_with("\r\n\r\n") && ::read(connection.get(), &byte, 1) == 1) head += byte;
      const std::lock_guard lock(mutex_);
      (void)::send(connection.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
    }
  }

  const base::UniqueFd fd_;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  std::string answer_;
  std::jthread thread_;
};

// A name server: each name has an address, perhaps behind an alias.
class NameServer {
 public:
  struct Entry {
    IpAddress address;
    std::string alias;  // "" = none
  };
  NameServer() : fd_(bound(SOCK_DGRAM, *parse_ip("127.0.0.1"), 0)), port_(port_of(fd_.get())) {
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  ~NameServer() {
    thread_.request_stop();
    ::shutdown(fd_.get(), SHUT_RDWR);
  }
  DnsServer server() const { return {*parse_ip("127.0.0.1"), port_}; }
  void set(const std::string& name, Entry entry) {
    const std::lock_guard lock(mutex_);
    entries_[name] = std::move(entry);
  }
  int queries() const { return queries_; }

 private:
  static std::string wire_name(std::string_view name) {
    std::string out;
    while (!name.empty()) {
      const auto label = name.substr(0, name.find('.'));
      out += static_cast<char>(label.size());
      out += label;
      name.remove_prefix(std::min(label.size() + 1, name.size()));
    }
    return out + '\0';
  }

  static std::string record(std::string_view name, char type, std::string_view data) {
    std::string out = wire_name(name);
    out += {'\0', type, '\0', '\1', '\0', '\0', '\0', '\0', '\0', static_cast<char>(data.size())};
    return out.append(data);
  }

  // The answer section, and how many records it has.
  std::pair<std::string, char> records(const std::string& name, char type) {
    constexpr char kA = 1, kCname = 5, kAaaa = 28;
    const std::lock_guard lock(mutex_);
    const auto found = entries_.find(name);
    if (found == entries_.end()) return {};
    const auto& [address, alias] = found->second;
    std::string out;
    char count = 0;
    if (!alias.empty()) {
      out += record(name, kCname, wire_name(alias));
      ++count;
    }
    if (type == (address.v4 ? kA : kAaaa)) {
      const auto* bytes = reinterpret_cast<const char*>(address.bytes.data());
      out += record(alias.empty() ? name : alias, type, {bytes, address.v4 ? 4u : 16u});
      ++count;
    }
    return {out, count};
  }

  void serve(const std::stop_token& stop) {
    constexpr std::size_t kHeadBytes = 12;
    while (!stop.stop_requested()) {
      char query[512];
      sockaddr_in from{};
      socklen_t size = sizeof from;
      const ssize_t got =
          ::recvfrom(fd_.get(), query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &size);
      if (got <= static_cast<ssize_t>(kHeadBytes)) continue;
      ++queries_;
      std::string name;
      std::size_t at = kHeadBytes;
      while (query[at] != 0) {
        name += (name.empty() ? "" : ".") + std::string(query + at + 1, query[at]);
        at += static_cast<std::size_t>(query[at]) + 1;
      }
      const auto [answers, count] = records(name, query[at + 2]);
      std::string reply(query, 2);
      reply += {'\x81', '\x80', '\0', '\1', '\0', count, '\0', '\0', '\0', '\0'};
      reply.append(query + kHeadBytes, at + 5 - kHeadBytes).append(answers);
      (void)::sendto(fd_.get(), reply.data(), reply.size(), 0,
                     reinterpret_cast<const sockaddr*>(&from), size);
    }
  }

  const base::UniqueFd fd_;
  const std::uint16_t port_;
  std::mutex mutex_;
  std::map<std::string, Entry> entries_;
  std::atomic<int> queries_ = 0;
  std::jthread thread_;
};

// {h}: the host; {p}: the port.
struct Form {
  const char* name;
  const char* host;     // as it is spelled in a URL
  const char* address;  // that it stands for
  const char* url = "http://{h}:{p}/";
  const char* name_in_url = "name.test";  // where a name is wanted that leads to the address
};
constexpr Form kForms[]{
    {"dotted quad", "127.0.0.1", "127.0.0.1"},
    {"decimal", "2130706433", "127.0.0.1"},
    {"short", "127.1", "127.0.0.1"},
    {"octal", "0177.0.0.1", "127.0.0.1"},
    {"hex", "0x7f000001", "127.0.0.1"},
    {"hex parts", "0X7F.0.0.0x1", "127.0.0.1"},
    {"zero", "0", "0.0.0.0"},
    {"trailing dot", "127.0.0.1", "127.0.0.1", "http://{h}.:{p}/"},
    {"percent-encoded", "%31%32%37.0.0.1", "127.0.0.1"},
    {"full-width (IDNA)", "１２７。０。０。１", "127.0.0.1", "http://{h}:{p}/", "ｎａｍｅ。test"},
    {"punycode", "xn--mnchen-3ya.localhost", "127.0.0.1", "http://{h}:{p}/", "xn--mnchen-3ya.test"},
    {"localhost", "LOCALHOST", "127.0.0.1"},
    {"IPv6", "[::1]", "::1"},
    {"IPv4-mapped", "[::ffff:127.0.0.1]", "::ffff:127.0.0.1"},
    {"IPv4-compatible", "[::127.0.0.1]", "::127.0.0.1"},
    {"NAT64", "[64:ff9b::127.0.0.1]", "64:ff9b::127.0.0.1"},
    {"NAT64, local", "[64:ff9b:1::127.0.0.1]", "64:ff9b:1::127.0.0.1"},
    {"6to4", "[2002:7f00:1::1]", "2002:7f00:1::1"},
    {"Teredo", "[2001:0:7f00:1::1]", "2001:0:7f00:1::1"},
    {"zone id", "[fe80::1%25lo]", "fe80::1"},
    {"user name", "127.0.0.1", "127.0.0.1", "http://outside.test@{h}:{p}/"},
    {"backslash", "127.0.0.1", "127.0.0.1", "http://{h}:{p}\\@outside.test/"},
    {"private", "10.0.0.1", "10.0.0.1"},
    {"metadata", "169.254.169.254", "169.254.169.254"},
    {"carrier NAT", "100.64.0.1", "100.64.0.1"},
};

enum class Way { literal, dns, cname, rebinding, redirect, proxy, socks };
constexpr const char* kWays[]{"literal",  "DNS",   "CNAME",      "rebinding",
                              "redirect", "proxy", "SOCKS proxy"};
enum class Door { guest, model };
constexpr const char* kDoors[]{"guest", "model"};

// A gate with something that happens between its check and the connection.
class WatchedGate final : public ConnectGate {
 public:
  WatchedGate(const ConnectGate& inner, std::function<void()> after_check)
      : inner_(inner), after_check_(std::move(after_check)) {}
  EgressVerdict decide(const Destination& destination, std::stop_token stop) const override {
    return inner_.decide(destination, stop);
  }
  Status admit(const Destination& destination, const EgressVerdict& verdict,
               const IpAddress& address) const override {
    TRY(inner_.admit(destination, verdict, address));
    after_check_();
    return {};
  }

 private:
  const ConnectGate& inner_;
  const std::function<void()> after_check_;
};

class OpenGate final : public ConnectGate {
 public:
  EgressVerdict decide(const Destination&, std::stop_token) const override {
    return {.allowed = true, .rule = "all", .reason = "all", .admits_private = true};
  }
  Status admit(const Destination&, const EgressVerdict&, const IpAddress&) const override {
    return {};
  }
};

std::string http_answer(std::string_view status, std::string_view headers, std::string_view body) {
  return "HTTP/1.1 " + std::string(status) + "\r\nConnection: close\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

class EgressMatrix : public testing::Test {
 protected:
  EgressMatrix() {
    // The same port at both addresses, and at ::1 where the machine has it.
    for (int attempt = 0; attempt < 50 && !outside_; ++attempt) {
      auto inside = bound(SOCK_STREAM, *parse_ip("127.0.0.1"), 0);
      port_ = port_of(inside.get());
      auto outside = bound(SOCK_STREAM, *parse_ip("127.0.0.2"), port_);
      if (!outside) continue;
      inside_.push_back(std::make_unique<Listener>(std::move(inside), secret()));
      if (auto inside6 = bound(SOCK_STREAM, *parse_ip("::1"), port_))
        inside_.push_back(std::make_unique<Listener>(std::move(inside6), secret()));
      outside_ = std::make_unique<Listener>(std::move(outside), "");
    }
    proxy_ =
        std::make_unique<Listener>(bound(SOCK_STREAM, *parse_ip("127.0.0.1"), proxy_port_), "");
    names_.set("outside.test", {*parse_ip("127.0.0.2"), ""});
  }
  void SetUp() override { ASSERT_TRUE(outside_); }

  static std::string secret() { return http_answer("200 OK", "", "secret"); }

  std::string url_of(const Form& form, std::string host) const {
    std::string url = form.url;
    url.replace(url.find("{h}"), 3, host);
    url.replace(url.find("{p}"), 3, std::to_string(port_));
    return url;
  }

  std::string origin(const std::string& name) const {
    return "http://" + name + ":" + std::to_string(port_);
  }

  // What the door allows, and where names lead to stays out of it.
  core::NetworkGrant grant_of(Door door, Way way) const {
    core::NetworkGrant common;
    // Whoever is named exactly may lead to a private address; these are then closed by name.
    if (way == Way::rebinding)
      common.blocked = {{"127.0.0.1", ""}, {"::1", ""}, {"10.0.0.0/8", ""}, {"100.64.0.0/10", ""}};
    if (door == Door::model)
      return grant_for(parse_url(origin("outside.test")).value(), "model", common);
    common.allowed = {{origin("*"), ""}, {origin("outside.test"), ""}, {"http://[::]/0:*", ""}};
    return common;
  }

  Result<std::string> get(const std::string& url, const ConnectGate& gate,
                          const std::string& proxy = "none") {
    const auto client = HttpClient::make({.environment = [](const std::string&) { return ""; },
                                          .proxy = proxy,
                                          .name_servers = {names_.server()}});
    const Request request{.url = TRY(parse_url(url))};
    const auto response = TRY(client->send(request, gate, {}, {}));
    if (const auto location = response->header("location"); !location.empty()) {
      const auto next = TRY(resolve_url(request.url, location));
      return get(next.text(), gate, proxy);
    }
    std::string body;
    while (true) {
      const auto piece = TRY(response->read({}));
      if (piece.empty()) return body;
      body += piece;
    }
  }

  Result<std::string> attempt(const Form& form, Way way, const ConnectGate& gate) {
    const auto address = *parse_ip(form.address);
    const std::string alias = way == Way::cname ? "alias.test" : "";
    for (const auto* name : {"name.test", "xn--mnchen-3ya.test"})
      names_.set(name, {address, alias});
    const auto proxy_at = std::string("127.0.0.1:") + std::to_string(proxy_port());
    switch (way) {
      case Way::literal: return get(url_of(form, form.host), gate);
      case Way::dns:
      case Way::cname: return get(url_of(form, form.name_in_url), gate);
      case Way::proxy: return get(url_of(form, form.host), gate, "http://" + proxy_at);
      case Way::socks: return get(url_of(form, form.name_in_url), gate, "socks5://" + proxy_at);
      case Way::redirect:
        outside_->set_answer(
            http_answer("302 Found", "Location: " + url_of(form, form.host) + "\r\n", ""));
        return get(origin("outside.test"), gate);
      case Way::rebinding: return rebind(address, gate);
    }
    return fail(Code::internal, "no such way");
  }

  // The name leads outside when it is checked, inside when it is connected to, and from then on.
  Result<std::string> rebind(const IpAddress& address, const ConnectGate& gate) {
    outside_->set_answer(http_answer("200 OK", "", "outside"));
    names_.set("outside.test", {*parse_ip("127.0.0.2"), ""});
    const WatchedGate watched(gate, [&] { names_.set("outside.test", {address, ""}); });
    const auto first = get(origin("outside.test"), watched);
    EXPECT_EQ(first.value_or(first ? "" : first.error().message), "outside");
    auto second = get(origin("outside.test"), gate);
    names_.set("outside.test", {*parse_ip("127.0.0.2"), ""});
    return second;
  }

  int reached() const {
    int count = 0;
    for (const auto& listener : inside_) count += listener->connections();
    return count;
  }
  std::uint16_t proxy_port() const { return proxy_port_; }

  std::uint16_t port_ = 0;
  std::vector<std::unique_ptr<Listener>> inside_;
  std::unique_ptr<Listener> outside_;
  std::uint16_t proxy_port_ = free_port();
  std::unique_ptr<Listener> proxy_;
  NameServer names_;

 private:
  static std::uint16_t free_port() {
    return port_of(bound(SOCK_STREAM, *parse_ip("127.0.0.1"), 0).get());
  }
};

TEST_F(EgressMatrix, NoneReachesWhatNoRuleAllows) {
  for (const auto door : {Door::guest, Door::model}) {
    std::printf("| %s", kDoors[static_cast<int>(door)]);
    for (const auto* way : kWays) std::printf(" | %s", way);
    std::printf(" |\n|---|---|---|---|---|---|---|---|\n");
    for (const auto& form : kForms) {
      std::printf("| %s", form.name);
      for (int i = 0; i < static_cast<int>(std::size(kWays)); ++i) {
        const auto way = static_cast<Way>(i);
        SCOPED_TRACE(std::string(kDoors[static_cast<int>(door)]) + ", " + form.name + ", " +
                     kWays[i]);
        const auto gate = make_gate(grant_of(door, way)).value();
        const int queries = names_.queries();
        const auto outcome = attempt(form, way, *gate);
        ASSERT_FALSE(outcome) << "it came back: " << *outcome;
        const auto& error = outcome.error();
        EXPECT_TRUE(error.code == Code::permission_denied || error.code == Code::invalid_argument)
            << error.message;
        EXPECT_EQ(reached(), 0);
        EXPECT_EQ(proxy_->connections(), 0);
        // A look-up is a connection, too.
        const bool asks = way == Way::rebinding || way == Way::redirect ||
                          (door == Door::guest && way != Way::literal && way != Way::proxy);
        if (!asks) EXPECT_EQ(names_.queries(), queries) << "a name was looked up";
        const auto rule =
            error.code == Code::permission_denied ? error.context.substr(5) : "unreadable";
        std::printf(" | %s", rule.substr(0, rule.find(' ')).c_str());
      }
      std::printf(" |\n");
    }
  }
}

TEST_F(EgressMatrix, OurOwnServerIsClosedInEveryForm) {
  core::NetworkGrant grant{.allowed = {{"*://*:*", ""}, {"http://127.0.0.0/8:*", ""}}};
  for (const auto& form : kForms) grant.allowed.push_back({origin(form.name_in_url), ""});
  // Without the rule an exact entry leads inside.
  EXPECT_EQ(attempt(kForms[0], Way::dns, *make_gate(grant).value()).value_or(""), "secret");
  const int before = reached();
  grant.own_ports = {port_};
  const auto gate = make_gate(grant).value();
  for (const auto& form : kForms) {
    if (!is_of_this_machine(*parse_ip(form.address))) continue;
    for (const auto way : {Way::literal, Way::dns, Way::cname, Way::proxy, Way::socks}) {
      const auto outcome = attempt(form, way, *gate);
      ASSERT_FALSE(outcome) << form.name;
      if (outcome.error().code == Code::invalid_argument) continue;  // it is no URL
      EXPECT_EQ(outcome.error().context, "rule own-port") << form.name << outcome.error().message;
    }
  }
  EXPECT_EQ(reached(), before);
  EXPECT_EQ(proxy_->connections(), 0);
}

// The matrix is about something: where all is allowed, each way leads inside.
TEST_F(EgressMatrix, EachWayLeadsInsideWhereAllIsAllowed) {
  const OpenGate gate;
  for (const auto way : {Way::literal, Way::dns, Way::cname, Way::rebinding, Way::redirect}) {
    const int before = reached();
    const auto outcome = attempt(kForms[0], way, gate);
    EXPECT_EQ(outcome.value_or(outcome ? "" : outcome.error().message), "secret")
        << kWays[static_cast<int>(way)];
    EXPECT_GT(reached(), before);
  }
}

}  // namespace
}  // namespace boxagnts::net
