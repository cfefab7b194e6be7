// A session that begins as another one.
#include <unistd.h>

#include <algorithm>

#include "base/guard.h"
#include "base/json.h"
#include "base/text.h"
#include "store/sqlite_store.h"

namespace boxagnts::store {
namespace {

// Whether a conversation may end at an event: no answer is half said, no message unanswered by a
// run that went on, and no call without its result. Applies a run's events in order.
class TurnWatch {
 public:
  void apply(const core::EventBody& body) {
    if (std::holds_alternative<core::RunStarted>(body) ||
        std::holds_alternative<core::UserMessage>(body)) {
      open_ = true;
    } else if (const auto* block = std::get_if<core::AssistantBlock>(&body)) {
      open_ = true;
      if (const auto* call = std::get_if<core::ToolCall>(&block->block)) said_.push_back(call->id);
    } else if (std::holds_alternative<core::TurnRetried>(body)) {
      said_.clear();
    } else if (std::holds_alternative<core::TurnEnded>(body)) {
      open_ = false;
      calls_.insert(calls_.end(), said_.begin(), said_.end());
      said_.clear();
    } else if (const auto* finished = std::get_if<core::ToolFinished>(&body)) {
      const auto call = std::ranges::find(calls_, finished->result.call_id);
      if (call != calls_.end()) calls_.erase(call);
    } else if (std::holds_alternative<core::RunEnded>(body)) {
      open_ = false;
      said_.clear();
    }
  }
  bool complete() const { return !open_ && calls_.empty(); }

