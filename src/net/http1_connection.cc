#include "net/http1_connection.h"

#include <poll.h>

namespace boxagnts::net {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kOneSegmentBytes = 64 << 10;

std::string chunk_of(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string size;
  for (std::size_t left = bytes.size(); left > 0; left >>= 4) size.insert(0, 1, kDigits[left & 15]);
  return size + "\r\n" + std::string(bytes) + "\r\n";
}

}  // namespace

Http1Connection::Http1Connection(std::unique_ptr<ClientTransport> transport,
                                 std::optional<IpAddress> address)
    : transport_(std::move(transport)), address_(std::move(address)) {}

bool Http1Connection::is_quiet() const {
  pollfd wanted{transport_->descriptor(), POLLIN | POLLRDHUP, 0};
  return !transport_->has_buffered() && ::poll(&wanted, 1, 0) == 0;
}

Status Http1Connection::send_request(const Request& request, const WireOptions& wire,
                                     const Timeouts& timeouts, Waiter& waiter) {
  std::string head = encode_head(request, wire);
  const bool fits = !request.body_source && request.body.size() <= kOneSegmentBytes;
  if (fits) head += request.body;
  TRY(send(head, timeouts, waiter));
  if (!fits) TRY(send_body(request, timeouts, waiter));
  return {};
}

Status Http1Connection::exchange(Request& request, const WireOptions& wire,
                                 const Timeouts& timeouts, Waiter& waiter) {
  peer_ = named(request.url);
  reader_ = Http1Reader::make(peer_, request.method);
  has_sent_ = has_received_ = is_spent_ = wants_no_more_ = false;
  TRY(send_request(request, wire, timeouts, waiter));
  if (!is_idempotent(request.method)) std::string().swap(request.body);
  is_spent_ = wants_no_more_;
  const auto deadline = deadline_after(timeouts.first_byte, "waiting for the answer of " + peer_);
  while (!reader_->has_head()) {
    if (!TRY(receive()))
      TRY(waiter.wait(transport_->descriptor(), transport_->read_events(), deadline));
    else
      TRY(waiter.check(deadline));
  }
  return {};
}

Status Http1Connection::send_body(const Request& request, const Timeouts& timeouts,
                                  Waiter& waiter) {
  if (!request.body_source) return send(request.body, timeouts, waiter);
  while (!wants_no_more_) {
    const std::string piece = TRY(request.body_source(waiter.stop()));
    if (piece.empty()) return send("0\r\n\r\n", timeouts, waiter);
    TRY(send(chunk_of(piece), timeouts, waiter));
  }
  return {};
}

// Gives up sending, without an error, once the other side has answered with a refusal or hung up:
// what it said tells more than that it did not listen.
Status Http1Connection::send(std::string_view bytes, const Timeouts& timeouts, Waiter& waiter) {
  auto deadline = deadline_after(timeouts.stall, "sending to " + peer_);
  while (!bytes.empty() && !wants_no_more_) {
    const auto put = transport_->write(bytes);
    if (!put) {
      wants_no_more_ = true;
    } else if (*put) {
      bytes.remove_prefix(**put);
      has_sent_ = true;
      deadline.at = Clock::now() + timeouts.stall;
    } else {
      const int fd = transport_->descriptor();
      const bool reads = !reader_->has_head();
      pollfd wanted{fd, static_cast<short>(transport_->write_events() | (reads ? POLLIN : 0)), 0};
      TRY(waiter.wait({&wanted, 1}, deadline));
      if (reads && (wanted.revents & (POLLIN | POLLHUP | POLLERR)) != 0) TRY(look_for_answer());
    }
  }
  return {};
}

Status Http1Connection::look_for_answer() {
  if (auto received = receive(); !received) return std::unexpected(std::move(received).error());
  wants_no_more_ = reader_->has_head() && (reader_->status() >= 300 || reader_->is_done());
  return {};
}

Result<bool> Http1Connection::receive() {
  char bytes[kReadBytes];
  const auto got = TRY(transport_->read(bytes));
  if (!got) return false;
  if (*got == 0) {
    TRY(reader_->feed_end());
    return true;
  }
  has_received_ = true;
  TRY(reader_->feed({bytes, *got}));
  return true;
}

Result<std::string> Http1Connection::read(std::chrono::milliseconds stall, Waiter& waiter) {
  const auto deadline =
      deadline_after(stall, "reading the answer of " + peer_ + ", which stalled,");
  while (!reader_->has_body() && !reader_->is_done()) {
    if (!TRY(receive()))
      TRY(waiter.wait(transport_->descriptor(), transport_->read_events(), deadline));
    else
      TRY(waiter.check(deadline));
  }
  return reader_->take_body();
}

Result<std::optional<std::string>> Http1Connection::try_read() {
  while (!reader_->has_body() && !reader_->is_done())
    if (!TRY(receive())) return std::nullopt;
  return reader_->take_body();
}

int Http1Connection::poll_descriptor() const {
  const bool waits = !reader_->has_body() && !reader_->is_done() && !transport_->has_buffered();
  return waits ? transport_->descriptor() : -1;
}

}  // namespace boxagnts::net
