#include <sys/random.h>
#include <time.h>

#include <algorithm>

#include "sandbox/host_function.h"
#include "sandbox/preview1.h"
#include "sandbox/preview1_layout.h"

namespace boxagnts::sandbox {
namespace {

// Arguments and environment are lists of NUL-terminated strings behind a table of pointers.
Errno strings_sizes(const Call& call, const std::vector<std::string>& strings, std::uint32_t count,
                    std::uint32_t bytes) {
  std::uint32_t total = 0;
  for (const auto& text : strings) total += static_cast<std::uint32_t>(text.size()) + 1;
  const auto stored = call.memory.store(count, static_cast<std::uint32_t>(strings.size()));
  return stored != Errno::success ? stored : call.memory.store(bytes, total);
}

Errno strings_get(const Call& call, const std::vector<std::string>& strings, std::uint32_t table,
                  std::uint32_t buffer) {
  for (const auto& text : strings) {
    const auto into = TRY_ERRNO(call.memory.bytes(buffer, text.size() + 1));
    std::memcpy(into.data(), text.c_str(), text.size() + 1);
    if (const auto stored = call.memory.store(table, buffer); stored != Errno::success)
      return stored;
    table += 4;
    buffer += static_cast<std::uint32_t>(text.size()) + 1;
  }
  return Errno::success;
}

Errno args_sizes_get(Call& call, std::uint32_t count, std::uint32_t bytes) {
  return strings_sizes(call, call.process.process.arguments, count, bytes);
}
Errno args_get(Call& call, std::uint32_t table, std::uint32_t buffer) {
  return strings_get(call, call.process.process.arguments, table, buffer);
}
Errno environ_sizes_get(Call& call, std::uint32_t count, std::uint32_t bytes) {
  return strings_sizes(call, call.process.process.environment, count, bytes);
}
Errno environ_get(Call& call, std::uint32_t table, std::uint32_t buffer) {
  return strings_get(call, call.process.process.environment, table, buffer);
}

enum class ClockId : std::uint32_t { realtime = 0, monotonic = 1, process_cpu = 2, thread_cpu = 3 };

std::expected<std::uint64_t, Errno> clock_now_ns(Call& call, std::uint32_t id) {
  using std::chrono::duration_cast;
  using std::chrono::nanoseconds;
  switch (static_cast<ClockId>(id)) {
    case ClockId::realtime: return static_cast<std::uint64_t>(call.process.clock.now()) * 1000;
    case ClockId::monotonic:
      return static_cast<std::uint64_t>(
          duration_cast<nanoseconds>(call.process.clock.steady().time_since_epoch()).count());
    case ClockId::process_cpu:
    case ClockId::thread_cpu: {  // a guest is one thread
      timespec time{};
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
      return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
             static_cast<std::uint64_t>(time.tv_nsec);
    }
  }
  return std::unexpected(Errno::inval);
}

Errno clock_res_get(Call& call, std::uint32_t id, std::uint32_t result) {
  if (const auto known = clock_now_ns(call, id); !known) return known.error();
  return call.memory.store<std::uint64_t>(result, id == 0 ? 1000 : 1);
}

Errno clock_time_get(Call& call, std::uint32_t id, std::uint64_t, std::uint32_t result) {
  return call.memory.store(result, TRY_ERRNO(clock_now_ns(call, id)));
}

Errno random_get(Call& call, std::uint32_t buffer, std::uint32_t size) {
  constexpr std::size_t kStepBytes = 64 << 10;
  auto into = TRY_ERRNO(call.memory.bytes(buffer, size));
  while (!into.empty()) {
    if (call.process.must_stop()) return Errno::io;
    const auto step = into.first(std::min(into.size(), kStepBytes));
    const ssize_t got = ::getrandom(step.data(), step.size(), 0);
    if (got < 0 && errno != EINTR) return from_host_errno(errno);
    if (got > 0) into = into.subspan(static_cast<std::size_t>(got));
  }
  return Errno::success;
}

Errno sched_yield(Call& call) {
  call.process.must_stop();
  return Errno::success;
}

void proc_exit(Call& call, std::uint32_t code) {
  call.process.end_with_exit(static_cast<std::int32_t>(code));
}

Errno proc_raise(Call&, std::uint32_t) { return Errno::nosys; }

// Files and streams never wait here (stdin is whole from the start), so a descriptor that is open
// is ready; only clocks are waited for.
Errno poll_oneoff(Call& call, std::uint32_t in, std::uint32_t out, std::uint32_t count,
                  std::uint32_t result) {
  constexpr std::uint32_t kSubscriptionsMax = 1024;
  constexpr std::uint8_t kClock = 0, kRead = 1, kWrite = 2;
  constexpr std::uint16_t kAbsolute = 1;
  if (count == 0 || count > kSubscriptionsMax) return Errno::inval;
  const auto raw = TRY_ERRNO(call.memory.bytes(in, count * sizeof(layout::Subscription)));
  TRY_ERRNO(call.memory.bytes(out, count * sizeof(layout::PollEvent)));
  std::vector<layout::Subscription> wanted(count);
  std::memcpy(wanted.data(), raw.data(), raw.size());

  std::vector<layout::PollEvent> ready;
  const auto add = [&](const layout::Subscription& from, Errno error, std::uint64_t bytes) {
    ready.push_back({.userdata = from.userdata,
                     .error = static_cast<std::uint16_t>(error),
                     .type = from.tag,
                     .bytes = bytes});
  };
  struct Timer {
    const layout::Subscription* subscription;
    base::Steady due;
  };
  std::vector<Timer> timers;
  const base::Steady now = call.process.clock.steady();
  for (const auto& subscription : wanted) {
    if (subscription.tag == kClock) {
      const auto clock_ns = clock_now_ns(call, subscription.id);
      if (!clock_ns) {
        add(subscription, clock_ns.error(), 0);
        continue;
      }
      std::uint64_t wait_ns = subscription.timeout_ns;
      if (subscription.flags & kAbsolute) wait_ns = wait_ns > *clock_ns ? wait_ns - *clock_ns : 0;
      const auto longest = std::chrono::nanoseconds(std::chrono::hours(24 * 365)).count();
      wait_ns = std::min<std::uint64_t>(wait_ns, static_cast<std::uint64_t>(longest));
      timers.push_back({&subscription, now + std::chrono::nanoseconds(wait_ns)});
    } else if (subscription.tag == kRead || subscription.tag == kWrite) {
      const auto found = call.process.descriptor(subscription.id, rights::kPoll);
      const std::uint64_t input_left = call.process.process.input.size() - call.process.input_at;
      if (!found)
        add(subscription, found.error(), 0);
      else
        add(subscription, Errno::success,
            (*found)->type == Descriptor::Type::input ? input_left : 0);
    } else {
      return Errno::inval;
    }
  }
  if (ready.empty()) {
    const auto first = std::ranges::min_element(timers, {}, &Timer::due);
    call.process.clock.sleep_until(std::min(first->due, call.process.deadline()),
                                   call.process.stop);
    if (call.process.must_stop()) return Errno::io;
  }
  const base::Steady after = call.process.clock.steady();
  for (const auto& timer : timers)
    if (timer.due <= after) add(*timer.subscription, Errno::success, 0);
  const auto into = TRY_ERRNO(call.memory.bytes(out, ready.size() * sizeof(layout::PollEvent)));
  std::memcpy(into.data(), ready.data(), into.size());
  return call.memory.store(result, static_cast<std::uint32_t>(ready.size()));
}

// No descriptor is a socket; a bad one is still a bad one.
Errno no_socket(Call& call, std::uint32_t fd) {
  const auto found = call.process.descriptor(fd, 0);
  return found ? Errno::notsock : found.error();
}
Errno sock_accept(Call& call, std::uint32_t fd, std::uint32_t, std::uint32_t) {
  return no_socket(call, fd);
}
Errno sock_recv(Call& call, std::uint32_t fd, std::uint32_t, std::uint32_t, std::uint32_t,
                std::uint32_t, std::uint32_t) {
  return no_socket(call, fd);
}
Errno sock_send(Call& call, std::uint32_t fd, std::uint32_t, std::uint32_t, std::uint32_t,
                std::uint32_t) {
  return no_socket(call, fd);
}
Errno sock_shutdown(Call& call, std::uint32_t fd, std::uint32_t) { return no_socket(call, fd); }

}  // namespace

void define_preview1_process(wasmtime_linker_t& linker) {
#define DEFINE(name) define<name>(linker, kPreview1, #name)
  DEFINE(args_get);
  DEFINE(args_sizes_get);
  DEFINE(clock_res_get);
  DEFINE(clock_time_get);
  DEFINE(environ_get);
  DEFINE(environ_sizes_get);
  DEFINE(poll_oneoff);
  DEFINE(proc_exit);
  DEFINE(proc_raise);
  DEFINE(random_get);
  DEFINE(sched_yield);
  DEFINE(sock_accept);
  DEFINE(sock_recv);
  DEFINE(sock_send);
  DEFINE(sock_shutdown);
#undef DEFINE
}

void define_preview1(wasmtime_linker_t& linker) {
  define_preview1_process(linker);
  define_preview1_fd(linker);
  define_preview1_path(linker);
}

}  // namespace boxagnts::sandbox
