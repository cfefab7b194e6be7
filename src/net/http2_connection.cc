#include "net/http2_connection.h"

#include <nghttp2/nghttp2.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>

#include "base/guard.h"

namespace boxagnts::net {
namespace {

constexpr std::size_t kReadBytes = 64 << 10;
constexpr std::size_t kHeadBytesMax = 64 << 10;
constexpr std::size_t kStreamsMax = 64;
constexpr std::int32_t kStreamWindow = 256 << 10;
constexpr std::int32_t kConnectionWindow = kStreamWindow * static_cast<std::int32_t>(kStreamsMax);
constexpr int kInterimMax = 16;

struct DeleteSession {
  void operator()(nghttp2_session* session) const { ::nghttp2_session_del(session); }
};

// All of it is guarded by the connection's mutex.
struct Stream {
  std::int32_t id = -1;
  Headers headers;
  int status = 0, interim = 0;
  std::size_t head_bytes = 0;
  bool has_head = false;
  std::string body;      // came, not read yet
  std::string outgoing;  // of the request's body, not sent yet
  std::size_t outgoing_used = 0;
  bool outgoing_ends = false;  // nothing will be added
  bool has_ended = false;      // the answer is whole
  bool is_closed = false;
  std::uint32_t error_code = 0;  // once closed
  std::optional<Error> refusal;  // why we reset it ourselves
  bool is_waiting = false;
  std::condition_variable_any changed;
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

class Connection final : public Http2Connection {
 public:
  Connection(std::unique_ptr<ClientTransport> transport, std::optional<IpAddress> address)
      : transport_(std::move(transport)),
        address_(std::move(address)),
        wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

  ~Connection() override {
    if (!session_ || broken_) return;
    ::nghttp2_session_terminate_session(session_.get(), NGHTTP2_NO_ERROR);
    (void)flush();
  }

