#include "app/commands.h"
#include "app/interrupts.h"
#include "app/mounts.h"
#include "app/program.h"
#include "base/text.h"
#include "tools/own_call.h"

namespace boxagnts::app {
namespace {

constexpr std::size_t kInputBytesMax = 10u << 20;

// As the command line says it.
Result<const tools::Tool*> find_tool(const tools::Registry& registry, const std::string& name) {
  auto found = tools::find_tool(registry, name);
  if (!found && !found.error().message.ends_with('?'))
    found.error().message += "; see boxagnts tool list";
  return found;
}

Result<core::Grant> envelope_of(const cli::ToolRunCommand& command, agent::Settings settings) {
  for (const auto& given : command.mounts) {
    auto mount = settled(given);
    if (!mount) return std::unexpected(std::move(mount.error()).in("--dir"));
    // What a flag mounts takes the place of what the configuration mounts there.
    std::erase_if(settings.mounts,
                  [&](const auto& other) { return other.guest_path == mount->guest_path; });
    if (const auto added = add_mount(std::move(*mount), settings); !added)
      return std::unexpected(Error(added.error()).in("--dir"));
  }
  if (command.timeout_s)
    settings.limits.wall_time =
        std::chrono::milliseconds(static_cast<std::int64_t>(*command.timeout_s * 1000));
  if (command.memory_bytes) settings.limits.memory_bytes = *command.memory_bytes;
  return settings.envelope();
}

int exit_code_of(core::ResultStatus status) {
  switch (status) {
    case core::ResultStatus::ok: return 0;
    case core::ResultStatus::failed: return 1;
    case core::ResultStatus::invalid: return base::info(Code::invalid_argument).exit_code;
    case core::ResultStatus::denied: return base::info(Code::permission_denied).exit_code;
    case core::ResultStatus::cancelled: return base::info(Code::cancelled).exit_code;
  }
  return 1;
}

}  // namespace

Result<int> execute(const cli::ToolListCommand& command) {
  base::SystemClock clock;
  const auto http = make_http({});
  const auto skills = open_skills({}, clock);
  const auto tools =
      TRY(Tools::make(clock, *http, *skills, [] { return workspace::Trust::untrusted; }));
  for (const auto& spec : tools->registry.specs(core::AgentAccess::full)) {
    if (command.json) {
      TRY(print(base::to_text(core::to_json(spec)) + "\n"));
    } else {
      const auto sentence = spec.description.substr(0, spec.description.find('\n'));
      std::string line = spec.name;
      line.resize(std::max<std::size_t>(line.size() + 1, 12), ' ');
      std::string level(core::name_of(spec.level));
      level.resize(11, ' ');
      TRY(print(line + level + base::one_line(sentence, 90) + "\n"));
    }
  }
  return 0;
}

Result<int> execute(const cli::ToolShowCommand& command) {
  base::SystemClock clock;
  const auto http = make_http({});
  const auto skills = open_skills({}, clock);
  const auto tools =
      TRY(Tools::make(clock, *http, *skills, [] { return workspace::Trust::untrusted; }));
  const auto& spec = TRY(find_tool(tools->registry, command.tool))->spec();
  TRY(print(spec.name + " (" + std::string(core::name_of(spec.level)) + ")\n\n" + spec.description +
            "\n\nArguments (JSON Schema):\n" + base::to_text(spec.input_schema) + "\n"));
  return 0;
}

Result<int> execute(const cli::ToolRunCommand& command) {
  std::stop_source stop;
  const auto interrupts = TRY(Interrupts::watch([&] { stop.request_stop(); }));
  base::SystemClock clock;
  const auto workspace =
      TRY(workspace::open(command.common.workspace_directory, environment_variable));
  const auto preferences = TRY(read_preferences(workspace, {.common = command.common}));
  const auto http = make_http(preferences.network);
  const auto skills = open_skills(workspace, clock);
  const auto tools = TRY(
      Tools::make(clock, *http, *skills, [&] { return preferences.trust; }, {.instances_max = 1}));
  const auto changes = TRY(workspace::Changes::open(workspace.state_folder, clock));
  if (const auto found = find_tool(tools->registry, command.tool); !found)
    return std::unexpected(found.error());
  auto envelope = TRY(envelope_of(command, preferences.settings));
  core::ToolCall call{
      "call", command.tool,
      command.input ? *command.input : TRY(read_input(kInputBytesMax, stop.get_token()))};
  const auto finished = TRY(tools::run_own_call(*tools->pipeline,
                                                {.call = std::move(call),
                                                 .envelope = std::move(envelope),
                                                 .workspace = workspace.root,
                                                 .rules = preferences.rules,
                                                 .changes = changes.get(),
                                                 .stop = stop.get_token()},
                                                clock))
                            .result;
  TRY(print(finished.text + (finished.text.ends_with('\n') ? "" : "\n")));
  return exit_code_of(finished.status);
}

}  // namespace boxagnts::app
