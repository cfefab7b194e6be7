#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <array>
#include <map>
#include <mutex>
#include <optional>

#include "base/guard.h"
#include "net/address.h"

namespace boxagnts::net {
namespace {

constexpr std::size_t kSessionsMax = 64;

// Where distributions keep the authorities: Debian, Fedora, openSUSE, Alpine and others.
constexpr std::array kSystemFiles{"/etc/ssl/certs/ca-certificates.crt",
                                  "/etc/pki/tls/certs/ca-bundle.crt",
                                  "/etc/ssl/ca-bundle.pem",
                                  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
                                  "/etc/ssl/cert.pem",
                                  "/etc/pki/tls/cacert.pem"};

template <auto function>
struct Deleter {
  void operator()(auto* object) const { function(object); }
};
using ContextPtr = std::unique_ptr<SSL_CTX, Deleter<SSL_CTX_free>>;
using SslPtr = std::unique_ptr<SSL, Deleter<SSL_free>>;
using SessionPtr = std::unique_ptr<SSL_SESSION, Deleter<SSL_SESSION_free>>;

// The sentence of OpenSSL's oldest error of this thread, which is the cause; all are taken.
std::string openssl_reason() {
  const unsigned long code = ::ERR_get_error();
  ::ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ::ERR_reason_error_string(code);
  return reason ? reason : "no reason given";
}

// Sessions by host, for resumption. Shared with the contexts' callback through each SSL's owner.
class Sessions {
 public:
  void keep(const std::string& host, SessionPtr session) {
    const std::scoped_lock lock(mutex_);
    if (sessions_.size() >= kSessionsMax && !sessions_.contains(host))
      sessions_.erase(sessions_.begin());
    sessions_[host] = std::move(session);
  }
  // Each is used once (RFC 8446, appendix C.4).
  SessionPtr take(const std::string& host) {
    const std::scoped_lock lock(mutex_);
    auto node = sessions_.extract(host);
    return node ? std::move(node.mapped()) : nullptr;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, SessionPtr> sessions_;
};

// --- OpenSSL's input and output over a transport ------------------------------------------------

// What a BIO of ours holds. The error outlives OpenSSL's own, which knows only that it failed.
struct Pipe {
  std::unique_ptr<ClientTransport> under;
  std::optional<Error> error;
  bool at_end = false;
};

Pipe& pipe_of(BIO* bio) { return *static_cast<Pipe*>(::BIO_get_data(bio)); }

int pipe_read(BIO* bio, char* into, int size) {
  Pipe& pipe = pipe_of(bio);
  BIO_clear_retry_flags(bio);
  auto got = pipe.under->read({into, static_cast<std::size_t>(size)});
  if (!got) {
    pipe.error = std::move(got).error();
    return -1;
  }
  if (!*got) {
    BIO_set_retry_read(bio);
    return -1;
  }
  pipe.at_end = **got == 0;
  return static_cast<int>(**got);
}

int pipe_write(BIO* bio, const char* bytes, int size) {
  Pipe& pipe = pipe_of(bio);
  BIO_clear_retry_flags(bio);
  auto put = pipe.under->write({bytes, static_cast<std::size_t>(size)});
  if (!put) {
    pipe.error = std::move(put).error();
    return -1;
  }
  if (!*put) {
    BIO_set_retry_write(bio);
    return -1;
  }
  return static_cast<int>(**put);
}

long pipe_control(BIO* bio, int command, long, void*) {
  if (command == BIO_CTRL_EOF) return pipe_of(bio).at_end ? 1 : 0;
  return command == BIO_CTRL_FLUSH ? 1 : 0;
}

// A table of functions, made once and the same for all.
const BIO_METHOD* pipe_method() {
  static const BIO_METHOD* const kMethod = [] {
    BIO_METHOD* method = ::BIO_meth_new(::BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "transport");
    ::BIO_meth_set_read(method, pipe_read);
    ::BIO_meth_set_write(method, pipe_write);
    ::BIO_meth_set_ctrl(method, pipe_control);
    ::BIO_meth_set_create(method, [](BIO* bio) {
      ::BIO_set_init(bio, 1);
      return 1;
    });
    return method;
  }();
  return kMethod;
}

// --- what is wrong with a certificate -----------------------------------------------------------

std::string names_in(X509* certificate) {
  std::string out;
  auto* names = static_cast<GENERAL_NAMES*>(
      ::X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names) && out.size() < 200; ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS) continue;
    const auto* text = name->d.dNSName;
    out += (out.empty() ? "" : ", ") +
           std::string(reinterpret_cast<const char*>(::ASN1_STRING_get0_data(text)),
                       static_cast<std::size_t>(::ASN1_STRING_length(text)));
  }
  ::GENERAL_NAMES_free(names);
  for (char& c : out)
    if (c < 0x20 || c > 0x7e) c = '?';
  return out;
}

constexpr std::string_view kTrustAdvice =
    "; if you trust it, name its authority's file in the setting ca_file";

std::string certificate_sentence(SSL* ssl, const std::string& host, const std::string& names) {
  const long result = ::SSL_get_verify_result(ssl);
  const std::string its = "the certificate of " + host;
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED: return its + " has expired";
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return its + " is not valid yet; is this machine's clock right?";
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return its + " is self-signed" + std::string(kTrustAdvice);
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return its + " is signed by an authority that this machine does not know" +
             std::string(kTrustAdvice);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return "the certificate that " + host + " shows is for another host" +
             (names.empty() ? "" : " (" + names + ")");
    default: return its + " does not hold: " + ::X509_verify_cert_error_string(result);
  }
}

