#include "base/guard.h"
#include "base/text.h"
#include "gateway/parts.h"
#include "gateway/routes.h"
#include "tools/own_call.h"
#include "tools/tool_listing.h"

namespace boxagnts::gateway {
namespace {

// Each holds a worker; the other workers keep the door open.
constexpr unsigned kCallsMax = 4;

constexpr Parameter kTool{"tool", In::path, Need::required,
                          R"({"type":"string","pattern":"^[A-Za-z0-9_.-]{1,64}$"})", "Its name."};

tools::Standing standing_of(const Services& services,
                            const std::shared_ptr<const policy::Rules>& rules) {
  return {services.settings()->envelope(), rules.get()};
}

Result<Reply> list_tools(Call& call) {
  const Services& services = call.parts.services;
  const auto rules = services.rules.rules();
  const auto standing = standing_of(services, rules);
  const auto toolset = services.tools();
  JsonArray tools;
  for (const auto& listed : tools::list_all(*toolset))
    tools.push_back(tools::to_json(listed, standing));
  return JsonReply{200, JsonObject{{"tools", std::move(tools)}}};
}

Result<Reply> show_tool(Call& call) {
  const Services& services = call.parts.services;
  const auto rules = services.rules.rules();
  const auto toolset = services.tools();
  const auto listed = TRY(tools::find_listed(*toolset, call.at("tool")));
  return JsonReply{200, tools::to_json(listed, standing_of(services, rules))};
}

Json json_of(const tools::OwnResult& own) {
  JsonObject json{{"status", core::name_of(own.result.status)},
                  {"text", own.result.text},
                  {"duration_us", own.result.duration_us}};
  JsonArray images, files;
  for (const auto& image : own.images)
    images.push_back(
        JsonObject{{"media_type", image.media_type}, {"data", base::base64(image.bytes)}});
  for (const auto& file : own.files) files.push_back(core::to_json(file));
  if (!images.empty()) json["images"] = std::move(images);
  if (!files.empty()) json["changes"] = JsonObject{{"files", std::move(files)}, {"diff", own.diff}};
  return json;
}

Result<Reply> run_tool(Call& call) {
  const Services& services = call.parts.services;
  const auto toolset = services.tools();
  const auto listed = TRY(tools::find_listed(*toolset, call.at("tool")));
  if (!listed.tool)
    return fail(Code::conflict, listed.spec->name + " cannot be used: " + listed.reason);
  const Place place(call.parts.counters.tool_calls);
  if (GUARD("gateway.tool_calls", place.number() > kCallsMax))
    return fail(Code::busy, "all " + std::to_string(kCallsMax) +
                                " calls of this server are under way; try again later");
  const auto settings = services.settings();
  auto envelope = settings->envelope();
  if (const auto wanted = base::get_int(call.body, "timeout_ms"))
    envelope.limits.wall_time =
        std::min(envelope.limits.wall_time, std::chrono::milliseconds(*wanted));
  const auto own = TRY(tools::run_own_call(
      *toolset->pipeline,
      {.call = {"call", listed.spec->name, base::to_text(*base::find(call.body, "arguments"))},
       .envelope = std::move(envelope),
       .workspace = settings->workspace,
       .rules = services.rules.rules(),
       .changes = &services.changes,
       .stop = call.exchange.gone()},
      call.parts.clock));
  return JsonReply{200, json_of(own)};
}

}  // namespace

std::vector<Route> tool_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/tools",
       .id = "listTools",
       .tag = "tools",
       .summary = "The tools and what they may do",
       .success = {.schema = "Tools",
                   .description = "In the order models see; those that cannot be used last."},
       .handler = list_tools},
      {.method = "GET",
       .path = "/api/v1/tools/{tool}",
       .id = "showTool",
       .tag = "tools",
       .summary = "One tool",
       .parameters = {kTool},
       .success = {.schema = "Tool", .description = "The tool."},
       .handler = show_tool},
      {.method = "POST",
       .path = "/api/v1/tools/{tool}/run",
       .id = "runTool",
       .tag = "tools",
       .summary = "Runs a tool in the sandbox, as a person's own call: nothing is asked",
       .parameters = {kTool},
       .body = {Body::Kind::json, "ToolCall", 10 << 20},
       .success = {.schema = "ToolResult",
                   .description = "The one result of the call, whatever its status."},
       .handler = run_tool},
  };
}

}  // namespace boxagnts::gateway
