#include "app/commands.h"
#include "app/interrupts.h"
#include "app/mounts.h"
#include "app/program.h"
#include "base/text.h"
#include "tools/own_call.h"
#include "tools/tool_listing.h"

namespace boxagnts::app {
namespace {

constexpr std::size_t kInputBytesMax = 10u << 20;
constexpr std::uint32_t kCallAndCheck =
    2;  // guests at a time: the call, and a program that is asked

// As the command line says it.
Result<tools::Listed> find_tool(const tools::Toolset& toolset, const std::string& name) {
  auto found = tools::find_listed(toolset, name);
  if (!found && !found.error().message.ends_with('?'))
    found.error().message += "; see boxagnts tool list";
  return found;
}

// The tools as a person at a terminal is shown them: each looked at, however long that takes.
struct Look {
  base::SystemClock clock;
  workspace::Workspace workspace;
  Preferences preferences;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<workspace::Skills> skills;
  std::unique_ptr<Tools> tools;
  std::shared_ptr<const tools::Toolset> toolset;

  tools::Standing standing() const {
    return {preferences.settings.envelope(), preferences.rules.get()};
  }
};

Result<std::unique_ptr<Look>> look(const cli::Common& common) {
  auto made = std::make_unique<Look>();
  std::stop_source stop;
  const auto interrupts = TRY(Interrupts::watch([&] { stop.request_stop(); }));
  made->workspace = TRY(workspace::open(common.workspace_directory, environment_variable));
  made->preferences = TRY(read_preferences(made->workspace, {.common = common}));
  made->http = make_http(made->preferences.network);
  made->skills = open_skills(made->workspace, made->clock);
  made->tools = TRY(Tools::make({.clock = made->clock,
                                 .http = *made->http,
                                 .skills = *made->skills,
                                 .workspace = made->workspace,
                                 .trust = [&one = *made] { return one.preferences.trust; },
                                 .limits = made->preferences.settings.limits}));
  made->toolset = made->tools->checked(stop.get_token());
  return made;
}

std::string line_of(const tools::Listed& listed) {
  const auto& spec = *listed.spec;
  std::string name = base::one_line(spec.name, 24);
  name.resize(std::max<std::size_t>(name.size() + 1, 12), ' ');
  std::string level(core::name_of(spec.level));
  level.resize(11, ' ');
  const auto sentence = spec.description.substr(0, spec.description.find('\n'));
  return base::terminal_safe(name + level +
                             (listed.tool ? base::one_line(sentence, 90)
                                          : "broken: " + base::one_line(listed.reason, 200)));
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
  const auto seen = TRY(look(command.common));
  const auto standing = seen->standing();
  for (const auto& listed : tools::list_all(*seen->toolset))
    TRY(print((command.json ? base::to_text(tools::to_json(listed, standing)) : line_of(listed)) +
              "\n"));
  return 0;
}

Result<int> execute(const cli::ToolShowCommand& command) {
  const auto seen = TRY(look(command.common));
  const auto listed = TRY(find_tool(*seen->toolset, command.tool));
  const auto& spec = *listed.spec;
  std::string text = spec.name + " (" + std::string(core::name_of(spec.level)) + ")\n\n";
  if (!listed.about.path.empty())
    text += "From " + listed.about.path +
            (listed.about.version.empty() ? "" : ", version " + listed.about.version) + ".\n\n";
  if (!listed.tool) {
    TRY(print(base::terminal_safe(text + "Broken: " + listed.reason + "\n")));
    return 0;
  }
  text += spec.description + "\n\nWhat it may touch:\n";
  for (const auto& sentence : tools::grant_sentences(*listed.tool, seen->standing()))
    text += "- " + sentence + "\n";
  text += "\nArguments (JSON Schema):\n" + base::to_text(spec.input_schema) + "\n";
  TRY(print(base::terminal_safe(text)));
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
  const auto tools = TRY(Tools::make({.clock = clock,
                                      .http = *http,
                                      .skills = *skills,
                                      .workspace = workspace,
                                      .trust = [&] { return preferences.trust; },
                                      .limits = preferences.settings.limits,
                                      .sandbox = {.instances_max = kCallAndCheck}}));
  auto toolset = tools->current();
  // What is not built in may be unknown until it was looked at.
  if (const auto known = tools::find_listed(*toolset, command.tool); !known || !known->tool)
    toolset = tools->checked(stop.get_token());
  const auto changes = TRY(workspace::Changes::open(workspace.state_folder, clock));
  const auto found = TRY(find_tool(*toolset, command.tool));
  if (!found.tool)
    return fail(Code::conflict, found.spec->name + " cannot be used: " + found.reason);
  auto envelope = TRY(envelope_of(command, preferences.settings));
  core::ToolCall call{
      "call", command.tool,
      command.input ? *command.input : TRY(read_input(kInputBytesMax, stop.get_token()))};
  const auto finished = TRY(tools::run_own_call(*toolset->pipeline,
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