  Status begin() {
    if (!wake_) return fail_errno(errno, "cannot make an event descriptor");
    nghttp2_session_callbacks* callbacks = nullptr;
    nghttp2_option* option = nullptr;
    ::nghttp2_session_callbacks_new(&callbacks);
    ::nghttp2_option_new(&option);
    ::nghttp2_option_set_no_auto_window_update(option, 1);
    set_callbacks(callbacks);
    nghttp2_session* session = nullptr;
    const int error = ::nghttp2_session_client_new2(&session, callbacks, this, option);
    ::nghttp2_option_del(option);
    ::nghttp2_session_callbacks_del(callbacks);
    if (error != 0) return fail(Code::limit_exceeded, "no memory for an HTTP/2 connection");
    session_.reset(session);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, kStreamWindow},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, kHeadBytesMax}};
    ::nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, std::size(settings));
    ::nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0, kConnectionWindow);
    return {};
  }

  std::expected<std::unique_ptr<Response>, Failure> send(const Request& request,
                                                         const Timeouts& timeouts,
                                                         Waiter& waiter) override;
  const std::optional<IpAddress>& address() const override { return address_; }

  bool has_room() override {
    const std::scoped_lock lock(mutex_);
    // Read what is there, if nobody else does: a GOAWAY, an end.
    if (!broken_ && !has_driver_) (void)receive_all();
    return takes_streams() &&
           streams_.size() <
               std::min<std::size_t>(kStreamsMax,
                                     ::nghttp2_session_get_remote_settings(
                                         session_.get(), NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS));
  }
  bool is_alive() override {
    const std::scoped_lock lock(mutex_);
    return takes_streams();
  }
  std::size_t streams() override {
    const std::scoped_lock lock(mutex_);
    return streams_.size();
  }

  // --- for responses ---

  Result<std::string> read(Stream& stream, std::chrono::milliseconds stall, Waiter& waiter) {
    std::unique_lock lock(mutex_);
    const auto deadline =
        deadline_after(stall, "reading the answer of " + peer_ + ", which stalled,");
    TRY(wait(lock, stream, deadline, waiter, [&] { return has_news(stream); }));
    return take_body(stream);
  }
  Result<std::optional<std::string>> try_read(Stream& stream) {
    const std::scoped_lock lock(mutex_);
    if (!has_news(stream) && !has_driver_) (void)receive_all();
    if (!has_news(stream)) {
      if (broken_) return std::unexpected(*broken_);
      return std::nullopt;
    }
    return TRY(take_body(stream));
  }
  int poll_descriptor(Stream& stream) {
    const std::scoped_lock lock(mutex_);
    return has_news(stream) || transport_->has_buffered() ? -1 : transport_->descriptor();
  }
  // The response is gone; the connection lives on.
  void leave(Stream& stream) {
    const std::scoped_lock lock(mutex_);
    if (!stream.is_closed && !broken_)
      ::nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream.id, NGHTTP2_CANCEL);
    if (!stream.body.empty() && !broken_)
      ::nghttp2_session_consume_connection(session_.get(), stream.body.size());
    streams_.erase(stream.id);
    if (!broken_) flush_or_wake();
  }

 private:
  // --- waiting ---

  template <class Predicate>
  Status wait(std::unique_lock<std::mutex>& lock, Stream& stream, const Deadline& deadline,
              Waiter& waiter, Predicate is_there) {
    Status outcome;
    while (!is_there() && !broken_) {
      if (outcome = waiter.check(deadline); !outcome) break;
      if (!has_driver_) {
        has_driver_ = true;
        outcome = drive(lock, deadline, waiter);
        has_driver_ = false;
        if (!outcome) break;
      } else {
        stream.is_waiting = true;
        stream.changed.wait_until(lock, waiter.stop(), waiter.end_of(deadline),
                                  [&] { return is_there() || broken_ || !has_driver_; });
        stream.is_waiting = false;
      }
    }
    if (!has_driver_) pass_the_wheel();
    if (!outcome) return outcome;
    if (!is_there()) return std::unexpected(*broken_);
    return {};
  }

  void pass_the_wheel() {
    for (const auto& [id, stream] : streams_)
      if (stream->is_waiting) return stream->changed.notify_one();
  }

  // One round: writes what can be written, waits without the lock, reads what came.
  Status drive(std::unique_lock<std::mutex>& lock, const Deadline& deadline, Waiter& waiter) {
    if (!flush()) return {};
    if (!transport_->has_buffered()) {
      const short events = static_cast<short>(transport_->read_events() |
                                              (wants_to_write() ? transport_->write_events() : 0));
      pollfd wanted[]{{transport_->descriptor(), events, 0}, {wake_.get(), POLLIN, 0}};
      lock.unlock();
      const auto waited = waiter.wait(wanted, deadline);
      lock.lock();
      TRY(waited);
      if (wanted[1].revents != 0) {
        std::uint64_t count = 0;
        [[maybe_unused]] const auto got = ::read(wake_.get(), &count, sizeof count);
      }
    }
    (void)receive_all();
    return {};
  }

  // --- bytes, under the lock ---

  // What flush() could not get rid of.
  bool wants_to_write() const { return unsent_used_ < unsent_.size(); }

  // False: the connection is broken.
  bool flush() {
    while (!broken_) {
      if (unsent_used_ == unsent_.size()) {
        const std::uint8_t* bytes = nullptr;
        const ssize_t size = ::nghttp2_session_mem_send(session_.get(), &bytes);
        if (size < 0) return break_off("HTTP/2 failed", static_cast<int>(size));
        if (size == 0) return is_of_use();
        unsent_.assign(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
        unsent_used_ = 0;
      }
      auto put = transport_->write(std::string_view(unsent_).substr(unsent_used_));
      if (!put) return break_off(std::move(put).error());
      if (!*put) return true;
      unsent_used_ += **put;
    }
    return false;
  }

  // False after a GOAWAY, theirs or ours (then they broke the protocol), when no stream is left.
  bool is_of_use() {
    if (::nghttp2_session_want_read(session_.get()) != 0 ||
        ::nghttp2_session_want_write(session_.get()) != 0)
      return true;
    return break_off(
        {Code::unavailable, peer_ + (is_going_away_ ? " ended the connection"
                                                    : " does not speak HTTP/2 as it should")});
  }

  // The driver may be asleep with no thought of writing.
  void flush_or_wake() {
    if (flush() && has_driver_ && wants_to_write()) wake_driver();
    if (broken_ && has_driver_) wake_driver();
  }
  void wake_driver() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto put = ::write(wake_.get(), &one, sizeof one);
  }

  bool receive_all() {
    char bytes[kReadBytes];
    // Bounded, so that a fast sender does not keep the lock; the windows bound what it can send.
    for (int round = 0; round < 64 && !broken_; ++round) {
      auto got = transport_->read(bytes);
      if (!got) return break_off(std::move(got).error());
      if (!*got) break;
      if (**got == 0)
        return break_off({Code::unavailable, "the connection to " + peer_ +
                                                 " ended before the answer was "
                                                 "complete"});
      const ssize_t used = ::nghttp2_session_mem_recv(
          session_.get(), reinterpret_cast<const std::uint8_t*>(bytes), **got);
      if (used < 0)
        return break_off(peer_ + " does not speak HTTP/2 as it should", static_cast<int>(used));
    }
    return flush();
  }

  bool break_off(std::string sentence, int error) {
    return break_off({Code::unavailable, std::move(sentence), ::nghttp2_strerror(error)});
  }
  bool break_off(Error error) {
    if (!broken_) broken_ = std::move(error);
    for (const auto& [id, stream] : streams_) stream->changed.notify_all();
    return false;
  }

  bool takes_streams() const {
    return !broken_ && !is_going_away_ &&
           ::nghttp2_session_check_request_allowed(session_.get()) != 0;
  }

  // --- streams, under the lock ---

  static bool has_news(const Stream& stream) {
    return !stream.body.empty() || stream.has_ended || stream.is_closed;
  }

  Result<std::string> take_body(Stream& stream) {
    if (stream.body.empty()) {
      if (stream.has_ended) return std::string();
      return std::unexpected(failure(stream).error);
    }
    std::string out = std::exchange(stream.body, {});
    if (!broken_) {
      ::nghttp2_session_consume_connection(session_.get(), out.size());
      if (!stream.is_closed)
        ::nghttp2_session_consume_stream(session_.get(), stream.id, out.size());
      flush_or_wake();
    }
    return out;
  }

  // Why a stream that is closed, or whose connection broke, gives no whole answer.
  Failure failure(const Stream& stream) const {
    if (stream.refusal) return {*stream.refusal, false};
    if (!stream.is_closed) return {*broken_, false};
    const std::string why = ::nghttp2_http2_strerror(stream.error_code);
    const bool is_refused = stream.error_code == NGHTTP2_REFUSED_STREAM;
    return {{Code::unavailable,
             is_refused ? peer_ + " takes no more requests on this connection"
                        : "the answer of " + peer_ + " was cut (" + why + ")",
             why},
            is_refused && !stream.has_head};
  }

  static Connection& self_of(void* user) { return *static_cast<Connection*>(user); }
  Stream* stream_of(std::int32_t id) const {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
  }
  static void set_callbacks(nghttp2_session_callbacks* callbacks);
  void on_frame(const nghttp2_frame& frame);
  int on_header(std::int32_t id, std::string_view name, std::string_view value);
  static ssize_t give_body(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                           std::uint32_t* flags, nghttp2_data_source*, void* user);

  Result<std::shared_ptr<Stream>> submit(const Request& request);
  std::expected<void, Failure> upload(std::unique_lock<std::mutex>& lock, Stream& stream,
                                      const Request& request, const Timeouts& timeouts,
                                      Waiter& waiter);

  std::mutex mutex_;
  const std::unique_ptr<ClientTransport> transport_;
  const std::optional<IpAddress> address_;
  const base::UniqueFd wake_;  // tells the driver to look again
  std::string peer_;           // of the first request: all are for the same host
  std::unique_ptr<nghttp2_session, DeleteSession> session_;
  std::map<std::int32_t, std::shared_ptr<Stream>> streams_;
  std::string unsent_;
  std::size_t unsent_used_ = 0;
  std::optional<Error> broken_;
  bool has_driver_ = false;
  bool is_going_away_ = false;
};

