// Proxies: which is taken, what is said to it, what lies behind it, and what it may do wrong.
#include "net/proxy.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <map>

#include "net/http_client_fixture.h"

namespace boxagnts::net {
namespace {

using namespace std::chrono_literals;
using Variables = std::map<std::string, std::string>;

ProxyRules::Environment environment_of(Variables variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::string() : found->second;
  };
}

struct NoProxyCase {
  const char* list;
  const char* url;
  bool direct;
};
class NoProxy : public testing::TestWithParam<NoProxyCase> {};
TEST_P(NoProxy, Covers) {
  const auto& [list, url, direct] = GetParam();
  EXPECT_EQ(is_direct(list, parse_url(url).value()), direct) << list << " " << url;
}
INSTANTIATE_TEST_SUITE_P(Table, NoProxy,
                         testing::Values(NoProxyCase{"", "http://a.test/", false},
                                         NoProxyCase{"*", "http://a.test/", true},
                                         NoProxyCase{"a.test", "http://a.test/", true},
                                         NoProxyCase{"A.Test", "http://a.test/", true},
                                         NoProxyCase{"a.test", "http://b.a.test/", true},
                                         NoProxyCase{"a.test", "http://ba.test/", false},
                                         NoProxyCase{".a.test", "http://b.a.test/", true},
                                         NoProxyCase{".a.test", "http://a.test/", true},
                                         NoProxyCase{"*.a.test", "http://b.a.test/", true},
                                         NoProxyCase{"a.test", "http://a.test./", true},
                                         NoProxyCase{"a.test:80", "http://a.test/", true},
                                         NoProxyCase{"a.test:81", "http://a.test/", false},
                                         NoProxyCase{"a.test:x", "http://a.test/", false},
                                         NoProxyCase{"x, a.test", "http://a.test/", true},
                                         NoProxyCase{"x a.test,,", "http://a.test/", true},
                                         NoProxyCase{"10.1.2.3", "http://10.1.2.3/", true},
                                         NoProxyCase{"10.0.0.0/8", "http://10.1.2.3/", true},
                                         NoProxyCase{"10.0.0.0/8", "http://11.1.2.3/", false},
                                         NoProxyCase{"1.2.3", "http://0.1.2.3/", false},
                                         NoProxyCase{"fd00::/8", "http://[fd12::1]/", true},
                                         NoProxyCase{"[fd12::1]:80", "http://[fd12::1]/", true},
                                         NoProxyCase{"fd12::1", "http://[fd12::1]/", true},
                                         NoProxyCase{"[fd12::1]:81", "http://[fd12::1]/", false},
                                         NoProxyCase{"[fd12::1", "http://[fd12::1]/", false}));

TEST(ProxyRules, TheSchemesVariableDecides) {
  const auto taken = [](Variables variables, const char* url,
                        std::optional<std::string> setting = {}) {
    const ProxyRules rules(environment_of(std::move(variables)), std::move(setting));
    const auto proxy = rules.proxy_for(parse_url(url).value());
    return !proxy ? proxy.error().message : !*proxy ? "direct" : (*proxy)->host;
  };
  EXPECT_EQ(taken({}, "http://a.test"), "direct");
  EXPECT_EQ(taken({{"http_proxy", "p:1"}}, "http://a.test"), "p");
  EXPECT_EQ(taken({{"HTTP_PROXY", "p:1"}}, "http://a.test"), "direct") << "a CGI server sets it";
  EXPECT_EQ(taken({{"http_proxy", "p:1"}}, "https://a.test"), "direct");
  EXPECT_EQ(taken({{"HTTPS_PROXY", "p:1"}}, "https://a.test"), "p");
  EXPECT_EQ(taken({{"HTTPS_PROXY", "p:1"}, {"https_proxy", "q:1"}}, "https://a.test"), "q");
  EXPECT_EQ(taken({{"ALL_PROXY", "p:1"}}, "https://a.test"), "p");
  EXPECT_EQ(taken({{"all_proxy", "p:1"}}, "http://a.test"), "p");
  EXPECT_EQ(taken({{"http_proxy", "p:1"}, {"NO_PROXY", "a.test"}}, "http://a.test"), "direct");
  EXPECT_EQ(taken({{"http_proxy", "p:1"}}, "http://a.test", "q:2"), "q");
  EXPECT_EQ(taken({{"http_proxy", "p:1"}}, "http://a.test", "none"), "direct");
  EXPECT_EQ(taken({{"no_proxy", "a.test"}}, "http://a.test", "q:2"), "direct");
  for (const auto* local :
       {"http://localhost", "http://127.0.0.9", "http://[::1]", "http://a.localhost"})
    EXPECT_EQ(taken({{"http_proxy", "p:1"}}, local), "direct") << local;
  EXPECT_TRUE(taken({{"http_proxy", "ftp://p"}}, "http://a.test").contains("http_proxy"));
}

TEST(Proxy, Parts) {
  const auto proxy = parse_proxy("socks5h://u%40x:p%3aq@Proxy.test", "here").value();
  EXPECT_EQ(proxy.kind, Proxy::Kind::socks5h);
  EXPECT_EQ(proxy.host, "proxy.test");
  EXPECT_EQ(proxy.port, 1080);
  EXPECT_EQ(proxy.user, "u@x");
  EXPECT_EQ(proxy.password, "p:q");
  EXPECT_EQ(parse_proxy("p", "here")->port, 80);
  EXPECT_EQ(parse_proxy("https://p/", "here")->port, 443);
  EXPECT_EQ(parse_proxy("http://[::1]:3128", "here")->host, "::1");
  EXPECT_EQ(parse_proxy("http://[::1]:3128", "here")->port, 3128);
  EXPECT_EQ(parse_proxy("http://[::1]", "here")->port, 80);
  EXPECT_EQ(parse_proxy("u:p@h:1", "here")->authorization(), "Basic dTpw");
  for (const auto* bad : {"", "ftp://p", "http://", "http://p:0", "http://p:x", "http://[::1"}) {
    const auto refused = parse_proxy(bad, "the setting proxy");
    ASSERT_FALSE(refused) << bad;
    EXPECT_EQ(refused.error().code, Code::invalid_argument);
    EXPECT_TRUE(refused.error().message.starts_with("the setting proxy "))
        << refused.error().message;
  }
  EXPECT_FALSE(parse_proxy("http://u:secret@:x", "here").error().message.contains("secret"));
}

// --- through a proxy ----------------------------------------------------------------------------

class ThroughProxy : public testing::Test {
 protected:
  // A client that goes through this server, whatever the name.
  std::unique_ptr<HttpClient> client(const TestServer& proxy, const std::string& scheme = "http",
                                     const std::string& user = "") {
    return HttpClient::make(
        {.ca_file = authority_file_.path(),
         .proxy = scheme + "://" + user + "127.0.0.1:" + std::to_string(proxy.port())});
  }
  static Request request(const char* url) { return {.url = parse_url(url).value()}; }

