#include "app/preferences.h"

#include <algorithm>
#include <cstdlib>

#include "app/mounts.h"
#include "base/log.h"
#include "net/network_config.h"
#include "workspace/own_keys.h"

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

Status read_appearance(const base::ConfigNode& root, Preferences& into) {
  const auto* appearance = TRY(root.table("appearance"));
  const auto theme = TRY(appearance->string("theme"));
  if (!theme) return {};
  if (*theme != "system" && *theme != "light" && *theme != "dark")
    return fail(Code::invalid_argument,
                appearance->where("theme") + ": appearance.theme takes system, light or dark");
  into.theme = *theme;
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
  if (layer == Layer::user) TRY(read_appearance(root, into));
  TRY(models::read_providers(
      root, layer == Layer::user ? models::Author::person : models::Author::workspace,
      into.providers));
  const auto* agent = TRY(root.table("agent"));
  if (const auto mode = TRY(agent->string("mode"))) {
    auto parsed = core::parse_enum<core::Mode>(*mode);
    if (!parsed)
      return std::unexpected(std::move(parsed.error()).in(agent->where("mode") + ": agent.mode"));
    into.mode = *parsed;
  }
  return root.check_all_used();
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

Result<Preferences> preferences_of(const workspace::Workspace& workspace, workspace::Config config,
                                   const Given& given) {
  Preferences preferences;
  preferences.settings.workspace = workspace.root;
  TRY(read_layer(*config.user, Layer::user, preferences));
  Preferences asked = preferences;
  TRY(read_layer(*config.workspace, Layer::workspace, asked));
  preferences.model = asked.model;
  if (asked.mode && *asked.mode < preferences.run_mode()) preferences.mode = asked.mode;
  preferences.sight = asked.sight;
  preferences.network = asked.network;  // a workspace only adds what closes
  if (given.common.offline) preferences.network.grant.offline = true;
  auto& own_ports = preferences.network.grant.own_ports;
  own_ports.insert(own_ports.end(), given.own_ports.begin(), given.own_ports.end());
  preferences.settings.network = preferences.network.grant;
  keep_the_lower(preferences.settings, asked.settings);
  if (auto named = environment_variable("BOXAGNTS_MODEL"); !named.empty())
    preferences.model = std::move(named);
  if (given.model) preferences.model = *given.model;
  const auto own = workspace::config_files(workspace, environment_variable).own + ":";
  for (auto& [id, provider] : preferences.providers)
    provider.by_door = provider.where.starts_with(own);
  for (auto& [id, stored] : TRY(workspace::read_own_keys(environment_variable))) {
    preferences.providers[id].key = std::move(stored.key);
    preferences.providers[id].key_url = std::move(stored.base_url);
  }
  preferences.rules = TRY(read_rules(workspace, config, given.common));
  preferences.trust = TRY(workspace::trust_of(environment_variable, workspace.root))
                          .value_or(workspace::Trust::untrusted);
  return preferences;
}

Result<Preferences> read_preferences(const workspace::Workspace& workspace, const Given& given) {
  auto preferences = TRY(preferences_of(
      workspace, TRY(workspace::read_config(workspace, environment_variable)), given));
  for (const auto& sentence : preferences.network.left_out)
    base::log(base::LogLevel::warning, "app", sentence);
  return preferences;
}

Status LivePreferences::reload() {
  const std::lock_guard reading(reading_);
  auto fresh = std::make_shared<const Preferences>(TRY(preferences_of(
      workspace_, TRY(workspace::read_config(workspace_, environment_variable)), given_)));
  const std::lock_guard lock(mutex_);
  now_ = std::move(fresh);
  return {};
}

}  // namespace boxagnts::app
