// An HTTP/1.1 connection: one exchange after another.
//
// Owned by whoever has the exchange, else by the pool; one thread at a time. Errors: as of
// HttpClient::send and Response::read.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "net/client_request.h"
#include "net/client_transport.h"
#include "net/http1_reader.h"

namespace boxagnts::net {

class Http1Connection {
 public:
  // `address`: whom it is connected to; none behind a proxy that looks names up.
  Http1Connection(std::unique_ptr<ClientTransport> transport, std::optional<IpAddress> address);

  // Sends a request and waits for the head of its answer, without the request's body once that
  // cannot be sent again: whoever waits for a model waits long.
  Status exchange(Request& request, const WireOptions& wire, const Timeouts& timeouts,
                  Waiter& waiter);
  const Http1Reader& answer() const { return *reader_; }

  // The next piece of the answer's body; "" at its end.
  Result<std::string> read(std::chrono::milliseconds stall, Waiter& waiter);
  Result<std::optional<std::string>> try_read();
  int poll_descriptor() const;  // as of Response

  const std::optional<IpAddress>& address() const { return address_; }
  // After an exchange: whether the connection may serve another one.
  bool is_reusable() const { return !is_spent_ && reader_->keeps_alive(); }
  // While it is kept: false when the other side spoke or hung up meanwhile.
  bool is_quiet() const;
  // Of the exchange that failed: what the other side may have seen of it, what of its answer came.
  bool has_sent() const { return has_sent_; }
  bool has_received() const { return has_received_; }

 private:
  Status send(std::string_view bytes, const Timeouts& timeouts, Waiter& waiter);
  Status send_request(const Request& request, const WireOptions& wire, const Timeouts& timeouts,
                      Waiter& waiter);
  Status send_body(const Request& request, const Timeouts& timeouts, Waiter& waiter);
  Result<bool> receive();  // false: nothing is there
  Status look_for_answer();

  const std::unique_ptr<ClientTransport> transport_;
  const std::optional<IpAddress> address_;
  std::unique_ptr<Http1Reader> reader_;
  std::string peer_;
  bool has_sent_ = false, has_received_ = false;
  bool is_spent_ = false;       // the request was not sent whole
  bool wants_no_more_ = false;  // the other side has answered or hung up before all was sent
};

}  // namespace boxagnts::net
