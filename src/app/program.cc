#include "app/program.h"

#include <algorithm>
#include <cstdlib>

#include "models/model.h"
#include "toolbox/guest_tools.h"

namespace boxagnts::app {
namespace {

// Sections of one layer, every key used or refused.
Status read_layer(const base::ConfigNode& root, Preferences& into) {
  TRY(agent::apply_config(root, into.settings));
  const auto* model = TRY(root.table("model"));
  if (auto name = TRY(model->string("default"))) into.model = std::move(*name);
  if (const auto images = TRY(model->boolean("images")))
    into.sight = *images ? models::Sight::sees : models::Sight::blind;
  const auto* agent = TRY(root.table("agent"));
  if (const auto mode = TRY(agent->string("mode"))) {
    auto parsed = core::parse_enum<core::Mode>(*mode);
    if (!parsed)
      return std::unexpected(std::move(parsed.error()).in(agent->where() + ": agent.mode"));
    into.mode = *parsed;
  }
  return root.check_all_used();
}

void keep_the_lower(agent::Settings& settings, const agent::Settings& asked) {
  core::Limits& limits = settings.limits;
  limits.wall_time = std::min(limits.wall_time, asked.limits.wall_time);
  limits.memory_bytes = std::min(limits.memory_bytes, asked.limits.memory_bytes);
  limits.stack_bytes = std::min(limits.stack_bytes, asked.limits.stack_bytes);
  limits.fuel = core::lower_fuel(limits.fuel, asked.limits.fuel);
  settings.turns_max = std::min(settings.turns_max, asked.turns_max);
  settings.result_bytes_max = std::min(settings.result_bytes_max, asked.result_bytes_max);
}

}  // namespace

std::string environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? value : "";
}

Result<Preferences> read_preferences(const workspace::Workspace& workspace) {
  const auto config = TRY(workspace::read_config(workspace, environment_variable));
  Preferences preferences;
  TRY(read_layer(*config.user, preferences));
  Preferences asked = preferences;
  TRY(read_layer(*config.workspace, asked));
  preferences.model = asked.model;
  if (asked.mode && *asked.mode < preferences.mode.value_or(core::Mode::ask))
    preferences.mode = asked.mode;
  preferences.sight = asked.sight;
  keep_the_lower(preferences.settings, asked.settings);
  if (preferences.model.empty()) preferences.model = environment_variable("BOXAGNTS_MODEL");
  preferences.settings.workspace = workspace.root;
  return preferences;
}

Result<std::unique_ptr<Tools>> Tools::make(base::Clock& clock) {
  auto tools = std::make_unique<Tools>(clock);
  TRY(toolbox::add_embedded(tools->registry, *tools->sandbox, clock));
  tools->pipeline = TRY(tools::CallPipeline::make(tools->registry, clock));
  return tools;
}

Result<std::unique_ptr<Program>> Program::make(workspace::Workspace workspace,
                                               Preferences preferences) {
  auto program = std::make_unique<Program>();
  program->workspace = std::move(workspace);
  program->preferences = std::move(preferences);
  program->store = TRY(store::Store::open(program->workspace.state_folder, program->clock));
  program->tools = TRY(Tools::make(program->clock));
  program->http = net::HttpClient::make();
  Program& made = *program;
  const auto open_model = [&made](const std::string& name) {
    return models::open_model(
        name, {.environment = environment_variable, .sight = made.preferences.sight}, *made.http,
        made.clock);
  };
  program->runs = agent::Runs::make(
      {*made.store, *made.tools->pipeline, made.tools->registry, made.clock, open_model},
      made.preferences.settings);
  return program;
}

}  // namespace boxagnts::app
