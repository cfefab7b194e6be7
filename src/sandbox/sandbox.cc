#include "sandbox/sandbox.h"

#include <boxagnts_engine.h>
#include <pthread.h>

#include <atomic>
#include <map>
#include <mutex>

#include "base/text.h"
#include "sandbox/engine.h"
#include "sandbox/host_function.h"
#include "sandbox/http_open.h"
#include "sandbox/preview1.h"
#include "sandbox/process.h"

namespace boxagnts::sandbox {

namespace detail {

Memory memory_of(ProcessState& process, wasmtime_caller_t* caller) {
  auto* context = wasmtime_caller_context(caller);
  if (!process
           .memory) {  // called from the module's start function: the export is not looked up yet
    wasmtime_extern_t item;
    if (!wasmtime_caller_export_get(caller, "memory", 6, &item)) return Memory(nullptr, 0);
    if (item.kind == WASMTIME_EXTERN_MEMORY) process.memory = item.of.memory;
    const Memory found = process.memory ? memory_of(process, caller) : Memory(nullptr, 0);
    wasmtime_extern_delete(&item);
    return found;
  }
  return Memory(wasmtime_memory_data(context, &*process.memory),
                wasmtime_memory_data_size(context, &*process.memory));
}

wasm_trap_t* leave_guest() {
  static constexpr std::string_view kText = "the process has ended";
  return wasmtime_trap_new(kText.data(), kText.size());
}

}  // namespace detail

namespace {

constexpr std::uint64_t kPageBytes = 64 << 10;

// How Wasmtime's own errors begin that are limits of ours (crate wasmtime, runtime/limits.rs and
// the pooling allocator): the version is pinned, and tests hold each.
constexpr std::string_view kMemoryRefused = "forcing trap when growing memory";
constexpr std::string_view kMemoryInitialRefused = "memory minimum size";
constexpr std::string_view kTableRefused = "forcing trap when growing table";
constexpr std::string_view kTableInitialRefused = "table minimum size";
constexpr std::string_view kModuleTooLarge = "exceeds the";  // of a pool's slot
constexpr std::string_view kCutShort = "unexpected end";
constexpr std::string_view kNoAddressSpace = "mmap failed to reserve";
constexpr std::size_t kSentenceMax = 400;

// One engine with its linker and ticker.
struct EngineParts {
  EngineParts(const SandboxOptions& options, EngineKind its_kind)
      : kind(its_kind),
        engine(make_engine(
            options, kind, Target::host,
            kind == EngineKind{} ? affordable_allocator(options) : Allocator::on_demand)),
        ticker(*engine),
        linker(wasmtime_linker_new(engine.get())) {
    define_preview1(*linker);
    define_http_open(*linker);
  }
  const EngineKind kind;
  Owned<wasm_engine_t> engine;
  EpochTicker ticker;
  Owned<wasmtime_linker_t> linker;
};

class ModuleProgram final : public Program {
 public:
  ModuleProgram(std::shared_ptr<EngineParts> parts, Owned<wasmtime_module_t> module,
                Owned<wasmtime_instance_pre_t> pre)
      : parts_(std::move(parts)), module_(std::move(module)), pre_(std::move(pre)) {}
  EngineParts& parts() const { return *parts_; }
  const wasmtime_instance_pre_t& pre() const { return *pre_; }

 private:
  std::shared_ptr<EngineParts> parts_;  // outlives the module
  Owned<wasmtime_module_t> module_;
  Owned<wasmtime_instance_pre_t> pre_;
};

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

Status check_is_module(std::string_view wasm) {
  using namespace std::string_view_literals;
  if (!wasm.starts_with("\0asm"sv.substr(0, wasm.size())) || wasm.empty())
    return fail(Code::invalid_argument, "not a WebAssembly module: it does not begin with \\0asm");
  if (wasm.size() < 8) return fail(Code::invalid_argument, "the WebAssembly module is truncated");
  if (wasm.substr(4, 4) == "\x0d\0\1\0"sv)
    return fail(Code::invalid_argument,
                "this is a WebAssembly component; only core modules for WASI preview1 run here");
  return {};
}

Result<Owned<wasmtime_module_t>> compile_module(wasm_engine_t& engine, std::string_view wasm) {
  TRY(check_is_module(wasm));
  wasmtime_module_t* module = nullptr;
  if (auto* error = wasmtime_module_new(&engine, reinterpret_cast<const std::uint8_t*>(wasm.data()),
                                        wasm.size(), &module)) {
    const std::string message = take_message(error);
    if (message.contains(kCutShort))
      return fail(Code::invalid_argument,
                  "the WebAssembly module is truncated or damaged: " + message);
    return fail(Code::invalid_argument,
                "not a valid WebAssembly module: " + base::one_line(message, kSentenceMax),
                message);
  }
  return Owned<wasmtime_module_t>(module);
}

// Bytes below the current frame on this thread's stack.
std::size_t stack_left() {
  thread_local const std::uintptr_t kLowest = [] {
    pthread_attr_t attributes;
    void* address = nullptr;
    std::size_t size = 0;
    if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
      pthread_attr_getstack(&attributes, &address, &size);
      pthread_attr_destroy(&attributes);
    }
    return reinterpret_cast<std::uintptr_t>(address);
  }();
  return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0)) - kLowest;
}

