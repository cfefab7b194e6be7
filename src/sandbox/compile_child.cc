// Compiling in a confined child: both sides.
#include <malloc.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "sandbox/module_cache.h"

namespace boxagnts::sandbox {
namespace {

constexpr std::string_view kFuelArgument = "fuel";
constexpr int kExitBadModule = 2;
constexpr std::size_t kModuleBytesMax = 1 << 30;

std::string limit_sentence(const std::string& value, std::string_view what) {
  return "compiling the module takes more than the " + value + " of " + std::string(what) +
         " that a module gets";
}
std::string bytes(std::uint64_t value) { return std::to_string(value) + " bytes"; }

// How the compiler says that it found no memory: the Rust library's abort, the kernel's errno in
// one of Wasmtime's sentences, and C++'s.
bool tells_of_memory(std::string_view said) {
  return said.contains("memory allocation of") || said.contains("os error 12") ||
         said.contains("bad_alloc");
}

Result<std::string> failed(const confine::ChildResult& done, const CompileLimits& limits) {
  using confine::ChildEnd;
  const std::string said = base::one_line(
      base::repair_utf8(done.diagnostics.substr(0, done.diagnostics.find('\n'))), 300);
  if (done.end == ChildEnd::stopped) return fail(Code::cancelled, "compiling was stopped");
  if (done.end == ChildEnd::timed_out)
    return fail(Code::limit_exceeded,
                limit_sentence(base::human_duration_ms(limits.wall_time.count()), "time"));
  if (tells_of_memory(done.diagnostics))
    return fail(Code::limit_exceeded, limit_sentence(bytes(limits.memory_bytes), "memory"), said);
  if (done.end == ChildEnd::exited) {
    if (done.code == kExitBadModule) return fail(Code::invalid_argument, said);
    return fail(Code::internal, "the compiler failed: " + said);
  }
  switch (done.code) {
    case SIGXCPU:
      return fail(Code::limit_exceeded,
                  limit_sentence(std::to_string(limits.cpu_seconds) + " s", "processor time"));
    case SIGXFSZ:
      return fail(Code::limit_exceeded, "the compiled module is larger than the " +
                                            bytes(limits.compiled_bytes) + " that a module gets");
    case SIGKILL:
      return fail(Code::limit_exceeded,
                  "the system ended the compiler, as it does when memory runs out");
    case SIGSYS:
      return fail(Code::permission_denied,
                  "the compiler tried what it must not and was ended: do not trust this module");
    default:
      return fail(Code::internal,
                  "the compiler crashed on this module (" +
                      std::string(::sigdescr_np(done.code) ? ::sigdescr_np(done.code) : "signal") +
                      ")",
                  said);
  }
}

}  // namespace

Result<std::string> compile_in_child(const confine::Launcher& launcher, std::string_view wasm,
                                     Fuel fuel, std::stop_token stop, CompileLimits limits,
                                     std::function<void()> on_slow) {
  confine::ChildWork work{.role = std::string(kCompileRole),
                          .input = wasm,
                          .limits = {.address_space_bytes = limits.memory_bytes,
                                     .cpu_seconds = limits.cpu_seconds,
                                     .file_bytes = limits.compiled_bytes,
                                     .open_files = 64},

                          .wall_time = limits.wall_time,
                          .on_slow = std::move(on_slow)};
  if (fuel == Fuel::on) work.arguments.emplace_back(kFuelArgument);
  auto done = TRY(launcher.run(work, std::move(stop)));
  if (done.end == confine::ChildEnd::exited && done.code == 0) return std::move(done.output);
  return failed(done, limits);
}

int compile_as_child(const std::vector<std::string>& role) {
  // Threads of the compiler, and heaps, would each reserve much of the address space.
  ::setenv("RAYON_NUM_THREADS", "4", 1);
  ::mallopt(M_ARENA_MAX, 2);
  confine::confine_child({});
  const auto wasm = base::read_all(STDIN_FILENO, kModuleBytesMax);
  if (!wasm) return 1;
  const Fuel fuel = role.size() > 1 && role[1] == kFuelArgument ? Fuel::on : Fuel::off;
  const auto cwasm = precompile(*wasm, Target::host, fuel);
  if (!cwasm) {
    std::fprintf(stderr, "%s\n", cwasm.error().message.c_str());
    return kExitBadModule;
  }
  return base::write_all(STDOUT_FILENO, *cwasm) ? 0 : 1;
}

}  // namespace boxagnts::sandbox
