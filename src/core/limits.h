// Limits of one guest process. Every one is enforced; the error names the limit and its value.
// Settings keep the names in quotes.
#pragma once

#include <chrono>
#include <cstdint>

namespace boxagnts::core {

struct Limits {
  std::chrono::milliseconds wall_time{30'000};  // "wasm_timeout" (seconds)
  std::uint64_t memory_bytes = 256ull << 20;    // "wasm_max_memory_size", sum of memories
  std::uint64_t stack_bytes = 1ull << 20;       // "wasm_max_wasm_stack"
  std::uint64_t output_bytes = 10ull << 20;     // stdout and stderr, each
  std::uint32_t open_files = 256;
};

}  // namespace boxagnts::core
