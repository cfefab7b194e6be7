#include "app/setting_table.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/text.h"
#include "models/model.h"
#include "net/egress.h"

namespace boxagnts::app {
namespace {

using Workspace = SettingRow::Workspace;

template <class Number>
Json whole(Number number) {
  return static_cast<std::int64_t>(number);
}

std::int64_t seconds(base::Milliseconds time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time).count();
}

constexpr std::string_view kTexts = R"({"type":"array","items":{"type":"string"}})";

constexpr SettingRow kRows[] = {
    {"model.default", "Default model", "The model of runs that name none: FAMILY/NAME.",
     R"j({"type":"string","pattern":"^((openai|ollama|llamacpp|scripted)/.|demo/tour$)"})j",
     [](const Preferences& p) { return p.model.empty() ? Json() : Json(p.model); },
     Workspace::decides},
    {"model.images", "Models are shown images",
     "Whether images go to the model. Without it the model's name tells.", R"({"type":"boolean"})",
     [](const Preferences& p) { return p.sight ? Json(*p.sight == models::Sight::sees) : Json(); },
     Workspace::decides},
    {"agent.mode", "Mode",
     "What becomes of changes: plan changes nothing, ask asks about each, edits applies changes of "
     "files, autonomous and unattended ask less.",
     R"({"enum":["plan","ask","edits","autonomous","unattended"]})",
     [](const Preferences& p) { return Json(core::name_of(p.run_mode())); }},
    {"agent.turns_max", "Most turns of a run", "A run stops after so many answers of its model.",
     R"({"type":"integer","minimum":1,"maximum":10000})",
     [](const Preferences& p) { return whole(p.settings.turns_max); }},
    {"agent.result_bytes_max", "Longest result shown to the model",
     "Bytes of one tool's result; the rest is kept, and the model may read it in parts.",
     R"({"type":"integer","minimum":1000,"maximum":10000000})",
     [](const Preferences& p) { return whole(p.settings.result_bytes_max); }},
    {"agent.question_time", "How long a question waits", "In seconds; then it is a no.",
     R"({"type":"integer","minimum":1,"maximum":31536000})",
     [](const Preferences& p) { return whole(seconds(p.settings.question_time)); }},
    {"agent.tools_max", "Tools shown to the model",
     "So many come with their schemas; the model finds the others when it needs them.",
     R"({"type":"integer","minimum":1,"maximum":1000})",
     [](const Preferences& p) { return whole(p.settings.tools_max); }},
    {"limits.wasm_timeout", "Time of a tool's call", "In seconds.",
     R"({"type":"integer","minimum":1,"maximum":86400})",
     [](const Preferences& p) { return whole(seconds(p.settings.limits.wall_time)); }},
    {"limits.wasm_max_memory_size", "Memory of a tool's call", "In bytes.",
     R"({"type":"integer","minimum":1048576,"maximum":4294967296})",
     [](const Preferences& p) { return whole(p.settings.limits.memory_bytes); }},
    {"limits.wasm_max_wasm_stack", "Stack of a tool's call", "In bytes.",
     R"({"type":"integer","minimum":65536,"maximum":67108864})",
     [](const Preferences& p) { return whole(p.settings.limits.stack_bytes); }},
    {"limits.wasm_max_disk_size", "Growth on disk of a tool's call",
     "In bytes, in each folder that it may write.",
     R"({"type":"integer","minimum":0,"maximum":9223372036854775807})",
     [](const Preferences& p) { return whole(p.settings.limits.disk_bytes); }},
    {"limits.wasm_fuel", "Instructions of a tool's call", "About one unit each; 0: not counted.",
     R"({"type":"integer","minimum":0,"maximum":9223372036854775807})",
     [](const Preferences& p) { return whole(p.settings.limits.fuel); }},
    {"network.allowed_outbound_hosts", "Hosts that tools may reach",
     "Unasked, as in https://api.example.com or *://*.example.com:8000..8100.", kTexts, nullptr},
    {"network.block_networks", "Networks that nothing may reach",
     "As in 10.0.0.0/8, or the word private.", kTexts, nullptr, Workspace::adds},
    {"network.offline", "Offline", "Nothing is connected to, models on this machine included.",
     R"({"type":"boolean"})", [](const Preferences& p) { return Json(p.network.grant.offline); }},
    {"sandbox.map_dirs", "Folders that tools see besides the workspace",
     "HOST or HOST::GUEST, with :ro or :rw behind it.", kTexts, nullptr},
    {"sandbox.env_vars", "Variables that tools see", "NAME=value; models may read them.", kTexts,
     nullptr},
    {"appearance.theme", "Theme", "Of the dashboard.", R"({"enum":["system","light","dark"]})",
     [](const Preferences& p) { return Json(p.theme); }},
};

struct Said {
  Json value;
  std::string from;
};

std::optional<Said> said_in(const base::ConfigNode& file, std::string_view key) {
  const auto* node = file.at(key);
  if (!node) return std::nullopt;
  return Said{node->to_json(), node->where()};
}

// Who says what, what counts most first.
struct Sources {
  std::optional<Said> flag, environment, own, config, workspace;

