// Carries frames, and the word that an event was appended, from running runs to whoever follows one
// session, or all of them, in this process. A slow reader loses its oldest frames (never events:
// those it reads from the log) and harms nobody. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "agent/live_output.h"
#include "base/time.h"
#include "core/event.h"

namespace boxagnts::agent {

class FrameQueue {
 public:
  static constexpr std::size_t kFramesMax = 1024;

  void push(const core::Frame& frame);
  void ring();
  // The run that makes the frames can say nothing more in the log, for this reason.
  void lose(const Error& error);
  std::optional<Error> lost();

  // The oldest frame made after event `seen`, if it belongs right behind it; older ones are
  // dropped.
  std::optional<core::Frame> take(std::int64_t seen);
  // Every frame, oldest first; who follows several sessions judges for himself which are overtaken.
  std::deque<core::Frame> take_all();
  // Waits for a push or a ring since the last wait.
  void wait(std::stop_token stop, base::Steady deadline);

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<core::Frame> frames_;
  std::optional<Error> lost_;
  bool rung_ = false;
};

class FrameHub {
 public:
  // The queue lives as long as the caller holds it, and begins with the frames of what is being
  // made now: who comes late misses nothing of it.
  std::shared_ptr<FrameQueue> subscribe(const core::SessionId& session);
  // The same for every session.
  std::shared_ptr<FrameQueue> subscribe_all();
  void publish(const core::Frame& frame);
  // An event was appended: what was being made is made.
  void ring(const core::SessionId& session);
  // A call's tool writes: from now on collect_output() shows it to who follows, up to the end.
  std::shared_ptr<LiveOutput> begin_output(LiveOutput::Call call, base::Steady now);
  // Before the call's result is logged: no frame of it comes afterwards.
  void end_output(const std::shared_ptr<LiveOutput>& output);
  // By whoever follows, as often as it looks.
  void collect_output(base::Steady now);
  // The session's run has lost its log: who follows is told why.
  void lose(const core::SessionId& session, const Error& error);

 private:
  struct Channel {
    std::deque<core::Frame> current;  // since the last event; the newest kFramesMax
    std::vector<std::weak_ptr<FrameQueue>> queues;
  };
  // Of the session and of all sessions.
  std::vector<std::shared_ptr<FrameQueue>> live(Channel* channel);
  Channel* channel_of(const core::SessionId& session);

  std::mutex mutex_;
  std::vector<std::weak_ptr<FrameQueue>> everywhere_;
  std::map<core::SessionId, Channel> channels_;
  std::vector<std::shared_ptr<LiveOutput>> outputs_;
};

}  // namespace boxagnts::agent
