#include "net/server_exchange.h"

#include <sys/types.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "net/server_connection.h"
#include "net/server_core.h"

namespace boxagnts::net {
namespace {

constexpr std::size_t kBodyPieceBytes = 64 << 10;
// A file up to this size goes out with its head in one piece: fewer changes of threads.
constexpr std::uint64_t kSmallFileBytes = 64 << 10;

}  // namespace

// The owner's end of a stream: letting it go closes the stream, while the connection holds on to
// the state.
class StreamHandle final : public ServerStream {
 public:
  explicit StreamHandle(std::shared_ptr<StreamState> state) : state_(std::move(state)) {}
  ~StreamHandle() override { state_->close(); }
  bool push(std::shared_ptr<const std::string> bytes) override {
    return state_->push(std::move(bytes));
  }
  std::size_t waiting_bytes() const override { return state_->waiting_bytes(); }
  bool gone() const override { return state_->gone(); }
  void on_change(std::function<void()> changed) override { state_->on_change(std::move(changed)); }
  void close() override { state_->close(); }

 private:
  const std::shared_ptr<StreamState> state_;
};

bool StreamState::push(std::shared_ptr<const std::string> bytes) {
  std::unique_lock lock(mutex_);
  if (!core_ || is_closed_ || waiting_bytes_ + bytes->size() > bytes_max_) return false;
  if (bytes->empty()) return true;
  waiting_bytes_ += bytes->size();
  queue_.push_back(std::move(bytes));
  flush_later(lock);
  return true;
}

void StreamState::flush_later(std::unique_lock<std::mutex>&) {
  if (std::exchange(is_flush_posted_, true)) return;
  core_->flush_later(connection_);  // under the lock: cut() waits, so the core is there
}

std::size_t StreamState::waiting_bytes() const {
  std::lock_guard lock(mutex_);
  return waiting_bytes_;
}

bool StreamState::gone() const {
  std::lock_guard lock(mutex_);
  return !core_;
}

void StreamState::on_change(std::function<void()> changed) {
  std::lock_guard no_call(call_mutex_);
  std::unique_lock lock(mutex_);
  changed_ = changed ? std::make_shared<const std::function<void()>>(std::move(changed)) : nullptr;
  const bool is_gone = !core_;
  lock.unlock();
  if (is_gone) call_changed();
}

void StreamState::close() {
  std::unique_lock lock(mutex_);
  if (!core_ || std::exchange(is_closed_, true)) return;
  flush_later(lock);
}

StreamState::Batch StreamState::take() {
  std::lock_guard lock(mutex_);
  is_flush_posted_ = false;
  Batch batch;
  batch.pieces = std::exchange(queue_, {});
  for (const auto& piece : batch.pieces) batch.bytes += piece->size();
  batch.is_last = is_closed_;
  return batch;
}

void StreamState::sent(std::size_t bytes) {
  std::lock_guard lock(mutex_);
  waiting_bytes_ -= bytes;
}

void StreamState::cut() {
  std::shared_ptr<Connection> connection;  // let go outside of the lock
  {
    std::lock_guard lock(mutex_);
    if (!core_) return;
    core_ = nullptr;
    connection = std::move(connection_);
    queue_.clear();
    waiting_bytes_ = 0;
  }
  call_changed();
}

void StreamState::call_changed() {
  std::lock_guard one_call(call_mutex_);
  std::shared_ptr<const std::function<void()>> changed;
  {
    std::lock_guard lock(mutex_);
    changed = changed_;
  }
  if (changed) (*changed)();
}

Result<std::string> Exchange::whole_body(std::size_t bytes_max) {
  std::string whole;
  while (true) {
    std::string piece = TRY(read_body());
    if (piece.empty()) return whole;
    if (whole.size() + piece.size() > bytes_max)
      return fail(Code::limit_exceeded, "the request's body is larger than the " +
                                            std::to_string(bytes_max) + " bytes taken here");
    whole += piece;
  }
}

void ServerExchange::run() {
  try {
    if (core_.is_stopping())
      respond(core_.refusal(503, Error{Code::busy, "the server is stopping"}));
    else
      core_.handler(*this);
  } catch (const std::exception& error) {
    base::log(
        base::LogLevel::error, "net",
        "the handler of " + request_.method + " " + request_.path + " threw: " + error.what());
  }
  if (!has_answered_)
    respond(core_.refusal(500, Error{Code::internal, "the server found no answer"}));
}

Result<std::string> ServerExchange::read_body() {
  std::unique_lock lock(mutex_);
  if (body_.empty() && !has_ended_ && !error_) {
    core_.post([connection = connection_] { connection->wants_body(); });
    changed_.wait(lock, [this] { return !body_.empty() || has_ended_ || error_; });
  }
  if (!body_.empty()) {
    const bool was_full = body_.size() >= kBodyPieceBytes && !has_ended_;
    std::string piece = std::exchange(body_, {});
    lock.unlock();
    if (was_full) core_.post([connection = connection_] { connection->wants_body(); });
    return piece;
  }
  if (error_) return std::unexpected(*error_);
  return std::string();
}

std::expected<std::size_t, BadRequest> ServerExchange::feed(BodyDecoder& decoder,
                                                            std::string_view bytes) {
  std::lock_guard lock(mutex_);
  auto used = decoder.feed(bytes, body_, kBodyPieceBytes);
  has_ended_ = decoder.ended();
  if (!body_.empty() || has_ended_) changed_.notify_one();
  return used;
}

bool ServerExchange::has_room() const {
  std::lock_guard lock(mutex_);
  return body_.size() < kBodyPieceBytes;
}

void ServerExchange::fail_body(Error error) {
  std::lock_guard lock(mutex_);
  if (has_ended_ || error_) return;
  error_ = std::move(error);
  changed_.notify_one();
}

void ServerExchange::client_is_gone() {
  fail_body({Code::cancelled, "the client is gone"});
  gone_.request_stop();
}

void ServerExchange::respond(ServerResponse response) {
  if (std::exchange(has_answered_, true)) return;
  core_.post([connection = connection_, response = std::move(response)]() mutable {
    connection->answer(std::move(response));
  });
}

void ServerExchange::respond_file(ServerResponse head, base::UniqueFd file, std::uint64_t offset,
                                  std::uint64_t bytes) {
  head.static_body = {};
  if (bytes <= kSmallFileBytes && request_.method != "HEAD") {
    head.body.resize(static_cast<std::size_t>(bytes));
    std::size_t have = 0;
    while (have < bytes) {
      const ssize_t got = ::pread(file.get(), head.body.data() + have, head.body.size() - have,
                                  static_cast<off_t>(offset + have));
      if (got <= 0) break;
      have += static_cast<std::size_t>(got);
    }
    if (have == bytes) return respond(std::move(head));
  }
  if (std::exchange(has_answered_, true)) return;
  head.body.clear();
  core_.post([connection = connection_, head = std::move(head), file = std::move(file), offset,
              bytes]() mutable {
    connection->answer_file(std::move(head), std::move(file), offset, bytes);
  });
}

std::shared_ptr<ServerStream> ServerExchange::respond_stream(ServerResponse head) {
  auto state = std::make_shared<StreamState>(core_, connection_, core_.options.stream_bytes_max);
  auto handle = std::make_shared<StreamHandle>(state);
  if (std::exchange(has_answered_, true)) {
    state->cut();
    return handle;
  }
  core_.post(
      [connection = connection_, head = std::move(head), state = std::move(state)]() mutable {
        connection->answer_stream(std::move(head), std::move(state));
      });
  return handle;
}

}  // namespace boxagnts::net
