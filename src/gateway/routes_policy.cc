#include "gateway/parts.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

std::string text_in(const Json& object, std::string_view key) {
  return std::string(base::get_string(object, key).value_or(""));
}

Result<Reply> list_rules(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.policy));
  return JsonReply{200, TRY(desk->rules())};
}

Result<Reply> add_rule(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.policy));
  auto added = TRY(desk->add(text_in(call.body, "effect"), text_in(call.body, "rule")));
  call.parts.feed.announce("settings");
  return JsonReply{201, std::move(added)};
}

Result<Reply> remove_rule(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.policy));
  auto wrote = TRY(desk->remove(text_in(call.query, "effect"), text_in(call.query, "rule")));
  call.parts.feed.announce("settings");
  return JsonReply{200, std::move(wrote)};
}

Result<Reply> explain(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.policy));
  return JsonReply{200, TRY(desk->explain(call.body))};
}

Result<Reply> show_trust(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.policy));
  return JsonReply{200, TRY(desk->trust())};
}

Result<Reply> set_trust(Call& call) {
  auto* desk = TRY(need(call.parts.services.desks.policy));
  auto wrote = TRY(desk->set_trust(text_in(call.body, "trust")));
  call.parts.feed.announce("settings");
  call.parts.feed.announce("skills");
  return JsonReply{200, std::move(wrote)};
}

}  // namespace

std::vector<Route> policy_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/rules",
       .id = "listRules",
       .tag = "policy",
       .summary = "The rules of every layer, and whether they count",
       .success = {.schema = "Rules", .description = "As the files are now."},
       .handler = list_rules},
      {.method = "POST",
       .path = "/api/v1/rules",
       .id = "addRule",
       .tag = "policy",
       .summary = "Adds a rule to the person's own, rules.toml",
       .body = {Body::Kind::json, "RuleWanted", 16 << 10},
       .success = {.status = 201,
                   .schema = "RuleAdded",
                   .description = "It counts from the next call on."},
       .handler = add_rule},
      {.method = "DELETE",
       .path = "/api/v1/rules",
       .id = "removeRule",
       .tag = "policy",
       .summary = "Takes a rule out of rules.toml",
       .parameters = {{"effect", In::query, Need::required,
                       R"({"$ref":"#/components/schemas/Effect"})", "Of the rule."},
                      {"rule", In::query, Need::required,
                       R"({"type":"string","minLength":1,"maxLength":2000})", "As it is written."}},
       .success = {.schema = "Wrote", .description = "It is gone."},
       .handler = remove_rule},
      {.method = "POST",
       .path = "/api/v1/policy/explain",
       .id = "explainPolicy",
       .tag = "policy",
       .summary = "What would become of a call or a connection, and by which rule",
       .body = {Body::Kind::json, "Explain", 1 << 20},
       .success = {.schema = "Explained",
                   .description = "Nothing has run, or was looked up or connected to."},
       .handler = explain},
      {.method = "GET",
       .path = "/api/v1/trust",
       .id = "showTrust",
       .tag = "policy",
       .summary = "Whether what comes with this workspace may act for its person",
       .success = {.schema = "Trusted", .description = "What holds."},
       .handler = show_trust},
      {.method = "PUT",
       .path = "/api/v1/trust",
       .id = "setTrust",
       .tag = "policy",
       .summary = "Says whether this workspace is trusted",
       .body = {Body::Kind::json, "TrustWanted", 1 << 10},
       .success = {.schema = "Wrote", .description = "It holds for the next run."},
       .handler = set_trust},
  };
}

}  // namespace boxagnts::gateway
