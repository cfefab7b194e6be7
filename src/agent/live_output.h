// What a running call's tool has written so far, from the tool's thread to whoever follows.
//
// The tool pays for a copy of at most 16 KiB a write and never waits; who follows collects
// (FrameHub::collect_output): at most one frame in 50 ms of a call, none of a call that ends
// sooner, UTF-8 repaired across the borders of pieces. Of what nobody has collected yet the end is
// kept. Thread-safe.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"
#include "core/event.h"

namespace boxagnts::agent {

class LiveOutput {
 public:
  static constexpr std::size_t kBytesMax = 16 << 10;
  static constexpr base::Milliseconds kEvery{50};

  // `last_number` is that of the session's last event, as it rises; it outlives this.
  struct Call {
    core::SessionId session;
    core::RunId run;
    std::string id;
    const std::atomic<std::int64_t>& last_number;
  };
  LiveOutput(Call call, base::Steady now) : call_(std::move(call)), due_(now + kEvery) {}

  const core::SessionId& session() const { return call_.session; }
  void wrote(std::string_view bytes);
  // What came since the last one, when its time has come and there is something whole.
  std::optional<core::Frame> take(base::Steady now);
  // The end of all that take() has given; for who comes late.
  std::optional<core::Frame> taken() const;

 private:
  core::Frame frame_of(core::OutputDelta delta) const;

  const Call call_;
  base::Steady due_;         // of the collector, as is taken_
  core::OutputDelta taken_;  // its end
  std::mutex mutex_;
  std::string waiting_;        // under mutex_
  std::uint64_t skipped_ = 0;  // under mutex_: bytes before `waiting_` that were not kept
};

// Adds the next piece to the end that is kept: at most LiveOutput::kBytesMax.
void join_output(core::OutputDelta& end, const core::OutputDelta& next);

}  // namespace boxagnts::agent
