#include "sandbox/world.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "base/file.h"

namespace boxagnts::sandbox {
namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;

class HostWorld final : public World {
 public:
  explicit HostWorld(base::Clock& clock) : clock_(clock) {}

  std::uint64_t now_ns(ClockId clock) override {
    switch (clock) {
      case ClockId::realtime: return static_cast<std::uint64_t>(clock_.now_ns());
      case ClockId::monotonic: return steady_ns();
      case ClockId::process_cpu:
      case ClockId::thread_cpu: {
        timespec time{};
        ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
        return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
               static_cast<std::uint64_t>(time.tv_nsec);
      }
    }
    return 0;
  }

  std::uint64_t resolution_ns(ClockId) override { return 1; }

  void fill_random(std::span<std::byte> into) override {
    while (!into.empty()) {
      const ssize_t got = ::getrandom(into.data(), into.size(), 0);
      if (got > 0) into = into.subspan(static_cast<std::size_t>(got));
    }
  }

  void wait(std::span<Watch> watches, std::uint64_t until_ns, base::Steady deadline,
            const std::stop_token& stop) override {
    const base::Steady until = std::min(deadline, steady_at(until_ns));
    if (watches.empty())
      clock_.sleep_until(until, stop);
    else
      poll(watches, until, stop);
  }

 private:
  std::uint64_t steady_ns() {
    return static_cast<std::uint64_t>(
        duration_cast<nanoseconds>(clock_.steady().time_since_epoch()).count());
  }
  static base::Steady steady_at(std::uint64_t ns) {
    constexpr std::uint64_t kLongest = INT64_MAX;
    return base::Steady(nanoseconds(static_cast<std::int64_t>(std::min(ns, kLongest))));
  }

  void poll(std::span<Watch> watches, base::Steady until, const std::stop_token& stop) {
    const base::UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    const std::stop_callback ring(stop, [&bell] { (void)::eventfd_write(bell.get(), 1); });
    std::vector<pollfd> polled;
    for (const auto& watch : watches)
      polled.push_back({watch.descriptor, static_cast<short>(watch.write ? POLLOUT : POLLIN), 0});
    polled.push_back({bell.get(), POLLIN, 0});
    const auto left = std::max(nanoseconds(0), nanoseconds(until - clock_.steady()));
    const timespec timeout{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
    // A failure (EINTR) shows as nothing ready: the caller looks at the time and asks again.
    if (::ppoll(polled.data(), polled.size(), &timeout, nullptr) <= 0) return;
    for (std::size_t i = 0; i < watches.size(); ++i) {
      watches[i].ready = polled[i].revents != 0;
      watches[i].hung_up = (polled[i].revents & POLLHUP) != 0;
    }
  }

  base::Clock& clock_;
};

class RecordedWorld final : public World {
  // What clocks say after a replay diverged: a guest that waits is let go.
  static constexpr std::uint64_t kAfterTheTape = kNoDeadlineNs;

 public:
  RecordedWorld(World* inner, vfs::Tape& tape) : inner_(inner), tape_(tape) {}

  std::uint64_t now_ns(ClockId clock) override {
    return number("now", clock, [&] { return inner_->now_ns(clock); });
  }
  std::uint64_t resolution_ns(ClockId clock) override {
    return number("resolution", clock, [&] { return inner_->resolution_ns(clock); });
  }
  void fill_random(std::span<std::byte> into) override {
    if (!tape_.ask("random " + std::to_string(into.size()))) return;
    if (tape_.recording()) {
      inner_->fill_random(into);
      tape_.note_text({reinterpret_cast<const char*>(into.data()), into.size()});
      return;
    }
    const std::string bytes = tape_.recall_text();
    std::copy_n(reinterpret_cast<const std::byte*>(bytes.data()),
                std::min(bytes.size(), into.size()), into.begin());
  }
  void wait(std::span<Watch> watches, std::uint64_t until_ns, base::Steady deadline,
            const std::stop_token& stop) override {
    if (!tape_.ask("wait " + std::to_string(watches.size()))) {
      for (auto& watch : watches) watch.ready = true;
      return;
    }
    if (tape_.recording()) inner_->wait(watches, until_ns, deadline, stop);
    for (auto& watch : watches)
      for (bool* bit : {&watch.ready, &watch.hung_up}) {
        if (tape_.recording())
          tape_.note(*bit);
        else
          *bit = tape_.recall<std::uint8_t>() != 0;
      }
  }

 private:
  template <class Act>
  std::uint64_t number(const char* what, ClockId clock, Act act) {
    if (!tape_.ask(what + std::to_string(static_cast<int>(clock)))) return kAfterTheTape;
    if (!tape_.recording()) return tape_.recall<std::uint64_t>();
    const std::uint64_t value = act();
    tape_.note(value);
    return value;
  }

  World* const inner_;
  vfs::Tape& tape_;
};

}  // namespace

std::unique_ptr<World> make_host_world(base::Clock& clock) {
  return std::make_unique<HostWorld>(clock);
}

std::unique_ptr<World> make_recorded_world(World* inner, vfs::Tape& tape) {
  return std::make_unique<RecordedWorld>(inner, tape);
}

}  // namespace boxagnts::sandbox