// --- the stream ---------------------------------------------------------------------------------

class TlsTransport final : public ClientTransport {
 public:
  TlsTransport(SslPtr ssl, std::unique_ptr<Pipe> pipe, std::string host, std::string session_key,
               std::shared_ptr<Sessions> sessions)
      : pipe_(std::move(pipe)),
        host_(std::move(host)),
        session_key_(std::move(session_key)),
        sessions_(std::move(sessions)),
        ssl_(std::move(ssl)) {
    SSL_set_app_data(ssl_.get(), this);
  }
  ~TlsTransport() override {
    SSL_set_app_data(ssl_.get(), nullptr);
    ::ERR_clear_error();
    if (is_open_) ::SSL_shutdown(ssl_.get());  // close_notify, if there is room for it
    ::ERR_clear_error();
  }

  Status shake_hands(const Deadline& deadline, Waiter& waiter) {
    while (true) {
      ::ERR_clear_error();
      const int done = ::SSL_connect(ssl_.get());
      if (done == 1) break;
      const int kind = ::SSL_get_error(ssl_.get(), done);
      if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE) {
        TRY(waiter.wait(descriptor(), kind == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT, deadline));
        continue;
      }
      return std::unexpected(handshake_error());
    }
    is_open_ = true;
    const unsigned char* name = nullptr;
    unsigned size = 0;
    ::SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    if (name) protocol_.assign(reinterpret_cast<const char*>(name), size);
    return {};
  }

  Result<std::optional<std::size_t>> read(std::span<char> into) override {
    ::ERR_clear_error();
    std::size_t got = 0;
    const int done = ::SSL_read_ex(ssl_.get(), into.data(), into.size(), &got);
    if (done == 1) return got;
    return outcome(done, read_events_);
  }
  Result<std::optional<std::size_t>> write(std::string_view bytes) override {
    ::ERR_clear_error();
    std::size_t put = 0;
    const int done = ::SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put);
    if (done == 1) return put;
    return outcome(done, write_events_);
  }
  int descriptor() const override { return pipe_->under->descriptor(); }
  short read_events() const override { return read_events_; }
  short write_events() const override { return write_events_; }
  bool has_buffered() const override {
    return ::SSL_pending(ssl_.get()) > 0 || pipe_->under->has_buffered();
  }
  std::string_view protocol() const override { return protocol_; }

  // For each certificate of the chain; 0 ends the handshake with an alert.
  static int on_certificate(int holds, X509_STORE_CTX* chain) {
    if (!GUARD("net.tls-certificate", holds == 0)) return 1;
    const auto* ssl = static_cast<const SSL*>(
        ::X509_STORE_CTX_get_ex_data(chain, ::SSL_get_ex_data_X509_STORE_CTX_idx()));
    if (auto* self = ssl ? static_cast<TlsTransport*>(SSL_get_app_data(ssl)) : nullptr)
      self->shown_names_ = names_in(::X509_STORE_CTX_get0_cert(chain));
    return 0;
  }
  static int on_session(SSL* ssl, SSL_SESSION* session) {
    const auto* self = static_cast<TlsTransport*>(SSL_get_app_data(ssl));
    if (!self) return 0;
    self->sessions_->keep(self->session_key_, SessionPtr(session));
    return 1;  // it is ours now
  }

 private:
  Result<std::optional<std::size_t>> outcome(int done, short& events) {
    switch (::SSL_get_error(ssl_.get(), done)) {
      case SSL_ERROR_ZERO_RETURN: return 0;
      case SSL_ERROR_WANT_READ: events = POLLIN; return std::nullopt;
      case SSL_ERROR_WANT_WRITE: events = POLLOUT; return std::nullopt;
      default: break;
    }
    is_open_ = false;
    if (pipe_->error) return std::unexpected(*pipe_->error);
    // An end without a farewell may be somebody's cutting the answer short.
    if (pipe_->at_end)
      return fail(Code::unavailable, "the connection to " + host_ + " was cut", openssl_reason());
    return fail(Code::unavailable, "TLS with " + host_ + " failed: " + openssl_reason());
  }

  Error handshake_error() {
    if (pipe_->error) return *pipe_->error;
    if (::SSL_get_verify_result(ssl_.get()) != X509_V_OK) {
      ::ERR_clear_error();
      return {Code::permission_denied, certificate_sentence(ssl_.get(), host_, shown_names_)};
    }
    if (pipe_->at_end)
      return {Code::unavailable, host_ + " hung up during the TLS handshake", openssl_reason()};
    return {Code::unavailable,
            "no TLS connection to " + host_ + ": " + openssl_reason() + "; is it an https server?"};
  }

  const std::unique_ptr<Pipe> pipe_;  // outlives ssl_, which reads and writes through it
  const std::string host_, session_key_;
  const std::shared_ptr<Sessions> sessions_;
  const SslPtr ssl_;
  std::string protocol_;
  std::string shown_names_;  // by a certificate that does not hold
  short read_events_ = POLLIN, write_events_ = POLLOUT;
  bool is_open_ = false;
};

