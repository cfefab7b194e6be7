// What a run is made of besides its request: settings with their defaults, from configuration.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/time.h"
#include "core/policy_values.h"
#include "models/retry.h"

namespace boxagnts::agent {

struct Settings {
  std::string workspace;                  // absolute, canonical
  std::vector<core::MountGrant> mounts;   // besides it and /tmp; host paths canonical
  std::vector<std::string> environment;   // of every guest, NAME=value
  core::NetworkGrant network;             // of every guest
  core::Limits limits;                    // of one tool call
  std::size_t result_bytes_max = 32'000;  // shown to the model of one result; the rest stays a blob
  std::uint64_t scratch_bytes_max = 64u << 20;  // a run's /tmp
  // What a run may add to the store of whole results, diffs and attachments; then nothing more is
  // kept of what it does.
  std::uint64_t kept_bytes_max = 1u << 30;
  std::uint32_t runs_max = 256;  // side by side in this process
  std::int64_t turns_max = 50;
  std::size_t tools_max = 40;  // shown to the model with their schemas; the rest is to be found
  models::RetryPolicy retry;
  base::Milliseconds question_time{std::chrono::hours(24)};  // then a question is a no

  // The most that a call may ever get.
  core::Grant envelope() const;
};

// Sections [agent] (turns_max, result_bytes_max, question_time,
// tools_max, kept_bytes_max) and [limits] (wasm_timeout,
// wasm_max_memory_size, wasm_max_wasm_stack, wasm_max_disk_size, wasm_fuel). Errors:
// invalid_argument with file and line.
Status apply_config(const base::ConfigNode& root, Settings& settings);

}  // namespace boxagnts::agent
