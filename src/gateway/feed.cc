#include "gateway/feed.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <stop_token>
#include <vector>

#include "base/guard.h"
#include "base/json.h"
#include "base/log.h"
#include "base/thread.h"
#include "gateway/making.h"
#include "net/sse.h"

namespace boxagnts::gateway {
namespace {

using Bytes = std::shared_ptr<const std::string>;
using std::chrono::steady_clock;

constexpr base::Milliseconds kOtherProcessesLook{100};
constexpr std::size_t kPage = 256;          // events read at once
constexpr std::size_t kPagesInARound = 16;  // for those behind, before the others are looked after
constexpr std::size_t kThreadStackBytes = 256 << 10;

Bytes sse(const net::SseEvent& event) {
  std::string bytes;
  net::append_sse(event, bytes);
  return std::make_shared<const std::string>(std::move(bytes));
}

Bytes bytes_of(const core::Event& event) {
  return sse({.data = base::to_text(core::to_json(event)), .id = std::to_string(event.position)});
}

Bytes bytes_of_frame(const Json& frame) {
  return sse({.type = "frame", .data = base::to_text(frame)});
}

// Wakes the follower: by the queue of frames while it follows, else by its own condition.
class Doorbell {
 public:
  void ring() {
    const std::lock_guard lock(mutex_);
    rung_ = true;
    changed_.notify_all();
    if (queue_) queue_->ring();
  }
  void follow(std::shared_ptr<agent::FrameQueue> queue) {
    const std::lock_guard lock(mutex_);
    queue_ = std::move(queue);
  }
  void wait(std::stop_token stop) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return rung_; });
    rung_ = false;
  }

 private:
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::shared_ptr<agent::FrameQueue> queue_;
  bool rung_ = false;
};

struct Subscriber {
  std::shared_ptr<net::ServerStream> stream;
  std::optional<core::SessionId> session;
  std::int64_t seen = 0;  // while behind: all it wants up to this position went into its stream
  bool live = false;
  bool closed = false;
  std::atomic<bool> waits = false;  // for room in its stream
  std::vector<Bytes> missed;        // announcements while it was behind

  bool wants(const core::SessionId& id) const { return !session || *session == id; }
};

struct Item {
  std::int64_t position;
  Bytes bytes;
};

}  // namespace

class Feed::Follower {
 public:
  Follower(store::Store& store, agent::Runs& runs, base::Clock& clock)
      : store_(store), runs_(runs), clock_(clock) {}

  ~Follower() {
    stop_.request_stop();
    doorbell_->ring();
    thread_.join();
    for (const auto& subscriber : subscribers_) subscriber->stream->close();
    for (const auto& subscriber : arrived_) subscriber->stream->close();
  }

  void announce(Bytes bytes) {
    {
      const std::lock_guard lock(mutex_);
      if (count_ == 0) return;
      announced_.push_back(std::move(bytes));
    }
    doorbell_->ring();
  }

