#include "gateway/router.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/guard.h"
#include "base/text.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

// Adds to `found` the components that `schema` leads to.
void find_components(const Json& schema, JsonObject& found) {
  constexpr std::string_view kPrefix = "#/components/schemas/";
  if (const auto* items = schema.if_array())
    for (const auto& item : *items) find_components(item, found);
  const auto* members = schema.if_object();
  if (!members) return;
  for (const auto& [key, value] : *members) {
    find_components(value, found);
    if (key != "$ref" || !value.is_string()) continue;
    const auto name = std::string_view(value.get_string()).substr(kPrefix.size());
    const auto* component = component_schemas().as_object().if_contains(name);
    if (!component || found.contains(name)) continue;
    found[name] = *component;
    find_components(*component, found);
  }
}

// `schema` with the components that its references lead to.
Json with_components(Json schema) {
  JsonObject found;
  find_components(schema, found);
  if (!found.empty()) schema.as_object()["components"] = JsonObject{{"schemas", std::move(found)}};
  return schema;
}

// The schema of the object that the parameters of one place make.
Result<Json> object_schema(const Route& route, In in) {
  JsonObject properties;
  JsonArray required;
  for (const auto& parameter : route.parameters) {
    if (parameter.in != in) continue;
    properties[parameter.name] = TRY(base::parse_json(parameter.schema));
    if (parameter.need == Need::required) required.emplace_back(parameter.name);
  }
  return with_components(JsonObject{{"type", "object"},
                                    {"properties", std::move(properties)},
                                    {"required", std::move(required)},
                                    {"additionalProperties", false}});
}

// What a parameter's text says, by its declared type; the text itself where it says no such thing.
Json typed(std::string_view text, const Parameter& parameter) {
  const auto schema = base::parse_json(parameter.schema);
  const auto type = schema ? base::get_string(*schema, "type").value_or("") : "";
  if (type == "integer") {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc() && end == text.data() + text.size() && !text.empty()) return number;
  }
  if (type == "boolean" && (text == "true" || text == "false")) return text == "true";
  return Json(text);
}

bool is_parameter(std::string_view segment) {
  return segment.starts_with('{') && segment.ends_with('}');
}

// Whether `path` is one that `pattern` stands for; fills in the parameters.
bool fits(std::string_view pattern, std::string_view path,
          std::map<std::string, std::string, std::less<>>& parameters) {
  const auto wanted = base::split(pattern, '/'), given = base::split(path, '/');
  if (wanted.size() != given.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (is_parameter(wanted[i]) && !given[i].empty())
      parameters[std::string(wanted[i].substr(1, wanted[i].size() - 2))] = given[i];
    else if (wanted[i] != given[i])
      return false;
  }
  return true;
}

}  // namespace

Result<std::unique_ptr<Router>> Router::make(std::vector<Route> routes) {
  std::unique_ptr<Router> router(new Router(std::move(routes)));
  std::set<std::string> known;
  for (const auto& route : router->routes_) {
    if (!known.insert(std::string(route.method) + " " + std::string(route.path)).second)
      return fail(Code::internal, "two routes are " + std::string(route.path));
    if (route.body.kind == Body::Kind::json &&
        !component_schemas().as_object().contains(route.body.schema))
      return fail(Code::internal, "there is no schema " + std::string(route.body.schema));
  }
  return router;
}

Result<const Router::Schemas*> Router::schemas_of(const Route& route) const {
  const std::lock_guard lock(mutex_);
  if (const auto known = schemas_.find(&route); known != schemas_.end()) return &known->second;
  Json body = JsonObject{};
  if (route.body.kind == Body::Kind::json)
    body.as_object()["$ref"] = "#/components/schemas/" + std::string(route.body.schema);
  const auto compile = [](const Json& schema) -> Result<tools::JsonSchema> {
    auto compiled = tools::JsonSchema::compile(schema);
    if (!compiled) return fail(Code::internal, compiled.error().message);
    return compiled;
  };
  const Json query = TRY(object_schema(route, In::query));
  const Json path = TRY(object_schema(route, In::path));
  return &schemas_
              .emplace(&route, Schemas{TRY(compile(query)), TRY(compile(path)),
                                       TRY(compile(with_components(std::move(body))))})
              .first->second;
}

Router::Match Router::match(std::string_view method, std::string_view path) const {
  Match match;
  for (const auto& route : routes_) {
    std::map<std::string, std::string, std::less<>> parameters;
    if (!fits(route.path, path, parameters)) continue;
    // Of a HEAD the server sends the head alone.
    if (GUARD("gateway.method", route.method != (method == "HEAD" ? "GET" : method))) {
      match.allow += (match.allow.empty() ? "" : ", ") + std::string(route.method);
      if (route.method == "GET") match.allow += ", HEAD";
      continue;
    }
    return {&route, std::move(parameters), ""};
  }
  return match;
}

Status Router::check_path(const Route& route, const Match& match) const {
  JsonObject values;
  for (const auto& [name, value] : match.path) values[name] = value;
  if (auto fits = TRY(schemas_of(route))->path.check(values); GUARD("gateway.path", !fits))
    return std::unexpected(std::move(fits.error()).in("path"));
  return {};
}

Result<Json> Router::check_query(const Route& route, const net::ServerRequest& request) const {
  JsonObject values;
  for (const auto& [name, value] : request.query) {
    const auto declared = std::ranges::find_if(route.parameters, [&](const auto& parameter) {
      return parameter.in == In::query && parameter.name == name;
    });
    // A ticket has been used up by now.
    if (route.door == Door::ticket && name == "ticket") continue;
    if (GUARD("gateway.query_twice", values.contains(name)))
      return fail(Code::invalid_argument,
                  "query: \"" + base::one_line(name, 80) + "\" is given twice");
    values[name] = declared == route.parameters.end() ? Json(value) : typed(value, *declared);
  }
  Json query = std::move(values);
  if (auto fits = TRY(schemas_of(route))->query.check(query); GUARD("gateway.query", !fits))
    return std::unexpected(std::move(fits.error()).in("query"));
  return query;
}

Result<Json> Router::check_body(const Route& route, std::string_view text) const {
  auto body = base::parse_json(text);
  if (!body) return fail(Code::invalid_argument, "body: " + body.error().message);
  if (auto fits = TRY(schemas_of(route))->body.check(*body); GUARD("gateway.body", !fits))
    return std::unexpected(std::move(fits.error()).in("body"));
  return std::move(*body);
}

}  // namespace boxagnts::gateway
