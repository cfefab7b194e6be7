#include <charconv>

#include "base/guard.h"
#include "gateway/parts.h"
#include "gateway/reply.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

// A browser sends the last id it saw by itself when it reconnects; it counts more than the address.
Result<std::optional<std::int64_t>> place_in(const Call& call) {
  const auto header = call.request.header("last-event-id");
  if (header.empty()) return base::get_int(call.query, "after");
  std::int64_t position = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), position);
  if (GUARD("gateway.last_event_id",
            error != std::errc() || end != header.data() + header.size() || position < 0))
    return fail(Code::invalid_argument,
                "Last-Event-ID is the id of an event of this stream: a number from 0 on");
  return position;
}

Result<Reply> stream_events(Call& call) {
  Feed::Wish wish{.session = std::nullopt, .after = TRY(place_in(call))};
  if (const auto id = base::get_string(call.query, "session"))
    wish.session = TRY(core::SessionId::parse(*id));
  const auto after = TRY(call.parts.feed.place_of(wish));
  FileChanges::Wish folders;
  if (const auto watched = base::get_string(call.query, "watch"))
    folders = TRY(call.parts.changes.wish_of(*watched));
  if (call.parts.feed.subscribers() >= Feed::kSubscribersMax)
    return fail(Code::busy, "all event streams of this server are in use; try again later");
  net::ServerResponse head;
  head.headers = {{"Content-Type", "text/event-stream"}, {"X-Accel-Buffering", "no"}};
  add_security_headers(head);
  const auto stream = call.exchange.respond_stream(std::move(head));
  // Too late for an answer now: who came between is closed, and comes again.
  if (!call.parts.changes.watch(folders, stream) || !call.parts.feed.subscribe(wish, after, stream))
    stream->close();
  return Answered{};
}

}  // namespace

std::vector<Route> event_routes() {
  return {
      {.method = "GET",
       .path = "/api/v1/events",
       .id = "streamEvents",
       .tag = "events",
       .summary = "Events of one session or of all, then as they come, with what is being made",
       .parameters = {{"session", In::query, Need::optional, kIdSchema, "Absent: all sessions."},
                      {"after", In::query, Need::optional,
                       R"({"type":"integer","minimum":0,"maximum":9007199254740991})",
                       "The position behind which to begin. Absent: now."},
                      {"watch", In::query, Need::optional, R"({"type":"string","maxLength":16000})",
                       "A JSON array of folders: a `files` event names the one in which something "
                       "changed."},
                      {"Last-Event-ID", In::header, Need::optional,
                       R"({"type":"integer","minimum":0,"maximum":9007199254740991})",
                       "The last id seen; counts more than `after`."}},
       .success = {.media_type = "text/event-stream",
                   .schema = "EventStream",
                   .description = "A stream without end."},
       .handler = stream_events},
  };
}

}  // namespace boxagnts::gateway
