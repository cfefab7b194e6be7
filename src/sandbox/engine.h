// Wasmtime's engine, configured once, and the clock tick that interrupts guests.
//
// In scope: configuration (one function for running and for precompiling, so that both agree), the
// pooling allocator, epochs. Out of scope: what a guest may do (process.h). Thread-safe.
#pragma once

#include <wasmtime.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/error.h"
#include "base/thread.h"
#include "sandbox/sandbox.h"

namespace boxagnts::sandbox {

// Deleters for Wasmtime's C objects.
struct WasmtimeDelete {
  void operator()(wasm_engine_t* p) const { wasm_engine_delete(p); }
  void operator()(wasmtime_module_t* p) const { wasmtime_module_delete(p); }
  void operator()(wasmtime_linker_t* p) const { wasmtime_linker_delete(p); }
  void operator()(wasmtime_instance_pre_t* p) const { wasmtime_instance_pre_delete(p); }
  void operator()(wasmtime_store_t* p) const { wasmtime_store_delete(p); }
  void operator()(wasmtime_error_t* p) const { wasmtime_error_delete(p); }
  void operator()(wasm_trap_t* p) const { wasm_trap_delete(p); }
};
template <class T>
using Owned = std::unique_ptr<T, WasmtimeDelete>;

// Takes the error's text, causes behind it, as one sentence, and deletes the error.
std::string take_message(wasmtime_error_t* error);

// Of one module, and of each table.
constexpr std::uint32_t kTablesMax = 8;
constexpr std::uint32_t kTableElementsMax = 20'000;

// Advances the engine's epoch every kTick while a guest runs, and sleeps otherwise.
class EpochTicker {
 public:
  static constexpr std::chrono::milliseconds kTick{5};

  explicit EpochTicker(wasm_engine_t& engine) : engine_(engine) {}
  ~EpochTicker();

  // Bracket a guest's run. Errors: busy when the ticker's thread cannot be started.
  Status enter();
  void leave() { active_.fetch_sub(1); }

 private:
  void tick();

  wasm_engine_t& engine_;
  std::atomic<int> active_ = 0;
  std::atomic<bool> parked_ = false;
  std::once_flag started_;
  Status start_status_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  base::Thread thread_;
};

enum class Allocator : std::uint8_t { pooling, on_demand };

// Which engine: limits that fall into the same one share it.
struct EngineKind {
  Fuel fuel = Fuel::off;
  std::uint64_t stack_bytes = core::kStackClassMinBytes;  // a stack class
  auto operator<=>(const EngineKind&) const = default;
};
EngineKind engine_kind(const core::Limits& limits);

Owned<wasm_engine_t> make_engine(const SandboxOptions& options, EngineKind kind, Target target,
                                 Allocator allocator, Compiling compiling = Compiling::parallel);
// Pooling unless the address space is limited (ulimit -v) below what the pool reserves.
Allocator affordable_allocator(const SandboxOptions& options);

}  // namespace boxagnts::sandbox
