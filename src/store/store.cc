#include "store/store.h"

#include "base/guard.h"
#include "base/hash.h"
#include "base/text.h"
#include "store/database_file.h"
#include "store/sqlite_store.h"

namespace boxagnts::store {
namespace {

constexpr base::Milliseconds kLookEvery{100};

std::unexpected<Error> no_blob(const std::string& id) {
  return fail(Code::not_found, "there is no blob " + base::one_line(id, 80));
}

}  // namespace

Result<std::unique_ptr<Store>> Store::open(const std::string& state_folder, base::Clock& clock) {
  TRY(prepare_folder(state_folder));
  auto connections = TRY(Connections::open_file(state_folder + "/state.db"));
  const std::string runs = state_folder + "/runs";
  TRY(prepare_folder(runs));
  return std::make_unique<SqliteStore>(std::move(connections), make_file_run_locks(runs), clock);
}

Result<std::unique_ptr<Store>> Store::open_in_memory(base::Clock& clock) {
  auto connections = TRY(Connections::open_memory());
  return std::make_unique<SqliteStore>(std::move(connections), make_memory_run_locks(), clock);
}

SqliteStore::SqliteStore(std::unique_ptr<Connections> connections, std::unique_ptr<RunLocks> locks,
                         base::Clock& clock)
    : connections_(std::move(connections)),
      locks_(std::move(locks)),
      clock_(clock),
      bell_(connections_->in_memory() ? std::nullopt : std::optional(kLookEvery)) {}

std::unexpected<Error> no_session(const core::SessionId& id) {
  return fail(Code::not_found, "there is no session " + base::one_line(id.text, 80));
}

// --- sessions ----------------------------------------------------------------------------------

Result<core::SessionId> SqliteStore::create_session(std::string title) {
  const auto now = clock_.now();
  auto id = core::SessionId::make(now);
  if (!base::is_utf8(title)) title = base::repair_utf8(title);
  const auto writer = TRY(connections_->writer());
  TRY(
      writer->run("INSERT INTO sessions (id, title, created, updated, last_number, epoch, model) "
                  "VALUES (?, ?, ?, ?, 0, 0, '')",
                  id.text, title, now, now));
  return id;
}

Status SqliteStore::delete_session(const core::SessionId& id) {
  core::RunId dead;
  {
    const auto writer = TRY(connections_->writer());
    auto transaction = TRY(Transaction::begin(*writer));
    const Row row = TRY(row_of(*writer, id));
    if (row.run_open) {
      if (GUARD("store.delete_live", TRY(locks_->held(row.run))))
        return fail(Code::busy, "session " + id.text + " is in use by process " +
                                    std::to_string(row.owner_pid) + " (run " + row.run.text +
                                    "): wait for it or cancel it, then delete");
      dead = row.run;
    }
    TRY(
        writer->run("UPDATE log SET position_floor = "
                    "max(position_floor, (SELECT coalesce(max(position), 0) FROM events))"));
    TRY(writer->run("DELETE FROM open_questions WHERE session = ?", row.key));
    TRY(writer->run("DELETE FROM session_tags WHERE session = ?", row.key));
    TRY(writer->run("DELETE FROM events WHERE session = ?", row.key));
    TRY(writer->run("DELETE FROM runs WHERE session = ?", row.key));
    TRY(writer->run(
        "DELETE FROM blobs WHERE key IN (SELECT blob FROM blob_refs WHERE session = ?1) "
        "AND NOT EXISTS (SELECT 1 FROM blob_refs WHERE blob = blobs.key "
        "AND session <> ?1)",
        row.key));
    TRY(writer->run("DELETE FROM blob_refs WHERE session = ?", row.key));
    TRY(writer->run("DELETE FROM sessions WHERE key = ?", row.key));
    TRY(transaction.commit());
  }
  if (!dead.empty()) locks_->remove(dead);
  bell_.ring_gone(id.text);
  return {};
}

Result<SqliteStore::Row> SqliteStore::row_of(Connection& connection, const core::SessionId& id) {
  Query query = TRY(connection.query(
      "SELECT s.key, s.epoch, r.key, r.id, r.owner_pid, s.last_number, r.state = 'running' "
      "FROM sessions s "
      "LEFT JOIN runs r ON r.key = s.run WHERE s.id = ?",
      id.text));
  if (!TRY(query.step())) return no_session(id);
  return Row{.key = query.integer(0),
             .epoch = query.integer(1),
             .run_key = query.integer(2),
             .run = {std::string(query.text(3))},
             .owner_pid = query.integer(4),
             .last_number = query.integer(5),
             .run_open = query.integer(6) != 0};
}

// --- blobs -------------------------------------------------------------------------------------

Result<std::string> SqliteStore::put_blob(const core::SessionId& session, std::string_view bytes) {
  std::string hash = base::blake2b_hex(bytes);
  const auto writer = TRY(connections_->writer());
  auto transaction = TRY(Transaction::begin(*writer));
  const Row row = TRY(row_of(*writer, session));
  TRY(writer->run("INSERT INTO blobs (hash, bytes) VALUES (?, ?) ON CONFLICT DO NOTHING", hash,
                  Bytes{bytes}));
  TRY(
      writer->run("INSERT INTO blob_refs (session, blob) "
                  "SELECT ?, key FROM blobs WHERE hash = ? ON CONFLICT DO NOTHING",
                  row.key, hash));
  TRY(transaction.commit());
  return hash;
}

Result<std::string> SqliteStore::blob(const core::SessionId& session, const std::string& id) {
  {
    const auto reader = TRY(connections_->reader());
    Query query = TRY(reader->query(
        "SELECT 1 FROM blob_refs r JOIN blobs b ON b.key = r.blob JOIN sessions s ON s.key = "
        "r.session WHERE s.id = ? AND b.hash = ?",
        session.text, id));
    const bool kept = TRY(query.step());
    if (GUARD("store.blob_session", !kept)) return no_blob(id);
  }
  return blob(id);
}

Result<std::string> SqliteStore::blob(const std::string& id) {
  std::string bytes;
  {
    const auto reader = TRY(connections_->reader());
    Query query = TRY(reader->query("SELECT bytes FROM blobs WHERE hash = ?", id));
    if (!TRY(query.step())) return no_blob(id);
    bytes = query.text(0);
  }
  // The pages of a large value carry nothing by which SQLite would notice damage.
  if (GUARD("store.blob_hash", base::blake2b_hex(bytes) != id))
    return connections_->health().damage("blob " + id + " is not what was stored");
  return bytes;
}

}  // namespace boxagnts::store
