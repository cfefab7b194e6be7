// For this room's tests: a stream without a network, and runs without a model.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>

#include "agent/runs.h"
#include "net/http_server.h"

namespace boxagnts::gateway {

// Holds what is pushed until the test reads it; never more than `bytes_max`.
class TestStream final : public net::ServerStream {
 public:
  explicit TestStream(std::size_t bytes_max = std::size_t{64} << 20) : bytes_max_(bytes_max) {}

  bool push(std::shared_ptr<const std::string> bytes) override {
    const std::lock_guard lock(mutex_);
    if (ended_ || waiting_ > bytes_max_) return false;
    waiting_ += bytes->size();
    pieces_.push_back(std::move(bytes));
    changed_.notify_all();
    return true;
  }
  std::size_t waiting_bytes() const override {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }
  bool gone() const override {
    const std::lock_guard lock(mutex_);
    return ended_;
  }
  void on_change(std::function<void()> changed) override {
    const std::lock_guard lock(mutex_);
    on_change_ = std::move(changed);
  }
  void close() override { end(); }

  // The client's side: the next piece, nullptr at the end; waits.
  std::shared_ptr<const std::string> next() {
    std::function<void()> drained;
    std::shared_ptr<const std::string> piece;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return ended_ || !pieces_.empty(); });
      if (pieces_.empty()) return nullptr;
      piece = std::move(pieces_.front());
      pieces_.pop_front();
      waiting_ -= piece->size();
      if (waiting_ == 0) drained = on_change_;
    }
    if (drained) drained();
    return piece;
  }
  void hang_up() {
    end();
    std::function<void()> changed;
    {
      const std::lock_guard lock(mutex_);
      changed = on_change_;
    }
    if (changed) changed();
  }

 private:
  void end() {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_all();
  }

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<const std::string>> pieces_;
  std::size_t waiting_ = 0;
  bool ended_ = false;
  std::function<void()> on_change_;
};

// Frames come from where the test publishes them; nothing runs.
class TestRuns final : public agent::Runs {
 public:
  agent::FrameHub hub;
  std::optional<agent::RunRequest> asked;  // the last run that was to start

  Result<agent::Started> start(const agent::RunRequest& request) override {
    asked = request;
    return nothing();
  }
  Status cancel(const core::RunId&) override { return nothing(); }
  Status answer(const core::ApprovalId&, core::Reply, std::string) override { return nothing(); }
  Result<std::unique_ptr<agent::Tail>> tail(const core::SessionId&, std::int64_t) override {
    return nothing();
  }
  void let_end(const core::SessionId&) override {}
  std::vector<agent::LiveRun> live() override { return {}; }
  std::shared_ptr<agent::FrameQueue> frames() override { return hub.subscribe_all(); }
  // Each time is late enough for all that waits.
  void collect_output() override { hub.collect_output(now_ += std::chrono::hours(1)); }

 private:
  static std::unexpected<Error> nothing() { return fail(Code::not_found, "nothing runs here"); }

  base::Steady now_{};
};

}  // namespace boxagnts::gateway
