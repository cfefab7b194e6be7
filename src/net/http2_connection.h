// An HTTP/2 connection (RFC 9113) by nghttp2: requests of several threads side by side, without a
// thread of its own.
//
// Threads: thread-safe. Whoever waits for something drives the connection: one thread at a time,
// the driver, polls the socket and hands what came to the streams it is for; the others wait on
// their stream's condition. A driver that has what it waited for passes the wheel on. Ownership:
// shared by its streams and by the pool.
//
// Limits: 64 streams at once of our making, a window of 256 KiB each that opens as the body is
// read, and a window of the connection that holds them all, so that a reader who is slow stops
// nobody. Heads of 64 KiB.
#pragma once

#include <memory>
#include <optional>

#include "base/error.h"
#include "net/client_request.h"
#include "net/client_transport.h"

namespace boxagnts::net {

class Http2Connection : public std::enable_shared_from_this<Http2Connection> {
 public:
  // Over a transport whose other side agreed to "h2".
  static Result<std::shared_ptr<Http2Connection>> make(std::unique_ptr<ClientTransport> transport,
                                                       std::optional<IpAddress> address);
  virtual ~Http2Connection() = default;

  struct Failure {
    Error error;
    bool may_retry = false;  // the other side has done nothing for it, and says so
  };
  // Sends a request and waits for the head of its answer. The response keeps the connection.
  virtual std::expected<std::unique_ptr<Response>, Failure> send(const Request& request,
                                                                 const Timeouts& timeouts,
                                                                 Waiter& waiter) = 0;

  virtual const std::optional<IpAddress>& address() const = 0;
  // Looks at what came while nobody waited: whether it takes another stream now.
  virtual bool has_room() = 0;
  virtual bool is_alive() = 0;        // it may have room later
  virtual std::size_t streams() = 0;  // of responses that have not gone yet
};

}  // namespace boxagnts::net
