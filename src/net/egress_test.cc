// Which hosts may be reached: entries, their errors, and every form of an address against a gate.
#include "net/egress.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <random>

namespace boxagnts::net {
namespace {

core::NetworkGrant granting(std::vector<std::string> allowed,
                            std::vector<std::string> blocked = {}) {
  core::NetworkGrant grant;
  int line = 1;
  for (auto& text : allowed)
    grant.allowed.push_back({std::move(text), "config.toml:" + std::to_string(line++)});
  for (auto& text : blocked)
    grant.blocked.push_back({std::move(text), "config.toml:" + std::to_string(line++)});
  return grant;
}

EgressVerdict decide(const core::NetworkGrant& grant, std::string_view url,
                     std::string_view method = "GET") {
  return make_gate(grant).value()->decide(destination_of(method, parse_url(url).value()), {});
}

// What becomes of a connection to this URL when its name leads to this address.
Status reach(const core::NetworkGrant& grant, std::string_view url, std::string_view address) {
  const auto gate = make_gate(grant).value();
  const auto destination = destination_of("GET", parse_url(url).value());
  const auto verdict = gate->decide(destination, {});
  if (!verdict.allowed) return refusal_of(verdict);
  return gate->admit(destination, verdict, parse_ip(address).value());
}

struct Case {
  const char* rule;
  const char* url;
  bool allowed;
  const char* method = "GET";
};
std::ostream& operator<<(std::ostream& out, const Case& one) {
  return out << one.rule << " | " << one.method << " " << one.url;
}
class Rules : public testing::TestWithParam<Case> {};
TEST_P(Rules, Match) {
  const auto& [rule, url, allowed, method] = GetParam();
  EXPECT_EQ(decide(granting({rule}), url, method).allowed, allowed);
}
INSTANTIATE_TEST_SUITE_P(Schemes, Rules,
                         testing::Values(Case{"https://a.test", "https://a.test/", true},
                                         Case{"https://a.test", "http://a.test:443/", false},
                                         Case{"http://a.test", "https://a.test:80/", false},
                                         Case{"*://a.test", "http://a.test/", true},
                                         Case{"*://a.test", "https://a.test/", true},
                                         Case{"*://a.test", "https://a.test:80/", false},
                                         Case{"*://a.test", "http://a.test:443/", false}));
INSTANTIATE_TEST_SUITE_P(
    Hosts, Rules,
    testing::Values(Case{"https://a.test", "https://A.TEST./x", true},
                    Case{"https://A.test.", "https://a.test", true},
                    Case{"https://a.test", "https://b.a.test", false},
                    Case{"https://a.test", "https://xa.test", false},
                    Case{"https://*.a.test", "https://b.a.test", true},
                    Case{"https://*.a.test", "https://c.b.a.test.", true},
                    Case{"https://*.a.test", "https://a.test", false},
                    Case{"https://*.a.test", "https://xa.test", false},
                    Case{"https://*.a.test", "https://a.test.evil.test", false},
                    Case{"https://*", "https://any.test", true},
                    Case{"https://*", "https://8.8.8.8", true},
                    Case{"https://*", "http://any.test", false},
                    Case{"https://münchen.test", "https://xn--mnchen-3ya.test", true},
                    Case{"https://*.xn--mnchen-3ya.test", "https://a.MÜNCHEN.test", true},
                    Case{"http://8.8.8.8", "http://0x08080808/", true},
                    Case{"http://134744072", "http://8.8.8.8/", true},
                    Case{"http://8.8.8.8", "http://[::ffff:8.8.8.8]/", false},
                    Case{"http://[2606:4700::1111]", "http://[2606:4700:0:0::1111]/", true},
                    Case{"http://8.8.0.0/16", "http://8.8.255.1/", true},
                    Case{"http://8.8.0.0/16", "http://8.9.0.1/", false},
                    Case{"http://8.8.0.0/16", "http://[::ffff:8.8.0.1]/", false},
                    Case{"http://8.8.0.0/16", "http://a.test/", false},
                    Case{"http://[2606:4700::]/32", "http://[2606:4700::1]/", true},
                    Case{"http://[2606:4700::]/32", "http://[2606:4701::1]/", false},
                    Case{"http://0.0.0.0/0", "http://a.test/", false}));
INSTANTIATE_TEST_SUITE_P(
    Ports, Rules,
    testing::Values(Case{"https://a.test", "https://a.test:8443", false},
                    Case{"https://a.test:8443", "https://a.test:8443", true},
                    Case{"https://a.test:8443", "https://a.test", false},
                    Case{"https://a.test:443", "https://a.test", true},
                    Case{"https://a.test:*", "https://a.test:1", true},
                    Case{"https://a.test:*", "https://a.test:65535", true},
                    Case{"http://a.test:8000..8002", "http://a.test:7999", false},
                    Case{"http://a.test:8000..8002", "http://a.test:8000", true},
                    Case{"http://a.test:8000..8002", "http://a.test:8001", true},
                    Case{"http://a.test:8000..8002", "http://a.test:8002", false},
                    Case{"http://a.test:8000-8002", "http://a.test:8002", true},
                    Case{"http://a.test:8000-8002", "http://a.test:8003", false},
                    Case{"http://a.test:1..65536", "http://a.test:65535", true},
                    Case{"http://8.8.0.0/16:81", "http://8.8.0.1:81", true},
                    Case{"http://8.8.0.0/16:81", "http://8.8.0.1", false},
                    Case{"http://[2606:4700::]/32:81", "http://[2606:4700::9]:81", true}));
INSTANTIATE_TEST_SUITE_P(Paths, Rules,
                         testing::Values(Case{"https://a.test/v1", "https://a.test/v1", true},
                                         Case{"https://a.test/v1", "https://a.test/v1?x=/..", true},
                                         Case{"https://a.test/v1", "https://a.test/v1/x", true},
                                         Case{"https://a.test/v1", "https://a.test/v10", false},
                                         Case{"https://a.test/v1", "https://a.test/V1", false},
                                         Case{"https://a.test/v1", "https://a.test/", false},
                                         Case{"https://a.test/v1/", "https://a.test/v1", false},
                                         Case{"https://a.test/v1/", "https://a.test/v1/x", true},
                                         Case{"https://a.test/", "https://a.test/x", true},
                                         Case{"https://a.test/ä", "https://a.test/%C3%A4/x", true},
                                         Case{"http://8.8.8.8:80/8", "http://8.8.8.8/8/x", true},
                                         Case{"http://8.8.8.8/8x", "http://8.8.8.8/8x", true},
                                         Case{"http://8.8.0.0/16/v1", "http://8.8.0.1/v1", true},
                                         Case{"http://8.8.0.0/16/v1", "http://8.8.0.1/", false}));
INSTANTIATE_TEST_SUITE_P(
    PathsThatClimb, Rules,
    testing::Values(Case{"https://a.test/v1", "https://a.test/v1/../admin", false},
                    Case{"https://a.test/v1", "https://a.test/v1/%2e%2e/admin", false},
                    Case{"https://a.test/v1", "https://a.test/v1/..%2fadmin", false},
                    Case{"https://a.test/v1", "https://a.test/v1/x%2F..%2F..%2Fadmin", false},
                    Case{"https://a.test/v1", "https://a.test/v1/..%5cadmin", false},
                    Case{"https://a.test/v1", "https://a.test/v1/%252e%252e%252fadmin", false},
                    Case{"https://a.test/v1", "https://a.test/v1/..;a=b/admin", false},
                    Case{"https://a.test/v1", "https://a.test/v1/..%00/admin", false},
                    Case{"https://a.test/v1", "https://a.test/v1/a..b/..c/...", true}));
INSTANTIATE_TEST_SUITE_P(
    Methods, Rules,
    testing::Values(Case{"GET https://a.test", "https://a.test", true},
                    Case{"GET https://a.test", "https://a.test", false, "POST"},
                    Case{"GET https://a.test", "https://a.test", false, "get"},
                    Case{"GET https://a.test", "https://a.test", false, ""},
                    Case{"GET,HEAD  https://a.test/v1", "https://a.test/v1", true, "HEAD"},
                    Case{"https://a.test", "https://a.test", true, "PROPFIND"}));

struct BadRule {
  const char* text;
  const char* said;
};
std::ostream& operator<<(std::ostream& out, const BadRule& bad) { return out << bad.text; }
class BadRules : public testing::TestWithParam<BadRule> {};
TEST_P(BadRules, AreToldWhy) {
  const auto rule = parse_host_rule(GetParam().text);
  ASSERT_FALSE(rule);
  EXPECT_EQ(rule.error().code, Code::invalid_argument);
  EXPECT_TRUE(rule.error().message.contains(GetParam().said)) << rule.error().message;
}
INSTANTIATE_TEST_SUITE_P(
    Table, BadRules,
    testing::Values(
        BadRule{"", "scheme is missing"}, BadRule{"a.test", "scheme is missing"},
        BadRule{"a.test:443", "scheme is missing"}, BadRule{"://a.test", "not spoken"},
        BadRule{"ftp://a.test", "not spoken"}, BadRule{"HTTPS://a.test", "not spoken"},
        BadRule{"postgres://a.test", "not spoken"}, BadRule{" https://a.test", "no method"},
        BadRule{"get https://a.test", "no method"}, BadRule{"GET, https://a.test", "no method"},
        BadRule{"insecure:allow-all", "*://*:*"}, BadRule{"https://{{host}}", "stands for nothing"},
        BadRule{"https://self", "self"}, BadRule{"https://", "neither a host's name"},
        BadRule{"https://.", "neither a host's name"}, BadRule{"https://a..test", "neither"},
        BadRule{"https://a.test..", "neither"}, BadRule{"https://*a.test", "*.example.com"},
        BadRule{"https://a.*", "*.example.com"}, BadRule{"https://*.*", "*.example.com"},
        BadRule{"https://*.", "neither"}, BadRule{"https://**", "*.example.com"},
        BadRule{"https://*.10.0.0.1", "nothing below"}, BadRule{"https://a b.test", "neither"},
        BadRule{"https://a.test ", "neither"}, BadRule{"https://a\\b.test", "neither"},
        BadRule{"https://a#b.test", "neither"}, BadRule{"https://a%2eb.test", "neither"},
        BadRule{"https://u:p@a.test", "no port"}, BadRule{"https://u@a.test", "user name"},
        BadRule{"https://1.2.3.256", "neither"}, BadRule{"https://a.0x1", "neither"},
        BadRule{"https://::1", "neither"}, BadRule{"https://[::1", "no IPv6"},
        BadRule{"https://[a.test]", "no IPv6"}, BadRule{"https://[fe80::1%25lo]", "neither"},
        BadRule{"https://[::1]x", "port or a path"}, BadRule{"http://10.0.0.1/8", "10.0.0.0/8"},
        BadRule{"http://10.0.0.0/33", "0 to 32"}, BadRule{"http://[fd00::]/129", "0 to 128"},
        BadRule{"https://a.test:", "no port"}, BadRule{"https://a.test:0", "no port"},
        BadRule{"https://a.test:65536", "no port"}, BadRule{"https://a.test:x", "no port"},
        BadRule{"https://a.test:8000..8000", "no port"}, BadRule{"https://a.test:9-8", "no port"},
        BadRule{"https://a.test:8000..", "no port"}, BadRule{"https://a.test:-1", "no port"},
        BadRule{"https://a.test/x?y", "? and #"}, BadRule{"https://a.test/x#y", "? and #"},
        BadRule{"https://a.test/v1/*", "leave out the *"},
        BadRule{"https://a.test/%2e%2e%2fx", "not usable"}));

TEST(BlockedNetworks, BadOnesAreToldWhy) {
  for (const auto* text : {"", "public", "a.test", "10.0.0.1/8", "10.0.0.0/33", "https://10.0.0.1"})
    EXPECT_FALSE(parse_blocked_network(text)) << text;
  for (const auto* text : {"private", "8.8.8.8", "10.0.0.0/8", "[fd00::]/8", "fd00::/8", "[::1]"})
    EXPECT_TRUE(parse_blocked_network(text)) << text;
}

TEST(Gate, NothingIsOpenWithoutAnEntryAndTheRefusalNamesIt) {
  for (const auto& [url, entry] :
       {std::pair{"https://api.example.com/v1?q", "\"https://api.example.com\""},
        {"http://example.com:8080/", "\"http://example.com:8080\""},
        {"http://[2606:4700::1]:81/", "\"http://[2606:4700::1]:81\""}}) {
    const auto verdict = decide({}, url);
    EXPECT_FALSE(verdict.allowed);
    EXPECT_EQ(verdict.rule, "not-granted");
    EXPECT_TRUE(verdict.reason.contains("add " + std::string(entry) + " to [network] allowed_"))
        << verdict.reason;
    // And it does.
    std::string rule(entry);
    std::erase(rule, '"');
    EXPECT_TRUE(decide(granting({rule}), url).allowed) << rule;
  }
}

TEST(Gate, SaysWhichEntryDecided) {
  EXPECT_EQ(decide(granting({"https://b.test", "https://*.a.test"}), "https://x.a.test").rule,
            "\"https://*.a.test\" (config.toml:2)");
}

TEST(Gate, OfflineClosesAll) {
  auto grant = granting({"*://*:*", "http://127.0.0.1"});
  grant.offline = true;
  for (const auto* url : {"http://a.test", "http://127.0.0.1", "http://8.8.8.8"}) {
    const auto verdict = decide(grant, url);
    EXPECT_FALSE(verdict.allowed);
    EXPECT_EQ(verdict.rule, "offline");
  }
}

TEST(Gate, WhatIsNoNameIsNotAskedAbout) {
  const auto gate = make_gate(granting({"*://*:*"})).value();
  for (const auto* host :
       {"",         ".",     "a..b",       "a.test..", "A.test",     "a b",    "a/b",
        "a%2eb",    "a@b",   "fe80::1%lo", "[::1]",    "0x7f000001", "127.1",  "017700000001",
        "1.2.3.4.", "1.2.3", "a.1",        "a.0x",     "a.09",       "ä.test", "1.2.3.4.."})
    EXPECT_EQ(gate->decide({"GET", "http", host, 80, "/"}, {}).rule, "host-form") << host;
  EXPECT_FALSE(is_usable_host(std::string_view("a\0b", 3)));
  EXPECT_FALSE(is_usable_host(std::string(64, 'a') + ".test"));
  EXPECT_FALSE(is_usable_host(std::string(250, 'a') + ".test"));
  for (const auto* host : {"a.test", "a.test.", "_x.a-b.test", "1a", "1.2.3.a", "0xg", "::1"})
    EXPECT_TRUE(is_usable_host(host)) << host;
}

TEST(Gate, NamesThatLeadToPrivateAddressesNeedAnExactEntry) {
  for (const auto* address :
       {"10.0.0.1", "127.0.0.1", "::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1",
        "2002:a00:1::", "fd00::1", "100.64.0.1", "198.18.0.1", "fec0::1"}) {
    for (const auto* rule : {"http://*:8080", "http://*.a.test:8080", "http://x.a.test:*",
                             "http://x.a.test:8080..8082", "http://x.a.test:8000-9000"}) {
      const auto reached = reach(granting({rule}), "http://x.a.test:8080", address);
      ASSERT_FALSE(reached) << rule << " " << address;
      EXPECT_EQ(reached.error().context, "rule private");
      EXPECT_TRUE(reached.error().message.contains("add \"http://x.a.test:8080\""))
          << reached.error().message;
      EXPECT_TRUE(reach(granting({rule}), "http://x.a.test:8080", "8.8.8.8")) << rule;
    }
    for (const auto* rule :
         {"http://x.a.test:8080", "*://x.a.test:8080", "GET http://x.a.test:8080/"})
      EXPECT_TRUE(reach(granting({rule}), "http://x.a.test:8080", address)) << rule << address;
    EXPECT_TRUE(reach(granting({"http://x.a.test"}), "http://x.a.test", address)) << address;
  }
}

TEST(Gate, LinkLocalIsOnlyForAnEntryThatNamesTheAddress) {
  for (const auto* address : {"169.254.169.254", "fe80::1", "::ffff:169.254.169.254"}) {
    const auto by_name = reach(granting({"http://x.test"}), "http://x.test", address);
    ASSERT_FALSE(by_name) << address;
    EXPECT_EQ(by_name.error().context, "rule link-local");
  }
  EXPECT_TRUE(
      reach(granting({"http://169.254.169.254"}), "http://169.254.169.254", "169.254.169.254"));
}

TEST(Gate, SomeAddressesNothingOpens) {
  for (const auto* address : {"0.0.0.0", "::", "224.0.0.1", "ff02::1", "2001::1", "::ffff:0.0.0.0",
                              "64:ff9b::224.0.0.1"}) {
    const auto reached = reach(granting({"http://x.test"}), "http://x.test", address);
    ASSERT_FALSE(reached) << address;
    EXPECT_EQ(reached.error().context, "rule address-class");
  }
}

TEST(Gate, AddressesInUrlsAreJudgedBeforeAnythingElse) {
  EXPECT_EQ(decide(granting({"http://*:*"}), "http://10.0.0.1:8080").rule, "private");
  EXPECT_EQ(decide(granting({"http://0.0.0.0/0:*"}), "http://10.0.0.1:8080").rule, "private");
  EXPECT_EQ(decide(granting({"http://[::]/0:*"}), "http://[fd00::1]").rule, "private");
  EXPECT_EQ(decide(granting({"http://[::ffff:0:0]/96"}), "http://[::ffff:10.0.0.1]").rule,
            "private");
  EXPECT_TRUE(decide(granting({"http://10.0.0.0/8:*"}), "http://10.0.0.1:8080").allowed);
  EXPECT_TRUE(decide(granting({"http://[fd00::]/8"}), "http://[fd00::1]").allowed);
  EXPECT_TRUE(decide(granting({"http://10.0.0.1:8080"}), "http://10.0.0.1:8080").allowed);
  EXPECT_FALSE(decide(granting({"http://10.0.0.1:*"}), "http://10.0.0.2:8080").allowed);
  // A network is about addresses that are written, not about where names lead.
  EXPECT_FALSE(
      reach(granting({"http://10.0.0.0/8", "http://x.test:*"}), "http://x.test", "10.0.0.1"));
}

TEST(Gate, BlockedNetworksBeatEveryEntry) {
  const auto grant = granting({"http://x.test", "http://8.8.8.8", "http://10.0.0.1", "http://*"},
                              {"8.8.8.0/24", "10.0.0.0/8", "2606:4700::/32"});
  for (const auto* address : {"8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1",
                              "10.0.0.1", "2606:4700::1"}) {
    const auto reached = reach(grant, "http://x.test", address);
    ASSERT_FALSE(reached) << address;
    EXPECT_TRUE(reached.error().context.starts_with("rule block_networks \"")) << address;
  }
  EXPECT_TRUE(reach(grant, "http://x.test", "8.8.4.4"));
  EXPECT_TRUE(decide(grant, "http://8.8.8.8").rule.contains("8.8.8.0/24\" (config.toml:5)"));
  EXPECT_TRUE(decide(granting({"http://8.8.8.8"}, {"::ffff:8.8.8.0/120"}), "http://8.8.8.8")
                  .rule.starts_with("block_networks"));
  // The word closes even what an entry names exactly.
  for (const auto* address : {"10.0.0.1", "127.0.0.1", "fd00::1", "::ffff:10.0.0.1", "198.18.0.1"})
    EXPECT_FALSE(reach(granting({"http://x.test"}, {"private"}), "http://x.test", address));
  EXPECT_TRUE(reach(granting({"http://x.test"}, {"private"}), "http://x.test", "8.8.8.8"));
}

std::vector<std::string> interface_addresses() {
  std::vector<std::string> found;
  ifaddrs* first = nullptr;
  EXPECT_EQ(::getifaddrs(&first), 0);
  for (const auto* entry = first; entry; entry = entry->ifa_next) {
    char text[INET6_ADDRSTRLEN];
    if (!entry->ifa_addr) continue;
    const void* at = nullptr;
    if (entry->ifa_addr->sa_family == AF_INET)
      at = &reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr;
    if (entry->ifa_addr->sa_family == AF_INET6)
      at = &reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr;
    if (at) found.emplace_back(::inet_ntop(entry->ifa_addr->sa_family, at, text, sizeof text));
  }
  ::freeifaddrs(first);
  return found;
}

TEST(Gate, OurOwnServerIsClosedOnEveryAddressOfThisMachine) {
  auto grant = granting({"http://*:*", "http://127.0.0.0/8:*", "http://localhost:30001",
                         "http://x.test:30001", "http://[::1]:30001", "http://a.localhost:30001"});
  grant.own_ports = {30001};
  auto addresses = interface_addresses();
  ASSERT_FALSE(addresses.empty());
  for (const auto* more : {"127.0.0.1", "127.8.8.8", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1",
                           "64:ff9b::127.0.0.1", "2002:7f00:1::"})
    addresses.emplace_back(more);
  for (const auto& address : addresses) {
    const auto host = address.contains(':') ? "[" + address + "]" : address;
    EXPECT_EQ(decide(grant, "http://" + host + ":30001").rule, "own-port") << address;
    const auto reached = reach(grant, "http://x.test:30001", address);
    ASSERT_FALSE(reached) << address;
    EXPECT_EQ(reached.error().context, "rule own-port") << address;
  }
  for (const auto* host : {"localhost", "LOCALHOST.", "a.localhost", "0", "127.1", "0x7f.1",
                           "2130706433", "0177.0.0.1"})
    EXPECT_EQ(decide(grant, "http://" + std::string(host) + ":30001").rule, "own-port") << host;
  EXPECT_TRUE(decide(grant, "http://127.0.0.1:30002").allowed);
  EXPECT_TRUE(reach(grant, "http://x.test:30001", "8.8.8.8"));
}

TEST(Gate, WhatWasRefusedIsNotAdmitted) {
  const auto gate = make_gate(granting({"http://a.test"})).value();
  const auto destination = destination_of("GET", parse_url("http://b.test").value());
  const auto verdict = gate->decide(destination, {});
  const auto admitted = gate->admit(destination, verdict, *parse_ip("8.8.8.8"));
  ASSERT_FALSE(admitted);
  EXPECT_EQ(admitted.error().code, Code::permission_denied);
}

TEST(Gate, OfOneServerOpensThatAlone) {
  core::NetworkGrant common = granting({"https://*"}, {"9.9.9.9"});
  const auto grant = grant_for(parse_url("http://127.0.0.1:11434/v1").value(), "model", common);
  EXPECT_TRUE(reach(grant, "http://127.0.0.1:11434/v1/chat", "127.0.0.1"));
  EXPECT_FALSE(decide(grant, "http://127.0.0.1:11435/").allowed);
  EXPECT_FALSE(decide(grant, "https://a.test/").allowed);
  EXPECT_EQ(grant.blocked.size(), 1u);
  const auto v6 = grant_for(parse_url("https://[::1]/").value(), "model", {});
  EXPECT_TRUE(reach(v6, "https://[::1]/x", "::1"));
}

// --- denied, asked about, answered
// ----------------------------------------------------------------

// Which lists a host is in, and what comes of it.
struct Standing {
  bool allowed, denied, asked, answered;
  bool passes, askable;
};
constexpr Standing kStandings[] = {
    {false, false, false, false, false, true}, {true, false, false, false, true, false},
    {false, true, false, false, false, false}, {true, true, false, false, false, false},
    {false, false, true, false, false, true},  {true, false, true, false, false, true},
    {false, true, true, false, false, false},  {true, true, true, false, false, false},
    {false, false, false, true, true, false},  {true, false, false, true, true, false},
    {false, true, false, true, false, false},  {true, true, false, true, false, false},
    {false, false, true, true, true, false},   {true, false, true, true, true, false},
    {false, true, true, true, false, false},   {true, true, true, true, false, false},
};

TEST(Asking, DenyBeatsAnAnswerThatBeatsAnAskThatBeatsAnAllow) {
  for (const auto& row : kStandings)
    for (const char* entry :
         {"https://a.test", "https://*", "*://*.test:*", "GET https://a.test"}) {
      core::NetworkGrant grant;
      if (row.allowed) grant.allowed = {{entry, "f:1"}};
      if (row.denied) grant.denied = {{entry, "f:2"}};
      if (row.asked) grant.asked = {{entry, "f:3"}};
      if (row.answered) grant.answered = {{entry, "f:4"}};
      const auto verdict = decide(grant, "https://a.test/x");
      const auto name = std::string(entry) + " " + std::to_string(&row - kStandings);
      EXPECT_EQ(verdict.allowed, row.passes) << name;
      EXPECT_EQ(verdict.askable, row.askable) << name;
      const char* line = row.denied     ? "f:2"
                         : row.answered ? "f:4"
                         : row.asked    ? "f:3"
                         : row.allowed  ? "f:1"
                                        : "not-granted";
      EXPECT_TRUE(verdict.rule.contains(line)) << name << verdict.rule;
      EXPECT_EQ(reach(grant, "https://a.test/x", "8.8.8.8").has_value(), row.passes) << name;
    }
}

TEST(Asking, WhatNothingOpensIsNeverAskedAbout) {
  core::NetworkGrant grant;
  grant.own_ports = {30001};
  grant.blocked = {{"9.9.9.0/24", "f:1"}};
  for (const char* url :
       {"http://169.254.169.254/latest/meta-data", "http://[fe80::1]/",
        "http://[::ffff:a9fe:a9fe]/", "http://0.0.0.0/", "http://224.0.0.1/",
        "http://255.255.255.255/", "http://[ff02::1]/", "http://[2001::1]/", "http://2852039166/",
        "http://localhost:30001/", "http://127.0.0.1:30001/", "http://9.9.9.9/"}) {
    const auto verdict = decide(grant, url);
    EXPECT_FALSE(verdict.allowed) << url;
    EXPECT_FALSE(verdict.askable) << url;
    auto asking = grant;
    asking.asked = {{"*://*:*", "f:2"}};
    EXPECT_FALSE(decide(asking, url).askable) << url;
  }
  for (const char* url : {"http://a.test/", "http://127.0.0.1:8080/", "http://10.0.0.1/",
                          "http://[fd00::1]/", "http://localhost/", "https://8.8.8.8/"})
    EXPECT_TRUE(decide(grant, url).askable) << url;
  grant.offline = true;
  EXPECT_FALSE(decide(grant, "http://a.test/").askable);
}

TEST(Asking, AnAnswerToANameAdmitsGlobalAddressesAlone) {
  core::NetworkGrant grant;
  grant.answered = {{"http://a.test:8080", "a yes", true},
                    {"http://10.0.0.1:80", "a yes", true},
                    {"http://localhost:81", "a yes", true},
                    {"http://169.254.169.254:80", "a yes", true}};
  EXPECT_TRUE(reach(grant, "http://a.test:8080/", "8.8.8.8"));
  for (const char* address : {"127.0.0.1", "10.0.0.1", "::1", "fd00::1", "169.254.169.254"})
    EXPECT_FALSE(reach(grant, "http://a.test:8080/", address)) << address;
  EXPECT_TRUE(reach(grant, "http://10.0.0.1/", "10.0.0.1"));
  EXPECT_TRUE(reach(grant, "http://localhost:81/", "127.0.0.1"));
  EXPECT_TRUE(reach(grant, "http://localhost:81/", "::1"));
  EXPECT_FALSE(reach(grant, "http://localhost:81/", "169.254.169.254"));
  EXPECT_FALSE(reach(grant, "http://169.254.169.254/", "169.254.169.254"));
  // The same entries without it.
  for (auto& entry : grant.answered) entry.global_only = false;
  EXPECT_TRUE(reach(grant, "http://a.test:8080/", "127.0.0.1"));
  EXPECT_TRUE(reach(grant, "http://169.254.169.254/", "169.254.169.254"));
}

TEST(Asking, TheDoorToOneServerThatThePersonNamedAsksNobody) {
  core::NetworkGrant common;
  common.asked = {{"*://*:*", "f:1"}};
  common.denied = {{"https://bad.test", "f:2"}};
  EXPECT_TRUE(decide(grant_for(parse_url("https://a.test/v1").value(), "model", common),
                     "https://a.test/v1")
                  .allowed);
  EXPECT_FALSE(
      decide(grant_for(parse_url("https://bad.test").value(), "model", common), "https://bad.test")
          .allowed);
}

TEST(Asking, AMalformedEntryOfAnyListIsAnError) {
  for (auto list : {&core::NetworkGrant::allowed, &core::NetworkGrant::denied,
                    &core::NetworkGrant::asked, &core::NetworkGrant::answered}) {
    core::NetworkGrant grant;
    (grant.*list) = {{"a.test", "f:1"}};
    EXPECT_FALSE(make_gate(grant));
  }
}

// Seeded: what a rule list decides does not depend on its order, and a blocked network never opens.
class Shuffled : public testing::Test {
 protected:
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[random_() % from.size()];
  }
  std::mt19937_64 random_{20'260'821};
  const std::vector<std::string> rules_{"http://x.a.test",
                                        "http://x.a.test:*",
                                        "http://*.a.test",
                                        "*://*",
                                        "*://*:*",
                                        "http://*:80-90",
                                        "GET http://x.a.test:80/v1",
                                        "http://10.0.0.0/8",
                                        "http://10.0.0.1:*",
                                        "http://10.0.0.1",
                                        "http://0.0.0.0/0:*",
                                        "https://x.a.test",
                                        "http://[fd00::]/8",
                                        "http://[::ffff:10.0.0.1]",
                                        "POST http://x.a.test",
                                        "http://x.a.test/v2/"};
  const std::vector<std::string> blocks_{
      "private",   "10.0.0.0/8", "8.0.0.0/8",          "fd00::/8",
      "0.0.0.0/0", "::/0",       "::ffff:8.8.0.0/112", "127.0.0.1"};
  const std::vector<std::string> urls_{
      "http://x.a.test/v1/y", "http://x.a.test:81/", "https://x.a.test/",      "http://10.0.0.1/",
      "http://10.0.0.1:81/",  "http://[fd00::1]/",   "http://[::ffff:a00:1]/", "http://8.8.8.8/",
      "http://y.test/v2",     "http://x.a.test/v2/"};
  const std::vector<std::string> addresses_{"10.0.0.1",       "8.8.8.8",   "fd00::1",
                                            "::ffff:8.8.8.8", "127.0.0.1", "2606:4700::1",
                                            "169.254.169.254"};
};

TEST_F(Shuffled, OrderDecidesNothingAndBlockingNeverOpens) {
  int reached = 0, closed = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<std::string> allowed, blocked;
    for (auto left = random_() % 4 + 1; left > 0; --left) allowed.push_back(pick(rules_));
    for (auto left = random_() % 3; left > 0; --left) blocked.push_back(pick(blocks_));
    const auto grant = granting(allowed, blocked);
    auto other = grant;
    std::ranges::shuffle(other.allowed, random_);
    std::ranges::shuffle(other.blocked, random_);
    auto tighter = grant;
    tighter.blocked.push_back({pick(blocks_), ""});
    const auto& url = pick(urls_);
    const auto& address = pick(addresses_);
    const auto one = decide(grant, url), two = decide(other, url);
    EXPECT_EQ(one.allowed, two.allowed) << url;
    if (one.allowed) EXPECT_EQ(one.rule, two.rule) << url;
    EXPECT_EQ(one.admits_private, two.admits_private) << url;
    const bool before = reach(grant, url, address).has_value();
    EXPECT_EQ(before, reach(other, url, address).has_value()) << url << " " << address;
    const bool after = reach(tighter, url, address).has_value();
    EXPECT_TRUE(before || !after) << url << " " << address << " + " << tighter.blocked.back().text;
    reached += before;
    closed += before && !after;
  }
  EXPECT_GT(reached, 100);
  EXPECT_GT(closed, 20);
}

}  // namespace
}  // namespace boxagnts::net
