// Every setting that a door shows: what it is called, what it may be, and its value. What the keys
// mean is parsed by their rooms; this table only shows them. Values; thread-safe.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/preferences.h"
#include "base/json.h"

namespace boxagnts::app {

struct SettingRow {
  std::string_view key, title, help, schema;
  // What holds by all layers; null where nothing is set. Of a list nothing: it is shown as it is
  // written.
  Json (*value)(const Preferences&);
  enum class Workspace : std::uint8_t {
    narrows,  // its own file counts where it is stricter
    decides,  // its own file counts more than the person's
    adds,     // its own file adds to the list
  } workspace = Workspace::narrows;
};
std::span<const SettingRow> setting_rows();
const SettingRow* find_setting(std::string_view key);

// One as JSON: component schema Setting. `layers` are the files, `preferences` what they make.
Json describe_setting(const SettingRow& row, const workspace::Layers& layers,
                      const Preferences& preferences, const Given& given);
// Whether a value in settings.toml can count here. Errors: conflict, with what counts more.
Status check_writable(const SettingRow& row, const workspace::Layers& layers, const Given& given);
// What the rooms' parsers do not look at, or say too softly. Errors: invalid_argument.
Status check_value(const SettingRow& row, const Json& value);

}  // namespace boxagnts::app
