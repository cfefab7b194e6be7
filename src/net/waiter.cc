#include "net/waiter.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"

namespace boxagnts::net {

Deadline deadline_after(std::chrono::milliseconds limit, const std::string& doing) {
  return {Clock::now() + limit, doing + " (limit " + base::human_duration_ms(limit.count()) + ")"};
}

Waiter::Waiter(std::stop_token stop, Clock::time_point until)
    : stop_(std::move(stop)),
      until_(until),
      wake_(stop_.stop_possible() ? ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1),
      on_stop_(stop_, [this] {
        const std::uint64_t one = 1;
        [[maybe_unused]] const auto put = ::write(wake_.get(), &one, sizeof one);
      }) {}

Status Waiter::check(const Deadline& deadline) const {
  if (stop_.stop_requested()) return fail(Code::cancelled, deadline.doing + " was cancelled");
  if (Clock::now() >= end_of(deadline))
    return fail(Code::timeout, deadline.doing + " took too long");
  return {};
}

Result<bool> Waiter::wait_until(std::span<pollfd> wanted, Clock::time_point wake_at,
                                const Deadline& deadline) {
  std::array<pollfd, kDescriptorsMax + 1> all{};
  const std::size_t count = std::min(wanted.size(), kDescriptorsMax);
  std::copy_n(wanted.begin(), count, all.begin());
  all[count] = {wake_.get(), POLLIN, 0};  // poll passes over -1
  while (true) {
    TRY(check(deadline));
    // What is there already is seen even when the time to wake has come.
    const auto left =
        std::max(Clock::duration::zero(), std::min(wake_at, end_of(deadline)) - Clock::now());
    const auto left_ms = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int timeout = static_cast<int>(std::min<std::int64_t>(left_ms, 60'000));
    const int ready = ::poll(all.data(), static_cast<nfds_t>(count + 1), timeout);
    if (ready < 0 && errno != EINTR) return fail_errno(errno, deadline.doing);
    if (ready <= 0) {
      if (ready == 0 && Clock::now() >= wake_at) return false;
      continue;
    }
    bool any = false;
    for (std::size_t i = 0; i < count; ++i) {
      wanted[i].revents = all[i].revents;
      any = any || all[i].revents != 0;
    }
    if (any) return true;
  }
}

Status Waiter::wait(std::span<pollfd> wanted, const Deadline& deadline) {
  const auto ready = wait_until(wanted, Clock::time_point::max(), deadline);
  if (!ready) return std::unexpected(ready.error());
  return {};
}

Status Waiter::wait(int fd, short events, const Deadline& deadline) {
  pollfd wanted{fd, events, 0};
  return wait({&wanted, 1}, deadline);
}

}  // namespace boxagnts::net