wasmtime_error_t* on_epoch(wasmtime_context_t* context, void*, std::uint64_t* delta,
                           wasmtime_update_deadline_kind_t* kind) {
  auto& process = *static_cast<ProcessState*>(wasmtime_context_get_data(context));
  if (process.must_stop()) return wasmtime_error_new("the process has ended");
  *delta = 1;
  *kind = WASMTIME_UPDATE_DEADLINE_CONTINUE;
  return nullptr;
}

class WasmtimeSandbox final : public Sandbox {
 public:
  WasmtimeSandbox(base::Clock& clock, SandboxOptions options) : clock_(clock), options_(options) {}

  Result<std::shared_ptr<const Program>> load_compiled(std::string_view cwasm,
                                                       const core::Limits& limits) override {
    const auto parts = TRY(engine_for(limits));
    wasmtime_module_t* module = nullptr;
    if (auto* error = wasmtime_module_deserialize(
            parts->engine.get(), reinterpret_cast<const std::uint8_t*>(cwasm.data()), cwasm.size(),
            &module)) {
      std::string message = take_message(error);
      if (message.contains(kModuleTooLarge))
        return fail(Code::invalid_argument, "the module is larger than a sandbox: " + message);
      return fail(Code::unsupported, "the compiled module was made for another engine or CPU",
                  std::move(message));
    }
    return link(parts, Owned<wasmtime_module_t>(module));
  }

  Result<std::shared_ptr<const Program>> compile(std::string_view wasm,
                                                 const core::Limits& limits) override {
    const auto parts = TRY(engine_for(limits));
    return link(parts, TRY(compile_module(*parts->engine, wasm)));
  }

  Result<ProcessResult> run(const Program& program, const Process& process,
                            std::stop_token stop) override;

 private:
  Result<std::shared_ptr<EngineParts>> engine_for(const core::Limits& limits) {
    if (GUARD("sandbox.stack-class", limits.stack_bytes > core::kStackClassMaxBytes))
      return fail(Code::invalid_argument, "wasm_max_wasm_stack of " +
                                              std::to_string(limits.stack_bytes) +
                                              " bytes is more than the largest engine's " +
                                              std::to_string(core::kStackClassMaxBytes));
    const std::lock_guard lock(mutex_);
    auto& parts = engines_[engine_kind(limits)];
    if (!parts) parts = std::make_shared<EngineParts>(options_, engine_kind(limits));
    return parts;
  }

  Result<std::shared_ptr<const Program>> link(const std::shared_ptr<EngineParts>& parts,
                                              Owned<wasmtime_module_t> module) {
    TRY(check_exports(*module));
    wasmtime_instance_pre_t* pre = nullptr;
    if (auto* error = wasmtime_linker_instantiate_pre(parts->linker.get(), module.get(), &pre))
      return fail(Code::invalid_argument, "the module wants something that no guest is given: " +
                                              base::one_line(take_message(error), kSentenceMax));
    return std::make_shared<ModuleProgram>(parts, std::move(module),
                                           Owned<wasmtime_instance_pre_t>(pre));
  }

  static Status check_exports(const wasmtime_module_t& module) {
    wasm_exporttype_vec_t exports;
    wasmtime_module_exports(&module, &exports);
    bool memory = false, start = false, bare = false;
    for (std::size_t i = 0; i < exports.size; ++i) {
      const auto* name = wasm_exporttype_name(exports.data[i]);
      const std::string_view text(name->data, name->size);
      const auto* type = wasm_exporttype_type(exports.data[i]);
      const auto kind = wasm_externtype_kind(type);
      memory = memory || (text == "memory" && kind == WASM_EXTERN_MEMORY);
      if (text != "_start" || kind != WASM_EXTERN_FUNC) continue;
      const auto* function = wasm_externtype_as_functype_const(type);
      start = true;
      bare = wasm_functype_params(function)->size + wasm_functype_results(function)->size == 0;
    }
    wasm_exporttype_vec_delete(&exports);
    if (memory && bare) return {};
    if (start && !bare)
      return fail(Code::invalid_argument,
                  "the module is no WASI command: its _start takes or gives values");
    return fail(Code::invalid_argument,
                std::string("the module is no WASI command: it does not export ") +
                    (start ? "its memory" : "_start"));
  }