  store::Store& log() { return store_; }
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }

  Status take(std::shared_ptr<Subscriber> subscriber) {
    {
      const std::lock_guard lock(mutex_);
      if (GUARD("gateway.subscribers", count_ >= kSubscribersMax))
        return fail(Code::busy, "all " + std::to_string(kSubscribersMax) +
                                    " event streams of this server are in use; try again later");
      if (!thread_.joinable())
        thread_ = TRY(base::Thread::start("feed", kThreadStackBytes, [this] { work(); }));
      arrived_.push_back(subscriber);
      ++count_;
    }
    // The stream may outlive the feed, and tell when it has drained after the feed is gone.
    subscriber->stream->on_change(
        [doorbell = doorbell_, weak = std::weak_ptr<Subscriber>(subscriber)] {
          const auto who = weak.lock();
          if (!who) return;
          const bool had_waited = who->waits.exchange(false);
          if (had_waited || who->stream->gone()) doorbell->ring();
        });
    doorbell_->ring();
    return {};
  }

 private:
  void work() {
    while (!stop_.stop_requested()) {
      look_who_is_there();
      if (subscribers_.empty()) {
        rest();
        doorbell_->wait(stop_.get_token());
        continue;
      }
      const auto done = round();
      if (!done) {
        base::log(base::LogLevel::error, "gateway",
                  "the event feed cannot read the log: " + done.error().message);
        for (const auto& subscriber : subscribers_) subscriber->stream->close();
        drop([](const Subscriber&) { return true; });
      } else if (*done == Round::waits) {
        queue_->wait(stop_.get_token(), steady_clock::now() + kOtherProcessesLook);
      }
    }
  }

  // Nobody listens: what was followed is forgotten.
  void rest() {
    doorbell_->follow(nullptr);
    queue_.reset();
    making_.clear();
    frames_.clear();
  }

  void look_who_is_there() {
    drop([](const Subscriber& subscriber) {
      return subscriber.closed || subscriber.stream->gone();
    });
    const std::lock_guard lock(mutex_);
    for (auto& one : arrived_) subscribers_.push_back(std::move(one));
    arrived_.clear();
  }

  template <class Which>
  void drop(Which which) {
    count_ -= std::erase_if(subscribers_, [&](const auto& one) { return which(*one); });
  }

  enum class Round : std::uint8_t { waits, goes_on };

  Result<Round> round() {
    if (!queue_) {
      queue_ = runs_.frames();
      doorbell_->follow(queue_);
      position_ = TRY(store_.last_position());
      next_beat_ = clock_.steady() + kBeatEvery;
    }
    // Frames first: what they follow is in the log by now.
    runs_.collect_output();
    for (auto& frame : queue_->take_all()) frames_.push_back(std::move(frame));
    const bool caught_up = TRY(follow_log());
    if (caught_up) follow_frames();
    const bool replayed = TRY(replay());
    tell_announced();
    beat();
    return caught_up && replayed ? Round::waits : Round::goes_on;
  }

  // New events to all who are live. True when there are no more.
  Result<bool> follow_log() {
    const auto events = TRY(store_.read_all(position_, kPage));
    for (const auto& event : events) {
      making_.finished(event);
      const Bytes bytes = bytes_of(event);
      for (const auto& subscriber : subscribers_)
        if (subscriber->live && subscriber->wants(event.session))
          push(*subscriber, bytes, event.position - 1);
      position_ = event.position;
    }
    return events.size() < kPage;
  }

  void follow_frames() {
    for (auto& frame : frames_) {
      if (!making_.add(frame, store_)) continue;
      Bytes bytes;
      for (const auto& subscriber : subscribers_) {
        if (!subscriber->live || !subscriber->wants(frame.session)) continue;
        if (!bytes) bytes = bytes_of_frame(core::to_json(frame));
        push(*subscriber, bytes, position_);
      }
    }
    frames_.clear();
  }

  // Pushes to one who has seen everything up to `seen`; if there is no room, it is behind from
  // here.
  bool push(Subscriber& subscriber, const Bytes& bytes, std::int64_t seen) {
    if (subscriber.stream->push(bytes)) return true;
    subscriber.live = false;
    subscriber.seen = seen;
    subscriber.waits = true;
    // It may have drained between the two.
    if (subscriber.stream->waiting_bytes() == 0) subscriber.waits = false;
    return false;
  }

  // A page for each who is behind and has room. True when nobody could go on at once.
  Result<bool> replay() {
    std::size_t pages = 0;
    bool all_done = true;
    page_.reset();
    const std::size_t first = next_;  // who came last does not always wait longest
    for (std::size_t i = 0; i < subscribers_.size(); ++i) {
      next_ = (first + i) % subscribers_.size();
      Subscriber& subscriber = *subscribers_[next_];
      if (subscriber.live || subscriber.waits) continue;
      if (pages == kPagesInARound) return false;
      if (const auto done = replay_page(subscriber, pages); !done) {
        if (done.error().code != Code::not_found) return std::unexpected(done.error());
        subscriber.stream->close();  // its session was deleted
        subscriber.closed = true;
      }
      all_done = all_done && (subscriber.live || subscriber.waits);
    }
    return all_done;
  }

  Status replay_page(Subscriber& subscriber, std::size_t& pages) {
    if (!page_ || page_->session != subscriber.session || page_->after != subscriber.seen) {
      page_ = TRY(read_page(subscriber.session, subscriber.seen));
      ++pages;
    }
    bool whole = page_->last;
    for (const auto& item : page_->items) {
      whole = whole || item.position >= position_;
      if (item.position > position_) break;
      if (!push(subscriber, item.bytes, subscriber.seen)) return {};
      subscriber.seen = item.position;
    }
    if (whole) go_live(subscriber);
    return {};
  }

  void go_live(Subscriber& subscriber) {
    subscriber.live = true;
    for (const auto& snapshot : making_.snapshots(subscriber.session))
      if (!push(subscriber, bytes_of_frame(snapshot), position_)) return;
    while (!subscriber.missed.empty()) {
      if (!push(subscriber, subscriber.missed.front(), position_)) return;
      subscriber.missed.erase(subscriber.missed.begin());
    }
  }

  void tell_announced() {
    std::vector<Bytes> announced;
    {
      const std::lock_guard lock(mutex_);
      announced.swap(announced_);
      // Who has subscribed since this round began.
      for (const auto& subscriber : arrived_)
        for (const auto& bytes : announced) miss(*subscriber, bytes);
    }
    for (const auto& bytes : announced)
      for (const auto& subscriber : subscribers_)
        if (!subscriber->live || !push(*subscriber, bytes, position_)) miss(*subscriber, bytes);
  }

  // The same said twice is said once; of what is more than anybody can miss, the oldest goes.
  static void miss(Subscriber& subscriber, const Bytes& bytes) {
    constexpr std::size_t kMissedMax = 64;
    auto& missed = subscriber.missed;
    std::erase_if(missed, [&](const Bytes& other) { return *other == *bytes; });
    if (missed.size() == kMissedMax) missed.erase(missed.begin());
    missed.push_back(bytes);
  }

  struct Page {
    std::optional<core::SessionId> session;
    std::int64_t after = 0;
    std::vector<Item> items;
    bool last = false;
  };
  Result<Page> read_page(const std::optional<core::SessionId>& session, std::int64_t after) {
    const auto number = session ? TRY(store_.number_at(*session, after)) : 0;
    const auto events =
        session ? TRY(store_.read(*session, number, kPage)) : TRY(store_.read_all(after, kPage));
    Page page{session, after, {}, events.size() < kPage};
    page.items.reserve(events.size());
    for (const auto& event : events) page.items.push_back({event.position, bytes_of(event)});
    return page;
  }

  // A line now and then, so that who is gone is noticed and proxies see life.
  void beat() {
    const auto now = clock_.steady();
    if (now < next_beat_) return;
    next_beat_ = now + kBeatEvery;
    static const Bytes kBeat = std::make_shared<const std::string>(net::kSseHeartbeat);
    for (const auto& subscriber : subscribers_)
      if (subscriber->live && subscriber->stream->waiting_bytes() == 0)
        push(*subscriber, kBeat, position_);
  }

  store::Store& store_;
  agent::Runs& runs_;
  base::Clock& clock_;
  std::stop_source stop_;
  const std::shared_ptr<Doorbell> doorbell_ = std::make_shared<Doorbell>();
  std::mutex mutex_;
  std::vector<std::shared_ptr<Subscriber>> arrived_;
  std::vector<Bytes> announced_;
  std::atomic<std::size_t> count_ = 0;

  // The thread's own from here.
  std::vector<std::shared_ptr<Subscriber>> subscribers_;
  std::shared_ptr<agent::FrameQueue> queue_;
  std::deque<core::Frame> frames_;  // not yet shown
  Making making_;
  std::int64_t position_ = 0;  // up to here those who are live have seen everything
  std::size_t next_ = 0;       // whose turn it is to be replayed
  std::optional<Page> page_;   // the last one read: who attached together is replayed together
  base::Steady next_beat_;

  base::Thread thread_;
};