// --- what nghttp2 tells, under the lock ---------------------------------------------------------

void Connection::set_callbacks(nghttp2_session_callbacks* callbacks) {
  ::nghttp2_session_callbacks_set_on_header_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
        return self_of(user).on_header(frame->hd.stream_id,
                                       {reinterpret_cast<const char*>(name), name_size},
                                       {reinterpret_cast<const char*>(value), value_size});
      });
  ::nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* user) {
        self_of(user).on_frame(*frame);
        return 0;
      });
  ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
      callbacks, [](nghttp2_session* session, std::uint8_t, std::int32_t id,
                    const std::uint8_t* bytes, std::size_t size, void* user) {
        Stream* stream = self_of(user).stream_of(id);
        if (stream) {
          stream->body.append(reinterpret_cast<const char*>(bytes), size);
          stream->changed.notify_all();
        } else {
          ::nghttp2_session_consume_connection(session, size);
        }
        return 0;
      });
  ::nghttp2_session_callbacks_set_on_stream_close_callback(
      callbacks, [](nghttp2_session*, std::int32_t id, std::uint32_t error_code, void* user) {
        if (Stream* stream = self_of(user).stream_of(id)) {
          stream->is_closed = true;
          stream->error_code = error_code;
          stream->changed.notify_all();
        }
        return 0;
      });
}

