// The server's side of HTTP/2 for tests, by nghttp2: it answers as a test wants, frame by frame.
#pragma once

#include <nghttp2/nghttp2.h>

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/http_client_fixture.h"

namespace boxagnts::net {

class Http2Peer {
 public:
  struct Stream {
    Headers headers;
    std::string body;  // of the request, as it comes
    bool is_whole = false;
    std::string answer;  // what is left to send
    bool answer_stays_open = false;
  };
  // Called when a request's head has come, and when it is whole.
  using On = std::function<void(Http2Peer& self, std::int32_t id, Stream& stream)>;

  Http2Peer(Peer& peer, On on_head, On on_whole, std::uint32_t streams_max = 100)
      : peer_(peer), on_head_(std::move(on_head)), on_whole_(std::move(on_whole)) {
    nghttp2_session_callbacks* callbacks = nullptr;
    ::nghttp2_session_callbacks_new(&callbacks);
    ::nghttp2_session_callbacks_set_on_header_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                      std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                      std::uint8_t, void* self) {
          static_cast<Http2Peer*>(self)->streams_[frame->hd.stream_id].headers.emplace_back(
              std::string(reinterpret_cast<const char*>(name), name_size),
              std::string(reinterpret_cast<const char*>(value), value_size));
          return 0;
        });
    ::nghttp2_session_callbacks_set_on_data_chunk_recv_callback(
        callbacks, [](nghttp2_session*, std::uint8_t, std::int32_t id, const std::uint8_t* bytes,
                      std::size_t size, void* self) {
          static_cast<Http2Peer*>(self)->streams_[id].body.append(
              reinterpret_cast<const char*>(bytes), size);
          return 0;
        });
    ::nghttp2_session_callbacks_set_on_frame_recv_callback(
        callbacks, [](nghttp2_session*, const nghttp2_frame* frame, void* self) {
          static_cast<Http2Peer*>(self)->on_frame(*frame);
          return 0;
        });
    nghttp2_option* option = nullptr;
    ::nghttp2_option_new(&option);
    ::nghttp2_option_set_max_send_header_block_length(option, 1 << 20);
    ::nghttp2_session_server_new2(&session_, callbacks, this, option);
    ::nghttp2_option_del(option);
    ::nghttp2_session_callbacks_del(callbacks);
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, streams_max}};
    ::nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings, 1);
  }
  ~Http2Peer() { ::nghttp2_session_del(session_); }

  // Until the client leaves.
  void serve() {
    char bytes[16 << 10];
    while (flush()) {
      const long got = peer_.read(bytes, sizeof bytes);
      if (got <= 0) return;
      if (::nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes),
                                     static_cast<std::size_t>(got)) < 0)
        return;
    }
    if (is_over_) peer_.leave();
  }
  bool flush() {
    while (true) {
      const std::uint8_t* bytes = nullptr;
      const ssize_t size = ::nghttp2_session_mem_send(session_, &bytes);
      if (size <= 0) return size == 0 && !is_over_;
      if (!peer_.write({reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)}))
        return false;
    }
  }
  void end_connection() { is_over_ = true; }

  void answer(std::int32_t id, std::string body, Headers headers = {{":status", "200"}},
              bool stays_open = false) {
    auto& stream = streams_[id];
    stream.answer = std::move(body);
    stream.answer_stays_open = stays_open;
    auto wire = fields(headers);
    const nghttp2_data_provider provider{.source = {}, .read_callback = give};
    ::nghttp2_submit_response(session_, id, wire.data(), wire.size(), &provider);
  }
  void interim(std::int32_t id, Headers headers) {
    auto wire = fields(headers);
    ::nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, wire.data(), wire.size(),
                             nullptr);
  }
  void reset(std::int32_t id, std::uint32_t error) {
    ::nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, id, error);
  }
  void go_away(std::int32_t last) {
    ::nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  }
  void write_raw(std::string_view bytes) { peer_.write(bytes); }
  std::vector<std::uint32_t> resets;  // error codes that the client sent

  static std::string header(const Stream& stream, std::string_view name) {
    for (const auto& [key, value] : stream.headers)
      if (key == name) return value;
    return {};
  }

 private:
  static std::vector<nghttp2_nv> fields(Headers& headers) {
    std::vector<nghttp2_nv> wire;
    for (auto& [name, value] : headers)
      wire.push_back({reinterpret_cast<std::uint8_t*>(name.data()),
                      reinterpret_cast<std::uint8_t*>(value.data()), name.size(), value.size(),
                      NGHTTP2_NV_FLAG_NONE});
    return wire;
  }
  static ssize_t give(nghttp2_session*, std::int32_t id, std::uint8_t* into, std::size_t size,
                      std::uint32_t* flags, nghttp2_data_source*, void* self) {
    auto& stream = static_cast<Http2Peer*>(self)->streams_[id];
    const std::size_t count = std::min(size, stream.answer.size());
    std::copy_n(stream.answer.data(), count, into);
    stream.answer.erase(0, count);
    if (count == 0 && stream.answer_stays_open) return NGHTTP2_ERR_DEFERRED;
    if (stream.answer.empty() && !stream.answer_stays_open) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(count);
  }
  void on_frame(const nghttp2_frame& frame) {
    const auto id = frame.hd.stream_id;
    if (frame.hd.type == NGHTTP2_RST_STREAM) resets.push_back(frame.rst_stream.error_code);
    if (frame.hd.type == NGHTTP2_HEADERS && on_head_) on_head_(*this, id, streams_[id]);
    const bool carries_end = frame.hd.type == NGHTTP2_HEADERS || frame.hd.type == NGHTTP2_DATA;
    if (!carries_end || (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) return;
    streams_[id].is_whole = true;
    if (on_whole_) on_whole_(*this, id, streams_[id]);
  }

  Peer& peer_;
  const On on_head_, on_whole_;
  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Stream> streams_;
  bool is_over_ = false;
};

}  // namespace boxagnts::net