// --- the client ---------------------------------------------------------------------------------

class OpenSslClient final : public TlsClient {
 public:
  explicit OpenSslClient(TrustOptions options) : options_(std::move(options)) {}

  Result<std::unique_ptr<ClientTransport>> handshake(std::unique_ptr<ClientTransport> under,
                                                     const std::string& host, Alpn alpn,
                                                     const Deadline& deadline,
                                                     Waiter& waiter) override {
    SSL_CTX* context = TRY(context_of());
    SslPtr ssl(::SSL_new(context));
    if (!ssl) return fail(Code::internal, "cannot begin TLS: " + openssl_reason());
    TRY(expect_host(ssl.get(), host));
    offer(ssl.get(), alpn);
    const std::string key = host + (alpn == Alpn::http1_or_h2 ? "+h2" : "");
    if (const auto session = sessions_->take(key)) ::SSL_set_session(ssl.get(), session.get());
    auto pipe = std::make_unique<Pipe>(std::move(under));
    BIO* bio = ::BIO_new(pipe_method());
    if (!bio) return fail(Code::internal, "cannot begin TLS: " + openssl_reason());
    ::BIO_set_data(bio, pipe.get());
    ::SSL_set_bio(ssl.get(), bio, bio);
    auto transport =
        std::make_unique<TlsTransport>(std::move(ssl), std::move(pipe), host, key, sessions_);
    TRY(transport->shake_hands(deadline, waiter));
    return transport;
  }

 private:
  static Status expect_host(SSL* ssl, std::string host) {
    if (host.ends_with('.')) host.pop_back();  // the root's dot is in no certificate
    ::SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    const bool is_set =
        parse_ip(host) ? ::X509_VERIFY_PARAM_set1_ip_asc(::SSL_get0_param(ssl), host.c_str()) == 1
                       : ::SSL_set1_host(ssl, host.c_str()) == 1 &&
                             SSL_set_tlsext_host_name(ssl, host.c_str()) == 1;
    if (!is_set)
      return fail(Code::invalid_argument, "no certificate can be for the host " + host,
                  openssl_reason());
    return {};
  }

  static void offer(SSL* ssl, Alpn alpn) {
    constexpr std::string_view kBoth = "\x02h2\x08http/1.1";
    const std::string_view names = alpn == Alpn::http1_or_h2 ? kBoth : kBoth.substr(3);
    if (alpn == Alpn::none) return;
    ::SSL_set_alpn_protos(ssl, reinterpret_cast<const unsigned char*>(names.data()),
                          static_cast<unsigned>(names.size()));
  }

  Result<SSL_CTX*> context_of() {
    const std::scoped_lock lock(mutex_);
    if (!context_) context_ = TRY(make_context());
    return context_.get();
  }

  Result<ContextPtr> make_context() const {
    ::ERR_clear_error();
    ContextPtr context(::SSL_CTX_new(::TLS_client_method()));
    if (!context) return fail(Code::internal, "cannot begin TLS: " + openssl_reason());
    ::SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, TlsTransport::on_certificate);
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_mode(context.get(), SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
    ::SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_session_cache_mode(context.get(),
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    ::SSL_CTX_sess_set_new_cb(context.get(), TlsTransport::on_session);
    TRY(load_authorities(context.get()));
    return context;
  }

  Status load_authorities(SSL_CTX* context) const {
    const auto load = [&](const std::string& file, const char* who) -> Status {
      if (::SSL_CTX_load_verify_file(context, file.c_str()) == 1) return {};
      return fail(Code::invalid_argument, "no certificates can be read from " + file + ", which " +
                                              who + " names: " + openssl_reason());
    };
    const std::string named =
        options_.environment ? options_.environment("SSL_CERT_FILE") : std::string();
    if (!named.empty()) {
      TRY(load(named, "SSL_CERT_FILE"));
    } else {
      for (const char* file : kSystemFiles)
        if (::access(file, R_OK) == 0 && ::SSL_CTX_load_verify_file(context, file) == 1) break;
    }
    if (!options_.ca_file.empty()) TRY(load(options_.ca_file, "the setting ca_file"));
    ::ERR_clear_error();
    return {};
  }

  const TrustOptions options_;
  const std::shared_ptr<Sessions> sessions_ = std::make_shared<Sessions>();
  std::mutex mutex_;  // guards the making of context_
  ContextPtr context_;
};

}  // namespace

std::unique_ptr<TlsClient> TlsClient::make(TrustOptions options) {
  return std::make_unique<OpenSslClient>(std::move(options));
}

}  // namespace boxagnts::net
