#include "app/program.h"

#include <algorithm>
#include <cstdlib>

#include "app/mounts.h"
#include "base/log.h"
#include "models/model.h"
#include "workspace/instructions.h"

namespace boxagnts::app {
namespace {

enum class Layer { user, workspace };

// What [sandbox] gives to guests: map_dirs, env_vars.
Status read_grants(const base::ConfigNode& section, Layer layer, agent::Settings& into) {
  const auto folders = TRY(section.strings("map_dirs"));
  const auto variables = TRY(section.strings("env_vars"));
  if (layer == Layer::workspace && !(folders.empty() && variables.empty()))
    return fail(Code::permission_denied,
                section.where() +
                    ": a workspace's own file cannot give tools more folders or variables; write "
                    "[sandbox] into your own configuration, ~/.config/boxagnts/config.toml");
  for (auto text : folders) {
    if (text.starts_with("~/")) text.replace(0, 1, environment_variable("HOME"));
    auto mount = core::parse_mount(text);
    if (mount && !mount->host_path.starts_with('/'))
      mount = fail(Code::invalid_argument,
                   "\"" + text + "\": the host's folder must be absolute, or begin with ~/");
    if (mount) mount = settled(*mount);
    const auto added = mount ? add_mount(std::move(*mount), into) : std::unexpected(mount.error());
    if (!added)
      return std::unexpected(
          Error(added.error()).in(section.where("map_dirs") + ": sandbox.map_dirs"));
  }
  for (const auto& text : variables) {
    auto variable = core::parse_variable(text);
    if (!variable)
      return std::unexpected(
          std::move(variable.error()).in(section.where("env_vars") + ": sandbox.env_vars"));
    into.environment.push_back(std::move(*variable));
  }
  return {};
}

// Sections of one layer, every key used or refused.
Status read_layer(const base::ConfigNode& root, Layer layer, Preferences& into) {
  const auto* sandbox = TRY(root.table("sandbox"));
  TRY(read_grants(*sandbox, layer, into.settings));
  TRY(net::read_network_config(
      root, layer == Layer::user ? net::Author::person : net::Author::workspace, into.network));
  TRY(agent::apply_config(root, into.settings));
  const auto* model = TRY(root.table("model"));
  if (auto name = TRY(model->string("default"))) into.model = std::move(*name);
  if (const auto images = TRY(model->boolean("images")))
    into.sight = *images ? models::Sight::sees : models::Sight::blind;
  // Checked here with the rest of the file; app/rules.cc makes rules of all layers.
  TRY(policy::Rules({.workspace = "/", .home = "/"}).read(root, policy::Layer::user));
  const auto* agent = TRY(root.table("agent"));
  if (const auto mode = TRY(agent->string("mode"))) {
    auto parsed = core::parse_enum<core::Mode>(*mode);
    if (!parsed)
      return std::unexpected(std::move(parsed.error()).in(agent->where() + ": agent.mode"));
    into.mode = *parsed;
  }
  return root.check_all_used();
}

agent::Guidance guidance_of(const Program& program) {
  const auto may_read = [&program](const std::string& path) {
    const auto ruling = program.rules->rules()->judge_read(path);
    return !ruling || ruling->verdict == core::Verdict::allow;
  };
  return {
      .standing =
          [&program, may_read] {
            return workspace::standing_instructions(program.workspace, environment_variable,
                                                    may_read);
          },
      .nearest =
          [&program, may_read](std::string_view path) {
            return workspace::instructions_for(program.workspace, path, may_read);
          },
      .skills =
          [&program] {
            return workspace::skill_index(*program.skills->catalogue(program.preferences.trust));
          }};
}

void keep_the_lower(agent::Settings& settings, const agent::Settings& asked) {
  core::Limits& limits = settings.limits;
  limits.wall_time = std::min(limits.wall_time, asked.limits.wall_time);
  limits.memory_bytes = std::min(limits.memory_bytes, asked.limits.memory_bytes);
  limits.stack_bytes = std::min(limits.stack_bytes, asked.limits.stack_bytes);
  limits.disk_bytes = std::min(limits.disk_bytes, asked.limits.disk_bytes);
  limits.fuel = core::lower_fuel(limits.fuel, asked.limits.fuel);
  settings.turns_max = std::min(settings.turns_max, asked.turns_max);
  settings.result_bytes_max = std::min(settings.result_bytes_max, asked.result_bytes_max);
}

}  // namespace

std::string environment_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value ? value : "";
}

