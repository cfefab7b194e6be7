#include "agent/settings.h"

namespace boxagnts::agent {

core::Grant Settings::envelope() const {
  core::Grant grant{.mounts = {{workspace, workspace, core::Access::read_write},
                               {"", "/tmp", core::Access::read_write}},
                    .working_directory = workspace,
                    .environment = {"PWD=" + workspace},
                    .network = network,
                    .limits = limits};
  grant.mounts.insert(grant.mounts.end(), mounts.begin(), mounts.end());
  grant.environment.insert(grant.environment.end(), environment.begin(), environment.end());
  return grant;
}

Status apply_config(const base::ConfigNode& root, Settings& settings) {
  const auto* agent = TRY(root.table("agent"));
  settings.turns_max = TRY(agent->integer("turns_max", 1, 10'000)).value_or(settings.turns_max);
  settings.result_bytes_max =
      static_cast<std::size_t>(TRY(agent->integer("result_bytes_max", 1'000, 10'000'000))
                                   .value_or(static_cast<std::int64_t>(settings.result_bytes_max)));
  settings.tools_max =
      static_cast<std::size_t>(TRY(agent->integer("tools_max", 1, 1'000))
                                   .value_or(static_cast<std::int64_t>(settings.tools_max)));
  if (const auto bytes = TRY(agent->integer("kept_bytes_max", 0, INT64_MAX)))
    settings.kept_bytes_max = static_cast<std::uint64_t>(*bytes);
  if (const auto seconds = TRY(agent->integer("question_time", 1, 31'536'000)))
    settings.question_time = std::chrono::seconds(*seconds);

  const auto* limits = TRY(root.table("limits"));
  if (const auto seconds = TRY(limits->integer("wasm_timeout", 1, 86'400)))
    settings.limits.wall_time = std::chrono::seconds(*seconds);
  if (const auto bytes =
          TRY(limits->integer("wasm_max_memory_size", 1 << 20, std::int64_t{4} << 30)))
    settings.limits.memory_bytes = static_cast<std::uint64_t>(*bytes);
  if (const auto bytes =
          TRY(limits->integer("wasm_max_wasm_stack", 64 << 10, core::kStackClassMaxBytes)))
    settings.limits.stack_bytes = static_cast<std::uint64_t>(*bytes);
  if (const auto bytes = TRY(limits->integer("wasm_max_disk_size", 0, INT64_MAX)))
    settings.limits.disk_bytes = static_cast<std::uint64_t>(*bytes);
  if (const auto fuel = TRY(limits->integer("wasm_fuel", 0, INT64_MAX)))
    settings.limits.fuel = static_cast<std::uint64_t>(*fuel);
  return {};
}

}  // namespace boxagnts::agent
