#include "gateway/parts.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

Result<Reply> list_settings(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.settings));
  return JsonReply{200, TRY(desk->list())};
}

Result<Reply> change_settings(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.settings));
  auto changed = TRY(desk->change(call.body.get_object()));
  call.parts.feed.announce("settings");
  return JsonReply{200, std::move(changed)};
}

}  // namespace

std::vector<Route> settings_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/settings",
       .id = "listSettings",
       .tag = "settings",
       .summary = "Every setting: its value, where it comes from, and what it may be",
       .success = {.schema = "Settings", .description = "In the order to show them in."},
       .handler = list_settings},
      {.method = "PATCH",
       .path = "/api/v1/settings",
       .id = "changeSettings",
       .tag = "settings",
       .summary = "Sets some, in settings.toml; null: as it would be without. All or nothing",
       .body = {Body::Kind::json, "SettingsChange", 256 << 10},
       .success = {.schema = "SettingsChanged",
                   .description = "Runs that begin from here on use them, but for those that "
                                  "apply at the next start."},
       .handler = change_settings},
  };
}

}  // namespace boxagnts::gateway
