#include "net/sse.h"

#include <algorithm>

#include "base/guard.h"

namespace boxagnts::net {

void SseParser::feed(std::string_view bytes) {
  if (parsed_ > 0) {
    buffer_.erase(0, parsed_);
    scanned_ -= std::min(scanned_, parsed_);
    parsed_ = 0;
  }
  buffer_.append(bytes);
}

Result<std::optional<SseEvent>> SseParser::next() {
  if (at_start_) {  // one byte-order mark may stand first
    constexpr std::string_view kMark = "\xef\xbb\xbf";
    const std::string_view head = std::string_view(buffer_).substr(0, kMark.size());
    if (head != kMark && kMark.starts_with(head)) return std::nullopt;  // not enough to tell
    if (head == kMark) parsed_ = kMark.size();
    at_start_ = false;
  }
  while (true) {
    if (after_cr_ && parsed_ < buffer_.size()) {
      if (buffer_[parsed_] == '\n') ++parsed_;
      after_cr_ = false;
    }
    const auto end = buffer_.find_first_of("\r\n", std::max(parsed_, scanned_));
    if (end == std::string::npos) {
      scanned_ = buffer_.size();
      if (buffer_.size() - parsed_ + event_.data.size() > event_bytes_max_)
        return fail(Code::limit_exceeded, "an event of the stream is larger than " +
                                              std::to_string(event_bytes_max_) + " bytes");
      return std::nullopt;
    }
    const std::string_view line = std::string_view(buffer_).substr(parsed_, end - parsed_);
    after_cr_ = buffer_[end] == '\r';
    parsed_ = end + 1;
    if (line.empty()) {
      if (!has_data_) {
        event_.type.clear();
        continue;
      }
      SseEvent event = event_;
      if (event.type.empty()) event.type = "message";
      event.data.pop_back();  // the last line's end
      event_.type.clear();
      event_.data.clear();
      has_data_ = false;
      return event;
    }
    if (line.starts_with(':')) continue;
    const auto colon = line.find(':');
    const auto field = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "data") {
      event_.data.append(value).append("\n");
      has_data_ = true;
      if (event_.data.size() > event_bytes_max_)
        return fail(Code::limit_exceeded, "an event of the stream is larger than " +
                                              std::to_string(event_bytes_max_) + " bytes");
    } else if (field == "event") {
      event_.type = value;
    } else if (field == "id" && !value.contains('\0')) {
      event_.id = value;
    }
  }
}

namespace {

void append_line(std::string_view field, std::string_view value, std::string& out) {
  out.append(field).append(": ");
  for (const char c : value)
    if (!GUARD("net.sse-line", c == '\r' || c == '\n' || c == '\0')) out.push_back(c);
  out.push_back('\n');
}

}  // namespace

void append_sse(const SseEvent& event, std::string& out) {
  if (!event.id.empty()) append_line("id", event.id, out);
  if (!event.type.empty() && event.type != "message") append_line("event", event.type, out);
  std::string_view left = event.data;
  while (true) {
    const auto end = left.find_first_of("\r\n");
    out.append("data: ").append(left.substr(0, end)).append("\n");
    if (end == std::string_view::npos) break;
    left.remove_prefix(end + (left.substr(end).starts_with("\r\n") ? 2 : 1));
  }
  out.push_back('\n');
}

}  // namespace boxagnts::net
