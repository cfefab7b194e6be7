// The HTTP client of guests, models and everything later: HTTP/1.1 and HTTP/2, TLS 1.2 and later,
// kept connections, happy eyeballs (RFC 8305), proxies, decoding of bodies. Nothing is looked up or
// connected to unless the caller's gate allows it.
//
// Threads: calls block the calling thread, which waits in poll for sockets, deadlines and the stop
// token at once: runs have a thread each, and a hand-over to an I/O thread costs 50-90 us. A client
// is thread-safe; one Response belongs to one thread at a time and may outlive its client.
//
// Limits: heads of 64 KiB; 1xx answers 16; kept connections 64 in all, 8 to one place, 60 s idle;
// decoded bodies 200 times what came (beyond 1 MiB).
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "net/egress.h"
#include "net/headers.h"
#include "net/url.h"

namespace boxagnts::net {

struct Request {
  std::string method = "GET";
  Url url;
  // Host, Content-Length and all that concerns the connection rather than the message are the
  // client's own: naming one here is an error.
  Headers headers;
  std::string body;
  // In place of `body`, when its length is not known: the next piece, empty at the end. Called on
  // the calling thread. The answer's body is read after the request's is sent; an answer that is
  // final and no success ends the sending.
  std::function<Result<std::string>(std::stop_token)> body_source = {};
};

struct Timeouts {
  std::chrono::milliseconds connect{10'000};      // look-up, TCP, what a proxy wants
  std::chrono::milliseconds tls{10'000};          // one handshake
  std::chrono::milliseconds first_byte{300'000};  // models think before they speak
  std::chrono::milliseconds stall{60'000};        // between two pieces of a body, either way
};

enum class Decoding : std::uint8_t {
  as_is,
  // gzip, br and zstd are asked for and undone (deflate, too, when it comes). The headers then
  // leave out Content-Encoding and Content-Length. An answer to a Range stays as it is.
  decoded,
};

enum class Sharing : std::uint8_t {
  shared,  // requests of several threads may travel on one HTTP/2 connection
  // The connection is this request's alone as long as it lasts, so that poll_descriptor() speaks of
  // it. It may be a kept one, and is kept afterwards.
  unshared,
};

struct SendOptions {
  Timeouts timeouts = {};
  Decoding decoding = Decoding::as_is;
  Sharing sharing = Sharing::shared;
  // Of send() as a whole, whatever the phases have left.
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

class Response {
 public:
  virtual ~Response() = default;  // before the body's end: ends the stream or the connection
  virtual int status() const = 0;
  virtual const Headers& headers() const = 0;
  // First header of that name (case-insensitive), or "".
  std::string_view header(std::string_view name) const;
  virtual std::string_view protocol() const = 0;  // "http/1.1", "h2"
  // The next piece of the body; empty at its clean end. Errors: unavailable when the connection
  // ended before the body did, timeout on a stall, cancelled on `stop`, limit_exceeded for a body
  // that grows beyond bounds when decoded.
  virtual Result<std::string> read(std::stop_token stop) = 0;
  // The same without waiting; nullopt: nothing is there yet. A stall is the caller's to time.
  virtual Result<std::optional<std::string>> try_read() = 0;
  // Readable when try_read is worth another try; of unshared answers. -1: it is worth one now.
  virtual int poll_descriptor() const = 0;
};

struct DnsServer {
  IpAddress address;
  std::uint16_t port = 53;
};

struct ClientOptions {
  // "" when unset. Read at each send: http_proxy (lower case alone: a CGI server sets HTTP_PROXY
  // from a request's header), https_proxy, all_proxy, no_proxy (in capitals, too). Read at the
  // first use of TLS: SSL_CERT_FILE (in place of the system's authorities).
  std::function<std::string(const std::string& name)> environment = {};
  std::string ca_file;  // PEM; authorities beside the system's
  // "http://", "https://", "socks5://" or "socks5h://HOST:PORT", or "none", in place of the
  // environment's (no_proxy excepted, which stays).
  std::optional<std::string> proxy = {};
  std::vector<DnsServer> name_servers = {};  // empty: the system's
};

class HttpClient {
 public:
  static std::unique_ptr<HttpClient> make(ClientOptions options = {});
  virtual ~HttpClient() = default;
  // Returns when the final head has arrived (interim ones, 1xx, are passed over). The request's
  // body is let go as soon as it need not be sent again: a call may wait long. `gate` and what the
  // request refers to are used during the call only. Errors: permission_denied (by the gate; a
  // certificate that does not hold), invalid_argument (a request with characters that would start
  // another line, with a header that is not the caller's; a proxy or authority file that cannot be
  // read), unavailable (unreachable, refused, not HTTP), timeout, cancelled.
  virtual Result<std::unique_ptr<Response>> send(Request request, const ConnectGate& gate,
                                                 const SendOptions& options,
                                                 std::stop_token stop) = 0;
};

}  // namespace boxagnts::net
