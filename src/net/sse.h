// Server-sent events (WHATWG HTML, "Server-sent events", 9.2.6): bytes in, events out, right at
// every cut; and events in, bytes out. A parser belongs to one stream and thread; the writers are
// pure functions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace boxagnts::net {

struct SseEvent {
  std::string type;  // "message" unless the stream says otherwise
  std::string data;  // lines joined by '\n'
  std::string id;    // last id seen
};

class SseParser {
 public:
  explicit SseParser(std::size_t event_bytes_max = 16u << 20) : event_bytes_max_(event_bytes_max) {}

  void feed(std::string_view bytes);
  // The next complete event. An event that the stream's end cuts is never given out. Errors:
  // limit_exceeded.
  Result<std::optional<SseEvent>> next();

 private:
  std::size_t event_bytes_max_;
  std::string buffer_;
  std::size_t parsed_ = 0;   // bytes of buffer_ already consumed
  std::size_t scanned_ = 0;  // bytes of buffer_ known to hold no line's end
  bool at_start_ = true;     // a byte-order mark may come
  bool after_cr_ = false;    // a lone CR ended the last line: swallow one LF
  SseEvent event_;
  bool has_data_ = false;
};

// Appends one event to `out`. Any text may be data; its line ends (CR LF, CR, LF) arrive as '\n',
// all that the format knows. Type ("" = "message") and id ("" = none is sent) are single lines: an
// end of line or a NUL in them is left out.
void append_sse(const SseEvent& event, std::string& out);
// What keeps a silent stream alive, and is no event.
inline constexpr std::string_view kSseHeartbeat = ":\n\n";

}  // namespace boxagnts::net
