// TLS: whom the client trusts and whom it does not, and what it says; HTTP/1.1 over it.
#include <gtest/gtest.h>

#include "net/http_client_fixture.h"

namespace boxagnts::net {
namespace {

using namespace std::chrono_literals;

void keep_answering(Peer& peer, int number) {
  while (!peer.read_head().empty()) peer.write(with_length(std::to_string(number)));
}

class Tls : public testing::Test {
 protected:
  std::unique_ptr<HttpClient> client(std::string cert_file = "") const {
    return HttpClient::make({.environment =
                                 [cert_file](const std::string& name) {
                                   return name == "SSL_CERT_FILE" ? cert_file : std::string();
                                 },
                             .ca_file = authority_file_.path()});
  }
  const Certificate authority_ = Certificate::authority();
  const PemFile authority_file_{authority_.pem()};
  const Certificate good_ = Certificate::make({}, &authority_);
};

TEST_F(Tls, AnAnswerComesOverATrustedConnection) {
  const TestServer server(keep_answering, {.certificate = &good_});
  const auto http = client();
  for (const auto* host : {"127.0.0.1", "localhost", "localhost."}) {
    const auto url = parse_url(server.origin(host) + "/").value();
    EXPECT_EQ(told(fetch(*http, {.url = url})).substr(0, 4), "200 ") << host;
  }
}

TEST_F(Tls, ConnectionsAreKeptAndSessionsResumed) {
  std::atomic<int> resumed = 0;
  const TestServer server(
      [&](Peer& peer, int number) {
        resumed += peer.was_resumed() ? 1 : 0;
        for (int i = 0; i < 2; ++i) {
          peer.read_head();
          peer.write(with_length(std::to_string(number), i == 1 ? "Connection: close\r\n" : ""));
        }
        peer.hold();
      },
      {.certificate = &good_});
  const auto http = client();
  for (const auto* body : {"200 0", "200 0", "200 1", "200 1"})
    EXPECT_EQ(told(fetch(*http, {.url = server.url()})), body);
  EXPECT_EQ(server.connections(), 2);
  EXPECT_EQ(resumed, 1);
}

struct BadCertificate {
  const char* name;
  CertificateOptions options;
  bool self_signed;
  const char* said;
};
class TlsRefuses : public Tls, public testing::WithParamInterface<BadCertificate> {};
TEST_P(TlsRefuses, AndSaysWhy) {
  const auto& param = GetParam();
  const auto bad = Certificate::make(param.options, param.self_signed ? nullptr : &authority_);
  const TestServer server(keep_answering, {.certificate = &bad});
  const auto outcome = fetch(*client(), {.url = server.url()});
  ASSERT_FALSE(outcome) << *outcome;
  EXPECT_EQ(outcome.error().code, Code::permission_denied);
  EXPECT_TRUE(outcome.error().message.contains(param.said)) << outcome.error().message;
}
INSTANTIATE_TEST_SUITE_P(
    Matrix, TlsRefuses,
    testing::Values(
        BadCertificate{"Expired", {.begins_s = -7200, .ends_s = -3600}, false, "has expired"},
        BadCertificate{"NotYetValid", {.begins_s = 3600, .ends_s = 7200}, false, "clock"},
        BadCertificate{"SelfSigned", {}, true, "self-signed"},
        BadCertificate{
            "AnotherHost", {.names = "DNS:other.test"}, false, "another host (other.test)"},
        BadCertificate{"AnotherAddress", {.names = "IP:127.0.0.2"}, false, "another host"},
        BadCertificate{"AddressAsName", {.names = "DNS:127.0.0.1"}, false, "another host"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST_F(Tls, AnUnknownAuthorityIsSaid) {
  const auto stranger = Certificate::authority();
  const auto theirs = Certificate::make({}, &stranger);
  const TestServer server(keep_answering, {.certificate = &theirs});
  const auto outcome = told(fetch(*client(), {.url = server.url()}));
  EXPECT_TRUE(outcome.starts_with("permission_denied: ")) << outcome;
  EXPECT_TRUE(outcome.contains("authority that this machine does not know")) << outcome;
  EXPECT_TRUE(outcome.contains("ca_file")) << outcome;
  const PemFile named(stranger.pem());  // in place of the system's; ca_file beside it
  EXPECT_EQ(told(fetch(*client(named.path()), {.url = server.url()})), "200 1");
}

TEST_F(Tls, AFileOfAuthoritiesThatCannotBeReadIsSaid) {
  const TestServer server(keep_answering, {.certificate = &good_});
  const auto missing = HttpClient::make({.ca_file = "/nowhere.pem"});
  const auto outcome = told(fetch(*missing, {.url = server.url()}));
  EXPECT_TRUE(outcome.starts_with("invalid_argument: ")) << outcome;
  EXPECT_TRUE(outcome.contains("/nowhere.pem") && outcome.contains("ca_file")) << outcome;
  const PemFile empty("nothing");
  EXPECT_TRUE(told(fetch(*client(empty.path()), {.url = server.url()})).contains("SSL_CERT_FILE"));
}

TEST_F(Tls, OldVersionsAreNotSpoken) {
  for (const auto& [version, speaks] :
       {std::pair{TLS1_1_VERSION, false}, std::pair{TLS1_2_VERSION, true}}) {
    const TestServer server(keep_answering, {.certificate = &good_, .tls_version_max = version});
    const auto outcome = told(fetch(*client(), {.url = server.url()}));
    EXPECT_TRUE(outcome.starts_with(speaks ? "200 " : "unavailable: no TLS connection")) << outcome;
  }
}

TEST_F(Tls, NoTlsThereIsSaid) {
  for (const std::string_view said :
       {"HTTP/1.1 400 Bad Request\r\n\r\n", "\x15\x03\x01\x00\x02\x02\x28", ""}) {
    const TestServer server([&](Peer& peer, int) {
      char byte;
      peer.read(&byte, 1);
      peer.write(said);
    });
    auto url = server.url();
    url.scheme = "https";
    const auto outcome = told(fetch(*client(), {.url = url}));
    EXPECT_TRUE(outcome.starts_with("unavailable: ")) << outcome;
    EXPECT_TRUE(outcome.contains("TLS") || outcome.contains("cut")) << outcome;
  }
}

TEST_F(Tls, AHandshakeThatStallsTimesOutOrIsStopped) {
  const TestServer server([](Peer& peer, int) { peer.hold(); });
  auto url = server.url();
  url.scheme = "https";
  const auto http = client();
  const auto late = told(fetch(*http, {.url = url}, {.timeouts = {.tls = 50ms}}));
  EXPECT_TRUE(late.starts_with("timeout: the TLS handshake")) << late;
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_EQ(fetch(*http, {.url = url}, {}, source.get_token()).error().code, Code::cancelled);
}

TEST_F(Tls, AnEndWithoutFarewellIsACut) {
  for (const bool says_goodbye : {true, false}) {
    const TestServer server(
        [&](Peer& peer, int) {
          peer.read_head();
          peer.write("HTTP/1.1 200 OK\r\n\r\nall?");
          if (says_goodbye) peer.say_goodbye();
        },
        {.certificate = &good_});
    const auto outcome = told(fetch(*client(), {.url = server.url()}));
    if (says_goodbye)
      EXPECT_EQ(outcome, "200 all?");
    else
      EXPECT_TRUE(outcome.starts_with("unavailable: ")) << outcome;
  }
}

TEST_F(Tls, LargeBodiesGoBothWays) {
  const std::string body(3'000'000, 'b');
  const TestServer server(
      [&](Peer& peer, int) {
        peer.read_head();
        std::string got(body.size(), '\0');
        for (std::size_t at = 0; at < got.size();) {
          const long size = peer.read(got.data() + at, got.size() - at);
          if (size <= 0) return;
          at += static_cast<std::size_t>(size);
        }
        peer.write(with_length(got));
      },
      {.certificate = &good_});
  EXPECT_EQ(told(fetch(*client(), {.method = "PUT", .url = server.url(), .body = body})),
            "200 " + body);
}

}  // namespace
}  // namespace boxagnts::net
