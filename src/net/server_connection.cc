#include "net/server_connection.h"

#include <sys/socket.h>

#include <algorithm>
#include <charconv>

#include "base/guard.h"

namespace boxagnts::net {
namespace {

constexpr std::size_t kInputBytesMax = 64 << 10;    // read ahead of what is being answered
constexpr std::uint64_t kDrainBytesMax = 64 << 10;  // of a body that nobody wanted
constexpr std::size_t kLingerBytesMax = 1 << 20;
constexpr std::size_t kRenewalBytes = 4 << 10;
constexpr int kReadsInARow = 4;  // then others have their turn

}  // namespace

Connection::Connection(ServerCore& core, ServerCore::Descriptor socket, Transport& transport,
                       std::unique_ptr<Transport> own)
    : core_(core),
      socket_(std::move(socket)),
      transport_(transport),
      own_transport_(std::move(own)),
      scanner_(core.options.head_bytes_max) {}

void Connection::begin() {
  core_.wait(*this, transport_.is_plain() ? Wait::idle : Wait::head);
  wait_readable();
}

// --- reading ---------------------------------------------------------------------------------

void Connection::wait_readable() {
  if (is_waiting_readable_ || has_input_ended_ || state_ == State::closed) return;
  is_waiting_readable_ = true;
  socket_.async_wait(ServerCore::Descriptor::wait_read,
                     [self = shared_from_this()](const boost::system::error_code&) {
                       self->is_waiting_readable_ = false;
                       self->readable();
                     });
}

void Connection::readable() {
  if (state_ == State::closed) return;
  read_some();
  if (std::exchange(write_wants_read_, false) && state_ != State::closed) write_some();
}

std::size_t Connection::read_room() const {
  if (state_ == State::lingering || state_ == State::draining) return core_.scratch.size();
  const std::size_t most =
      state_ == State::head ? core_.scratch.size() + kInputBytesMax : kInputBytesMax;
  return std::min(core_.scratch.size(), most - std::min(most, in_.size()));
}

void Connection::read_some() {
  for (int turn = 0; turn < kReadsInARow; ++turn) {
    if (state_ == State::closed || has_input_ended_ || is_waiting_readable_) return;
    const std::size_t room = read_room();
    if (room == 0) return;  // read on when there is room again
    const auto result =
        transport_.read(socket_.native_handle(), std::span(core_.scratch).first(room));
    switch (result.state) {
      case IoState::moved:
        in_.append(core_.scratch.data(), result.bytes);
        process();
        if (!result.is_drained) continue;
        [[fallthrough]];
      case IoState::want_read: return wait_readable();
      case IoState::want_write: return wait_writable();
      case IoState::ended: return input_ended();
      case IoState::failed: return close();
    }
  }
  core_.post([self = shared_from_this()] { self->read_some(); });
}

void Connection::input_ended() {
  has_input_ended_ = true;
  switch (state_) {
    case State::exchange:
      if (answer_ == Answer::stream) return close();
      if (!body_.ended()) closes_after_ = true;
      if (exchange_) exchange_->client_is_gone();
      return;
    case State::head:
    case State::draining:
    case State::lingering: return close();
    case State::closed: return;
  }
}

void Connection::process() {
  while (true) {
    switch (state_) {
      case State::head:
        if (!read_head()) return;
        break;
      case State::exchange:
        if (!read_body()) return;
        break;
      case State::draining: {
        std::string unwanted;
        const auto used = body_.feed(in_, unwanted, kDrainBytesMax);
        if (!used) return close();
        in_.erase(0, *used);
        if (!body_.ended()) return;
        next_request();
        return;  // which went on
      }
      case State::lingering:
        lingered_bytes_ += in_.size();
        in_.clear();
        if (lingered_bytes_ > kLingerBytesMax) close();
        return;
      case State::closed: return;
    }
  }
}

// True when the state has changed and there may be more to do.
bool Connection::read_head() {
  if (in_.empty()) return false;
  const auto found = scanner_.scan(in_);
  if (!found) {
    refuse(found.error());
    return false;
  }
  if (!*found) {
    if (place.wait == Wait::idle) core_.wait(*this, Wait::head);
    return false;
  }
  auto head = parse_request_head(std::string_view(in_).substr(0, **found));
  in_.erase(0, **found);
  if (!head) {
    refuse(head.error());
    return false;
  }
  begin_exchange(std::move(*head));
  return true;
}

bool Connection::read_body() {
  if (body_.ended() || body_failed_ || !exchange_) return false;
  const auto used = exchange_->feed(body_, in_);
  if (!used) {
    body_failed_ = closes_after_ = true;
    in_.clear();
    core_.wait(*this, Wait::none);
    exchange_->fail_body(
        {Code::invalid_argument, "the request's body is malformed: " + used.error().reason});
    return false;
  }
  in_.erase(0, *used);
  if (answer_ != Answer::none) return false;  // the answer's deadline holds
  unrenewed_bytes_ += *used;
  if (body_.ended() || !exchange_->has_room()) {
    core_.wait(*this, Wait::none);
  } else if (place.wait != Wait::body || unrenewed_bytes_ >= kRenewalBytes) {
    unrenewed_bytes_ = 0;
    core_.wait(*this, Wait::body);
  }
  return false;
}

void Connection::begin_exchange(RequestHead head) {
  state_ = State::exchange;
  answer_ = Answer::none;
  body_ = BodyDecoder(head);
  is_head_request_ = head.request.method == "HEAD";
  minor_version_ = head.minor_version;
  closes_after_ = !head.keeps_alive;
  continue_due_ = head.expects_continue && in_.empty();
  body_failed_ = false;
  unrenewed_bytes_ = 0;
  if (!ends_) ends_ = ServerCore::ends_of(socket_.native_handle());
  head.request.peer = ends_->peer;
  head.request.local = ends_->local;
  head.request.peer_port = ends_->peer_port;
  head.request.local_port = ends_->local_port;
  head.request.secure = !transport_.is_plain();
  exchange_ = std::make_shared<ServerExchange>(
      core_, shared_from_this(), std::move(head.request),
      body_.ended() ? ServerExchange::Body::none : ServerExchange::Body::follows);
  core_.wait(*this, body_.ended() || continue_due_ ? Wait::none : Wait::body);
  if (core_.submit_request([exchange = exchange_] { exchange->run(); })) return;
  ServerResponse response =
      core_.refusal(503, {Code::busy, "too many requests are waiting; try again in a second"});
  response.headers.emplace_back("Retry-After", "1");
  closes_after_ = true;  // else a pipeline of refusals would go on within this one
  answer(std::move(response));
}

// The connection is of no use after this: where the next request begins cannot be told.
void Connection::refuse(const BadRequest& wrong) {
  state_ = State::exchange;
  body_ = BodyDecoder();
  in_.clear();
  is_head_request_ = false;
  minor_version_ = 1;
  closes_after_ = true;
  answer(core_.refusal(wrong.status, {Code::invalid_argument, wrong.reason}));
}

void Connection::wants_body() {
  if (state_ != State::exchange || answer_ != Answer::none) return;
  if (std::exchange(continue_due_, false)) {
    out_.push(std::string_view("HTTP/1.1 100 Continue\r\n\r\n"));
    write_some();
  }
  process();
  read_some();
}

// --- answering -------------------------------------------------------------------------------

bool Connection::send_head(ServerResponse& response, std::optional<std::uint64_t> content_length) {
  if (continue_due_ || (!body_.ended() && body_.bytes_left() > kDrainBytesMax))
    closes_after_ = true;
  continue_due_ = false;
  core_.wait(*this, Wait::none);
  is_chunked_answer_ = !content_length && minor_version_ >= 1;
  if (!content_length && minor_version_ == 0) closes_after_ = true;
  const ResponseFraming framing{
      .minor_version = minor_version_,
      .after = closes_after_ || core_.is_stopping() ? After::closes : After::keeps_alive,
      .content_length = content_length};
  std::string head;
  head.reserve(512);
  const bool is_sound = append_head(response, framing, core_.date(), head);
  if (is_sound) out_.push(std::move(head));
  return is_sound;
}

// In place of an answer that would have become two.
void Connection::answer_broken() {
  answer_ = Answer::none;
  answer({.status = 500, .body = "the answer had a header with a line break in it"});
}

void Connection::answer(ServerResponse response) {
  if (state_ != State::exchange || answer_ != Answer::none) return;
  answer_ = Answer::whole;
  const bool is_static = response.static_body.data() != nullptr;
  const std::size_t bytes = is_static ? response.static_body.size() : response.body.size();
  if (!send_head(response, bytes)) {
    return answer_broken();
  }
  if (!is_head_request_ && !is_bodiless(response.status) && bytes > 0) {
    if (is_static)
      out_.push(response.static_body);
    else
      out_.push(std::move(response.body));
  }
  write_some();
}

void Connection::answer_file(ServerResponse head, base::UniqueFd file, std::uint64_t offset,
                             std::uint64_t bytes) {
  if (state_ != State::exchange || answer_ != Answer::none) return;
  answer_ = Answer::file;
  if (!send_head(head, bytes)) {
    return answer_broken();
  }
  const bool has_body = !is_head_request_ && !is_bodiless(head.status) && bytes > 0;
  if (has_body)
    file_ = std::make_unique<FileLeft>(std::move(file), offset, bytes);
  else
    answer_ = Answer::whole;
  write_some();
}

void Connection::answer_stream(ServerResponse head, std::shared_ptr<StreamState> stream) {
  if (state_ != State::exchange || answer_ != Answer::none) return stream->cut();
  answer_ = Answer::stream;
  if (!send_head(head, std::nullopt)) {
    stream->cut();
    return answer_broken();
  }
  stream_ = std::move(stream);
  is_stream_ending_ = is_head_request_ || is_bodiless(head.status) || has_input_ended_;
  write_some();
}

void Connection::flush_stream() {
  if (state_ == State::exchange && answer_ == Answer::stream && out_.empty()) write_some();
}

void Connection::begin_write_wait() {
  if (place.wait == Wait::write) return;
  unrenewed_bytes_ = 0;
  core_.wait(*this, Wait::write);
}

void Connection::wait_writable() {
  if (is_waiting_writable_) return;
  is_waiting_writable_ = true;
  begin_write_wait();
  socket_.async_wait(ServerCore::Descriptor::wait_write,
                     [self = shared_from_this()](const boost::system::error_code&) {
                       self->is_waiting_writable_ = false;
                       if (self->state_ == State::closed) return;
                       self->write_some();
                       self->read_some();  // TLS may have waited for this
                     });
}

void Connection::write_some() {
  if (is_waiting_writable_ || is_file_lent_ || state_ == State::closed) return;
  while (!out_.empty()) {
    std::array<iovec, 16> pieces;
    const std::size_t count = out_.gather(pieces);
    const auto more = answer_ == Answer::file && transport_.is_plain() ? More::follows : More::none;
    const auto result =
        transport_.write(socket_.native_handle(), std::span(pieces).first(count), more);
    switch (result.state) {
      case IoState::moved:
        out_.consume(result.bytes);
        unrenewed_bytes_ += result.bytes;
        if (place.wait == Wait::write && unrenewed_bytes_ >= kRenewalBytes) {
          unrenewed_bytes_ = 0;
          core_.wait(*this, Wait::write);
        }
        break;
      case IoState::want_write: return wait_writable();
      case IoState::want_read:
        write_wants_read_ = true;
        begin_write_wait();
        return wait_readable();
      case IoState::ended:
      case IoState::failed: return close();
    }
  }
  drained();
}

void Connection::drained() {
  if (place.wait == Wait::write) {
    // What was written may have been TLS's own, or an interim answer.
    const bool wants_body = answer_ == Answer::none && !body_.ended();
    core_.wait(*this, state_ == State::head ? Wait::head : wants_body ? Wait::body : Wait::none);
  }
  switch (answer_) {
    case Answer::none: return;
    case Answer::whole: return finish_exchange();
    case Answer::file: return next_file_piece();
    case Answer::stream: break;
  }
  const auto held = stream_;  // what is called may end it
  if (stream_batch_bytes_ > 0) {
    held->sent(std::exchange(stream_batch_bytes_, 0));
    held->call_changed();
  }
  if (is_stream_ending_) return finish_exchange();
  auto batch = held->take();
  if (!batch.pieces.empty()) {
    char size[24] = {};
    auto* const end = std::to_chars(size, size + 16, batch.bytes, 16).ptr;
    end[0] = '\r', end[1] = '\n';
    if (is_chunked_answer_) out_.push(std::string(size, static_cast<std::size_t>(end + 2 - size)));
    for (auto& piece : batch.pieces) out_.push(std::move(piece));
    if (is_chunked_answer_) out_.push(std::string_view("\r\n"));
    stream_batch_bytes_ = batch.bytes;
  }
  if (batch.is_last) {
    is_stream_ending_ = true;
    if (is_chunked_answer_) out_.push(std::string_view("0\r\n\r\n"));
  }
  if (!out_.empty() || is_stream_ending_) write_some();
}

void Connection::finish_exchange() {
  exchange_.reset();
  file_.reset();
  if (auto stream = std::exchange(stream_, nullptr)) stream->cut();
  answer_ = Answer::none;
  out_.release();
  if (closes_after_ || body_failed_ || core_.is_stopping()) return linger();
  if (body_.ended()) return next_request();
  if (has_input_ended_) return close();
  state_ = State::draining;
  core_.wait(*this, Wait::body);
  process();
  read_some();
}

void Connection::next_request() {
  state_ = State::head;
  scanner_ = HeadScanner(core_.options.head_bytes_max);
  if (in_.empty()) {
    if (has_input_ended_) return close();
    in_ = {};
    core_.wait(*this, Wait::idle);
  } else {
    core_.wait(*this, Wait::head);
    process();
    if (has_input_ended_) return input_ended();  // it is said of this request, too
  }
  read_some();
}

// Closing at once would throw away what the client has not read yet, if it is still sending.
void Connection::linger() {
  if (has_input_ended_) return close();
  state_ = State::lingering;
  in_ = {};
  transport_.finish(socket_.native_handle());
  core_.wait(*this, Wait::linger);
  read_some();
}

// --- files -----------------------------------------------------------------------------------

void Connection::next_file_piece() {
  if (file_->bytes == 0) return finish_exchange();
  is_file_lent_ = true;
  core_.submit_file([self = shared_from_this()] {
    if (self->transport_.is_plain())
      self->send_file_piece();
    else
      self->read_file_piece();
  });
}

void Connection::file_piece_done(FileOutcome outcome) {
  is_file_lent_ = false;
  if (state_ == State::closed) {
    socket_.close();
    file_.reset();
    return;
  }
  switch (outcome) {
    case FileOutcome::sent: core_.wait(*this, Wait::none); return write_some();
    case FileOutcome::blocked: return wait_writable();
    case FileOutcome::failed: return close();
  }
}

// --- the end ---------------------------------------------------------------------------------

void Connection::begin_stop() {
  if (exchange_) exchange_->client_is_gone();
  if (stream_) {
    stream_->close();
    flush_stream();
  }
  if (state_ != State::exchange && state_ != State::lingering) close();
}

void Connection::timed_out() {
  switch (place.wait) {
    case Wait::head:
      if (in_.empty()) return close();
      return refuse({408, "the request's head did not come in time"});
    case Wait::body:
      if (state_ != State::exchange) return close();
      body_failed_ = closes_after_ = true;
      core_.wait(*this, Wait::none);
      return exchange_->fail_body({Code::timeout, "the request's body did not come in time"});
    case Wait::idle:
    case Wait::write:
    case Wait::linger:
    case Wait::none: return close();
  }
}

void Connection::close() {
  if (state_ == State::closed) return;
  const auto self = shared_from_this();
  state_ = State::closed;
  core_.forget(*this);
  if (is_file_lent_) {
    ::shutdown(socket_.native_handle(), SHUT_RDWR);  // closed when the worker gives it back
  } else {
    socket_.close();
    file_.reset();
  }
  if (auto exchange = std::exchange(exchange_, nullptr)) exchange->client_is_gone();
  if (auto stream = std::exchange(stream_, nullptr)) stream->cut();
  out_.release();
  in_ = {};
}

}  // namespace boxagnts::net