  const Certificate authority_ = Certificate::authority();
  const PemFile authority_file_{authority_.pem()};
  const Certificate good_ = Certificate::make({.names = "DNS:far.test,IP:127.0.0.1"}, &authority_);
};

TEST_F(ThroughProxy, AnHttpRequestNamesItsWholeTarget) {
  std::string seen;
  {
    const TestServer proxy([&](Peer& peer, int) {
      seen = peer.read_head();
      peer.write(with_length("from afar"));
    });
    EXPECT_EQ(told(fetch(*client(proxy, "http", "u:p@"), request("http://far.test/a?b"))),
              "200 from afar");
  }
  EXPECT_TRUE(seen.starts_with("GET http://far.test/a?b HTTP/1.1\r\nHost: far.test\r\n")) << seen;
  EXPECT_TRUE(seen.contains("Proxy-Authorization: Basic dTpw\r\n")) << seen;
}

TEST_F(ThroughProxy, TheProxyItselfMayBeReachedByTls) {
  const TestServer proxy(
      [](Peer& peer, int) {
        peer.read_head();
        peer.write(with_length("from afar"));
      },
      {.certificate = &good_});
  EXPECT_EQ(told(fetch(*client(proxy, "https"), request("http://far.test/"))), "200 from afar");
}

base::UniqueFd connected_to(std::uint16_t port) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{.sin_family = AF_INET,
                      .sin_port = htons(port),
                      .sin_addr = {htonl(INADDR_LOOPBACK)},
                      .sin_zero = {}};
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  return fd;
}

