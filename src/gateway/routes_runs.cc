#include <algorithm>

#include "base/guard.h"
#include "base/text.h"
#include "gateway/parts.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

// A file of the workspace, or bytes that came along. What the rules deny models to read a person
// may give them.
Result<agent::Attachment> attachment_in(const Json& entry, workspace::Files& files) {
  const auto text = [&](std::string_view key) {
    return std::string(base::get_string(entry, key).value_or(""));
  };
  agent::Attachment attachment{.name = text("name"), .path = text("path"), .bytes = {}};
  if (attachment.path.empty()) {
    auto bytes = base::from_base64(*base::get_string(entry, "data"));
    if (!bytes)
      return fail(Code::invalid_argument,
                  "the data of \"" + attachment.name + "\": " + bytes.error().message);
    attachment.bytes = *std::move(bytes);
    return attachment;
  }
  const auto opened = TRY(files.open_file(attachment.path));
  attachment.name = opened.entry.name;
  auto bytes = base::read_all(opened.fd.get(), agent::kAttachedBytesMax);
  if (!bytes && bytes.error().code == Code::limit_exceeded)
    return fail(Code::invalid_argument, "\"" + attachment.path + "\" cannot be attached: it has " +
                                            base::human_bytes(opened.entry.size) +
                                            ", and a run takes at most " +
                                            base::human_bytes(agent::kAttachedBytesMax));
  attachment.bytes = TRY(std::move(bytes));
  return attachment;
}

Result<std::vector<agent::Attachment>> attachments_in(Call& call) {
  std::vector<agent::Attachment> attachments;
  std::uint64_t bytes = 0;
  if (const auto* entries = base::get_array(call.body, "attachments"))
    for (const auto& entry : *entries) {
      attachments.push_back(TRY(attachment_in(entry, call.parts.services.files)));
      bytes += attachments.back().bytes.size();
      if (bytes > agent::kAttachedBytesMax) break;  // the run refuses them; no more is read
    }
  return attachments;
}

Result<Reply> start_run(Call& call) {
  const Services& services = call.parts.services;
  agent::RunRequest request;
  request.prompt = base::get_string(call.body, "prompt").value_or("");
  if (const auto skill = base::get_string(call.body, "skill")) {
    auto* desk = TRY(need(services.desks.skills));
    auto start = TRY(desk->start(
        std::string(*skill), std::string(base::get_string(call.body, "arguments").value_or(""))));
    request.prompt =
        std::move(start.prompt) + (request.prompt.empty() ? "" : "\n\nInput:\n" + request.prompt);
    request.skill = std::move(start.used);
  }
  if (const auto id = base::get_string(call.body, "session"))
    request.session = TRY(core::SessionId::parse(*id));
  const auto defaults = services.run_defaults();
  request.model = base::get_string(call.body, "model").value_or(defaults.model);
  if (request.model.empty())
    return fail(Code::invalid_argument,
                "no model is set: name one as \"model\", set BOXAGNTS_MODEL for the server, or "
                "model.default in its configuration");
  request.mode = defaults.mode;
  if (const auto mode = base::get_string(call.body, "mode"))
    request.mode = TRY(core::parse_enum<core::Mode>(*mode));
  if (const auto access = base::get_string(call.body, "access"))
    request.access = TRY(core::parse_enum<core::AgentAccess>(*access));
  request.turns_max =
      base::get_int(call.body, "max_turns").value_or(services.settings()->turns_max);
  request.attachments = TRY(attachments_in(call));
  request.attended = true;  // whoever follows the events may answer
  auto started = services.runs.start(request);
  // A session that another run owns is a conflict here: waiting is not all that helps.
  if (!started && started.error().code == Code::busy && request.session) {
    const auto session = services.store.session(*request.session);
    if (session && session->running) started.error().code = Code::conflict;
  }
  if (!started) return std::unexpected(std::move(started.error()));
  return JsonReply{201, JsonObject{{"run", started->run.text},
                                   {"session", started->session.text},
                                   {"after", started->after}}};
}

