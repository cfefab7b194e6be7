// The HTTP/1.1 server: one Asio thread for the network, which never touches disk or hashing; a
// small pool of workers for handlers and files; streams that any thread pushes into.
//
// Threads: a handler runs on a worker and may wait there; a stream needs no worker. Everything
// here may be called from any thread unless it says otherwise.
// Ownership: an Exchange belongs to the handler's call and ends with it; a stream is shared.
// Errors: what a client sends wrongly is answered by the server itself (400, 408, 413, 414, 417,
// 431, 503, 505) and never reaches a handler.
// Limits: ServerOptions. A request's head is bounded, its body is handed over as it comes.
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
#include "base/file.h"
#include "base/time.h"
#include "net/address.h"
#include "net/headers.h"

namespace boxagnts::net {

struct ServerRequest {
  std::string method, target;  // as sent
  // Percent-decoded once and checked: begins with '/', is UTF-8, has no NUL, no "." or ".."
  // segment, and no separator that was written as an escape.
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  Headers headers;
  // The authority asked for, lower case, with its port if it was sent: of the target if that is an
  // absolute URL, else of the Host header (which then says the same). Empty only in HTTP/1.0.
  std::string host;
  IpAddress peer, local;  // as the socket says: IPv4 on an IPv6 socket stays IPv4-mapped
  std::uint16_t peer_port = 0, local_port = 0;
  bool secure = false;

  // First of that name (header names in any letter case), or "" and nullopt.
  std::string_view header(std::string_view name) const;
  std::optional<std::string_view> query_value(std::string_view name) const;
};

// Date, Content-Length, Transfer-Encoding and Connection are the server's own: dropped if given.
struct ServerResponse {
  int status = 200;
  Headers headers;
  std::string body;
  std::string_view static_body{};  // in place of `body`: lives as long as the program
};

// A body that goes on after the handler has returned.
class ServerStream {
 public:
  virtual ~ServerStream() = default;  // the last reference closes it
  // Never waits. False when the stream is closed, the client is gone, or more than the bound would
  // be waiting; nothing is queued then.
  virtual bool push(std::shared_ptr<const std::string> bytes) = 0;
  virtual std::size_t waiting_bytes() const = 0;
  virtual bool gone() const = 0;
  // Called on the I/O thread, must be short and must not destroy the server: when all that waited
  // has been sent, and when the client is gone. At once, on this thread, if it is gone already.
  // When this returns, the one that was set before is not running (unless this is called in it),
  // and will not run again; so hold no lock that it takes.
  virtual void on_change(std::function<void()> changed) = 0;
  // The clean end, after what was pushed before.
  virtual void close() = 0;
};

// One request and its answer: exactly one respond_* (none is answered with 500).
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual const ServerRequest& request() const = 0;
  // The next piece (at most 64 KiB), empty at the end; waits. Errors: invalid_argument (not
  // framed as HTTP says), timeout (stalled), cancelled (the client is gone, the server stops).
  virtual Result<std::string> read_body() = 0;
  // Errors: of read_body, and limit_exceeded beyond `bytes_max`.
  Result<std::string> whole_body(std::size_t bytes_max);
  virtual void respond(ServerResponse response) = 0;
  // `bytes` of `file` from `offset`; the body of `head` is not used. A file that proves shorter
  // ends the connection, so that nobody takes a part for the whole.
  virtual void respond_file(ServerResponse head, base::UniqueFd file, std::uint64_t offset,
                            std::uint64_t bytes) = 0;
  virtual std::shared_ptr<ServerStream> respond_stream(ServerResponse head) = 0;
  // Requested when the client has closed its side or is cut off, and when the server stops. An
  // answer may still be given.
  virtual std::stop_token gone() const = 0;
};

// Called on a worker, several at a time. An exception is logged and answered with 500.
using Handler = std::function<void(Exchange&)>;

struct ServerTimeouts {
  std::chrono::milliseconds head{10'000};   // from its first byte (TLS: from the connection)
  std::chrono::milliseconds idle{75'000};   // between two requests
  std::chrono::milliseconds body{30'000};   // for each 4 KiB of a body, or its end
  std::chrono::milliseconds write{30'000};  // for each 4 KiB of an answer, or its end
};

struct ServerOptions {
  IpAddress address;       // "::" takes IPv4 too
  std::uint16_t port = 0;  // 0: the system chooses
  enum class IfTaken : std::uint8_t { fail, next_free } if_taken = IfTaken::fail;
  std::string certificate_file, key_file;  // PEM; both: TLS 1.2 and later, nothing else
  std::size_t connections_max = 12'000;    // beyond it the longest idle one is closed, or 503
  std::size_t head_bytes_max = 32 << 10;
  std::size_t stream_bytes_max = 1 << 20;   // waiting in one stream
  std::size_t waiting_requests_max = 1024;  // for a worker; beyond it 503 with Retry-After
  unsigned workers = 4;
  ServerTimeouts timeouts;
  base::Clock* clock = nullptr;  // of timeouts and dates; null: the machine's
  // The answer to what the server refuses by itself; empty: {"error":{"code":…,"message":…}}.
  std::function<ServerResponse(int status, const Error& error)> refusal;
};

class HttpServer {
 public:
  // Errors: conflict (the port is taken), permission_denied (a port for root), invalid_argument
  // (not an address of this machine, no certificate), busy (no threads or descriptors).
  // Raises this process's limit of open files to what it may be.
  static Result<std::unique_ptr<HttpServer>> start(ServerOptions options, Handler handler);
  // Stops: takes nothing new, closes streams, cancels what handlers wait for, and waits for them.
  virtual ~HttpServer() = default;
  virtual std::uint16_t port() const = 0;
  virtual std::size_t connections() const = 0;
  // Judges timeouts by the clock now: for who moves a clock by hand. Returns when it is done.
  virtual void check_timeouts() = 0;
};

}  // namespace boxagnts::net
