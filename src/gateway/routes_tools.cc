#include "base/guard.h"
#include "gateway/parts.h"
#include "gateway/routes.h"
#include "tools/own_call.h"

namespace boxagnts::gateway {
namespace {

// Each holds a worker; the other workers keep the door open.
constexpr unsigned kCallsMax = 4;

constexpr Parameter kTool{"tool", In::path, Need::required,
                          R"({"type":"string","pattern":"^[A-Za-z0-9_.-]{1,64}$"})", "Its name."};

Result<Reply> list_tools(Call& call) {
  JsonArray tools;
  for (const auto& spec : call.parts.services.registry.specs(core::AgentAccess::full))
    tools.push_back(core::to_json(spec));
  return JsonReply{200, JsonObject{{"tools", std::move(tools)}}};
}

Result<Reply> show_tool(Call& call) {
  const auto* tool = TRY(tools::find_tool(call.parts.services.registry, call.at("tool")));
  return JsonReply{200, core::to_json(tool->spec())};
}

// One of the calls that may be under way.
class Place {
 public:
  static Result<Place> take(std::atomic<unsigned>& calls) {
    Place place(calls);
    if (GUARD("gateway.tool_calls", calls.fetch_add(1) >= kCallsMax))
      return fail(Code::busy, "all " + std::to_string(kCallsMax) +
                                  " calls of this server are under way; try again later");
    return place;
  }
  Place(Place&& other) noexcept : calls_(std::exchange(other.calls_, nullptr)) {}
  Place& operator=(Place&&) = delete;
  ~Place() {
    if (calls_) calls_->fetch_sub(1);
  }

 private:
  explicit Place(std::atomic<unsigned>& calls) : calls_(&calls) {}
  std::atomic<unsigned>* calls_;
};

Result<Reply> run_tool(Call& call) {
  const Services& services = call.parts.services;
  const auto* tool = TRY(tools::find_tool(services.registry, call.at("tool")));
  const auto place = TRY(Place::take(call.parts.counters.tool_calls));
  const auto settings = services.settings();
  auto envelope = settings->envelope();
  if (const auto wanted = base::get_int(call.body, "timeout_ms"))
    envelope.limits.wall_time =
        std::min(envelope.limits.wall_time, std::chrono::milliseconds(*wanted));
  const auto result =
      TRY(tools::run_own_call(services.pipeline,
                              {.call = {"call", tool->spec().name,
                                        base::to_text(*base::find(call.body, "arguments"))},
                               .envelope = std::move(envelope),
                               .workspace = settings->workspace,
                               .rules = services.rules.rules(),
                               .changes = &services.changes,
                               .stop = call.exchange.gone()},
                              call.parts.clock))
          .result;
  return JsonReply{200, JsonObject{{"status", core::name_of(result.status)},
                                   {"text", result.text},
                                   {"duration_us", result.duration_us}}};
}

}  // namespace

std::vector<Route> tool_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/tools",
       .id = "listTools",
       .tag = "tools",
       .summary = "The tools and what they may do",
       .success = {.schema = "Tools", .description = "In the order models see."},
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