  Status check_limits(const core::Limits& limits, EngineKind engine) const {
    if (GUARD("sandbox.engine-kind",
              fuel_of(limits) != engine.fuel || limits.stack_bytes > engine.stack_bytes))
      return fail(Code::internal, "the program was loaded for other limits of stack or fuel");
    if (limits.memory_bytes > options_.memory_max_bytes)
      return fail(Code::invalid_argument,
                  "wasm_max_memory_size of " + std::to_string(limits.memory_bytes) +
                      " bytes is more than the " + std::to_string(options_.memory_max_bytes) +
                      " an instance can have");
    if (stack_left() < engine.stack_bytes + kHostStackBytes / 2)
      return fail(Code::internal, "the thread's stack is too small to run a guest on");
    return {};
  }

  base::Clock& clock_;
  const SandboxOptions options_;
  std::mutex mutex_;
  std::map<EngineKind, std::shared_ptr<EngineParts>> engines_;
  std::atomic<std::uint32_t> running_ = 0;
};

// Counts a run against instances_max and keeps the clock ticking.
class Slot {
 public:
  Slot(std::atomic<std::uint32_t>& running, EpochTicker& ticker)
      : running_(running), ticker_(ticker) {}
  ~Slot() {
    if (ticking_) ticker_.leave();
    running_.fetch_sub(1);
  }
  Status take(std::uint32_t instances_max) {
    const auto before = running_.fetch_add(1);
    if (GUARD("sandbox.instances", before >= instances_max))
      return fail(Code::busy, "all " + std::to_string(instances_max) +
                                  " sandbox instances are running; try again later");
    TRY(ticker_.enter());
    ticking_ = true;
    return {};
  }

 private:
  std::atomic<std::uint32_t>& running_;
  EpochTicker& ticker_;
  bool ticking_ = false;
};

std::string named_limit(std::string_view setting, std::uint64_t value, std::string_view what) {
  return "the limit " + std::string(setting) + " of " + std::to_string(value) +
         " bytes was reached: " + std::string(what);
}

// What the guest hit is its engine's stack class, which may be more than what was asked for.
std::string stack_limit(std::uint64_t asked, std::uint64_t stack_class) {
  std::string what = "the program recursed too deeply";
  if (stack_class != asked)
    what += " (its engine gives " + std::to_string(stack_class) + " bytes, the next larger class)";
  return named_limit("wasm_max_wasm_stack", asked, what);
}

// " in inner, called by outer, _start" as far as the module names its functions.
std::string where_it_trapped(const wasm_trap_t& trap) {
  constexpr std::size_t kNamesMax = 4;
  wasm_frame_vec_t frames;
  wasm_trap_trace(&trap, &frames);
  std::string where;
  std::size_t names = 0;
  for (std::size_t i = 0; i < frames.size && names < kNamesMax; ++i)
    if (const auto* name = wasmtime_frame_func_name(frames.data[i])) {
      where += names == 0 ? " in " : names == 1 ? ", called by " : ", ";
      where += base::one_line(base::repair_utf8({name->data, name->size}), 100);
      ++names;
    }
  wasm_frame_vec_delete(&frames);
  return where;
}

// Why the guest left, when it did not end by its own or our wish.
void classify(ProcessState& state, wasmtime_error_t* error, wasm_trap_t* trap) {
  if (trap) {
    const Owned<wasm_trap_t> owned(trap);
    wasmtime_trap_code_t code = 0;
    const bool coded = wasmtime_trap_code(trap, &code);
    const core::Limits& limits = state.process.limits;
    if (coded && code == WASMTIME_TRAP_CODE_STACK_OVERFLOW)
      return state.end_with(
          End::limit, stack_limit(limits.stack_bytes, core::stack_class_bytes(limits.stack_bytes)));
    if (coded && code == WASMTIME_TRAP_CODE_OUT_OF_FUEL)
      return state.end_with(End::limit, "the limit wasm_fuel of " + std::to_string(limits.fuel) +
                                            " was used up; raise it or do less in one call");
    wasm_message_t text;
    wasm_trap_message(trap, &text);
    std::string message(text.data, text.size > 0 ? text.size - 1 : 0);
    wasm_byte_vec_delete(&text);
    constexpr std::string_view kCause = "wasm trap: ";  // after the trace and how it came to be
    if (const auto at = message.rfind(kCause); at != std::string::npos)
      message.erase(0, at + kCause.size());
    return state.end_with(End::trapped,
                          "the program crashed: " + first_line(message) + where_it_trapped(*trap));
  }
  const std::string message = take_message(error);
  if (message.contains(kNoAddressSpace))
    return state.end_with(
        End::trapped,
        "this system gives too little address space to run it (ulimit -v); " + message);
  if (message.contains(kMemoryRefused) || message.contains(kMemoryInitialRefused))
    return state.end_with(End::limit,
                          named_limit("wasm_max_memory_size", state.process.limits.memory_bytes,
                                      "the program wanted more memory"));
  if (message.contains(kTableRefused) || message.contains(kTableInitialRefused))
    return state.end_with(End::limit,
                          "the limit of " + std::to_string(kTableElementsMax) +
                              " table elements was reached: the program wanted a larger table");
  state.end_with(End::trapped, "the program failed: " + base::one_line(message, kSentenceMax));
}

