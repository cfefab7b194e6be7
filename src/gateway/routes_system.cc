#include "base/file.h"
#include "gateway/parts.h"
#include "gateway/router.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

Result<Reply> show_health(Call&) { return JsonReply{200, JsonObject{{"status", "ok"}}}; }

Result<Reply> show_openapi(Call& call) {
  return net::ServerResponse{.headers = {{"Content-Type", "application/json"}},
                             .body = openapi_of(call.parts.router.routes())};
}

// "VmRSS:   5120 kB" of /proc/self/status, in bytes.
std::uint64_t resident_bytes() {
  const auto status = base::read_file("/proc/self/status");
  if (!status) return 0;
  const auto at = status->find("VmRSS:");
  return at == std::string::npos ? 0 : std::strtoull(status->c_str() + at + 6, nullptr, 10) << 10;
}

Result<Reply> show_metrics(Call& call) {
  const Parts& parts = call.parts;
  std::string text;
  const auto add = [&](std::string_view name, std::string_view type, std::string_view help,
                       std::uint64_t value) {
    text += "# HELP " + std::string(name) + " " + std::string(help) + "\n# TYPE " +
            std::string(name) + " " + std::string(type) + "\n" + std::string(name) + " " +
            std::to_string(value) + "\n";
  };
  add("boxagnts_requests_total", "counter", "Requests answered.", parts.counters.requests);
  add("boxagnts_requests_refused_total", "counter", "Of these, with a status of 400 to 499.",
      parts.counters.refused);
  add("boxagnts_requests_failed_total", "counter", "Of these, with a status of 500 and more.",
      parts.counters.failed);
  add("boxagnts_runs_live", "gauge", "Runs of this process that are under way.",
      parts.services.runs.live().size());
  add("boxagnts_event_streams", "gauge", "Readers of the event stream.", parts.feed.subscribers());
  add("boxagnts_log_position", "gauge", "The position of the log's last event.",
      static_cast<std::uint64_t>(TRY(parts.services.store.last_position())));
  add("process_resident_memory_bytes", "gauge", "Resident memory.", resident_bytes());
  add("process_start_time_seconds", "gauge", "When this process started, since 1970.",
      static_cast<std::uint64_t>(parts.counters.started / 1'000'000));
  return net::ServerResponse{.headers = {{"Content-Type", "text/plain; version=0.0.4"}},
                             .body = std::move(text)};
}

}  // namespace

std::vector<Route> system_routes() {
  return {
      {.method = "GET",
       .path = "/healthz",
       .id = "showHealth",
       .tag = "system",
       .summary = "Whether the server answers",
       .door = Door::open,
       .success = {.schema = "Health", .description = "It does."},
       .handler = show_health},
      {.method = "GET",
       .path = "/metrics",
       .id = "showMetrics",
       .tag = "system",
       .summary = "Counters as Prometheus reads them",
       .door = Door::local,
       .success = {.media_type = "text/plain", .description = "Text format 0.0.4."},
       .handler = show_metrics},
      {.method = "GET",
       .path = "/api/v1/openapi.json",
       .id = "showOpenapi",
       .tag = "system",
       .summary = "This document",
       .door = Door::page,
       .success = {.description = "OpenAPI 3.1."},
       .handler = show_openapi},
  };
}

}  // namespace boxagnts::gateway
