// How bytes of one connection reach its socket: as they are, or through TLS. Never waits.
// Used by the I/O thread alone.
#pragma once

#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "base/error.h"

namespace boxagnts::net {

enum class IoState : std::uint8_t { moved, want_read, want_write, ended, failed };
struct IoResult {
  IoState state;
  std::size_t bytes = 0;
  bool is_drained = false;  // nothing more is there to be read at this moment
};
enum class More : std::uint8_t { none, follows };

class Transport {
 public:
  virtual ~Transport() = default;
  virtual IoResult read(int fd, std::span<char> into) = 0;
  virtual IoResult write(int fd, std::span<const iovec> pieces, More more) = 0;
  // Tells the other side that nothing more comes.
  virtual void finish(int fd) = 0;
  // May the kernel copy a file to the socket?
  virtual bool is_plain() const = 0;
};

// Has no state: one serves all connections.
class PlainTransport final : public Transport {
 public:
  IoResult read(int fd, std::span<char> into) override;
  IoResult write(int fd, std::span<const iovec> pieces, More more) override;
  void finish(int fd) override;
  bool is_plain() const override { return true; }
};

}  // namespace boxagnts::net