Result<Preferences> read_preferences(const workspace::Workspace& workspace,
                                     const cli::Common& flags) {
  const auto config = TRY(workspace::read_config(workspace, environment_variable));
  Preferences preferences;
  preferences.settings.workspace = workspace.root;
  TRY(read_layer(*config.user, Layer::user, preferences));
  Preferences asked = preferences;
  TRY(read_layer(*config.workspace, Layer::workspace, asked));
  preferences.model = asked.model;
  if (asked.mode && *asked.mode < preferences.mode.value_or(core::Mode::ask))
    preferences.mode = asked.mode;
  preferences.sight = asked.sight;
  preferences.network = asked.network;  // a workspace only adds what closes
  for (const auto& sentence : preferences.network.left_out)
    base::log(base::LogLevel::warning, "app", sentence);
  if (flags.offline) preferences.network.grant.offline = true;
  preferences.settings.network = preferences.network.grant;
  keep_the_lower(preferences.settings, asked.settings);
  if (preferences.model.empty()) preferences.model = environment_variable("BOXAGNTS_MODEL");
  preferences.given_rules = {flags.allow, flags.ask, flags.deny};
  preferences.rules = TRY(read_rules(workspace, preferences.given_rules));
  preferences.trust = TRY(workspace::trust_of(environment_variable, workspace.root))
                          .value_or(workspace::Trust::untrusted);
  return preferences;
}

std::unique_ptr<workspace::Skills> open_skills(const workspace::Workspace& workspace,
                                               base::Clock& clock) {
  return workspace::Skills::open(workspace::skill_places(workspace, environment_variable),
                                 workspace::embedded_skills(), clock);
}

std::unique_ptr<net::HttpClient> make_http(const net::NetworkConfig& network) {
  return net::HttpClient::make(
      {.environment = environment_variable, .ca_file = network.ca_file, .proxy = network.proxy});
}

Result<std::unique_ptr<Program>> Program::make(workspace::Workspace workspace,
                                               Preferences preferences) {
  auto program = std::make_unique<Program>();
  Program& made = *program;
  program->workspace = std::move(workspace);
  program->preferences = std::move(preferences);
  program->rules = make_rule_book(program->workspace, program->preferences.given_rules,
                                  program->preferences.rules);
  program->skills = open_skills(program->workspace, program->clock);
  program->changes = TRY(workspace::Changes::open(program->workspace.state_folder, program->clock));
  program->store = TRY(store::Store::open(program->workspace.state_folder, program->clock));
  program->http = make_http(program->preferences.network);
  program->tools = TRY(Tools::make({.clock = program->clock,
                                    .http = *program->http,
                                    .skills = *program->skills,
                                    .workspace = program->workspace,
                                    .trust = [&made] { return made.preferences.trust; },
                                    .limits = program->preferences.settings.limits}));
  const auto open_model = [&made](const std::string& name) { return made.open_model(name); };
  program->runs = agent::Runs::make({*made.store, made.tools->source(), made.clock, open_model,
                                     *made.changes, *made.rules, guidance_of(made)},
                                    made.preferences.settings);
  return program;
}

Result<std::unique_ptr<models::Model>> Program::open_model(const std::string& name) {
  return models::open_model(name,
                            {.environment = environment_variable,
                             .sight = preferences.sight,
                             .network = rules->rules()->connections(preferences.settings.network)},
                            *http, clock);
}

}  // namespace boxagnts::app
