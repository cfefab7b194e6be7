#include "store/schema.h"

#include <array>

#include "base/guard.h"

namespace boxagnts::store {
namespace {

// Keys are numbers inside the file and never used again (AUTOINCREMENT); ids are what others see.
// An event's position is the greatest so far plus one; `position_floor` remembers the greatest
// where a deleted session had it, so that an append writes no counter. `sessions.run` is the last
// run. `events.run` refers to runs without saying so: a declared reference would make every
// deletion of a run search all events.
constexpr Sql kVersion1 = R"sql(
CREATE TABLE log(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  position_floor INTEGER NOT NULL
) STRICT;
INSERT INTO log VALUES (1, 0);
CREATE TABLE sessions(
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  title TEXT NOT NULL,
  created INTEGER NOT NULL,
  updated INTEGER NOT NULL,
  last_number INTEGER NOT NULL,
  epoch INTEGER NOT NULL,
  run INTEGER,
  model TEXT NOT NULL
) STRICT;
CREATE TABLE runs(
  key INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  session INTEGER NOT NULL REFERENCES sessions(key),
  epoch INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('running', 'ended', 'interrupted')),
  owner_pid INTEGER NOT NULL,
  started INTEGER NOT NULL,
  ended INTEGER,
  UNIQUE (session, epoch)
) STRICT;
CREATE TABLE events(
  position INTEGER PRIMARY KEY,
  session INTEGER NOT NULL REFERENCES sessions(key),
  number INTEGER NOT NULL,
  run INTEGER NOT NULL,
  time INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (session, number)
) STRICT;
CREATE TABLE blobs(
  key INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  bytes BLOB NOT NULL
) STRICT;
CREATE TABLE blob_refs(
  session INTEGER NOT NULL REFERENCES sessions(key),
  blob INTEGER NOT NULL REFERENCES blobs(key) DEFERRABLE INITIALLY DEFERRED,
  PRIMARY KEY (session, blob)
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_refs_of_blob ON blob_refs(blob);
PRAGMA application_id = 0x42784167;
PRAGMA user_version = 1;
)sql";

// The questions without an answer, by the position of the event that asked. An older file's are
// found in its log; an event that makes no sense is left to whoever reads it.
constexpr Sql kVersion2 = R"sql(
CREATE TABLE open_questions(
  position INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  session INTEGER NOT NULL REFERENCES sessions(key),
  number INTEGER NOT NULL
) STRICT;
CREATE INDEX open_questions_of_session ON open_questions(session);
WITH said(position, session, number, kind, id) AS MATERIALIZED (
  SELECT position, session, number, body ->> '$.kind', body ->> '$.approval' FROM events
  WHERE (body GLOB '{"v":1,"kind":"approval_asked",*' OR
         body GLOB '{"v":1,"kind":"approval_answered",*') AND json_valid(body)
)
INSERT OR IGNORE INTO open_questions(position, id, session, number)
  SELECT position, id, session, number FROM said
  WHERE kind = 'approval_asked' AND typeof(id) = 'text' AND (session, id) NOT IN (
    SELECT session, id FROM said WHERE kind = 'approval_answered' AND typeof(id) = 'text')
  ORDER BY position;
PRAGMA user_version = 2;
)sql";

// Tags, and where something was said, so that a search reads nothing else.
constexpr Sql kVersion3 = R"sql(
CREATE TABLE session_tags(
  session INTEGER NOT NULL REFERENCES sessions(key),
  tag TEXT NOT NULL,
  PRIMARY KEY (session, tag)
) STRICT, WITHOUT ROWID;
CREATE INDEX session_tags_of_tag ON session_tags(tag);
CREATE INDEX events_said ON events(session, number) WHERE
  (body GLOB '{"v":1,"kind":"user_message",*' OR
   body GLOB '{"v":1,"kind":"assistant_block","block":{"type":"text",*' OR
   body GLOB '{"v":1,"kind":"brief_sent",*');
PRAGMA user_version = 3;
)sql";

constexpr std::array kMigrations = {kVersion1, kVersion2, kVersion3};

// What is in the file: the version of its tables, or a refusal.
Result<std::int64_t> version_of(Connection& connection, const Health& health, std::int64_t newest) {
  const auto version = TRY(connection.number("PRAGMA user_version"));
  const auto application = TRY(connection.number("PRAGMA application_id"));
  const bool empty = version == 0 && application == 0 &&
                     TRY(connection.number("SELECT count(*) FROM sqlite_schema")) == 0;
  if (GUARD("store.foreign", !empty && (application != kApplicationId || version < 1)))
    return refuse_foreign(health.name);
  if (GUARD("store.newer", version > newest)) return refuse_newer(health.name, version);
  return version;
}

}  // namespace

std::span<const Sql> migrations() { return kMigrations; }

std::int64_t schema_version() { return static_cast<std::int64_t>(kMigrations.size()); }

Status migrate(Connection& connection, const Health& health, std::span<const Sql> steps) {
  const auto newest = static_cast<std::int64_t>(steps.size());
  // Looked at without the write lock first: an up-to-date file opens without waiting for a writer.
  // In a transaction all the same: another process may be making the tables right now.
  const auto outdated = [&]() -> Result<bool> {
    const auto transaction = TRY(Transaction::begin(connection, Transaction::Kind::read));
    return TRY(version_of(connection, health, newest)) < newest;
  };
  while (TRY(outdated())) {
    auto transaction = TRY(Transaction::begin(connection));
    const auto version = TRY(version_of(connection, health, newest));
    if (version >= newest) break;  // another process was faster
    TRY(connection.execute(steps[static_cast<std::size_t>(version)]));
    if (TRY(connection.number("PRAGMA user_version")) != version + 1)
      return fail(Code::internal, "a migration of " + health.name + " did not set its version");
    TRY(transaction.commit());
  }
  return {};
}

std::unexpected<Error> refuse_foreign(const std::string& file) {
  return fail(Code::corrupt,
              file + " is not a database of BoxAgnts: move it away; it was left as it is");
}

std::unexpected<Error> refuse_newer(const std::string& file, std::int64_t version) {
  return fail(
      Code::unsupported,
      file + " was made by a newer BoxAgnts: use that one, or move it away; it was left as it is",
      "version " + std::to_string(version));
}

}  // namespace boxagnts::store
