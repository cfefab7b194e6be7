#include "app/models_desk.h"

#include <boost/json.hpp>

#include "app/model_servers.h"
#include "app/setting_table.h"
#include "app/settings_desk.h"
#include "models/scripted.h"
#include "models/sight.h"
#include "workspace/own_keys.h"

namespace boxagnts::app {
namespace {

std::string where_default_comes_from(const Program& program, const workspace::Layers& layers,
                                     const Preferences& now) {
  const Json chosen =
      describe_setting(*find_setting("model.default"), layers, now, program.preferences->given());
  return std::string(base::get_string(chosen, "from").value_or(""));
}

Json to_json(const ServerLook& look, const Preferences& preferences) {
  const std::string id(look.family->id);
  JsonArray known;
  for (const auto& name : look.names) {
    const auto sight = preferences.sight.value_or(models::sight_of(name));
    known.push_back(JsonObject{{"id", id + "/" + name}, {"sees", sight == models::Sight::sees}});
  }
  JsonObject out{{"id", id},
                 {"title", look.family->title},
                 {"local", look.family->is_local},
                 {"base_url", look.endpoint ? look.endpoint->base_url : ""},
                 {"base_url_from", look.endpoint ? look.endpoint->from : "default"},
                 {"key", key_word(look)},
                 {"state", name_of(look.state)},
                 {"models", std::move(known)}};
  if (!look.error.empty()) out["error"] = look.error;
  return out;
}

class ProgramModels final : public gateway::ModelsDesk {
 public:
  ProgramModels(Program& program, gateway::SettingsDesk& settings)
      : program_(program), settings_(settings) {}

  Result<Json> list(Probe probe, std::stop_token stop) override {
    TRY(by_hand(program_.reload()));
    const auto now = program_.preferences->now();
    const auto layers =
        TRY(by_hand(workspace::read_layers(program_.workspace, environment_variable)));
    JsonArray providers;
    const auto asked = probe == Probe::asked ? app::Probe::asked : app::Probe::none;
    for (const auto& look :
         look_at_servers(program_.model_settings(), *program_.http, asked, std::move(stop)))
      providers.push_back(to_json(look, *now));
    return JsonObject{{"default", now->model},
                      {"default_from", where_default_comes_from(program_, layers, *now)},
                      {"demo", models::kDemo},
                      {"providers", std::move(providers)}};
  }

  Result<Json> choose(const std::string& model) override {
    const Json changed = TRY(settings_.change({{"model.default", model}}));
    return JsonObject{{"wrote", *base::find(changed, "wrote")}};
  }

  Result<Json> test(const std::string& model, std::stop_token stop) override {
    const auto tried =
        TRY(try_model(model, program_.model_settings(), *program_.http, std::move(stop)));
    JsonObject out{{"ok", tried.error.empty()}, {"duration_ms", tried.duration_ms}};
    if (!tried.error.empty()) {
      out["error"] = tried.error;
      return out;
    }
    out["text"] = tried.text;
    out["usage"] = core::to_json(tried.usage);
    return out;
  }

  Result<Json> change(const std::string& provider, const JsonObject& wanted) override {
    std::optional<std::string> base_url, key;
    if (const auto* url = wanted.if_contains("base_url"))
      base_url = url->is_string() ? std::string(url->get_string()) : "";
    if (const auto* secret = wanted.if_contains("key")) {
      if (!secret->is_string()) return fail(Code::invalid_argument, "key takes a string");
      key = secret->get_string();
    }
    auto wrote = TRY(change_provider(program_.workspace, program_.preferences->given(),
                                     program_.model_settings(), provider, std::move(base_url),
                                     std::move(key)));
    TRY(program_.reload());
    return JsonObject{{"wrote", wrote}};
  }

  Result<Json> forget_key(const std::string& provider) override {
    const auto* family = TRY(models::find_family(provider));
    auto wrote = TRY(workspace::forget_key(environment_variable, std::string(family->id)));
    TRY(program_.reload());
    return JsonObject{{"wrote", wrote}};
  }

 private:
  Program& program_;
  gateway::SettingsDesk& settings_;
};

}  // namespace

Result<std::string> change_provider(const workspace::Workspace& workspace, const Given& given,
                                    models::Settings settings, const std::string& id,
                                    std::optional<std::string> base_url,
                                    std::optional<std::string> key) {
  const auto* family = TRY(models::find_family(id));
  const std::string variable(family->url_variable);
  if (base_url && !environment_variable(variable).empty())
    return fail(Code::conflict, "the environment's " + variable +
                                    " says where this provider is, which counts more than what "
                                    "is set here: unset it, or change it there");
  auto& provider = settings.providers[id];
  if (base_url && !base_url->empty()) {
    base_url = TRY(models::base_url_of(*family, *base_url));
    provider.base_url = *base_url;
  } else if (base_url) {
    const auto layers = TRY(by_hand(workspace::read_layers(workspace, environment_variable)));
    const auto* written = layers.config->at("providers." + id + ".base_url");
    const Json text = written ? written->to_json() : Json("");
    provider.base_url = text.is_string() && !text.get_string().empty()
                            ? TRY(models::base_url_of(*family, text.get_string()))
                            : "";
  }
  const auto endpoint = TRY(models::endpoint_of(*family, settings));
  return workspace::change_provider(environment_variable,
                                    {.provider = id,
                                     .base_url = std::move(base_url),
                                     .url_then = endpoint.base_url,
                                     .key = std::move(key)},
                                    settings_check(workspace, given));
}

std::unique_ptr<gateway::ModelsDesk> make_models_desk(Program& program,
                                                      gateway::SettingsDesk& settings) {
  return std::make_unique<ProgramModels>(program, settings);
}

}  // namespace boxagnts::app
