#include <algorithm>

#include "gateway/router.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

constexpr std::string_view kAbout =
    "Runs of agents in one workspace, and the event log that is all there is to know of them. "
    "Errors have one shape; their codes are those of the command line. Except where a route says "
    "otherwise, a request carries `Authorization: Bearer TOKEN`: POST /api/v1/auth/token gives "
    "one. "
    "Requests of other pages are refused, whatever they carry.";

Json media(std::string_view type, Json schema) {
  return JsonObject{{type, JsonObject{{"schema", std::move(schema)}}}};
}

Json reference(std::string_view schema) {
  return JsonObject{{"$ref", "#/components/schemas/" + std::string(schema)}};
}

std::string_view place_of(In in) {
  return in == In::path ? "path" : in == In::query ? "query" : "header";
}

Json parameters_of(const Route& route) {
  JsonArray parameters;
  for (const auto& parameter : route.parameters)
    parameters.push_back(
        JsonObject{{"name", parameter.name},
                   {"in", place_of(parameter.in)},
                   {"required", parameter.need == Need::required},
                   {"schema", base::parse_json(parameter.schema).value_or(JsonObject{})},
                   {"description", parameter.description}});
  return parameters;
}

// Who may call, as OpenAPI says it: alternatives.
Json security_of(Door door) {
  const Json token = JsonObject{{"token", JsonArray{}}};
  switch (door) {
    case Door::page:
    case Door::open: return JsonArray{};
    case Door::local: return JsonArray{JsonObject{}, token};
    case Door::token: return JsonArray{token};
    case Door::ticket: return JsonArray{token, JsonObject{{"ticket", JsonArray{}}}};
  }
  return JsonArray{};
}

Json responses_of(const Route& route) {
  const Success& success = route.success;
  JsonObject good{{"description", success.description}};
  if (!success.media_type.empty()) {
    Json schema = JsonObject{};
    if (!success.schema.empty())
      schema = reference(success.schema);
    else if (success.media_type.starts_with("text/"))
      schema = JsonObject{{"type", "string"}};
    good["content"] = media(success.media_type, std::move(schema));
  }
  const Json error = JsonObject{{"$ref", "#/components/responses/Error"}};
  JsonObject responses{{std::to_string(success.status), std::move(good)}};
  responses["403"] = error;
  const bool may_be_known = route.method == "GET" &&
                            std::ranges::any_of(route.parameters, [](const Parameter& parameter) {
                              return parameter.name == "If-None-Match";
                            });
  if (may_be_known)
    responses["304"] = JsonObject{{"description", "It is as the client knows it; no content."}};
  if (route.door != Door::page && route.door != Door::open && route.door != Door::local)
    responses["401"] = error;
  if (route.body.kind != Body::Kind::none || !route.parameters.empty()) responses["400"] = error;
  if (route.path.contains('{')) responses["404"] = error;
  if (route.body.kind != Body::Kind::none) responses["413"] = responses["415"] = error;
  responses["default"] = error;
  return responses;
}

Json operation_of(const Route& route) {
  JsonObject operation{{"operationId", route.id},
                       {"tags", JsonArray{Json(route.tag)}},
                       {"summary", route.summary},
                       {"security", security_of(route.door)},
                       {"parameters", parameters_of(route)}};
  if (route.body.kind == Body::Kind::json)
    operation["requestBody"] = JsonObject{
        {"required", true}, {"content", media("application/json", reference(route.body.schema))}};
  if (route.body.kind == Body::Kind::bytes)
    operation["requestBody"] = JsonObject{
        {"required", true}, {"content", media("application/octet-stream", JsonObject{})}};
  operation["responses"] = responses_of(route);
  return operation;
}

}  // namespace

std::string openapi_of(const std::vector<Route>& routes) {
  JsonObject paths;
  for (const auto& route : routes) {
    std::string method(route.method);
    std::ranges::transform(method, method.begin(),
                           [](char c) { return static_cast<char>(c | 0x20); });
    Json& path = paths[route.path];
    if (!path.is_object()) path = JsonObject{};
    path.as_object()[method] = operation_of(route);
  }
  const Json schemes =
      JsonObject{{"token", JsonObject{{"type", "http"}, {"scheme", "bearer"}}},
                 {"ticket", JsonObject{{"type", "apiKey"}, {"in", "query"}, {"name", "ticket"}}}};
  const Json error = JsonObject{{"description", "What is wrong, in one sentence, and what to do."},
                                {"content", media("application/json", reference("Error"))}};
  return base::to_text(JsonObject{
      {"openapi", "3.1.0"},
      {"info", JsonObject{{"title", "BoxAgnts"}, {"version", "1"}, {"description", kAbout}}},
      {"paths", std::move(paths)},
      {"components", JsonObject{{"schemas", component_schemas()},
                                {"responses", JsonObject{{"Error", error}}},
                                {"securitySchemes", schemes}}}});
}

}  // namespace boxagnts::gateway
