// What a session changed: told, shown, taken back and put back.
#include "agent/change_history.h"
#include "agent/session_diff.h"
#include "agent/undo.h"
#include "base/text.h"
#include "gateway/parts.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

Result<core::SessionId> session_of(const Call& call) {
  return core::SessionId::parse(call.at("session"));
}

Json json_of(const agent::ChangeHistory::Set& set) {
  JsonArray files;
  for (const auto& file : set.files) {
    Json one = core::to_json(file);
    one.as_object()["applied"] = set.applied.contains(file.path);
    files.push_back(std::move(one));
  }
  return JsonObject{{"changes", set.id.text},
                    {"call_id", set.call_id},
                    {"root", base::repair_utf8(set.root)},
                    {"state", agent::name_of(set.state)},
                    {"files", std::move(files)}};
}

Result<Reply> list_changes(Call& call) {
  const auto session = TRY(session_of(call));
  const auto history = TRY(agent::read_history(call.parts.services.store, session));
  JsonArray sets;
  for (const auto& set : history.sets()) sets.push_back(json_of(set));
  return JsonReply{200, JsonObject{{"changes", std::move(sets)},
                                   {"can_undo", history.to_undo().size()},
                                   {"can_redo", history.to_redo().size()}}};
}

Result<Reply> show_diff(Call& call) {
  auto& services = call.parts.services;
  const auto session = TRY(session_of(call));
  const auto diff = TRY(agent::session_diff(services.store, services.changes, session));
  return JsonReply{200, JsonObject{{"diff", base::repair_utf8(diff)}}};
}

using Act = Result<agent::UndoResult>(store::Store&, workspace::Changes&, const core::SessionId&,
                                      std::size_t, const std::string&);

Result<Reply> settle(Call& call, Act* act) {
  auto& services = call.parts.services;
  const auto session = TRY(session_of(call));
  TRY(services.store.session(session));
  // Who has seen a run's last event may undo at once.
  services.runs.let_end(session);
  const auto count = static_cast<std::size_t>(base::get_int(call.body, "count").value_or(1));
  auto result = act(services.store, services.changes, session, count, "http");
  if (!result && result.error().code == Code::not_found) result.emplace();  // nothing to do
  if (!result && result.error().code == Code::busy) result.error().code = Code::conflict;
  const auto done = TRY(std::move(result));
  JsonArray settled;
  for (const auto& one : done.settled) {
    JsonArray files;
    for (const auto& file : one.files) files.push_back(core::to_json(file));
    settled.push_back(JsonObject{
        {"changes", one.id.text}, {"act", core::name_of(one.act)}, {"files", std::move(files)}});
  }
  return JsonReply{
      200, JsonObject{{"settled", std::move(settled)}, {"conflicts", done.has_conflicts()}}};
}

constexpr Parameter kSession{"session", In::path, Need::required, kIdSchema, "The session."};

}  // namespace

std::vector<Route> change_routes() {
  const Body kCount{Body::Kind::json, "UndoWanted", 1 << 10};
  return {
      {.method = "GET",
       .path = "/api/v1/sessions/{session}/changes",
       .id = "listChanges",
       .tag = "changes",
       .summary = "What a session's calls changed, in order, and what of it is in the files",
       .parameters = {kSession},
       .success = {.schema = "ChangeSets", .description = "In the order of the calls."},
       .handler = list_changes},
      {.method = "GET",
       .path = "/api/v1/sessions/{session}/diff",
       .id = "showDiff",
       .tag = "changes",
       .summary = "One unified diff of what a session changed and what is in the files",
       .parameters = {kSession},
       .success = {.schema = "Diff", .description = "The diff."},
       .handler = show_diff},
      {.method = "POST",
       .path = "/api/v1/sessions/{session}/undo",
       .id = "undoChanges",
       .tag = "changes",
       .summary = "Takes back what the last calls changed; what others changed since stays",
       .parameters = {kSession},
       .body = kCount,
       .success = {.schema = "Settled", .description = "What became of each file."},
       .handler = [](Call& call) { return settle(call, agent::undo); }},
      {.method = "POST",
       .path = "/api/v1/sessions/{session}/redo",
       .id = "redoChanges",
       .tag = "changes",
       .summary = "Puts back what was undone since the last change",
       .parameters = {kSession},
       .body = kCount,
       .success = {.schema = "Settled", .description = "What became of each file."},
       .handler = [](Call& call) { return settle(call, agent::redo); }},
  };
}

}  // namespace boxagnts::gateway