  Sources(const SettingRow& row, const workspace::Layers& layers, const Given& given)
      : own(said_in(*layers.own, row.key)),
        config(said_in(*layers.config, row.key)),
        workspace(said_in(*layers.workspace, row.key)) {
    if (row.key == "model.default") {
      if (given.model) flag = Said{Json(*given.model), "flag --model"};
      if (auto named = environment_variable("BOXAGNTS_MODEL"); !named.empty())
        environment = Said{Json(named), "environment BOXAGNTS_MODEL"};
    }
    if (row.key == "network.offline" && given.common.offline) flag = Said{true, "flag --offline"};
  }
  const std::optional<Said>& person() const { return own ? own : config; }
  // The one whose value holds.
  const std::optional<Said>* decider(const Json& value) const {
    for (const auto* one : {&flag, &environment, &person(), &workspace})
      if (*one && (*one)->value == value) return one;
    return nullptr;
  }
};

JsonObject to_json(const Said& said) { return {{"value", said.value}, {"from", said.from}}; }

// The first that counts more than settings.toml whatever it says.
const Said* overruler(const SettingRow& row, const Sources& sources) {
  if (sources.flag) return &*sources.flag;
  if (sources.environment) return &*sources.environment;
  if (row.workspace == Workspace::decides && sources.workspace) return &*sources.workspace;
  return nullptr;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(text, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool is_plain(const Json& value) {
  return value.is_number() || value.is_bool() ||
         (value.is_string() && !has_control(value.get_string()));
}

}  // namespace

std::span<const SettingRow> setting_rows() { return kRows; }

const SettingRow* find_setting(std::string_view key) {
  const auto* found = std::ranges::find(kRows, key, &SettingRow::key);
  return found == std::end(kRows) ? nullptr : found;
}

Json describe_setting(const SettingRow& row, const workspace::Layers& layers,
                      const Preferences& preferences, const Given& given) {
  const Sources sources(row, layers, given);
  const Json by_default = row.value ? row.value(Preferences()) : Json(JsonArray());
  const auto& person = sources.person();
  const Json value = row.value ? row.value(preferences) : person ? person->value : by_default;
  const auto* decider = sources.decider(value);
  JsonObject out{{"key", row.key},
                 {"title", row.title},
                 {"help", row.help},
                 {"schema", base::parse_json(row.schema).value_or(JsonObject())},
                 {"value", value},
                 {"default", by_default},
                 {"from", decider ? (*decider)->from : "default"}};
  JsonArray shadowed;
  for (const auto* one :
       {&sources.flag, &sources.environment, &sources.own, &sources.config, &sources.workspace}) {
    if (!*one || one == decider) continue;
    if (one == &sources.workspace && row.workspace == Workspace::adds)
      out["added"] = JsonArray{to_json(**one)};
    else
      shadowed.push_back(to_json(**one));
  }
  if (!shadowed.empty()) out["shadowed"] = std::move(shadowed);
  out["writable"] = overruler(row, sources) == nullptr;
  out["applies"] = "next run";
  return out;
}

Status check_writable(const SettingRow& row, const workspace::Layers& layers, const Given& given) {
  const Sources sources(row, layers, given);
  if (const auto* other = overruler(row, sources))
    return fail(Code::conflict, std::string(row.key) + " is " + base::to_text(other->value) +
                                    " by " + other->from +
                                    ", which counts more than what is set here: change it there");
  return {};
}

Status check_value(const SettingRow& row, const Json& value) {
  const std::string key(row.key);
  const auto* list = value.if_array();
  if (list ? !std::ranges::all_of(*list, is_plain) : !is_plain(value))
    return fail(Code::invalid_argument,
                key +
                    " takes a text without control characters, a number, true or false, or a "
                    "list of texts, not " +
                    base::describe_type(value));
  if (key == "model.default" && value.is_string()) {
    if (auto good = models::check_name(std::string(value.get_string())); !good)
      return std::unexpected(std::move(good.error()).in(key));
  }
  if (key == "network.allowed_outbound_hosts" && list)
    for (const auto& entry : *list)
      if (entry.is_string())
        if (const auto rule = net::parse_host_rule(entry.get_string()); !rule)
          return fail(Code::invalid_argument, key + ": \"" +
                                                  base::one_line(entry.get_string(), 80) +
                                                  "\": " + rule.error().message);
  return {};
}

}  // namespace boxagnts::app
