// TLS for the HTTP server: TLS 1.2 and later, forward secrecy and authenticated ciphers alone.
// One TlsSettings serves all connections; the I/O thread alone uses what it makes.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "net/server_transport.h"

namespace boxagnts::net {

class TlsSettings {
 public:
  // Both files are PEM; the certificate's may hold its chain. Errors: invalid_argument.
  static Result<std::unique_ptr<TlsSettings>> load(const std::string& certificate_file,
                                                   const std::string& key_file);
  virtual ~TlsSettings() = default;
  // For a new connection, which it does not own; null when there is no memory.
  virtual std::unique_ptr<Transport> accept(int fd) = 0;
};

}  // namespace boxagnts::net
