#include <algorithm>

#include "sandbox/host_function.h"
#include "sandbox/preview1.h"
#include "sandbox/preview1_layout.h"

namespace boxagnts::sandbox {
namespace {

constexpr std::uint32_t kSubscriptionsMax = 1024;
enum Tag : std::uint8_t { kClock = 0, kRead = 1, kWrite = 2 };
constexpr std::uint16_t kAbsolute = 1;  // subclockflags
constexpr std::uint16_t kHangUp = 1;    // eventrwflags

// One call of poll_oneoff: what it waits for, and the events it has so far.
class Poll {
 public:
  explicit Poll(ProcessState& process) : process_(process) {}

  Errno add(const layout::Subscription& wanted) {
    switch (wanted.tag) {
      case kClock: return add_timer(wanted);
      case kRead:
      case kWrite: return add_stream(wanted);
      default: return Errno::inval;
    }
  }

  // Waits for the first event when there is none yet. Errors: io when the process must end.
  Errno wait() {
    while (true) {
      const bool at_once = !events_.empty();
      if (!at_once || !watches_.empty())
        process_.world.wait(watches_, at_once ? 0 : first_due(), process_.deadline(),
                            process_.stop);
      if (process_.must_stop()) return Errno::io;
      take_ready();
      if (!events_.empty()) return Errno::success;
    }
  }

  const std::vector<layout::PollEvent>& events() const { return events_; }

 private:
  struct Timer {
    layout::Subscription wanted;
    std::uint64_t due_ns;
  };

  Errno add_timer(const layout::Subscription& wanted) {
    if (wanted.id > static_cast<std::uint32_t>(ClockId::thread_cpu)) {
      report(wanted, Errno::inval);
      return Errno::success;
    }
    std::uint64_t wait_ns = wanted.timeout_ns;
    if (wanted.flags & kAbsolute) {
      const std::uint64_t now = process_.world.now_ns(static_cast<ClockId>(wanted.id));
      wait_ns = wait_ns > now ? wait_ns - now : 0;
    }
    std::uint64_t due_ns;
    if (__builtin_add_overflow(process_.world.now_ns(ClockId::monotonic), wait_ns, &due_ns))
      due_ns = kNoDeadlineNs;
    timers_.push_back({wanted, due_ns});
    return Errno::success;
  }

  Errno add_stream(const layout::Subscription& wanted) {
    const auto found = process_.descriptor(wanted.id, rights::kPoll);
    if (!found) {
      report(wanted, found.error());
      return Errno::success;
    }
    const Descriptor& descriptor = **found;
    const int watched = descriptor.file ? descriptor.file->poll_descriptor() : -1;
    if (watched < 0) {
      report(wanted, Errno::success, bytes_left(wanted, descriptor));
    } else {
      watches_.push_back({.descriptor = watched, .write = wanted.tag == kWrite});
      watched_.push_back(wanted);
    }
    return Errno::success;
  }

  void take_ready() {
    for (std::size_t i = 0; i < watches_.size(); ++i) {
      if (!watches_[i].ready) continue;
      const auto found = process_.descriptor(watched_[i].id, 0);
      report(watched_[i], Errno::success, found ? bytes_left(watched_[i], **found) : 0,
             watches_[i].hung_up ? kHangUp : std::uint16_t{0});
    }
    if (timers_.empty()) return;
    const std::uint64_t now = process_.world.now_ns(ClockId::monotonic);
    for (const auto& timer : timers_)
      if (timer.due_ns <= now) report(timer.wanted, Errno::success);
  }

  // Of a read: what can be had without waiting, as far as it is known.
  static std::uint64_t bytes_left(const layout::Subscription& wanted,
                                  const Descriptor& descriptor) {
    if (wanted.tag != kRead || !descriptor.file) return 0;
    const auto stat = descriptor.file->stat();
    if (!stat) return 0;
    if (descriptor.file->is_stream()) return stat->size;
    return stat->size > descriptor.offset ? stat->size - descriptor.offset : 0;
  }

  std::uint64_t first_due() const {
    const auto first = std::ranges::min_element(timers_, {}, &Timer::due_ns);
    return first == timers_.end() ? kNoDeadlineNs : first->due_ns;
  }

  void report(const layout::Subscription& wanted, Errno error, std::uint64_t bytes = 0,
              std::uint16_t flags = 0) {
    events_.push_back({.userdata = wanted.userdata,
                       .error = static_cast<std::uint16_t>(error),
                       .type = wanted.tag,
                       .bytes = bytes,
                       .flags = flags});
  }

  ProcessState& process_;
  std::vector<Timer> timers_;
  std::vector<Watch> watches_;
  std::vector<layout::Subscription> watched_;  // one a watch
  std::vector<layout::PollEvent> events_;
};

Errno poll_oneoff(Call& call, std::uint32_t in, std::uint32_t out, std::uint32_t count,
                  std::uint32_t result) {
  if (count == 0 || count > kSubscriptionsMax) return Errno::inval;
  const auto raw = TRY_ERRNO(call.memory.bytes(in, count * sizeof(layout::Subscription)));
  TRY_ERRNO(call.memory.bytes(out, count * sizeof(layout::PollEvent)));
  Poll poll(call.process);
  for (std::uint32_t i = 0; i < count; ++i) {
    layout::Subscription wanted;
    std::memcpy(&wanted, raw.data() + i * sizeof wanted, sizeof wanted);
    if (const auto added = poll.add(wanted); added != Errno::success) return added;
  }
  if (const auto waited = poll.wait(); waited != Errno::success) return waited;
  const auto& events = poll.events();
  const auto into = TRY_ERRNO(call.memory.bytes(out, events.size() * sizeof(layout::PollEvent)));
  std::memcpy(into.data(), events.data(), into.size());
  return call.memory.store(result, static_cast<std::uint32_t>(events.size()));
}

}  // namespace

void define_preview1_poll(wasmtime_linker_t& linker) {
  define<poll_oneoff>(linker, kPreview1, "poll_oneoff");
}

}  // namespace boxagnts::sandbox
