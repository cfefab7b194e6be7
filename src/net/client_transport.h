// A connected stream of bytes that never blocks: TCP, or TLS over another one.
//
// Owned by one connection and used by one thread at a time. Errors: unavailable, with a sentence
// that names the other side, when the stream was cut.
#pragma once

#include <poll.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "net/waiter.h"

namespace boxagnts::net {

class ClientTransport {
 public:
  virtual ~ClientTransport() = default;
  // How many bytes; 0 at the end of the stream; nullopt: it has to wait until descriptor() is ready
  // for read_events().
  virtual Result<std::optional<std::size_t>> read(std::span<char> into) = 0;
  // The same, of write_events().
  virtual Result<std::optional<std::size_t>> write(std::string_view bytes) = 0;
  virtual int descriptor() const = 0;
  virtual short read_events() const { return POLLIN; }
  virtual short write_events() const { return POLLOUT; }
  // Bytes were taken from the descriptor and not read yet: waiting for it might be waiting forever.
  virtual bool has_buffered() const { return false; }
  virtual std::string_view protocol() const { return {}; }  // what ALPN agreed upon
};

// `peer` names the other side in sentences.
std::unique_ptr<ClientTransport> make_socket_transport(base::UniqueFd fd, std::string peer);

// Whole, waiting as needed.
Status write_all(ClientTransport& transport, std::string_view bytes, const Deadline& deadline,
                 Waiter& waiter);
// At least one byte. Errors: unavailable at the end of the stream.
Result<std::size_t> read_some(ClientTransport& transport, std::span<char> into,
                              const Deadline& deadline, Waiter& waiter);

}  // namespace boxagnts::net
