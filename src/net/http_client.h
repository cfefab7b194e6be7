// A minimal HTTP/1.1 client over plain TCP: connect, send, stream the body, cancel, stall timeout.
// (TLS, pools, proxies and the egress gate come with the network issue, behind this interface.)
//
// Calls block the calling thread, which waits in poll for the socket, its deadline and the stop
// token at once. Thread-safe; one Response belongs to one thread at a time.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/url.h"

namespace boxagnts::net {

struct Request {
  std::string method = "GET";
  Url url;
  std::vector<std::pair<std::string, std::string>> headers;  // Host and Content-Length are added
  std::string body;
};

struct Timeouts {
  std::chrono::milliseconds connect{10'000};
  std::chrono::milliseconds first_byte{300'000};  // models think before they speak
  std::chrono::milliseconds stall{60'000};        // between two pieces of the body
};

class Response {
 public:
  virtual ~Response() = default;  // closes the connection
  virtual int status() const = 0;
  // First header of that name (case-insensitive), or "".
  virtual std::string_view header(std::string_view name) const = 0;
  // The next piece of the body; empty at its clean end. Errors: unavailable when the connection
  // ended before the body did, timeout on a stall, cancelled on `stop`.
  virtual Result<std::string> read(std::stop_token stop) = 0;
};

class HttpClient {
 public:
  static std::unique_ptr<HttpClient> make();
  virtual ~HttpClient() = default;
  // Returns when the final head has arrived (interim ones, 1xx, are passed over). Errors:
  // invalid_argument (a request with characters that would start another line), unavailable
  // (unreachable, refused, not HTTP), timeout, cancelled.
  virtual Result<std::unique_ptr<Response>> send(const Request& request, const Timeouts& timeouts,
                                                 std::stop_token stop) = 0;
};

}  // namespace boxagnts::net
