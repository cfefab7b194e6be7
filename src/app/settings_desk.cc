#include "app/settings_desk.h"

#include <boost/json.hpp>
#include <mutex>

#include "app/setting_table.h"
#include "base/text.h"

namespace boxagnts::app {
namespace {

using workspace::SettingChange;

Result<workspace::Layers> layers_of(const workspace::Workspace& workspace) {
  return by_hand(workspace::read_layers(workspace, environment_variable));
}

std::unexpected<Error> unknown(std::string_view key) {
  std::vector<std::string_view> known;
  for (const auto& row : setting_rows()) known.push_back(row.key);
  const auto nearest = base::nearest_name(key, known);
  return fail(Code::invalid_argument,
              "there is no setting \"" + base::one_line(key, 80) + "\"" +
                  (nearest.empty() ? "; GET /api/v1/settings lists them"
                                   : "; did you mean " + std::string(nearest) + "?"));
}

class ProgramSettings final : public gateway::SettingsDesk {
 public:
  explicit ProgramSettings(Program& program) : program_(program) {}

  Result<Json> list() override {
    const auto files = workspace::config_files(program_.workspace, environment_variable);
    JsonArray settings;
    TRY(by_hand(program_.reload()));  // what was written by hand since counts now
    const auto layers = TRY(layers_of(program_.workspace));
    const auto now = program_.preferences->now();
    for (const auto& row : setting_rows())
      settings.push_back(describe_setting(row, layers, *now, program_.preferences->given()));
    return JsonObject{
        {"settings", std::move(settings)},
        {"files",
         JsonObject{{"own", files.own}, {"config", files.config}, {"workspace", files.workspace}}},
        {"workspace", program_.workspace.root},
        {"version", cli::version()}};
  }

  Result<Json> change(const JsonObject& wanted) override {
    std::string wrote;
    {
      const std::lock_guard lock(mutex_);
      wrote = TRY(write_settings(program_.workspace, program_.preferences->given(), wanted));
      TRY(program_.reload());
    }
    const auto layers = TRY(layers_of(program_.workspace));
    const auto now = program_.preferences->now();
    JsonArray changed;
    for (const auto& entry : wanted)
      changed.push_back(describe_setting(*find_setting(entry.key()), layers, *now,
                                         program_.preferences->given()));
    return JsonObject{{"wrote", wrote}, {"settings", std::move(changed)}};
  }

 private:
  Program& program_;
  std::mutex mutex_;
};

}  // namespace

workspace::CheckSettings settings_check(const workspace::Workspace& workspace, const Given& given) {
  return [&workspace, &given](std::unique_ptr<base::ConfigNode> settings) -> Status {
    auto layers = TRY(workspace::read_layers(workspace, environment_variable));
    layers.own = std::move(settings);
    TRY(preferences_of(workspace, workspace::config_of(std::move(layers)), given));
    return {};
  };
}

Result<std::string> write_settings(const workspace::Workspace& workspace, const Given& given,
                                   const JsonObject& wanted) {
  const auto layers = TRY(layers_of(workspace));
  std::vector<SettingChange> changes;
  for (const auto& [key, value] : wanted) {
    const auto* row = find_setting(key);
    if (!row) return unknown(key);
    if (value.is_null()) {
      changes.push_back({std::string(key), std::nullopt});
      continue;
    }
    TRY(check_writable(*row, layers, given));
    TRY(check_value(*row, value));
    // No whole number of TOML is so large: its parser says what is right.
    const bool huge = value.is_uint64() && value.get_uint64() > std::uint64_t{INT64_MAX};
    changes.push_back(
        {std::string(key), huge ? Json(static_cast<double>(value.get_uint64())) : value});
  }
  return workspace::change_settings(environment_variable, changes,
                                    settings_check(workspace, given));
}

std::unique_ptr<gateway::SettingsDesk> make_settings_desk(Program& program) {
  return std::make_unique<ProgramSettings>(program);
}

}  // namespace boxagnts::app