int Connection::on_header(std::int32_t id, std::string_view name, std::string_view value) {
  Stream* stream = stream_of(id);
  if (!stream || stream->has_head) return 0;  // trailers
  stream->head_bytes += name.size() + value.size() + 32;
  if (GUARD("net.h2-head", stream->head_bytes > kHeadBytesMax)) {
    stream->refusal = Error{Code::unavailable, peer_ + " answers with a head of more than 64 KiB"};
    return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  }
  if (name == ":status")
    stream->status = (value[0] - '0') * 100 + (value[1] - '0') * 10 + (value[2] - '0');
  else
    stream->headers.emplace_back(name, value);
  return 0;
}

void Connection::on_frame(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY) is_going_away_ = true;
  Stream* stream = stream_of(frame.hd.stream_id);
  if (!stream) return;
  if (frame.hd.type == NGHTTP2_HEADERS && !stream->has_head) {
    if (stream->status >= 200) {
      stream->has_head = true;
    } else {  // an interim answer is passed over
      stream->headers.clear();
      stream->head_bytes = 0;
      if (GUARD("net.h2-interim-answers", ++stream->interim > kInterimMax)) {
        stream->refusal = Error{Code::unavailable, peer_ + " sends interim answers without end"};
        ::nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, stream->id, NGHTTP2_CANCEL);
      }
    }
  }
  const bool carries_end = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
  if (carries_end && (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) stream->has_ended = true;
  stream->changed.notify_all();
}

ssize_t Connection::give_body(nghttp2_session*, std::int32_t id, std::uint8_t* into,
                              std::size_t size, std::uint32_t* flags, nghttp2_data_source*,
                              void* user) {
  Stream* stream = self_of(user).stream_of(id);
  if (!stream) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  const std::size_t count = std::min(size, stream->outgoing.size() - stream->outgoing_used);
  std::copy_n(stream->outgoing.data() + stream->outgoing_used, count, into);
  stream->outgoing_used += count;
  const bool all = stream->outgoing_used == stream->outgoing.size();
  if (all && stream->outgoing_ends) *flags |= NGHTTP2_DATA_FLAG_EOF;
  if (all) stream->changed.notify_all();
  if (count == 0 && !stream->outgoing_ends) return NGHTTP2_ERR_DEFERRED;
  return static_cast<ssize_t>(count);
}

// --- a request ----------------------------------------------------------------------------------

class StreamResponse final : public Response {
 public:
  StreamResponse(std::shared_ptr<Connection> connection, std::shared_ptr<Stream> stream,
                 std::chrono::milliseconds stall)
      : connection_(std::move(connection)), stream_(std::move(stream)), stall_(stall) {}
  ~StreamResponse() override { connection_->leave(*stream_); }

  // Neither changes once the head has come.
  int status() const override { return stream_->status; }
  const Headers& headers() const override { return stream_->headers; }
  std::string_view protocol() const override { return "h2"; }
  Result<std::string> read(std::stop_token stop) override {
    Waiter waiter(std::move(stop));
    return connection_->read(*stream_, stall_, waiter);
  }
  Result<std::optional<std::string>> try_read() override { return connection_->try_read(*stream_); }
  int poll_descriptor() const override { return connection_->poll_descriptor(*stream_); }

 private:
  const std::shared_ptr<Connection> connection_;
  const std::shared_ptr<Stream> stream_;
  const std::chrono::milliseconds stall_;
};

