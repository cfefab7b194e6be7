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

std::expected<ClockId, Errno> clock_of(std::uint32_t id) {
  if (id > static_cast<std::uint32_t>(ClockId::thread_cpu)) return std::unexpected(Errno::inval);
  return static_cast<ClockId>(id);
}

Errno clock_res_get(Call& call, std::uint32_t id, std::uint32_t result) {
  return call.memory.store(result, call.process.world.resolution_ns(TRY_ERRNO(clock_of(id))));
}

Errno clock_time_get(Call& call, std::uint32_t id, std::uint64_t, std::uint32_t result) {
  return call.memory.store(result, call.process.world.now_ns(TRY_ERRNO(clock_of(id))));
}

Errno random_get(Call& call, std::uint32_t buffer, std::uint32_t size) {
  constexpr std::size_t kStepBytes = 64 << 10;
  auto into = TRY_ERRNO(call.memory.bytes(buffer, size));
  while (!into.empty()) {
    if (call.process.must_stop()) return Errno::io;
    const auto step = into.first(std::min(into.size(), kStepBytes));
    call.process.world.fill_random(step);
    into = into.subspan(step.size());
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

// No signal can be raised, as in Wasmtime; what is none is still EINVAL.
Errno proc_raise(Call&, std::uint32_t signal) {
  constexpr std::uint32_t kSignalMax = 30;
  return signal > kSignalMax ? Errno::inval : Errno::notsup;
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
  define_preview1_poll(linker);
}

}  // namespace boxagnts::sandbox
