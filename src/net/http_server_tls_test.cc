#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <filesystem>
#include <memory>
#include <thread>

#include "net/http_server_fixture.h"

namespace boxagnts::net {
namespace {

// A key and a certificate that it has signed itself, in files.
class SelfSigned {
 public:
  SelfSigned() {
    char name[] = "/tmp/boxagnts_tls.XXXXXX";
    if (!::mkdtemp(name)) ADD_FAILURE() << "no folder in /tmp";
    folder_ = name;
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"),
                                                                  EVP_PKEY_free);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
    X509* const x509 = certificate.get();
    ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
    X509_gmtime_adj(X509_getm_notBefore(x509), 0);
    X509_gmtime_adj(X509_getm_notAfter(x509), 3600);
    X509_set_pubkey(x509, key.get());
    X509_NAME* const subject = X509_get_subject_name(x509);
    X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
    X509_set_issuer_name(x509, subject);
    X509_sign(x509, key.get(), EVP_sha256());
    const auto open = [](const std::string& path) {
      return std::unique_ptr<std::FILE, int (*)(std::FILE*)>(std::fopen(path.c_str(), "w"),
                                                             std::fclose);
    };
    PEM_write_X509(open(certificate_file()).get(), x509);
    PEM_write_PrivateKey(open(key_file()).get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  }
  ~SelfSigned() { std::filesystem::remove_all(folder_); }
  std::string certificate_file() const { return folder_ + "/certificate.pem"; }
  std::string key_file() const { return folder_ + "/key.pem"; }

 private:
  std::string folder_;
};

class TlsClient {
 public:
  explicit TlsClient(std::uint16_t port, int version_max = TLS1_3_VERSION)
      : socket_(port),
        context_(SSL_CTX_new(TLS_client_method()), SSL_CTX_free),
        ssl_(nullptr, SSL_free) {
    SSL_CTX_set_security_level(context_.get(), 0);  // old versions are offered on purpose
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_.get(), version_max);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_fd(ssl_.get(), socket_.fd());
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>("\x02h2\x08http/1.1"),
                        12);
  }
  bool shake_hands() { return SSL_connect(ssl_.get()) == 1; }
  bool send(std::string_view bytes) {
    return SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size())) ==
           static_cast<int>(bytes.size());
  }
  std::string bytes(std::size_t count) {
    std::string taken;
    char buffer[16 << 10];
    while (taken.size() < count) {
      const int got = SSL_read(ssl_.get(), buffer,
                               static_cast<int>(std::min(sizeof buffer, count - taken.size())));
      if (got <= 0) break;
      taken.append(buffer, static_cast<std::size_t>(got));
    }
    return taken;
  }
  std::string until(std::string_view mark) {
    std::string taken;
    while (!taken.ends_with(mark)) {
      const std::string one = bytes(1);
      if (one.empty()) break;
      taken += one;
    }
    return taken;
  }
  SSL* ssl() const { return ssl_.get(); }

 private:
  RawClient socket_;
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

class HttpServerTls : public testing::Test {
 protected:
  void serve(Handler handler) {
    server_ = start_server(std::move(handler), {.certificate_file = self_signed_.certificate_file(),
                                                .key_file = self_signed_.key_file()});
  }
  SelfSigned self_signed_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTls, AnswersAndKeepsTheConnection) {
  serve([](Exchange& exchange) {
    exchange.respond({.body = exchange.request().secure ? "secure" : "plain"});
  });
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server_->port(), version);
    ASSERT_TRUE(client.shake_hands());
    EXPECT_EQ(SSL_version(client.ssl()), version);
    const unsigned char* protocol = nullptr;
    unsigned bytes = 0;
    SSL_get0_alpn_selected(client.ssl(), &protocol, &bytes);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(protocol), bytes), "http/1.1");
    for (int i = 0; i < 2; ++i) {
      client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
      EXPECT_EQ(status_of(client.until("\r\n\r\n")), 200);
      EXPECT_EQ(client.bytes(6), "secure");
    }
  }
}

TEST_F(HttpServerTls, BodiesFilesAndStreamsAreWhole) {
  std::string content;
  for (int i = 0; content.size() < (3u << 20); ++i) content += std::to_string(i) + ",";
  serve([&](Exchange& exchange) {
    if (exchange.request().path == "/echo")
      return exchange.respond({.body = *exchange.whole_body(8 << 20)});
    if (exchange.request().path == "/stream") {
      const auto stream = exchange.respond_stream({});
      for (const char* piece : {"one", "two"})
        stream->push(std::make_shared<const std::string>(piece));
      return;
    }
    char name[] = "/tmp/boxagnts_tls_file.XXXXXX";
    base::UniqueFd file(::mkstemp(name));
    ::unlink(name);
    EXPECT_TRUE(base::write_all(file.get(), content));
    exchange.respond_file({}, std::move(file), 5, content.size() - 5);
  });
  TlsClient client(server_->port());
  ASSERT_TRUE(client.shake_hands());
  client.send("GET /file HTTP/1.1\r\nHost: h\r\n\r\n");
  EXPECT_EQ(status_of(client.until("\r\n\r\n")), 200);
  EXPECT_EQ(client.bytes(content.size() - 5), content.substr(5));
  client.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: " +
              std::to_string(content.size()) + "\r\n\r\n");
  client.send(content);
  EXPECT_EQ(status_of(client.until("\r\n\r\n")), 200);
  EXPECT_EQ(client.bytes(content.size()), content);
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_EQ(status_of(client.until("\r\n\r\n")), 200);
  EXPECT_EQ(client.bytes(100), "onetwo");  // and the end
}

TEST_F(HttpServerTls, OldVersionsAreRefused) {
  serve([](Exchange& exchange) { exchange.respond({}); });
  TlsClient old(server_->port(), TLS1_1_VERSION);
  EXPECT_FALSE(old.shake_hands());
}

TEST_F(HttpServerTls, PlainHttpIsToldWhatThePortSpeaks) {
  serve([](Exchange& exchange) { exchange.respond({}); });
  RawClient client(server_->port());
  client.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  const auto answer = client.answer();
  EXPECT_EQ(status_of(answer), 400);
  EXPECT_NE(answer.find("speaks HTTPS"), std::string::npos);
}

TEST_F(HttpServerTls, AHandshakeThatStallsEndsByTheClock) {
  base::ManualClock clock;
  server_ = start_server([](Exchange& exchange) { exchange.respond({}); },
                         {.certificate_file = self_signed_.certificate_file(),
                          .key_file = self_signed_.key_file(),
                          .clock = &clock});
  RawClient client(server_->port());
  client.send("\x16\x03\x01");
  while (server_->connections() == 0) std::this_thread::yield();
  server_->check_timeouts();
  clock.advance(std::chrono::seconds(11));
  server_->check_timeouts();
  EXPECT_EQ(client.rest(), "");
}

TEST_F(HttpServerTls, FilesThatCannotBeUsedAreNamed) {
  const auto start = [](const std::string& certificate, const std::string& key) {
    return HttpServer::start(
        {.address = *parse_ip("127.0.0.1"), .certificate_file = certificate, .key_file = key},
        [](Exchange&) {});
  };
  const auto missing = start("/nowhere.pem", self_signed_.key_file());
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::invalid_argument);
  EXPECT_NE(missing.error().message.find("/nowhere.pem"), std::string::npos);
  const SelfSigned other;
  const auto foreign = start(self_signed_.certificate_file(), other.key_file());
  ASSERT_FALSE(foreign);
  EXPECT_NE(foreign.error().message.find(other.key_file()), std::string::npos);
}

}  // namespace
}  // namespace boxagnts::net
