#include "sandbox/engine.h"

#include <sys/mman.h>

#include <algorithm>
#include <array>

#include "base/text.h"

namespace boxagnts::sandbox {
namespace {

// What a tool really touches is cleared by memset instead of being given back to the kernel: page
// faults cost more than the clearing up to about this size (measured, facts in
// docs/architecture.md).
constexpr std::size_t kMemoryKeepResidentBytes = 128 << 10;
constexpr std::size_t kTableKeepResidentBytes = 4 << 10;

void set_features(wasm_config_t* config) {
  wasmtime_config_wasm_simd_set(config, true);
  wasmtime_config_wasm_relaxed_simd_set(config, true);
  wasmtime_config_wasm_bulk_memory_set(config, true);
  wasmtime_config_wasm_multi_value_set(config, true);
  wasmtime_config_wasm_reference_types_set(config, true);
  wasmtime_config_wasm_tail_call_set(config, true);
  wasmtime_config_wasm_exceptions_set(config, false);
  wasmtime_config_wasm_function_references_set(config, false);
  wasmtime_config_wasm_gc_set(config, false);
  wasmtime_config_wasm_multi_memory_set(config, false);
  wasmtime_config_wasm_memory64_set(config, false);
  wasmtime_config_wasm_custom_page_sizes_set(config, false);
  wasmtime_config_wasm_wide_arithmetic_set(config, false);
}

void set_pool(wasm_config_t* config, const SandboxOptions& options) {
  auto* pool = wasmtime_pooling_allocation_config_new();
  const std::uint32_t instances = options.instances_max;
  wasmtime_pooling_allocation_config_total_core_instances_set(pool, instances);
  wasmtime_pooling_allocation_config_total_memories_set(pool, instances);
  wasmtime_pooling_allocation_config_total_tables_set(pool, instances * kTablesMax);
  wasmtime_pooling_allocation_config_max_tables_per_module_set(pool, kTablesMax);
  wasmtime_pooling_allocation_config_total_component_instances_set(pool, 0);
  wasmtime_pooling_allocation_config_total_stacks_set(pool, 0);
  wasmtime_pooling_allocation_config_total_gc_heaps_set(pool, 0);
  wasmtime_pooling_allocation_config_max_memory_size_set(pool, options.memory_max_bytes);
  wasmtime_pooling_allocation_config_table_elements_set(pool, kTableElementsMax);
  wasmtime_pooling_allocation_config_max_unused_warm_slots_set(pool, instances);
  wasmtime_pooling_allocation_config_linear_memory_keep_resident_set(pool,
                                                                     kMemoryKeepResidentBytes);
  wasmtime_pooling_allocation_config_table_keep_resident_set(pool, kTableKeepResidentBytes);
  wasmtime_pooling_allocation_strategy_set(config, pool);
  wasmtime_pooling_allocation_config_delete(pool);
}

}  // namespace

// An error, an empty line, "Caused by:", and a line a cause: each may be numbered, and goes on in
// deeper lines.
std::string take_message(wasmtime_error_t* error) {
  const Owned<wasmtime_error_t> owned(error);
  wasm_name_t text;
  wasmtime_error_message(error, &text);
  const std::string whole(text.data, text.size);
  wasm_byte_vec_delete(&text);
  std::string sentence;
  for (std::string_view line : base::split(whole, '\n')) {
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    if (line.empty() || line == "Caused by:") continue;
    const std::size_t digits = std::min(line.find_first_not_of("0123456789"), line.size());
    if (digits > 0 && line.substr(digits).starts_with(": ")) line.remove_prefix(digits + 2);
    if (!sentence.empty()) sentence += ": ";
    sentence += line;
  }
  return sentence;
}

EngineKind engine_kind(const core::Limits& limits) {
  return {fuel_of(limits), core::stack_class_bytes(limits.stack_bytes)};
}

Owned<wasm_engine_t> make_engine(const SandboxOptions& options, EngineKind kind, Target target,
                                 Allocator allocator, Compiling compiling) {
  auto* config = wasm_config_new();
  set_features(config);
  wasmtime_config_parallel_compilation_set(config, compiling == Compiling::parallel);
  wasmtime_config_epoch_interruption_set(config, true);
  wasmtime_config_max_wasm_stack_set(config, kind.stack_bytes);
  // Unused, but Wasmtime wants it to be the larger of the two.
  wasmtime_config_async_stack_size_set(config, kind.stack_bytes + kHostStackBytes);
  if (kind.fuel == Fuel::on) {
    wasmtime_config_consume_fuel_set(config, true);
    wasmtime_config_cranelift_nan_canonicalization_set(config, true);
    wasmtime_config_wasm_relaxed_simd_deterministic_set(config, true);
  }
  wasmtime_config_memory_init_cow_set(config, true);
#if defined(__x86_64__)
  if (target == Target::baseline) {
    if (auto* error = wasmtime_config_target_set(config, "x86_64-unknown-linux-gnu"))
      wasmtime_error_delete(error);
    constexpr std::array kFlags{"has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt"};
    for (const auto* flag : kFlags) wasmtime_config_cranelift_flag_enable(config, flag);
  }
#else
  (void)target;
#endif
  if (allocator == Allocator::pooling) set_pool(config, options);
  return Owned<wasm_engine_t>(wasm_engine_new_with_config(config));
}

Allocator affordable_allocator(const SandboxOptions& options) {
  constexpr std::size_t kGuardBytes = 64ull << 20;
  const std::size_t bytes = options.instances_max * (options.memory_max_bytes + kGuardBytes);
  void* probe =
      ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (probe == MAP_FAILED) return Allocator::on_demand;
  ::munmap(probe, bytes);
  return Allocator::pooling;
}

EpochTicker::~EpochTicker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

Status EpochTicker::enter() {
  std::call_once(started_, [this] {
    auto thread = base::Thread::start("epochs", 64 << 10, [this] { tick(); });
    if (thread)
      thread_ = std::move(*thread);
    else
      start_status_ = std::unexpected(std::move(thread.error()));
  });
  TRY(Status(start_status_));
  active_.fetch_add(1);
  if (parked_.load()) {
    const std::lock_guard lock(mutex_);
    wake_.notify_all();
  }
  return {};
}

void EpochTicker::tick() {
  constexpr int kIdleTicksBeforeParking = 40;
  std::unique_lock lock(mutex_);
  for (int idle_ticks = 0; !stopping_;) {
    if (active_.load() > 0) {
      idle_ticks = 0;
      wasmtime_engine_increment_epoch(&engine_);
    } else if (++idle_ticks > kIdleTicksBeforeParking) {
      parked_.store(true);
      wake_.wait(lock, [this] { return stopping_ || active_.load() > 0; });
      parked_.store(false);
      idle_ticks = 0;
    }
    wake_.wait_for(lock, kTick, [this] { return stopping_; });
  }
}

}  // namespace boxagnts::sandbox
