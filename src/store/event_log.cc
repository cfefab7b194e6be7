// The event log: append, read, wait.
#include <algorithm>
#include <boost/json.hpp>

#include "base/guard.h"
#include "base/json.h"
#include "base/text.h"
#include "store/sqlite_store.h"

namespace boxagnts::store {
namespace {

// Where the next event goes, if the lease still holds.
struct Place {
  std::int64_t session_key = 0;
  std::int64_t run_key = 0;
  std::int64_t last_number = 0;
  std::int64_t last_position = 0;
};

Result<Place> place_for(Connection& connection, const RunLease& lease) {
  Query query = TRY(connection.query(
      "SELECT s.key, r.key, s.last_number, "
      "max((SELECT coalesce(max(position), 0) FROM events), (SELECT position_floor FROM log)), "
      "s.epoch, r.id, r.state = 'running' FROM sessions s JOIN runs r ON r.key = s.run "
      "WHERE s.id = ?",
      lease.session().text));
  const bool known = TRY(query.step());
  if (GUARD("store.fenced", !known || query.integer(4) != lease.epoch() ||
                                query.text(5) != lease.run().text || query.integer(6) == 0))
    return fail(Code::conflict, "run " + lease.run().text + " no longer owns session " +
                                    lease.session().text +
                                    ": another run took it over; nothing was stored");
  return Place{query.integer(0), query.integer(1), query.integer(2), query.integer(3)};
}

std::string_view model_of(std::span<const core::EventBody> bodies) {
  for (const auto& body : bodies)
    if (const auto* started = std::get_if<core::RunStarted>(&body)) return started->model;
  return {};
}

// Opens or closes the question that an event asks or answers.
Status note_question(Connection& connection, const Place& place, const core::Event& event) {
  if (const auto* asked = std::get_if<core::ApprovalAsked>(&event.body))
    return connection.run(
        "INSERT INTO open_questions (position, id, session, number) VALUES (?, ?, ?, ?)",
        event.position, asked->approval.id.text, place.session_key, event.number);
  if (const auto* answered = std::get_if<core::ApprovalAnswered>(&event.body))
    return connection.run("DELETE FROM open_questions WHERE id = ? AND session = ?",
                          answered->id.text, place.session_key);
  return {};
}

}  // namespace

Result<std::vector<core::Event>> SqliteStore::append(const RunLease& lease,
                                                     std::span<const core::EventBody> bodies) {
  if (bodies.empty()) return {};
  std::vector<std::string> texts;
  texts.reserve(bodies.size());
  for (const auto& body : bodies) texts.push_back(base::to_text(core::body_to_json(body)));
  std::vector<core::Event> events;
  events.reserve(bodies.size());

  {
    const auto writer = TRY(connections_->writer());
    auto transaction = TRY(Transaction::begin(*writer));
    const Place place = TRY(place_for(*writer, lease));
    const auto now = clock_.now();
    for (std::size_t i = 0; i < bodies.size(); ++i) {
      const auto step = static_cast<std::int64_t>(i) + 1;
      events.push_back({.position = place.last_position + step,
                        .session = lease.session(),
                        .number = place.last_number + step,
                        .run = lease.run(),
                        .time = now,
                        .body = bodies[i]});
      TRY(writer->run(
          "INSERT INTO events (position, session, number, run, time, body) "
          "VALUES (?, ?, ?, ?, ?, ?)",
          events[i].position, place.session_key, events[i].number, place.run_key, now, texts[i]));
      TRY(note_question(*writer, place, events[i]));
    }
    TRY(
        writer->run("UPDATE sessions SET last_number = ?1, updated = ?2, "
                    "model = CASE ?3 WHEN '' THEN model ELSE ?3 END WHERE key = ?4",
                    events.back().number, now, model_of(bodies), place.session_key));
    TRY(transaction.commit());
  }
  bell_.ring(lease.session().text, events.back().number);
  return events;
}

Result<core::Event> SqliteStore::event_from(const Query& query, core::SessionId session) {
  const auto number = query.integer(1);
  auto json = base::parse_json(query.text(4));
  auto body = json ? core::body_from_json(*json) : std::unexpected(std::move(json.error()));
  if (!body && body.error().code == Code::unsupported) return std::unexpected(body.error());
  if (!body)
    return connections_->health().damage(
        "event " + std::to_string(number) + " of session " + session.text + " makes no sense",
        body.error().message);
  return core::Event{.position = query.integer(0),
                     .session = std::move(session),
                     .number = number,
                     .run = {std::string(query.text(2))},
                     .time = query.integer(3),
                     .body = std::move(*body)};
}

Result<std::vector<core::Event>> SqliteStore::read(const core::SessionId& session,
                                                   std::int64_t after, std::size_t limit) {
  const auto rows_max = static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
  after = std::max<std::int64_t>(after, 0);
  const auto reader = TRY(connections_->reader());
  Query query =
      TRY(reader->query("SELECT e.position, e.number, r.id, e.time, e.body FROM events e JOIN runs "
                        "r ON r.key = e.run "
                        "WHERE e.session = (SELECT key FROM sessions WHERE id = ?) AND e.number > "
                        "? ORDER BY e.number LIMIT ?",
                        session.text, after, rows_max));
  std::vector<core::Event> events;
  while (TRY(query.step())) {
    const auto expected = (events.empty() ? after : events.back().number) + 1;
    if (GUARD("store.gap", query.integer(1) != expected))
      return connections_->health().damage("event " + std::to_string(expected) + " of session " +
                                           session.text + " is missing");
    events.push_back(TRY(event_from(query, session)));
  }
  return events;
}

Result<std::vector<core::Event>> SqliteStore::read_all(std::int64_t after, std::size_t limit) {
  const auto rows_max = static_cast<std::int64_t>(std::min<std::size_t>(limit, INT64_MAX));
  const auto reader = TRY(connections_->reader());
  Query query =
      TRY(reader->query("SELECT e.position, e.number, r.id, e.time, e.body, s.id FROM events e "
                        "JOIN runs r ON r.key = e.run JOIN sessions s ON s.key = e.session "
                        "WHERE e.position > ? ORDER BY e.position LIMIT ?",
                        std::max<std::int64_t>(after, 0), rows_max));
  std::vector<core::Event> events;
  while (TRY(query.step())) events.push_back(TRY(event_from(query, {std::string(query.text(5))})));
  return events;
}

Result<std::int64_t> SqliteStore::last_position() {
  const auto reader = TRY(connections_->reader());
  return reader->number(
      "SELECT max((SELECT coalesce(max(position), 0) FROM events), "
      "(SELECT position_floor FROM log))");
}

Result<std::int64_t> SqliteStore::number_at(const core::SessionId& session, std::int64_t position) {
  const auto reader = TRY(connections_->reader());
  const auto transaction = TRY(Transaction::begin(*reader, Transaction::Kind::read));
  Query found =
      TRY(reader->query("SELECT key, last_number FROM sessions WHERE id = ?", session.text));
  if (!TRY(found.step())) return no_session(session);
  const auto key = found.integer(0);
  // Positions rise with numbers, and numbers have no gaps.
  std::int64_t low = 0, high = found.integer(1);
  while (low < high) {
    const auto middle = low + (high - low + 1) / 2;
    Query query = TRY(
        reader->query("SELECT position FROM events WHERE session = ? AND number = ?", key, middle));
    if (GUARD("store.gap_between", !TRY(query.step())))
      return connections_->health().damage("event " + std::to_string(middle) + " of session " +
                                           session.text + " is missing");
    if (query.integer(0) <= position)
      low = middle;
    else
      high = middle - 1;
  }
  return low;
}

// --- questions ---------------------------------------------------------------------------------

Result<std::vector<OpenQuestion>> SqliteStore::open_questions() {
  const auto reader = TRY(connections_->reader());
  Query query =
      TRY(reader->query("SELECT q.id, s.id, q.number FROM open_questions q "
                        "JOIN sessions s ON s.key = q.session ORDER BY q.position"));
  std::vector<OpenQuestion> questions;
  while (TRY(query.step()))
    questions.push_back(
        {{std::string(query.text(0))}, {std::string(query.text(1))}, query.integer(2)});
  return questions;
}

Result<OpenQuestion> SqliteStore::open_question(const core::ApprovalId& id) {
  const auto reader = TRY(connections_->reader());
  Query query =
      TRY(reader->query("SELECT s.id, q.number FROM open_questions q "
                        "JOIN sessions s ON s.key = q.session WHERE q.id = ?",
                        id.text));
  if (!TRY(query.step()))
    return fail(Code::not_found, "no question " + base::one_line(id.text, 80) + " is open");
  return OpenQuestion{id, {std::string(query.text(0))}, query.integer(1)};
}

// --- waiting -----------------------------------------------------------------------------------

Result<std::int64_t> SqliteStore::last_number(const core::SessionId& session) {
  const auto reader = TRY(connections_->reader());
  Query query = TRY(reader->query("SELECT last_number FROM sessions WHERE id = ?", session.text));
  if (!TRY(query.step())) return no_session(session);
  return query.integer(0);
}

Result<bool> SqliteStore::wait(const core::SessionId& session, std::int64_t after,
                               std::stop_token stop, base::Steady deadline) {
  // First registered, then looked up: an append in between rings.
  Bell::Waiter waiter(bell_, session.text, after);
  while (true) {
    if (TRY(last_number(session)) > after) return true;
    auto wake = Wake::look;
    while ((wake = waiter.wait(stop, deadline)) == Wake::look) TRY(look_around());
    if (wake == Wake::ended) return false;
  }
}

Status SqliteStore::look_around() {
  if (!TRY(connections_->changed())) return {};
  for (const auto& id : bell_.awaited()) {
    const auto number = last_number({id});
    if (number)
      bell_.ring(id, *number);
    else if (number.error().code == Code::not_found)
      bell_.ring_gone(id);
    else
      return std::unexpected(number.error());
  }
  return {};
}

}  // namespace boxagnts::store
