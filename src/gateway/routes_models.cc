#include "base/guard.h"
#include "gateway/parts.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

// Each holds a worker while a server of models thinks.
constexpr unsigned kTestsMax = 2;

constexpr Parameter kProvider{"provider", In::path, Need::required,
                              R"({"$ref":"#/components/schemas/ProviderId"})", "The provider."};

Status check_place(const Place& place) {
  if (GUARD("gateway.model_tests", place.number() > kTestsMax))
    return fail(Code::busy, std::to_string(kTestsMax) +
                                " models are being tried by this server; try again later");
  return {};
}

Result<Reply> list_models(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.models));
  using Probe = ModelsDesk::Probe;
  if (!base::get_bool(call.query, "probe").value_or(false))
    return JsonReply{200, TRY(desk->list(Probe::none, {}))};
  const Place place(call.parts.counters.model_tests);
  TRY(check_place(place));
  return JsonReply{200, TRY(desk->list(Probe::asked, call.exchange.gone()))};
}

Result<Reply> choose_model(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.models));
  auto wrote = TRY(desk->choose(std::string(*base::get_string(call.body, "model"))));
  call.parts.feed.announce("settings");
  return JsonReply{200, std::move(wrote)};
}

Result<Reply> test_model(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.models));
  const Place place(call.parts.counters.model_tests);
  TRY(check_place(place));
  return JsonReply{200, TRY(desk->test(std::string(*base::get_string(call.body, "model")),
                                       call.exchange.gone()))};
}

Result<Reply> change_provider(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.models));
  auto wrote = TRY(desk->change(call.at("provider"), call.body.get_object()));
  call.parts.feed.announce("settings");
  return JsonReply{200, std::move(wrote)};
}

Result<Reply> forget_key(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.models));
  auto wrote = TRY(desk->forget_key(call.at("provider")));
  call.parts.feed.announce("settings");
  return JsonReply{200, std::move(wrote)};
}

}  // namespace

std::vector<Route> model_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/models",
       .id = "listModels",
       .tag = "models",
       .summary = "Where models are, and which there are",
       .parameters = {{"probe", In::query, Need::optional, R"({"type":"boolean"})",
                       "Ask the servers, for two seconds at most. Absent: nothing is connected "
                       "to."}},
       .success = {.schema = "Models", .description = "The providers, and the default."},
       .handler = list_models},
      {.method = "PUT",
       .path = "/api/v1/models/default",
       .id = "chooseModel",
       .tag = "models",
       .summary = "Sets the model of runs that name none",
       .body = {Body::Kind::json, "ModelChosen", 8 << 10},
       .success = {.schema = "Wrote", .description = "It is in settings.toml."},
       .handler = choose_model},
      {.method = "POST",
       .path = "/api/v1/models/test",
       .id = "testModel",
       .tag = "models",
       .summary = "Asks a model one small question, for half a minute at most",
       .body = {Body::Kind::json, "ModelChosen", 8 << 10},
       .success = {.schema = "ModelTested", .description = "Whether it answered."},
       .handler = test_model},
      {.method = "PUT",
       .path = "/api/v1/providers/{provider}",
       .id = "changeProvider",
       .tag = "models",
       .summary = "Sets where a provider's server is, and its key",
       .parameters = {kProvider},
       .body = {Body::Kind::json, "ProviderChange", 16 << 10},
       .success = {.schema = "Wrote", .description = "They hold for runs that begin now."},
       .handler = change_provider},
      {.method = "DELETE",
       .path = "/api/v1/providers/{provider}/key",
       .id = "forgetKey",
       .tag = "models",
       .summary = "Deletes the stored key of a provider",
       .parameters = {kProvider},
       .success = {.schema = "Wrote", .description = "It is gone."},
       .handler = forget_key},
  };
}

}  // namespace boxagnts::gateway