Result<std::shared_ptr<Stream>> Connection::submit(const Request& request) {
  std::vector<std::pair<std::string, std::string>> fields{{":method", request.method},
                                                          {":scheme", request.url.scheme},
                                                          {":authority", request.url.authority()},
                                                          {":path", request.url.target}};
  const bool has_body = request.body_source || !request.body.empty();
  if (!request.body.empty())
    fields.emplace_back("content-length", std::to_string(request.body.size()));
  for (const auto& [name, value] : request.headers) fields.emplace_back(lower(name), value);
  std::vector<nghttp2_nv> wire;
  for (auto& [name, value] : fields) {
    const bool is_secret = name == "authorization" || name == "cookie";
    wire.push_back(
        {reinterpret_cast<std::uint8_t*>(name.data()),
         reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
         static_cast<std::uint8_t>(is_secret ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE)});
  }
  auto stream = std::make_shared<Stream>();
  stream->outgoing = request.body;
  stream->outgoing_ends = !request.body_source;
  const nghttp2_data_provider provider{.source = {}, .read_callback = give_body};
  stream->id = ::nghttp2_submit_request(session_.get(), nullptr, wire.data(), wire.size(),
                                        has_body ? &provider : nullptr, nullptr);
  if (stream->id < 0)
    return fail(Code::unavailable, "no more requests fit on the connection to " + peer_,
                ::nghttp2_strerror(stream->id));
  streams_[stream->id] = stream;
  return stream;
}

std::expected<void, Connection::Failure> Connection::upload(std::unique_lock<std::mutex>& lock,
                                                            Stream& stream, const Request& request,
                                                            const Timeouts& timeouts,
                                                            Waiter& waiter) {
  const auto failed = [](Error error) { return std::unexpected(Failure{std::move(error), false}); };
  const auto is_over = [&] {
    return stream.is_closed || stream.has_ended || (stream.has_head && stream.status >= 300);
  };
  while (!stream.outgoing_ends && !is_over()) {
    lock.unlock();
    auto piece = request.body_source(waiter.stop());
    lock.lock();
    if (!piece) return failed(std::move(piece).error());
    stream.outgoing = std::move(*piece);
    stream.outgoing_used = 0;
    stream.outgoing_ends = stream.outgoing.empty();
    if (stream.is_closed || broken_) break;
    ::nghttp2_session_resume_data(session_.get(), stream.id);
    flush_or_wake();
    const auto deadline = deadline_after(timeouts.stall, "sending to " + peer_);
    if (auto sent =
            wait(lock, stream, deadline, waiter,
                 [&] { return stream.outgoing_used == stream.outgoing.size() || is_over(); });
        !sent)
      return failed(std::move(sent).error());
  }
  return {};
}

std::expected<std::unique_ptr<Response>, Connection::Failure> Connection::send(
    const Request& request, const Timeouts& timeouts, Waiter& waiter) {
  std::unique_lock lock(mutex_);
  if (peer_.empty()) peer_ = named(request.url);
  // Between the pool's look and this moment it may have said goodbye.
  if (!takes_streams())
    return std::unexpected(Failure{
        broken_.value_or(Error{Code::unavailable, peer_ + " takes no more requests"}), true});
  auto submitted = submit(request);
  if (!submitted) return std::unexpected(Failure{std::move(submitted).error(), true});
  const auto stream = *submitted;
  lock.unlock();
  // From here on the stream is left whatever happens.
  auto response = std::make_unique<StreamResponse>(
      std::static_pointer_cast<Connection>(shared_from_this()), stream, timeouts.stall);
  lock.lock();
  flush_or_wake();
  Failure failed;
  if (auto sent = upload(lock, *stream, request, timeouts, waiter); !sent) {
    failed = std::move(sent).error();
  } else {
    const auto deadline = deadline_after(timeouts.first_byte, "waiting for the answer of " + peer_);
    auto waited = wait(lock, *stream, deadline, waiter,
                       [&] { return stream->has_head || stream->is_closed; });
    if (stream->has_head && !stream->refusal) {
      lock.unlock();
      return response;
    }
    failed = waited ? failure(*stream) : Failure{std::move(waited).error(), false};
  }
  lock.unlock();  // before the response goes, which takes it
  return std::unexpected(std::move(failed));
}

}  // namespace

Result<std::shared_ptr<Http2Connection>> Http2Connection::make(
    std::unique_ptr<ClientTransport> transport, std::optional<IpAddress> address) {
  auto connection = std::make_shared<Connection>(std::move(transport), std::move(address));
  TRY(connection->begin());
  return connection;
}

}  // namespace boxagnts::net