// Copies bytes between a proxy's client and a server that it connected to.
void relay(Peer& peer, std::uint16_t port) {
  const base::UniqueFd far = connected_to(port);
  std::jthread back([&] {
    char bytes[4096];
    for (ssize_t got; (got = ::read(far.get(), bytes, sizeof bytes)) > 0;)
      peer.write({bytes, static_cast<std::size_t>(got)});
    ::shutdown(peer.fd(), SHUT_RDWR);
  });
  char bytes[4096];
  for (long got; (got = peer.read(bytes, sizeof bytes)) > 0;)
    (void)::send(far.get(), bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL);
  ::shutdown(far.get(), SHUT_RDWR);
}

// The same on one thread, since one TLS connection is not for two: `peer` is TLS itself.
void relay_by_turns(Peer& peer, std::uint16_t port) {
  const base::UniqueFd far = connected_to(port);
  char bytes[4096];
  while (true) {
    pollfd wanted[]{{peer.fd(), POLLIN, 0}, {far.get(), POLLIN, 0}};
    if (!peer.has_more() && ::poll(wanted, 2, 60'000) <= 0) return;
    if (peer.has_more() || wanted[0].revents != 0) {
      const long got = peer.read(bytes, sizeof bytes);
      if (got <= 0) return;
      (void)::send(far.get(), bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL);
    }
    if (wanted[1].revents != 0) {
      const ssize_t got = ::read(far.get(), bytes, sizeof bytes);
      if (got <= 0 || !peer.write({bytes, static_cast<std::size_t>(got)})) return;
    }
  }
}

TestServer::Serve saying_to_each(std::string bytes) {
  return [bytes = std::move(bytes)](Peer& peer, int) {
    while (!peer.read_head().empty()) peer.write(bytes);
  };
}

TEST_F(ThroughProxy, AnHttpsRequestGoesThroughATunnel) {
  const TestServer far(
      [](Peer& peer, int) {
        while (!peer.read_head().empty()) peer.write(with_length("secret"));
      },
      {.certificate = &good_});
  std::string seen;
  {
    const TestServer proxy([&](Peer& peer, int) {
      seen = peer.read_head();
      peer.write("HTTP/1.1 200 Connection established\r\nVia: p\r\n\r\n");
      relay(peer, far.port());
    });
    const auto http = client(proxy, "http", "u:p@");
    EXPECT_EQ(told(fetch(*http, request("https://far.test/"))), "200 secret");
    EXPECT_EQ(told(fetch(*http, request("https://far.test/"))), "200 secret");
    EXPECT_EQ(proxy.connections(), 1) << "tunnels are kept, too";
    EXPECT_TRUE(told(fetch(*http, request("https://other.test/"))).contains("another host"));
  }
  EXPECT_TRUE(seen.starts_with("CONNECT ")) << seen;
  EXPECT_TRUE(seen.contains("Proxy-Authorization: Basic dTpw\r\n")) << seen;
}

TEST_F(ThroughProxy, TlsGoesThroughTls) {
  const std::string body(300'000, 'b');
  const TestServer far(saying_to_each(with_length(body)), {.certificate = &good_});
  const TestServer proxy(
      [&](Peer& peer, int) {
        peer.read_head();
        peer.write("HTTP/1.1 200 Connection established\r\n\r\n");
        relay_by_turns(peer, far.port());
      },
      {.certificate = &good_});
  EXPECT_EQ(told(fetch(*client(proxy, "https"), request("https://far.test/"))), "200 " + body);
}

struct BadProxy {
  const char* name;
  const char* answer;
  const char* outcome;
};
class ProxyFault : public ThroughProxy, public testing::WithParamInterface<BadProxy> {};
TEST_P(ProxyFault, IsTold) {
  const TestServer proxy([&](Peer& peer, int) {
    peer.read_head();
    peer.write(GetParam().answer);
  });
  const auto outcome = told(fetch(*client(proxy), request("https://far.test/")));
  EXPECT_TRUE(outcome.starts_with(GetParam().outcome)) << outcome;
  EXPECT_TRUE(outcome.contains("roxy 127.0.0.1:")) << outcome;
}
INSTANTIATE_TEST_SUITE_P(
    Matrix, ProxyFault,
    testing::Values(BadProxy{"Credentials", "HTTP/1.1 407 No\r\n\r\n", "permission_denied: "},
                    BadProxy{"Forbidden", "HTTP/1.1 403 No\r\n\r\n", "unavailable: "},
                    BadProxy{"NoProxy", "SSH-2.0-x\r\n\r\n", "unavailable: "},
                    BadProxy{"HangsUp", "HTTP/1.1 200", "unavailable: "},
                    BadProxy{"SaysMore", "HTTP/1.1 200 OK\r\n\r\n\x16", "unavailable: "}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(ThroughProxy, AProxyThatStallsTimesOut) {
  const TestServer proxy([](Peer& peer, int) { peer.hold(); });
  const auto outcome =
      told(fetch(*client(proxy), request("https://far.test/"), {.timeouts = {.connect = 50ms}}));
  EXPECT_TRUE(outcome.starts_with("timeout: connecting to far.test:443 through the proxy"))
      << outcome;
}

TEST_F(ThroughProxy, Socks5NamesTheHostOrItsAddress) {
  const TestServer far([](Peer& peer, int) {
    peer.read_head();
    peer.write(with_length("by socks"));
  });
  std::string asked, user;
  {
    const TestServer proxy([&](Peer& peer, int) {
      const auto methods = peer.read_exactly(2);
      peer.read_exactly(static_cast<unsigned char>(methods[1]));
      peer.write(std::string_view("\x05\x02", 2));
      user = peer.read_exactly(7);
      peer.write(std::string_view("\x01\x00", 2));
      asked = peer.read_exactly(4);
      if (asked[3] == 3) {
        const auto size = peer.read_exactly(1);
        asked += peer.read_exactly(static_cast<unsigned char>(size[0]) + 2);
      } else {
        asked += peer.read_exactly(6);
      }
      peer.write(std::string_view("\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00", 10));
      relay(peer, far.port());
    });
    EXPECT_EQ(told(fetch(*client(proxy, "socks5h", "ab:cd@"), request("http://far.test:81/"))),
              "200 by socks");
    EXPECT_EQ(asked, std::string("\x05\x01\x00\x03"
                                 "far.test\x00\x51",
                                 14));
    EXPECT_EQ(user,
              "\x01\x02"
              "ab\x02"
              "cd");
    EXPECT_EQ(told(fetch(*client(proxy, "socks5", "ab:cd@"), request("http://192.0.43.8:81/"))),
              "200 by socks");
  }
  EXPECT_EQ(asked, std::string("\x05\x01\x00\x01\xc0\x00\x2b\x08\x00\x51", 10));
}

TEST_F(ThroughProxy, Socks5RefusalsAreTold) {
  struct Case {
    std::string answer;
    const char* outcome;
  };
  for (const auto& [answer, outcome] :
       {Case{std::string("\x05\xff", 2), "permission_denied: "}, Case{"HTTP", "unavailable: "},
        Case{std::string("\x05\x00\x05\x05\x00\x01", 6), "unavailable: "},
        Case{"", "unavailable: "}}) {
    const TestServer proxy([&](Peer& peer, int) {
      peer.read_exactly(3);
      peer.write(answer);
      if (answer.size() > 2) peer.read_exactly(16);
    });
    const auto said = told(fetch(*client(proxy, "socks5h"), request("http://far.test/")));
    EXPECT_TRUE(said.starts_with(outcome)) << said;
  }
}

// An address is checked behind every kind of proxy: no look-up of the proxy's own changes it.
TEST_F(ThroughProxy, AddressesAreCheckedAllTheSame) {
  std::atomic<int> used = 0;
  const TestServer proxy([&](Peer&, int) { ++used; });
  const auto gate = make_gate({.allowed = {{"*://*:*", "test"}}}).value();
  for (const auto* scheme : {"http", "https", "socks5", "socks5h"})
    for (const auto* url : {"http://10.0.0.1/", "https://169.254.169.254/", "http://[fd00::1]/"}) {
      const auto sent = client(proxy, scheme)->send(request(url), *gate, {}, {});
      ASSERT_FALSE(sent) << scheme << url;
      EXPECT_EQ(sent.error().code, Code::permission_denied)
          << scheme << url << sent.error().message;
    }
  EXPECT_EQ(used, 0);
}

}  // namespace
}  // namespace boxagnts::net
