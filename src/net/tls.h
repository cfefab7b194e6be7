// TLS 1.2 and later by OpenSSL, client side: whom to trust, and a transport over another one.
//
// One TlsClient a client. Authorities are read at the first handshake, once; sessions are resumed.
// Thread-safe; a transport it made may outlive it. Errors are sentences for people: expired,
// self-signed, another host's, of an unknown authority.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "net/client_transport.h"

namespace boxagnts::net {

struct TrustOptions {
  std::string ca_file;  // PEM, beside the system's authorities; "" = none
  std::function<std::string(const std::string&)> environment;  // SSL_CERT_FILE
};

enum class Alpn : std::uint8_t { none, http1, http1_or_h2 };

class TlsClient {
 public:
  static std::unique_ptr<TlsClient> make(TrustOptions options);
  virtual ~TlsClient() = default;
  // `host`: a name or an address, which the certificate must be for. Errors: permission_denied (a
  // certificate that does not hold), unavailable (no TLS there), invalid_argument (authorities
  // that cannot be read), timeout, cancelled.
  virtual Result<std::unique_ptr<ClientTransport>> handshake(std::unique_ptr<ClientTransport> under,
                                                             const std::string& host, Alpn alpn,
                                                             const Deadline& deadline,
                                                             Waiter& waiter) = 0;
};

}  // namespace boxagnts::net
