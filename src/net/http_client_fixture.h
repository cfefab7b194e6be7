// What the client's tests share: servers on loopback that say what a test wants, plain or over TLS,
// certificates made on the spot, and gates. Waits end when what is waited for has come.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"
#include "net/http_client.h"

namespace boxagnts::net {

// --- certificates -------------------------------------------------------------------------------

struct CertificateOptions {
  std::string names = "DNS:localhost,DNS:*.box.test,IP:127.0.0.1";
  long begins_s = -3600, ends_s = 3600;  // from now
};

class Certificate {
 public:
  // Signed by `issuer`; by itself when there is none.
  static Certificate make(const CertificateOptions& options, const Certificate* issuer = nullptr) {
    Certificate made;
    made.key_.reset(::EVP_EC_gen("P-256"), ::EVP_PKEY_free);
    X509* x509 = ::X509_new();
    made.x509_.reset(x509, ::X509_free);
    ::X509_set_version(x509, X509_VERSION_3);
    static std::atomic<long> last_serial = 0;
    const long serial = ++last_serial;
    ::ASN1_INTEGER_set(::X509_get_serialNumber(x509), serial);
    ::X509_gmtime_adj(::X509_getm_notBefore(x509), options.begins_s);
    ::X509_gmtime_adj(::X509_getm_notAfter(x509), options.ends_s);
    ::X509_set_pubkey(x509, made.key_.get());
    const bool is_authority = options.names.empty();
    const std::string name = "test " + std::to_string(serial);
    ::X509_NAME_add_entry_by_txt(::X509_get_subject_name(x509), "CN", MBSTRING_ASC,
                                 reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    ::X509_set_issuer_name(x509, ::X509_get_subject_name(issuer ? issuer->x509_.get() : x509));
    made.extend(NID_basic_constraints, is_authority ? "critical,CA:TRUE" : "CA:FALSE");
    if (!is_authority) made.extend(NID_subject_alt_name, options.names.c_str());
    ::X509_sign(x509, issuer ? issuer->key_.get() : made.key_.get(), ::EVP_sha256());
    return made;
  }
  static Certificate authority() { return make({.names = ""}); }

  std::string pem() const {
    BIO* out = ::BIO_new(::BIO_s_mem());
    ::PEM_write_bio_X509(out, x509_.get());
    char* bytes = nullptr;
    const long size = BIO_get_mem_data(out, &bytes);
    std::string text(bytes, static_cast<std::size_t>(size));
    ::BIO_free(out);
    return text;
  }
  EVP_PKEY* key() const { return key_.get(); }
  X509* x509() const { return x509_.get(); }

 private:
  void extend(int what, const char* value) {
    X509_EXTENSION* extension = ::X509V3_EXT_conf_nid(nullptr, nullptr, what, value);
    ::X509_add_ext(x509_.get(), extension, -1);
    ::X509_EXTENSION_free(extension);
  }
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> x509_;
};

// A file that is there as long as the object.
class PemFile {
 public:
  explicit PemFile(const std::string& content) {
    const base::UniqueFd fd(::mkstemp(path_));
    EXPECT_TRUE(base::write_all(fd.get(), content));
  }
  ~PemFile() { ::unlink(path_); }
  std::string path() const { return path_; }

 private:
  char path_[32] = "/tmp/net_test.XXXXXX";
};

// --- servers ------------------------------------------------------------------------------------

// The server's side of one connection; blocks.
class Peer {
 public:
  Peer(int fd, SSL_CTX* tls) : fd_(fd) {
    if (!tls) return;
    ssl_.reset(::SSL_new(tls), ::SSL_free);
    ::SSL_set_fd(ssl_.get(), fd);
    is_up_ = ::SSL_accept(ssl_.get()) == 1;
  }
  bool is_up() const { return is_up_; }
  int fd() const { return fd_; }
  bool has_more() const { return ssl_ && ::SSL_pending(ssl_.get()) > 0; }
  bool was_resumed() const { return ssl_ && ::SSL_session_reused(ssl_.get()) == 1; }

  // 0 at the end, -1 on an error.
  long read(char* into, std::size_t size) {
    return ssl_ ? ::SSL_read(ssl_.get(), into, static_cast<int>(size)) : ::read(fd_, into, size);
  }
  bool write(std::string_view bytes) {
    while (!bytes.empty()) {
      const long put = ssl_ ? ::SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                            : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(put));
    }
    return true;
  }
  // The bytes up to and with `end`; shorter when the client left.
  std::string read_until(std::string_view end) {
    std::string out;
    char byte;
    while (!out.ends_with(end) && read(&byte, 1) == 1) out += byte;
    return out;
  }
  std::string read_head() { return read_until("\r\n\r\n"); }
  std::string read_exactly(std::size_t size) {
    std::string out;
    char byte;
    while (out.size() < size && read(&byte, 1) == 1) out += byte;
    return out;
  }
  void hold() {  // until the client leaves
    char byte;
    while (read(&byte, 1) > 0) {
    }
  }
  // Ends its side: what was sent arrives, which a close with something unread would undo.
  void leave() {
    ::shutdown(fd_, SHUT_WR);
    hold();
  }
  void reset() const {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
  }
  void say_goodbye() {
    if (ssl_ && is_up_) ::SSL_shutdown(ssl_.get());
  }