 private:
  bool open_ = false;
  std::vector<std::string> said_;   // calls of the answer being made
  std::vector<std::string> calls_;  // without a result
};

// The other's runs that have events up to `last`, as ended runs of the new session. The epochs are
// the same, by which the events find them.
Status copy_runs(Connection& connection, std::int64_t from, std::int64_t to, std::int64_t last,
                 base::Timestamp now) {
  struct Run {
    std::int64_t epoch, owner_pid, started, ended;
  };
  std::vector<Run> runs;
  {
    Query query = TRY(connection.query(
        "SELECT epoch, owner_pid, started, coalesce(ended, ?) FROM runs WHERE key IN "
        "(SELECT run FROM events WHERE session = ? AND number <= ?) ORDER BY epoch",
        now, from, last));
    while (TRY(query.step()))
      runs.push_back({query.integer(0), query.integer(1), query.integer(2), query.integer(3)});
  }
  for (const auto& run : runs)
    TRY(connection.run(
        "INSERT INTO runs (id, session, epoch, state, owner_pid, started, ended) "
        "VALUES (?, ?, ?, 'ended', ?, ?, ?)",
        core::RunId::make(now).text, to, run.epoch, run.owner_pid, run.started, run.ended));
  return {};
}

// Events 1 to `last`, at the end of the workspace's positions. The end of a killed run names it.
Status copy_events(Connection& connection, std::int64_t from, std::int64_t to, std::int64_t last) {
  TRY(connection.run(
      "INSERT INTO events (position, session, number, run, time, body) "
      "SELECT (SELECT max((SELECT coalesce(max(position), 0) FROM events), "
      "(SELECT position_floor FROM log))) + e.number, ?1, e.number, mine.key, e.time, e.body "
      "FROM events e JOIN runs theirs ON theirs.key = e.run "
      "JOIN runs mine ON mine.session = ?1 AND mine.epoch = theirs.epoch "
      "WHERE e.session = ?2 AND e.number <= ?3",
      to, from, last));
  return connection.run(
      "UPDATE events SET body = json_set(body, '$.of', mine.id) FROM runs theirs "
      "JOIN runs mine ON mine.session = ?1 AND mine.epoch = theirs.epoch "
      "WHERE events.session = ?1 AND theirs.session = ?2 AND json_valid(events.body) "
      "AND events.body ->> '$.kind' = 'run_ended' AND theirs.id = events.body ->> '$.of'",
      to, from);
}

}  // namespace

Result<std::int64_t> SqliteStore::complete_until(Connection& connection, const Row& row,
                                                 const core::SessionId& session,
                                                 std::int64_t last) {
  // Back to where the last run begins: whatever a run leaves open is closed before the next begins.
  std::vector<core::Event> events;
  {
    Query query = TRY(connection.query(
        "SELECT e.position, e.number, r.id, e.time, e.body FROM events e JOIN runs r "
        "ON r.key = e.run WHERE e.session = ? AND e.number <= ? ORDER BY e.number DESC",
        row.key, last));
    while (TRY(query.step())) {
      events.push_back(TRY(event_from(query, session)));
      if (std::holds_alternative<core::RunStarted>(events.back().body)) break;
    }
  }
  TurnWatch watch;
  std::int64_t complete = events.empty() ? 0 : events.back().number - 1;
  for (auto event = events.rbegin(); event != events.rend(); ++event) {
    watch.apply(event->body);
    if (watch.complete()) complete = event->number;
  }
  return complete;
}

Result<core::SessionId> SqliteStore::fork_session(const core::SessionId& from, std::int64_t last,
                                                  std::string title) {
  const auto now = clock_.now();
  auto id = core::SessionId::make(now);
  if (!base::is_utf8(title)) title = base::repair_utf8(title);
  std::int64_t end = 0;
  {
    const auto writer = TRY(connections_->writer());
    auto transaction = TRY(Transaction::begin(*writer));
    const Row row = TRY(row_of(*writer, from));
    if (last < 0 || last > row.last_number)
      return fail(Code::invalid_argument,
                  "session " + from.text + " has " + std::to_string(row.last_number) +
                      " events and none with number " + std::to_string(last));
    if (last == 0) last = row.last_number;
    end = TRY(complete_until(*writer, row, from, row.last_number));
    if (GUARD("store.fork_live", last > end && row.run_open && TRY(locks_->held(row.run))))
      return fail(Code::busy, "the last turn of session " + from.text +
                                  " is still being made by process " +
                                  std::to_string(row.owner_pid) + ": wait for it, or fork at " +
                                  std::to_string(end));
    if (last < end) end = TRY(complete_until(*writer, row, from, last));

    TRY(
        writer->run("INSERT INTO sessions (id, title, created, updated, last_number, epoch, model) "
                    "VALUES (?, ?, ?, ?, ?, 0, coalesce((SELECT body ->> '$.model' FROM events "
                    "WHERE session = ? AND number <= ? AND json_valid(body) "
                    "AND body ->> '$.kind' = 'run_started' ORDER BY number DESC LIMIT 1), ''))",
                    id.text, title, now, now, end + 1, row.key, end));
    const auto key = writer->last_row();
    TRY(writer->run("INSERT INTO session_tags SELECT ?, tag FROM session_tags WHERE session = ?",
                    key, row.key));
    TRY(copy_runs(*writer, row.key, key, end, now));
    // The fork's own event needs a run too, and the next one an epoch that no run has had.
    TRY(writer->run(
        "INSERT INTO runs (id, session, epoch, state, owner_pid, started, ended) "
        "VALUES (?, ?, ?, 'ended', ?, ?, ?)",
        core::RunId::make(now).text, key, row.epoch + 1, std::int64_t{::getpid()}, now, now));
    const auto run_key = writer->last_row();
    TRY(writer->run("UPDATE sessions SET epoch = ?, run = ? WHERE key = ?", row.epoch + 1, run_key,
                    key));
    TRY(copy_events(*writer, row.key, key, end));
    TRY(writer->run(
        "INSERT INTO events (position, session, number, run, time, body) "
        "SELECT coalesce(max(position), 0) + 1, ?, ?, ?, ?, ? FROM "
        "(SELECT max(position) AS position FROM events UNION ALL SELECT position_floor FROM log)",
        key, end + 1, run_key, now,
        base::to_text(core::body_to_json(core::SessionForked{from, end}))));
    TRY(
        writer->run("INSERT INTO blob_refs (session, blob) SELECT ?, blob FROM blob_refs "
                    "WHERE session = ?",
                    key, row.key));
    TRY(transaction.commit());
  }
  bell_.ring(id.text, end + 1);
  return id;
}

}  // namespace boxagnts::store
