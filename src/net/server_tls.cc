#include "net/server_tls.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace boxagnts::net {
namespace {

constexpr std::size_t kRecordBytes = 16 << 10;

struct Free {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  void operator()(SSL* ssl) const { SSL_free(ssl); }
};
using Context = std::unique_ptr<SSL_CTX, Free>;

std::string reason_of_failure() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  std::string text = reason ? reason : "unknown reason";
  ERR_clear_error();
  return text;
}

// Signals of a broken connection need no care: the I/O thread, as all threads but the first, has
// SIGPIPE blocked.
class TlsTransport final : public Transport {
 public:
  TlsTransport(std::unique_ptr<SSL, Free> ssl, std::string& gathered)
      : ssl_(std::move(ssl)), gathered_(gathered) {}

  IoResult read(int fd, std::span<char> into) override {
    ERR_clear_error();
    std::size_t got = 0;
    if (SSL_read_ex(ssl_.get(), into.data(), into.size(), &got) == 1) return {IoState::moved, got};
    const IoState state = state_after(0);
    if (state == IoState::failed && ERR_GET_REASON(ERR_peek_error()) == SSL_R_HTTP_REQUEST)
      answer_plainly(fd);
    return {state};
  }

  // Small pieces share a record. What was tried once is tried again with the same bytes first, as
  // OpenSSL wants: the queue has kept them.
  IoResult write(int, std::span<const iovec> pieces, More) override {
    ERR_clear_error();
    std::string_view bytes{static_cast<const char*>(pieces[0].iov_base), pieces[0].iov_len};
    if (pieces.size() > 1 && bytes.size() < kRecordBytes) {
      gathered_.clear();
      for (const iovec& piece : pieces) {
        const std::size_t room = kRecordBytes - gathered_.size();
        gathered_.append(static_cast<const char*>(piece.iov_base), std::min(piece.iov_len, room));
      }
      bytes = gathered_;
    }
    std::size_t put = 0;
    const int result = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &put);
    if (result == 1) return {IoState::moved, put};
    return {state_after(result)};
  }

  void finish(int fd) override {
    ERR_clear_error();
    SSL_shutdown(ssl_.get());
    ::shutdown(fd, SHUT_WR);
  }
  bool is_plain() const override { return false; }

 private:
  IoState state_after(int result) {
    switch (SSL_get_error(ssl_.get(), result)) {
      case SSL_ERROR_WANT_READ: return IoState::want_read;
      case SSL_ERROR_WANT_WRITE: return IoState::want_write;
      case SSL_ERROR_ZERO_RETURN: return IoState::ended;
      default: return IoState::failed;
    }
  }
  static void answer_plainly(int fd) {
    constexpr std::string_view kAnswer =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: 46\r\n"
        "Connection: close\r\n\r\nThis port speaks HTTPS: begin with https://.\r\n";
    [[maybe_unused]] const auto sent =
        ::send(fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  }

  const std::unique_ptr<SSL, Free> ssl_;
  std::string& gathered_;
};

// As ALPN writes it. What is chosen points into it.
constexpr std::array<unsigned char, 9> kOurs{8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// Of what the client offers, HTTP/1.1 or nothing.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* chosen_bytes,
                    const unsigned char* offered, unsigned int offered_bytes, void*) {
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, chosen_bytes, kOurs.data(), kOurs.size(), offered,
                            offered_bytes) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_NOACK;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

class OpensslSettings final : public TlsSettings {
 public:
  explicit OpensslSettings(Context context) : context_(std::move(context)) {
    gathered_.reserve(kRecordBytes);
  }
  std::unique_ptr<Transport> accept(int fd) override {
    std::unique_ptr<SSL, Free> ssl(SSL_new(context_.get()));
    if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
    SSL_set_accept_state(ssl.get());
    return std::make_unique<TlsTransport>(std::move(ssl), gathered_);
  }

 private:
  const Context context_;
  std::string gathered_;  // between two writes it holds nothing that matters
};

}  // namespace

Result<std::unique_ptr<TlsSettings>> TlsSettings::load(const std::string& certificate_file,
                                                       const std::string& key_file) {
  Context context(SSL_CTX_new(TLS_server_method()));
  if (!context) return fail(Code::busy, "TLS cannot be set up", reason_of_failure());
  SSL_CTX* const ctx = context.get();
  SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
  SSL_CTX_set_options(
      ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_cipher_list(ctx, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                            SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_alpn_select_cb(ctx, choose_protocol, nullptr);
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(ctx, certificate_file.c_str()) != 1)
    return fail(Code::invalid_argument,
                "the certificate " + certificate_file + " cannot be used: " + reason_of_failure());
  if (SSL_CTX_use_PrivateKey_file(ctx, key_file.c_str(), SSL_FILETYPE_PEM) != 1)
    return fail(Code::invalid_argument,
                "the key " + key_file + " cannot be used: " + reason_of_failure());
  return std::make_unique<OpensslSettings>(std::move(context));
}

}  // namespace boxagnts::net