Result<Reply> list_runs(Call& call) {
  const auto here = call.parts.services.runs.live();
  JsonArray runs;
  for (const auto& run : TRY(call.parts.services.store.live_runs())) {
    const auto mine = std::ranges::find(here, run.id, &agent::LiveRun::run);
    JsonObject shown{{"run", run.id.text},
                     {"session", run.session.text},
                     {"process", run.owner_pid},
                     {"here", mine != here.end()},
                     {"started", base::iso8601(run.started)}};
    if (mine != here.end()) {
      shown["model"] = mine->model;
      shown["mode"] = core::name_of(mine->mode);
    }
    runs.push_back(std::move(shown));
  }
  return JsonReply{200, JsonObject{{"runs", std::move(runs)}}};
}

// Why a run cannot be reached here. `otherwise` is what to say of one that lives here after all.
std::unexpected<Error> not_here(Call& call, const core::RunId& id, Error otherwise) {
  const auto run = call.parts.services.store.run(id);
  if (!run) return std::unexpected(run.error());
  const auto here = call.parts.services.runs.live();
  if (std::ranges::find(here, id, &agent::LiveRun::run) != here.end())
    return std::unexpected(std::move(otherwise));
  if (!run->live) return fail(Code::conflict, "run " + id.text + " has ended");
  return fail(Code::conflict, "run " + id.text + " belongs to process " +
                                  std::to_string(run->owner_pid) +
                                  " of this machine: cancel or answer it there");
}

Result<Reply> cancel_run(Call& call) {
  const auto id = TRY(core::RunId::parse(call.at("run")));
  if (auto cancelled = call.parts.services.runs.cancel(id); !cancelled)
    return not_here(call, id, std::move(cancelled.error()));
  return JsonReply{202, JsonObject{}};
}

Result<Reply> answer_run(Call& call) {
  const auto id = TRY(core::RunId::parse(call.at("run")));
  const auto approval = TRY(core::ApprovalId::parse(*base::get_string(call.body, "approval")));
  auto reply = TRY(core::reply_from_json(call.body));
  if (auto answered = call.parts.services.runs.answer(approval, std::move(reply), "http");
      !answered)
    return not_here(call, id, std::move(answered.error()));
  return JsonReply{202, JsonObject{}};
}

constexpr Parameter kRun{"run", In::path, Need::required, kIdSchema, "The run."};

}  // namespace

std::vector<Route> run_routes() {
  return {
      {.method = "POST",
       .path = "/api/v1/runs",
       .id = "startRun",
       .tag = "runs",
       .summary = "Starts a run, in a new session or in one that is free",
       .body = {Body::Kind::json, "RunStart", 32 << 20},
       .success = {.status = 201,
                   .schema = "RunStarted",
                   .description = "The run is in the log; follow its session's events."},
       .handler = start_run},
      {.method = "GET",
       .path = "/api/v1/runs",
       .id = "listRuns",
       .tag = "runs",
       .summary = "The runs that are under way, in all processes of this workspace",
       .success = {.schema = "Runs", .description = "Oldest first."},
       .handler = list_runs},
      {.method = "POST",
       .path = "/api/v1/runs/{run}/cancel",
       .id = "cancelRun",
       .tag = "runs",
       .summary = "Stops a run as soon as may be",
       .parameters = {kRun},
       .body = {Body::Kind::json, "Empty", 1 << 10},
       .success = {.status = 202, .schema = "Empty", .description = "Its run_ended follows."},
       .handler = cancel_run},
      {.method = "POST",
       .path = "/api/v1/runs/{run}/answer",
       .id = "answerRun",
       .tag = "runs",
       .summary = "Answers a question that a run waits at",
       .parameters = {kRun},
       .body = {Body::Kind::json, "AnswerGiven", 128 << 10},
       .success = {.status = 202,
                   .schema = "Empty",
                   .description = "Its approval_answered follows."},
       .handler = answer_run},
  };
}

}  // namespace boxagnts::gateway