 private:
  const int fd_;
  std::shared_ptr<SSL> ssl_;
  bool is_up_ = true;
};

struct TestServerOptions {
  const Certificate* certificate = nullptr;  // none: plain
  std::string alpn = {};                     // as on the wire, what the server would like best
  int tls_version_max = 0;
};

// Serves each connection in a thread of its own; `number` counts them from 0.
class TestServer {
 public:
  using Serve = std::function<void(Peer& peer, int number)>;
  explicit TestServer(Serve serve, TestServerOptions options = {})
      : serve_(std::move(serve)),
        options_(std::move(options)),
        listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 64), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (options_.certificate) begin_tls();
    if (serve_) acceptor_ = std::thread([this] { accept_all(); });
  }
  ~TestServer() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    if (acceptor_.joinable()) acceptor_.join();
    {
      const std::scoped_lock lock(mutex_);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    for (auto& thread : threads_) thread.join();
  }

  std::uint16_t port() const { return port_; }
  int connections() const { return connections_; }
  std::string origin(const std::string& host = "127.0.0.1") const {
    return (options_.certificate ? "https://" : "http://") + host + ":" + std::to_string(port_);
  }
  Url url(const std::string& target = "/x") const { return parse_url(origin() + target).value(); }

 private:
  void begin_tls() {
    tls_.reset(::SSL_CTX_new(::TLS_server_method()), ::SSL_CTX_free);
    ::SSL_CTX_use_certificate(tls_.get(), options_.certificate->x509());
    ::SSL_CTX_use_PrivateKey(tls_.get(), options_.certificate->key());
    if (options_.tls_version_max != 0) {
      ::SSL_CTX_set_security_level(tls_.get(), 0);
      SSL_CTX_set_min_proto_version(tls_.get(), 0);
      SSL_CTX_set_max_proto_version(tls_.get(), options_.tls_version_max);
    }
    ::SSL_CTX_set_alpn_select_cb(
        tls_.get(),
        [](SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* in,
           unsigned in_size, void* wanted) {
          const auto& alpn = *static_cast<const std::string*>(wanted);
          unsigned char* chosen = nullptr;
          if (::SSL_select_next_proto(
                  &chosen, out_size, reinterpret_cast<const unsigned char*>(alpn.data()),
                  static_cast<unsigned>(alpn.size()), in, in_size) != OPENSSL_NPN_NEGOTIATED)
            return SSL_TLSEXT_ERR_NOACK;
          *out = chosen;
          return SSL_TLSEXT_ERR_OK;
        },
        &options_.alpn);
  }

  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::scoped_lock lock(mutex_);
      open_.push_back(fd);
      threads_.emplace_back([this, fd, number = connections_++] { serve_one(fd, number); });
    }
  }
  void serve_one(int fd, int number) {
    sigset_t pipe;  // OpenSSL's own sockets raise it
    ::sigemptyset(&pipe);
    ::sigaddset(&pipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    {
      Peer peer(fd, tls_.get());
      if (peer.is_up()) serve_(peer, number);
      ::OPENSSL_thread_stop();
    }
    const std::scoped_lock lock(mutex_);
    open_.remove(fd);
    ::close(fd);
  }

  const Serve serve_;
  TestServerOptions options_;
  const base::UniqueFd listener_;
  std::shared_ptr<SSL_CTX> tls_;
  std::uint16_t port_ = 0;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;  // guards the two below
  std::list<int> open_;
  std::list<std::thread> threads_;
  std::thread acceptor_;
};

// --- gates and requests -------------------------------------------------------------------------

// Allows the URL's scheme, host and port and nothing else.
inline std::unique_ptr<ConnectGate> gate_for(const Url& url) {
  return make_gate(grant_for(url, "test", {})).value();
}

inline Result<std::unique_ptr<Response>> send(HttpClient& client, const Request& request,
                                              const SendOptions& options = {},
                                              std::stop_token stop = {}) {
  const auto gate = gate_for(request.url);
  return client.send(request, *gate, options, std::move(stop));
}

// "200 body"
inline Result<std::string> whole(Response& response, std::stop_token stop = {}) {
  std::string out = std::to_string(response.status()) + " ";
  while (true) {
    const auto piece = TRY(response.read(stop));
    if (piece.empty()) return out;
    out += piece;
  }
}

inline Result<std::string> fetch(HttpClient& client, const Request& request,
                                 const SendOptions& options = {}, std::stop_token stop = {}) {
  const auto response = TRY(send(client, request, options, stop));
  return whole(*response, stop);
}

// What came of it in one line: "200 body", or the error's code and sentence.
inline std::string told(const Result<std::string>& outcome) {
  return outcome
             ? *outcome
             : std::string(base::info(outcome.error().code).name) + ": " + outcome.error().message;
}

inline std::string with_length(std::string_view body, std::string_view headers = "") {
  return "HTTP/1.1 200 OK\r\n" + std::string(headers) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

}  // namespace boxagnts::net
