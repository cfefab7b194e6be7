#include "agent/tail.h"

#include <deque>

namespace boxagnts::agent {
namespace {

// Appends of this process ring the queue; those of others are found by looking this often.
constexpr base::Milliseconds kOtherProcessesLook{100};
constexpr std::size_t kBatch = 64;

class SessionTail final : public Tail {
 public:
  SessionTail(store::Store& store, FrameHub& hub, core::SessionId session, std::int64_t after)
      : store_(store),
        hub_(hub),
        queue_(hub.subscribe(session)),
        session_(std::move(session)),
        seen_(after) {}

  Result<std::optional<Item>> next(std::stop_token stop, base::Steady deadline) override {
    while (true) {
      const auto lost = queue_->lost();  // asked first: what was logged before it is still shown
      if (events_.empty())
        for (auto& event : TRY(store_.read(session_, seen_, kBatch)))
          events_.push_back(std::move(event));
      hub_.collect_output(std::chrono::steady_clock::now());
      // Frames made behind the last shown event come first; take() drops those that were overtaken.
      if (auto frame = queue_->take(seen_)) return Item(std::move(*frame));
      if (!events_.empty()) {
        Item item(std::move(events_.front()));
        events_.pop_front();
        seen_ = std::get<core::Event>(item).number;
        return item;
      }
      if (lost) return std::unexpected(*lost);
      const auto now = std::chrono::steady_clock::now();
      if (stop.stop_requested() || now >= deadline) return std::nullopt;
      queue_->wait(stop, std::min(deadline, now + kOtherProcessesLook));
    }
  }

 private:
  store::Store& store_;
  FrameHub& hub_;
  const std::shared_ptr<FrameQueue> queue_;
  const core::SessionId session_;
  std::int64_t seen_;
  std::deque<core::Event> events_;
};

}  // namespace

std::unique_ptr<Tail> make_tail(store::Store& store, FrameHub& hub, const core::SessionId& session,
                                std::int64_t after) {
  return std::make_unique<SessionTail>(store, hub, session, after);
}

}  // namespace boxagnts::agent
