#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <charconv>

#include "agent/undo.h"
#include "base/guard.h"
#include "gateway/media_type.h"
#include "gateway/parts.h"
#include "gateway/reply.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

constexpr std::size_t kBatch = 256;

JsonObject with_run(JsonObject shown, const store::SessionInfo& session) {
  if (session.run) shown["run"] = session.run->text;
  return shown;
}

JsonObject json_of(const store::SessionInfo& session) {
  return with_run(store::to_json(session), session);
}

JsonObject json_of(const store::FoundSession& one) {
  return with_run(store::to_json(one), one.info);
}

constexpr std::string_view kChanged = "session";  // the event of the stream

// "TIME.ID" of the last session of the page before; its form is checked by then.
store::SessionCursor cursor_of(std::string_view text) {
  const auto dot = text.find('.');
  store::SessionCursor cursor;
  std::from_chars(text.data(), text.data() + dot, cursor.updated);
  cursor.id.text = text.substr(dot + 1);
  return cursor;
}

Result<Reply> list_sessions(Call& call) {
  const auto limit = static_cast<std::size_t>(base::get_int(call.query, "limit").value_or(100));
  std::optional<store::SessionCursor> behind;
  if (const auto cursor = base::get_string(call.query, "cursor")) behind = cursor_of(*cursor);
  const store::SessionWish wish{std::string(base::get_string(call.query, "query").value_or("")),
                                std::string(base::get_string(call.query, "tag").value_or(""))};
  const auto page = TRY(call.parts.services.store.find_sessions(wish, limit, behind));
  JsonArray shown;
  for (const auto& session : page.sessions) shown.push_back(json_of(session));
  JsonObject reply{{"sessions", std::move(shown)}, {"complete", page.complete}};
  if (page.next) reply["next"] = std::to_string(page.next->updated) + "." + page.next->id.text;
  return JsonReply{200, std::move(reply)};
}

Result<Reply> list_tags(Call& call) {
  JsonArray tags;
  for (const auto& one : TRY(call.parts.services.store.tags()))
    tags.push_back({{"tag", one.tag}, {"sessions", one.sessions}});
  return JsonReply{200, JsonObject{{"tags", std::move(tags)}}};
}

Result<core::SessionId> session_of(const Call& call) {
  return core::SessionId::parse(call.at("session"));
}

Result<Reply> show_session(Call& call) {
  const auto id = TRY(session_of(call));
  return JsonReply{200, json_of(TRY(call.parts.services.store.session(id)))};
}

Result<Reply> change_session(Call& call) {
  const auto id = TRY(session_of(call));
  store::SessionChange change;
  if (const auto title = base::get_string(call.body, "title")) change.title = *title;
  if (const auto* tags = base::get_array(call.body, "tags")) {
    change.tags.emplace();
    for (const auto& tag : *tags) change.tags->emplace_back(tag.get_string());
  }
  TRY(call.parts.services.store.change_session(id, change));
  auto shown = json_of(TRY(call.parts.services.store.session(id)));
  call.parts.feed.announce(kChanged, shown);
  return JsonReply{200, std::move(shown)};
}

Result<Reply> delete_session(Call& call) {
  auto& services = call.parts.services;
  const auto session = TRY(session_of(call));
  services.runs.let_end(session);
  auto deleted = agent::delete_session(services.store, services.changes, session);
  if (!deleted && deleted.error().code == Code::busy) deleted.error().code = Code::conflict;
  TRY(std::move(deleted));
  call.parts.feed.announce(kChanged, JsonObject{{"id", session.text}, {"deleted", true}});
  return JsonReply{200, JsonObject{}};
}

Result<Reply> fork_session(Call& call) {
  auto& store = call.parts.services.store;
  const auto id = TRY(session_of(call));
  const auto from = TRY(store.session(id));
  auto fork = store.fork_session(
      from.id, base::get_int(call.body, "at").value_or(0),
      std::string(base::get_string(call.body, "title").value_or(std::string_view(from.title))));
  if (!fork && fork.error().code == Code::busy) fork.error().code = Code::conflict;
  // Its form is right; there is no such event.
  if (!fork && fork.error().code == Code::invalid_argument) fork.error().code = Code::not_found;
  const auto made = TRY(std::move(fork));
  return JsonReply{201, json_of(TRY(store.session(made)))};
}

Result<Reply> page_events(Call& call) {
  const auto id = TRY(session_of(call));
  const auto after = base::get_int(call.query, "after").value_or(0);
  const auto limit = static_cast<std::size_t>(base::get_int(call.query, "limit").value_or(100));
  const auto last = TRY(call.parts.services.store.session(id)).events;
  JsonArray events;
  for (const auto& event : TRY(call.parts.services.store.read(id, after, limit)))
    events.push_back(core::to_json(event));
  return JsonReply{200, JsonObject{{"events", std::move(events)}, {"last", last}}};
}

