// Limits of one guest process. Every one is enforced; the error names the limit and its value.
// Settings keep the names in quotes.
#pragma once

#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace boxagnts::core {

struct Limits {
  std::chrono::milliseconds wall_time{30'000};  // "wasm_timeout" (seconds)
  std::uint64_t memory_bytes = 256ull << 20;    // "wasm_max_memory_size", sum of memories
  std::uint64_t stack_bytes = 1ull << 20;       // "wasm_max_wasm_stack"
  std::uint64_t output_bytes = 10ull << 20;     // stdout and stderr, each
  std::uint32_t open_files = 256;
  // Growth of files, and new entries, in each writable host folder; beyond it there is no space
  // left (ENOSPC).
  std::uint64_t disk_bytes = 1ull << 30;  // "wasm_max_disk_size"
  std::uint64_t disk_entries = 100'000;
  std::uint64_t fuel = 0;  // "wasm_fuel", units of Wasmtime (about one an instruction); 0 = off
};

// The tighter of two fuels, where 0 is none.
constexpr std::uint64_t lower_fuel(std::uint64_t a, std::uint64_t b) {
  return a == 0 || (b != 0 && b < a) ? b : a;
}

constexpr std::uint64_t kStackClassMinBytes = 1ull << 20;
constexpr std::uint64_t kStackClassMaxBytes = 64ull << 20;

// Engines come with stacks of certain sizes, powers of two: the smallest that holds what is asked.
// A thread that runs a guest needs room for it (and for the host's own part).
constexpr std::uint64_t stack_class_bytes(std::uint64_t stack_bytes) {
  return stack_bytes <= kStackClassMinBytes ? kStackClassMinBytes : std::bit_ceil(stack_bytes);
}

// The stack of a thread that makes calls: the guest's, and host calls and the loop beside it.
constexpr std::size_t calling_thread_bytes(const Limits& limits) {
  constexpr std::size_t kHostBytes = 1536 << 10;
  return stack_class_bytes(limits.stack_bytes) + kHostBytes;
}

}  // namespace boxagnts::core