Feed::Feed(store::Store& store, agent::Runs& runs, base::Clock& clock)
    : follower_(std::make_unique<Follower>(store, runs, clock)) {}

Feed::~Feed() = default;

Result<std::int64_t> Feed::place_of(const Wish& wish) {
  store::Store& log = follower_->log();
  if (wish.session) TRY(log.session(*wish.session));
  const auto last = TRY(log.last_position());
  if (wish.after.value_or(0) > last)
    return fail(Code::conflict, "position " + std::to_string(*wish.after) +
                                    " is behind the log's last, " + std::to_string(last) +
                                    ": it belongs to another log; begin again without it");
  return wish.after.value_or(last);
}

Status Feed::subscribe(const Wish& wish, std::int64_t after,
                       std::shared_ptr<net::ServerStream> stream) {
  auto subscriber = std::make_shared<Subscriber>();
  subscriber->session = wish.session;
  subscriber->seen = after;
  stream->push(sse({.type = "attached",
                    .data = base::to_text(JsonObject{{"position", after}}),
                    .id = std::to_string(after)}));
  subscriber->stream = std::move(stream);
  return follower_->take(std::move(subscriber));
}

void Feed::announce(std::string_view name, const Json& data) {
  follower_->announce(sse({.type = std::string(name), .data = base::to_text(data)}));
}

std::size_t Feed::subscribers() const { return follower_->count(); }

}  // namespace boxagnts::gateway