// A file without a name, which goes with its descriptor.
Result<base::UniqueFd> nameless_file(const std::string& folder) {
  base::UniqueFd file(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (file) return file;
  // Not every file system has such files.
  std::string name = folder + "/export.XXXXXX";
  file.reset(::mkostemp(name.data(), O_CLOEXEC));
  if (!file) return fail_errno(errno, "cannot make a file in " + folder);
  ::unlink(name.c_str());
  return file;
}

// Through a file, so that neither memory nor a worker is held while a slow client reads.
Result<Reply> export_session(Call& call) {
  const auto id = TRY(session_of(call));
  const auto last = TRY(call.parts.services.store.session(id)).events;
  auto file = TRY(nameless_file(call.parts.services.scratch_folder));
  std::uint64_t bytes = 0;
  for (std::int64_t after = 0; after < last && !call.exchange.gone().stop_requested();) {
    std::string lines;
    const auto events = TRY(call.parts.services.store.read(id, after, kBatch));
    if (events.empty()) break;  // deleted meanwhile
    for (const auto& event : events) {
      base::append_text(core::to_json(event), lines);
      lines += '\n';
    }
    after = events.back().number;
    bytes += lines.size();
    TRY(base::write_all(file.get(), lines));
  }
  net::ServerResponse head;
  head.headers = {{"Content-Type", "application/jsonl"},
                  {"Content-Disposition", "attachment; filename=\"" + id.text + ".jsonl\""}};
  add_security_headers(head);
  call.exchange.respond_file(std::move(head), std::move(file), 0, bytes);
  return Answered{};
}

Result<Reply> show_blob(Call& call) {
  net::ServerResponse response;
  response.body = TRY(call.parts.services.store.blob(call.at("blob")));
  const auto image = image_type(response.body);
  response.headers = {
      {"Content-Type", image.empty() ? "application/octet-stream" : std::string(image)}};
  if (GUARD("gateway.blob_attachment", image.empty()))
    response.headers.emplace_back("Content-Disposition", "attachment");
  return response;
}

constexpr Parameter kSession{"session", In::path, Need::required, kIdSchema, "The session."};
constexpr Parameter kLimit{"limit", In::query, Need::optional,
                           R"({"type":"integer","minimum":1,"maximum":1000,"default":100})",
                           "At most so many."};

std::vector<Route> one_session_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/sessions/{session}",
       .id = "showSession",
       .tag = "sessions",
       .summary = "One session",
       .parameters = {kSession},
       .success = {.schema = "Session", .description = "The session."},
       .handler = show_session},
      {.method = "PATCH",
       .path = "/api/v1/sessions/{session}",
       .id = "changeSession",
       .tag = "sessions",
       .summary = "Gives a session another title, or other tags, or both",
       .parameters = {kSession},
       .body = {Body::Kind::json, "SessionChange", 16 << 10},
       .success = {.schema = "Session", .description = "The session as it is now."},
       .handler = change_session},
      {.method = "DELETE",
       .path = "/api/v1/sessions/{session}",
       .id = "deleteSession",
       .tag = "sessions",
       .summary = "Removes a session whole, with its undo, unless a run owns it",
       .parameters = {kSession},
       .success = {.schema = "Empty", .description = "It is gone."},
       .handler = delete_session},
      {.method = "POST",
       .path = "/api/v1/sessions/{session}/fork",
       .id = "forkSession",
       .tag = "sessions",
       .summary = "A new session that begins as this one",
       .parameters = {kSession},
       .body = {Body::Kind::json, "SessionFork", 16 << 10},
       .success = {.status = 201, .schema = "Session", .description = "The new session."},
       .handler = fork_session},
      {.method = "GET",
       .path = "/api/v1/sessions/{session}/events",
       .id = "pageEvents",
       .tag = "events",
       .summary = "A session's events by number",
       .parameters = {kSession,
                      {"after", In::query, Need::optional,
                       R"({"type":"integer","minimum":0,"maximum":9007199254740991,"default":0})",
                       "The number behind which to begin."},
                      kLimit},
       .success = {.schema = "Events", .description = "In order."},
       .handler = page_events},
      {.method = "GET",
       .path = "/api/v1/sessions/{session}/export",
       .id = "exportSession",
       .tag = "sessions",
       .summary = "All events of a session, one JSON object a line",
       .door = Door::ticket,
       .parameters = {kSession},
       .success = {.media_type = "application/jsonl", .description = "The events, as a file."},
       .handler = export_session},
  };
}

}  // namespace

std::vector<Route> session_routes() {
  auto routes = one_session_routes();
  routes.push_back(
      {.method = "GET",
       .path = "/api/v1/sessions",
       .id = "listSessions",
       .tag = "sessions",
       .summary = "The sessions, all or those that are looked for, the one that changed last first",
       .parameters = {kLimit,
                      {"query", In::query, Need::optional, R"({"type":"string","maxLength":200})",
                       "Words that the title, the tags or what was said hold, all of them, in any "
                       "letter case."},
                      {"tag", In::query, Need::optional, R"({"$ref":"#/components/schemas/Tag"})",
                       "Only those with this tag."},
                      {"cursor", In::query, Need::optional,
                       R"({"type":"string","pattern":"^[0-9]{1,18}\\.[A-Za-z0-9_-]{1,64}$"})",
                       "`next` of the page before."}},
       .success = {.schema = "Sessions", .description = "A page."},
       .handler = list_sessions});
  routes.push_back({.method = "GET",
                    .path = "/api/v1/tags",
                    .id = "listTags",
                    .tag = "sessions",
                    .summary = "The tags of all sessions",
                    .success = {.schema = "Tags", .description = "In order."},
                    .handler = list_tags});
  routes.push_back({.method = "GET",
                    .path = "/api/v1/blobs/{blob}",
                    .id = "showBlob",
                    .tag = "sessions",
                    .summary = "The bytes of a blob: a whole result, a diff, an image",
                    .door = Door::ticket,
                    .parameters = {{"blob", In::path, Need::required,
                                    R"({"$ref":"#/components/schemas/BlobId"})", "The blob."}},
                    .success = {.media_type = "application/octet-stream",
                                .description = "The bytes; an image has its own type."},
                    .handler = show_blob});
  return routes;
}

}  // namespace boxagnts::gateway
