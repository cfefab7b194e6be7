// What the I/O thread and other threads share of one request: its body on the way to the handler,
// and its answer on the way back. Everything is guarded by a mutex that is held for moments.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "net/body_decoder.h"
#include "net/http_server.h"
#include "net/request_head.h"

namespace boxagnts::net {

class Connection;
class ServerCore;

class StreamState final : public ServerStream {
 public:
  StreamState(ServerCore& core, std::shared_ptr<Connection> connection, std::size_t bytes_max)
      : core_(&core), connection_(std::move(connection)), bytes_max_(bytes_max) {}

  bool push(std::shared_ptr<const std::string> bytes) override;
  std::size_t waiting_bytes() const override;
  bool gone() const override;
  void on_change(std::function<void()> changed) override;
  void close() override;

  // For the I/O thread.
  struct Batch {
    std::vector<std::shared_ptr<const std::string>> pieces;
    std::size_t bytes = 0;
    bool is_last = false;  // the stream was closed after these
  };
  Batch take();
  void sent(std::size_t bytes);
  void cut();  // the client is gone, or the answer is complete
  void call_changed();

 private:
  void flush_later(std::unique_lock<std::mutex>& held);

  std::recursive_mutex call_mutex_;  // held while changed_ is called; taken before mutex_
  mutable std::mutex mutex_;
  ServerCore* core_;  // null when cut
  std::shared_ptr<Connection> connection_;
  const std::size_t bytes_max_;
  std::vector<std::shared_ptr<const std::string>> queue_;
  std::size_t waiting_bytes_ = 0;
  bool is_closed_ = false, is_flush_posted_ = false;
  std::shared_ptr<const std::function<void()>> changed_;
};

// What a handler's owner holds: when it is let go, the stream is closed.
class StreamHandle;

class ServerExchange final : public Exchange, public std::enable_shared_from_this<ServerExchange> {
 public:
  enum class Body : std::uint8_t { none, follows };
  ServerExchange(ServerCore& core, std::shared_ptr<Connection> connection, ServerRequest request,
                 Body body)
      : core_(core),
        connection_(std::move(connection)),
        request_(std::move(request)),
        has_ended_(body == Body::none) {}

  // On a worker: the handler, and an answer where it gives none.
  void run();

  const ServerRequest& request() const override { return request_; }
  Result<std::string> read_body() override;
  void respond(ServerResponse response) override;
  void respond_file(ServerResponse head, base::UniqueFd file, std::uint64_t offset,
                    std::uint64_t bytes) override;
  std::shared_ptr<ServerStream> respond_stream(ServerResponse head) override;
  std::stop_token gone() const override { return gone_.get_token(); }

  // For the I/O thread.
  std::expected<std::size_t, BadRequest> feed(BodyDecoder& decoder, std::string_view bytes);
  bool has_room() const;
  void fail_body(Error error);
  void client_is_gone();

 private:
  ServerCore& core_;
  const std::shared_ptr<Connection> connection_;
  const ServerRequest request_;
  std::stop_source gone_;
  bool has_answered_ = false;  // the worker's own

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string body_;
  bool has_ended_;
  std::optional<Error> error_;
};

}  // namespace boxagnts::net
