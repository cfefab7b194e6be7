#include "agent/live_output.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace boxagnts::agent {
namespace {

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) == 0x80; }

// Without the beginning of a character at the end whose rest is still to come.
std::size_t whole_bytes(std::string_view bytes) {
  const std::size_t size = bytes.size();
  for (std::size_t back = 1; back <= std::min<std::size_t>(size, 3); ++back) {
    if (is_continuation(bytes[size - back])) continue;
    const auto byte = static_cast<unsigned char>(bytes[size - back]);
    const std::size_t length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? size - back : size;
  }
  return size;
}

// The bytes at the beginning that go on with a character.
std::size_t leading_rest(std::string_view bytes) {
  std::size_t rest = 0;
  while (rest < std::min<std::size_t>(bytes.size(), 3) && is_continuation(bytes[rest])) ++rest;
  return rest;
}

}  // namespace

void join_output(core::OutputDelta& end, const core::OutputDelta& next) {
  if (next.skipped > 0) {
    end.skipped += end.text.size() + next.skipped;
    end.text.clear();
  }
  end.text += next.text;
  const std::size_t before = end.text.size();
  if (before <= LiveOutput::kBytesMax) return;
  end.text = base::suffix_at_character(end.text, LiveOutput::kBytesMax);
  end.skipped += before - end.text.size();
}

void LiveOutput::wrote(std::string_view bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes.size() >= kBytesMax) {
    skipped_ += waiting_.size() + bytes.size() - kBytesMax;
    waiting_ = bytes.substr(bytes.size() - kBytesMax);
    return;
  }
  const std::size_t size = waiting_.size() + bytes.size();
  if (size > kBytesMax) {
    skipped_ += size - kBytesMax;
    waiting_.erase(0, size - kBytesMax);
  }
  waiting_ += bytes;
}

std::optional<core::Frame> LiveOutput::take(base::Steady now) {
  if (now < due_) return std::nullopt;
  core::OutputDelta delta{.call_id = call_.id, .text = {}};
  {
    const std::lock_guard lock(mutex_);
    const std::size_t whole = whole_bytes(waiting_);
    if (whole == 0) return std::nullopt;
    delta.text = waiting_.substr(0, whole);
    waiting_.erase(0, whole);
    delta.skipped = std::exchange(skipped_, 0);
  }
  if (delta.skipped > 0) {  // it may begin in the middle of a character
    const std::size_t rest = leading_rest(delta.text);
    delta.text.erase(0, rest);
    delta.skipped += rest;
  }
  if (!base::is_utf8(delta.text)) delta.text = base::repair_utf8(delta.text);
  due_ = now + kEvery;
  join_output(taken_, delta);
  return frame_of(std::move(delta));
}

std::optional<core::Frame> LiveOutput::taken() const {
  if (taken_.text.empty()) return std::nullopt;
  auto end = taken_;
  end.call_id = call_.id;
  return frame_of(std::move(end));
}

core::Frame LiveOutput::frame_of(core::OutputDelta delta) const {
  return {call_.session, call_.run, call_.last_number, std::move(delta)};
}

}  // namespace boxagnts::agent
