// Runs WebAssembly programs (WASI preview1 commands) inside Wasmtime, each with exactly the name
// space, environment and limits it was handed.
//
// One Sandbox a program. load() once a module, run() as often as wanted, from any thread, side by
// side. run() uses the calling thread: its stack must have room for the stack class of the limits
// (core::stack_class_bytes) plus 512 KiB (kHostStackBytes); it returns within 50 ms of a stop
// request. A trap, a limit or a bad guest ends the call, never the program. Nothing of one call is
// seen by the next: every run has a fresh instance.
//
// Stack size and fuel belong to an engine, not to a call (Wasmtime): there is one engine a (fuel or
// not, stack class), made when first asked for. The one without fuel and with the smallest class is
// pooled. Engines with fuel give the same bytes and the same fuel for the same world: NaNs are
// canonical there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/stopped_time.h"
#include "base/time.h"
#include "core/limits.h"
#include "sandbox/network.h"
#include "sandbox/world.h"
#include "vfs/name_space.h"

namespace boxagnts::sandbox {

constexpr std::size_t kHostStackBytes = 512 << 10;

// A module, ready to be instantiated. Immutable, shared by calls on any thread.
class Program {
 public:
  virtual ~Program() = default;
};

// A folder that is open from the start.
struct Preopen {
  std::string name;        // what the guest is told; programs compare their paths with it
  std::string guest_path;  // where it stands
};

struct Process {
  std::shared_ptr<const vfs::NameSpace> name_space;
  // Descriptors from 3 on. Nothing: "/", "." and every mount, as the contract of tools says.
  std::optional<std::vector<Preopen>> preopens;
  std::string working_directory;         // guest path of "."
  std::vector<std::string> arguments;    // argv[0] first
  std::vector<std::string> environment;  // NAME=value
  std::string_view input;                // stdin; must outlive the run
  core::Limits limits;
  // Streams instead of `input`, and of ProcessResult's output and errors.
  std::shared_ptr<vfs::File> standard_input, standard_output, standard_error;
  // Is told what stdout collects, as it comes, on the thread of run(); must not wait.
  std::function<void(std::string_view)> on_output;
  World* world = nullptr;      // else the machine's; outlives the run
  Network* network = nullptr;  // else it has none; outlives the run
  // What the limit of time leaves out: while a person is asked. Outlives the run.
  const base::StoppedTime* stopped = nullptr;
};

enum class End : std::uint8_t { exited, trapped, limit, stopped };

struct ProcessResult {
  End end = End::trapped;
  int exit_code = 0;   // of `exited`
  std::string reason;  // `trapped`: the trap; `limit`: the limit's name and value, one sentence
  std::string output;  // stdout, at most Limits::output_bytes
  std::string errors;  // stderr, likewise
  std::int64_t duration_us = 0;
  std::uint64_t memory_peak_bytes = 0;  // linear memory at the end (it never shrinks)
  std::uint64_t fuel_used = 0;          // with Limits::fuel
};

struct SandboxOptions {
  std::uint32_t instances_max = 64;             // side by side; one more is Busy
  std::uint64_t memory_max_bytes = 4ull << 30;  // of one instance; Limits say less
};

enum class Target : std::uint8_t { host, baseline };  // this CPU, or x86-64-v2
enum class Fuel : std::uint8_t { off, on };

// What compiled code depends on: it loads into any engine with the same fuel.
constexpr Fuel fuel_of(const core::Limits& limits) {
  return limits.fuel > 0 ? Fuel::on : Fuel::off;
}

class Sandbox {
 public:
  // The engine is made lazily by the first load(). `clock` outlives the sandbox.
  static std::unique_ptr<Sandbox> make(base::Clock& clock, SandboxOptions options = {});
  virtual ~Sandbox() = default;

  // What precompile() made, into the engine that fits `limits`; runs under limits of the same fuel
  // and a stack of that class or less. The bytes are trusted, and copied. Errors: unsupported when
  // they were made for another engine; invalid_argument as for compile; for limits out of range.
  virtual Result<std::shared_ptr<const Program>> load_compiled(std::string_view cwasm,
                                                               const core::Limits& limits = {}) = 0;
  // Compiles a module's bytes in this process: for built-in guests on other CPUs, and tests.
  // Errors: invalid_argument with one sentence: no module, truncated, a component, unknown import.
  virtual Result<std::shared_ptr<const Program>> compile(std::string_view wasm,
                                                         const core::Limits& limits = {}) = 0;

  // Errors are only ours (busy, internal, invalid_argument for limits out of range); whatever the
  // guest does is a ProcessResult.
  virtual Result<ProcessResult> run(const Program& program, const Process& process,
                                    std::stop_token stop) = 0;
};

enum class Compiling : std::uint8_t { parallel, on_this_thread };  // parallel starts threads

// Compiles to what load_compiled takes. Errors: invalid_argument as for Sandbox::compile, except
// that imports and exports are looked at when it is loaded.
Result<std::string> precompile(std::string_view wasm, Target target, Fuel fuel,
                               Compiling compiling = Compiling::parallel);

}  // namespace boxagnts::sandbox