Result<ProcessResult> WasmtimeSandbox::run(const Program& program, const Process& process,
                                           std::stop_token stop) {
  const auto& loaded = static_cast<const ModuleProgram&>(program);
  EngineParts& parts = loaded.parts();
  TRY(check_limits(process.limits, parts.kind));
  Slot slot(running_, parts.ticker);
  TRY(slot.take(options_.instances_max));

  const base::Steady begun = clock_.steady();
  const auto host_world = process.world ? nullptr : make_host_world(clock_);
  ProcessState state(process, clock_, process.world ? *process.world : *host_world,
                     std::move(stop));
  const Owned<wasmtime_store_t> store(wasmtime_store_new(parts.engine.get(), &state, nullptr));
  auto* context = wasmtime_store_context(store.get());
  boxagnts_store_limit(store.get(), process.limits.memory_bytes / kPageBytes * kPageBytes,
                       kTablesMax, kTableElementsMax);
  wasmtime_store_epoch_deadline_callback(store.get(), on_epoch, nullptr, nullptr);
  wasmtime_context_set_epoch_deadline(context, 1);
  // A stop request need not wait for the next tick.
  const std::stop_callback interrupt(
      state.stop, [&parts] { wasmtime_engine_increment_epoch(parts.engine.get()); });
  if (parts.kind.fuel == Fuel::on)
    if (auto* error = wasmtime_context_set_fuel(context, process.limits.fuel))
      return fail(Code::internal, take_message(error));

  wasmtime_instance_t instance;
  wasm_trap_t* trap = nullptr;
  wasmtime_error_t* error = nullptr;
  if (!state.must_stop()) {
    error = wasmtime_instance_pre_instantiate(&loaded.pre(), context, &instance, &trap);
    if (!error && !trap) {
      wasmtime_extern_t memory, start;
      if (!wasmtime_instance_export_get(context, &instance, "memory", 6, &memory) ||
          !wasmtime_instance_export_get(context, &instance, "_start", 6, &start))
        return fail(Code::internal, "an export that was checked at load is missing");
      state.memory = memory.of.memory;
      error = wasmtime_func_call(context, &start.of.func, nullptr, 0, nullptr, 0, &trap);
    }
  }

  ProcessResult result;
  if (!error && !trap) {
    state.end_with_exit(0);
  } else if (state.ended()) {  // we ended it: the trap only carried it out
    if (error) wasmtime_error_delete(error);
    if (trap) wasm_trap_delete(trap);
  } else {
    classify(state, error, trap);
  }
  result.end = *state.end;
  result.exit_code = state.exit_code;
  result.reason = std::move(state.reason);
  result.output = std::move(state.output.text);
  result.errors = std::move(state.errors.text);
  std::uint64_t fuel_left = 0;
  if (parts.kind.fuel == Fuel::on && !wasmtime_context_get_fuel(context, &fuel_left))
    result.fuel_used = process.limits.fuel - fuel_left;
  if (state.memory) result.memory_peak_bytes = wasmtime_memory_data_size(context, &*state.memory);
  result.duration_us =
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady() - begun).count();
  return result;
}

}  // namespace

std::unique_ptr<Sandbox> Sandbox::make(base::Clock& clock, SandboxOptions options) {
  return std::make_unique<WasmtimeSandbox>(clock, options);
}

Result<std::string> precompile(std::string_view wasm, Target target, Fuel fuel,
                               Compiling compiling) {
  const auto engine = make_engine({}, {.fuel = fuel}, target, Allocator::on_demand, compiling);
  const auto module = TRY(compile_module(*engine, wasm));
  wasm_byte_vec_t bytes;
  if (auto* error = wasmtime_module_serialize(module.get(), &bytes))
    return fail(Code::internal, take_message(error));
  std::string cwasm(bytes.data, bytes.size);
  wasm_byte_vec_delete(&bytes);
  return cwasm;
}

}  // namespace boxagnts::sandbox
