// One connection of the HTTP server: bytes to requests, one at a time, and answers to bytes.
// Everything runs on the I/O thread, but for send_file_piece(), to which the sending side of the
// socket is lent. Owned by the core's lists, by what it waits for, and by its exchange.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/file.h"
#include "net/body_decoder.h"
#include "net/request_head.h"
#include "net/response_head.h"
#include "net/server_core.h"
#include "net/server_exchange.h"

namespace boxagnts::net {

// Bytes to be sent, in order, without copies.
class OutQueue {
 public:
  using Piece = std::variant<std::string, std::shared_ptr<const std::string>, std::string_view>;
  void push(Piece piece);
  bool empty() const { return next_ == pieces_.size(); }
  std::size_t gather(std::span<iovec> into) const;
  void consume(std::size_t bytes);
  void release() { *this = {}; }

 private:
  std::vector<Piece> pieces_;
  std::size_t next_ = 0, offset_ = 0;
};

class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  // `own` is `transport` where it is not one that all share.
  Connection(ServerCore& core, ServerCore::Descriptor socket, Transport& transport,
             std::unique_ptr<Transport> own);

  void begin();
  void begin_stop();
  void close();
  void timed_out();

  // From the exchange.
  void wants_body();
  void answer(ServerResponse response);
  void answer_file(ServerResponse head, base::UniqueFd file, std::uint64_t offset,
                   std::uint64_t bytes);
  void answer_stream(ServerResponse head, std::shared_ptr<StreamState> stream);
  void flush_stream();

  WaitPlace place;

 private:
  enum class State : std::uint8_t { head, exchange, draining, lingering, closed };
  enum class Answer : std::uint8_t { none, whole, file, stream };
  struct FileLeft {
    base::UniqueFd file;
    std::uint64_t offset = 0, bytes = 0;
  };
  enum class FileOutcome : std::uint8_t { sent, blocked, failed };

  void wait_readable();
  void wait_writable();
  void begin_write_wait();
  void readable();
  void read_some();
  std::size_t read_room() const;
  void input_ended();
  void process();
  bool read_head();
  bool read_body();
  void begin_exchange(RequestHead head);
  void refuse(const BadRequest& wrong);

  bool send_head(ServerResponse& response, std::optional<std::uint64_t> content_length);
  void write_some();
  void answer_broken();
  void drained();
  void finish_exchange();
  void next_request();
  void linger();
  void next_file_piece();
  void send_file_piece();
  void read_file_piece();
  void file_piece_done(FileOutcome outcome);

  ServerCore& core_;
  ServerCore::Descriptor socket_;
  Transport& transport_;
  const std::unique_ptr<Transport> own_transport_;
  std::optional<ConnectionEnds> ends_;
  std::string in_;  // not yet used
  HeadScanner scanner_;
  BodyDecoder body_;
  std::shared_ptr<ServerExchange> exchange_;
  std::shared_ptr<StreamState> stream_;
  std::unique_ptr<FileLeft> file_;
  OutQueue out_;
  std::size_t stream_batch_bytes_ = 0;
  std::size_t unrenewed_bytes_ = 0;  // moved since the deadline was set
  std::size_t lingered_bytes_ = 0;
  State state_ = State::head;
  Answer answer_ = Answer::none;
  unsigned minor_version_ = 1;
  bool is_waiting_readable_ = false, is_waiting_writable_ = false, write_wants_read_ = false;
  bool has_input_ended_ = false, is_head_request_ = false, closes_after_ = false;
  bool continue_due_ = false, body_failed_ = false, is_stream_ending_ = false;
  bool is_file_lent_ = false, is_chunked_answer_ = false;
};

}  // namespace boxagnts::net
