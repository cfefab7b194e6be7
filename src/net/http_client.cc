#include "net/http_client.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>
#include <functional>
#include <optional>

#include "base/file.h"
#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::net {
namespace {

namespace http = boost::beast::http;
using base::UniqueFd;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::uint32_t kHeaderBytesMax = 64 << 10;

std::string limit_of(std::chrono::milliseconds limit) {
  return " (limit " + base::human_duration_ms(limit.count()) + ")";
}

std::string named(const Url& url) { return url.host + ":" + std::to_string(url.port); }

// Waits for a socket, a deadline or a stop, whichever is first. The stop wakes poll through an
// eventfd.
class Waiter {
 public:
  explicit Waiter(std::stop_token stop)
      : stop_(std::move(stop)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
        on_stop_(stop_, [this] {
          const std::uint64_t one = 1;
          [[maybe_unused]] const auto put = ::write(wake_.get(), &one, sizeof one);
        }) {}

  Status wait(int fd, short events, Clock::time_point deadline, const std::string& what) {
    while (true) {
      if (stop_.stop_requested()) return fail(Code::cancelled, what + " was cancelled");
      const auto left =
          std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
      if (left <= 0) return fail(Code::timeout, what + " took too long");
      pollfd wanted[]{{fd, events, 0}, {wake_.get(), POLLIN, 0}};
      const int timeout = static_cast<int>(std::min<std::int64_t>(left, 60'000));
      if (::poll(wanted, 2, timeout) > 0 && wanted[0].revents != 0) return {};
    }
  }

 private:
  std::stop_token stop_;
  UniqueFd wake_;
  std::stop_callback<std::function<void()>> on_stop_;
};

struct Address {
  sockaddr_storage bytes;
  socklen_t size;
};

// Literal addresses are never looked up; localhost is this machine (RFC 6761).
Result<std::vector<Address>> addresses_of(const Url& url) {
  const auto collect = [&](const std::string& host, int flags, std::vector<Address>& out) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = flags | AI_NUMERICSERV;
    addrinfo* found = nullptr;
    const int error = ::getaddrinfo(host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
    for (const auto* entry = found; error == 0 && entry; entry = entry->ai_next) {
      Address address{.bytes = {}, .size = entry->ai_addrlen};
      std::copy_n(reinterpret_cast<const char*>(entry->ai_addr), entry->ai_addrlen,
                  reinterpret_cast<char*>(&address.bytes));
      out.push_back(address);
    }
    if (found) ::freeaddrinfo(found);
    return error;
  };
  std::vector<Address> addresses;
  if (url.host == "localhost") {
    collect("127.0.0.1", AI_NUMERICHOST, addresses);
    collect("::1", AI_NUMERICHOST, addresses);
    return addresses;
  }
  if (collect(url.host, AI_NUMERICHOST, addresses) == 0) return addresses;
  if (const int error = collect(url.host, 0, addresses); error != 0)
    return fail(Code::unavailable, "the host " + url.host + " cannot be found",
                ::gai_strerror(error));
  return addresses;
}

Result<UniqueFd> connect(const Url& url, const Timeouts& timeouts, Waiter& waiter) {
  const auto deadline = Clock::now() + timeouts.connect;
  const std::string doing = "connecting to " + named(url) + limit_of(timeouts.connect);
  Error last{Code::unavailable, named(url) + " has no address"};
  const auto addresses = TRY(addresses_of(url));
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Address& address = addresses[i];
    // An address that never answers leaves the others their share of the time.
    const auto now = Clock::now();
    const auto share = now + (deadline - now) / static_cast<std::int64_t>(addresses.size() - i);
    UniqueFd fd(::socket(address.bytes.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) return fail_errno(errno, "cannot make a socket");
    const int one = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int error = 0;
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.bytes), address.size) != 0) {
      error = errno;
      if (error == EINPROGRESS) {
        if (auto waited = waiter.wait(fd.get(), POLLOUT, share, doing); !waited) {
          last = std::move(waited).error();
          if (last.code != Code::timeout) break;
          continue;
        }
        socklen_t size = sizeof error;
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      }
    }
    if (error == 0) return fd;
    last = {Code::unavailable, "cannot connect to " + named(url) + " (" + base::errno_text(error) +
                                   "); is the server running?"};
  }
  return std::unexpected(std::move(last));
}

bool is_clean(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

// Words of the request line and the host are set apart by spaces and line ends alone.
bool is_word(std::string_view text) {
  return std::ranges::none_of(text, [](unsigned char c) { return c <= 0x20 || c == 0x7f; });
}

Result<std::string> bytes_of(const Request& request) {
  const Url& url = request.url;
  if (url.scheme != "http")
    return fail(Code::unsupported, "only plain http:// works today; point it at a local server");
  if (GUARD("net.request-line-injection",
            !is_word(request.method) || !is_word(url.host) || !is_word(url.target)))
    return fail(Code::invalid_argument,
                "the method, host or path of a request has a space or a control character in it");
  std::string out = request.method + " " + url.target + " HTTP/1.1\r\nHost: " + url.authority();
  out += "\r\nConnection: close\r\n";
  if (!request.body.empty())
    out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
  for (const auto& [name, value] : request.headers) {
    if (GUARD("net.header-injection", !is_clean(name) || !is_clean(value)))
      return fail(
          Code::invalid_argument,
          "the header " + name.substr(0, name.find_first_of("\r\n")) + " has a line break in it");
    out += name + ": " + value + "\r\n";
  }
  return out + "\r\n" + request.body;
}

class SocketResponse final : public Response {
 public:
  SocketResponse(UniqueFd fd, const Request& request, const Timeouts& timeouts)
      : fd_(std::move(fd)),
        peer_(named(request.url)),
        is_bodiless_(request.method == "HEAD"),
        timeouts_(timeouts) {
    begin_head();
  }

  Status send(std::string_view bytes, Waiter& waiter) {
    const auto deadline = Clock::now() + timeouts_.first_byte;
    while (!bytes.empty()) {
      const ssize_t put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (put >= 0) {
        bytes.remove_prefix(static_cast<std::size_t>(put));
      } else if (errno == EAGAIN || errno == EINTR) {
        TRY(waiter.wait(fd_.get(), POLLOUT, deadline, "sending to " + peer_));
      } else if (errno == EPIPE || errno == ECONNRESET) {
        return {};  // it may have answered before it closed: read on
      } else {
        return fail_errno(errno, "sending to " + peer_);
      }
    }
    return {};
  }

  Status read_head(Waiter& waiter) {
    const auto deadline = Clock::now() + timeouts_.first_byte;
    const std::string doing = "waiting for the answer of " + peer_ + limit_of(timeouts_.first_byte);
    while (true) {
      while (!parser_->is_header_done()) TRY(receive(waiter, deadline, doing));
      if (status() >= 200 || status() == 101) return {};
      begin_head();  // an interim answer: the real one follows (RFC 9110, 15.2)
    }
  }

  int status() const override { return static_cast<int>(parser_->get().result_int()); }
  std::string_view header(std::string_view name) const override {
    const auto found = parser_->get().find(boost::beast::string_view(name.data(), name.size()));
    if (found == parser_->get().end()) return {};
    return {found->value().data(), found->value().size()};
  }
  Result<std::string> read(std::stop_token stop) override {
    Waiter waiter(std::move(stop));
    const auto deadline = Clock::now() + timeouts_.stall;
    std::string& body = parser_->get().body();
    while (body.empty() && !parser_->is_done())
      TRY(receive(waiter, deadline,
                  "the answer of " + peer_ + " stalled" + limit_of(timeouts_.stall) + " and"));
    return std::exchange(body, {});
  }

 private:
  void begin_head() {
    parser_.emplace();
    parser_->eager(true);
    parser_->header_limit(kHeaderBytesMax);
    parser_->body_limit(boost::none);
    parser_->skip(is_bodiless_);
    needs_more_ = unparsed_.empty();
  }

  // Feeds the parser with what the socket has, waiting for it if need be.
  Status receive(Waiter& waiter, Clock::time_point deadline, const std::string& what) {
    if (unparsed_.empty() || needs_more_) {
      TRY(waiter.wait(fd_.get(), POLLIN, deadline, what));
      const std::size_t have = unparsed_.size();
      unparsed_.resize(have + kReadBytes);
      const ssize_t got = ::recv(fd_.get(), unparsed_.data() + have, kReadBytes, 0);
      const int error = errno;
      unparsed_.resize(have + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (got < 0 && (error == EAGAIN || error == EINTR)) return {};
      if (got <= 0) return end_of_stream();
    }
    boost::system::error_code error;
    const std::size_t used =
        parser_->put(boost::asio::buffer(unparsed_.data(), unparsed_.size()), error);
    unparsed_.erase(0, used);
    needs_more_ = error == http::error::need_more || unparsed_.empty();
    if (error && error != http::error::need_more)
      return fail(Code::unavailable, peer_ + " does not answer in HTTP/1.1", error.message());
    // What stays unparsed is a line of the chunked coding: it has a bound as the head has.
    if (GUARD("net.chunk-line", error && unparsed_.size() > kHeaderBytesMax))
      return fail(Code::unavailable, peer_ + " sends a chunk whose head is larger than 64 KiB");
    return {};
  }

  Status end_of_stream() {
    boost::system::error_code error;
    if (parser_->got_some()) parser_->put_eof(error);
    if (!parser_->got_some() || error || !parser_->is_done())
      return fail(Code::unavailable,
                  "the connection to " + peer_ + " ended before the answer was complete",
                  error.message());
    return {};
  }

  const UniqueFd fd_;
  const std::string peer_;
  const bool is_bodiless_;
  const Timeouts timeouts_;
  std::optional<http::response_parser<http::string_body>> parser_;
  std::string unparsed_;
  bool needs_more_ = false;
};

class SocketClient final : public HttpClient {
 public:
  Result<std::unique_ptr<Response>> send(const Request& request, const Timeouts& timeouts,
                                         std::stop_token stop) override {
    const std::string bytes = TRY(bytes_of(request));
    Waiter waiter(std::move(stop));
    auto fd = TRY(connect(request.url, timeouts, waiter));
    auto response = std::make_unique<SocketResponse>(std::move(fd), request, timeouts);
    TRY(response->send(bytes, waiter));
    TRY(response->read_head(waiter));
    return response;
  }
};

}  // namespace

std::unique_ptr<HttpClient> HttpClient::make() { return std::make_unique<SocketClient>(); }

}  // namespace boxagnts::net
