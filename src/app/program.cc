#include "app/program.h"

#include <algorithm>
#include <cstdlib>

#include "app/mounts.h"
#include "base/log.h"
#include "models/model.h"
#include "workspace/instructions.h"

namespace boxagnts::app {
namespace {

agent::Guidance guidance_of(const Program& program) {
  const auto may_read = [&program](const std::string& path) {
    const auto ruling = program.rules->rules()->judge_read(path);
    return !ruling || ruling->verdict == core::Verdict::allow;
  };
  return {.standing =
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
                return workspace::skill_index(
                    *program.skills->catalogue(program.preferences->now()->trust));
              }};
}

}  // namespace

std::unique_ptr<workspace::Skills> open_skills(const workspace::Workspace& workspace,
                                               base::Clock& clock) {
  return workspace::Skills::open(workspace::skill_places(workspace, environment_variable),
                                 workspace::embedded_skills(), clock);
}

Result<std::unique_ptr<store::Store>> open_store(const cli::Common& common, base::Clock& clock) {
  const auto workspace = TRY(workspace::open(common.workspace_directory, environment_variable));
  return store::Store::open(workspace.state_folder, clock);
}

std::unique_ptr<net::HttpClient> make_http(const net::NetworkConfig& network) {
  return net::HttpClient::make(
      {.environment = environment_variable, .ca_file = network.ca_file, .proxy = network.proxy});
}

Result<std::unique_ptr<Program>> Program::make(workspace::Workspace workspace,
                                               Preferences preferences, Given given) {
  auto program = std::make_unique<Program>();
  Program& made = *program;
  made.workspace = std::move(workspace);
  made.rules = make_rule_book(made.workspace, given.common, preferences.rules);
  made.preferences =
      std::make_unique<LivePreferences>(made.workspace, std::move(given), std::move(preferences));
  made.skills = open_skills(made.workspace, made.clock);
  made.changes = TRY(workspace::Changes::open(made.workspace.state_folder, made.clock));
  made.store = TRY(store::Store::open(made.workspace.state_folder, made.clock));
  made.http = make_http(made.preferences->now()->network);
  made.tools = TRY(Tools::make({.clock = made.clock,
                                .http = *made.http,
                                .skills = *made.skills,
                                .workspace = made.workspace,
                                .trust = [&made] { return made.preferences->now()->trust; },
                                .limits = made.preferences->now()->settings.limits}));
  const auto open_model = [&made](const std::string& name) { return made.open_model(name); };
  made.runs =
      agent::Runs::make({*made.store, made.tools->source(), made.clock, open_model, *made.changes,
                         *made.rules, guidance_of(made)},
                        [&made] {
                          const auto now = made.preferences->now();
                          return std::shared_ptr<const agent::Settings>(now, &now->settings);
                        });
  return program;
}

models::Settings model_settings_of(const Preferences& preferences, const policy::Rules& rules) {
  return {.environment = environment_variable,
          .sight = preferences.sight,
          .network = rules.connections(preferences.settings.network),
          .providers = preferences.providers};
}

models::Settings Program::model_settings() const {
  return model_settings_of(*preferences->now(), *rules->rules());
}

Result<std::unique_ptr<models::Model>> Program::open_model(const std::string& name) {
  return models::open_model(name, model_settings(), *http, clock);
}

Status Program::reload() {
  TRY(preferences->reload());
  return rules->reload();
}

}  // namespace boxagnts::app
