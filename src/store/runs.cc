// Runs: who may append to a session.
#include <unistd.h>

#include "base/guard.h"
#include "base/log.h"
#include "base/text.h"
#include "store/sqlite_store.h"

namespace boxagnts::store {

class SqliteStore::Lease final : public RunLease {
 public:
  Lease(SqliteStore& store, core::SessionId session, core::RunId run, std::int64_t epoch,
        std::unique_ptr<RunLock> lock)
      : store_(store),
        session_(std::move(session)),
        run_(std::move(run)),
        epoch_(epoch),
        lock_(std::move(lock)) {}
  // The row says so before the lock is let go: nobody can take an ended run for a dead one.
  ~Lease() override { store_.end_run(run_); }

  const core::SessionId& session() const override { return session_; }
  const core::RunId& run() const override { return run_; }
  std::int64_t epoch() const override { return epoch_; }

 private:
  SqliteStore& store_;
  const core::SessionId session_;
  const core::RunId run_;
  const std::int64_t epoch_;
  const std::unique_ptr<RunLock> lock_;
};

Result<Store::Acquired> SqliteStore::acquire(const core::SessionId& session) {
  const auto now = clock_.now();
  const auto run = core::RunId::make(now);
  std::unique_ptr<RunLock> lock;
  std::optional<core::RunId> interrupted;
  std::int64_t epoch = 0;
  {
    const auto writer = TRY(connections_->writer());
    auto transaction = TRY(Transaction::begin(*writer));
    const Row row = TRY(row_of(*writer, session));
    if (row.run_open) {
      if (GUARD("store.live_run", TRY(locks_->held(row.run))))
        return fail(Code::busy, "session " + session.text + " is in use by process " +
                                    std::to_string(row.owner_pid) + " (run " + row.run.text +
                                    "): wait for it or cancel it there");
      TRY(writer->run("UPDATE runs SET state = 'interrupted', ended = ? WHERE key = ?", now,
                      row.run_key));
      interrupted = row.run;
    }
    epoch = row.epoch + 1;
    // Held before anybody can read of the run.
    lock = TRY(locks_->take(run));
    TRY(
        writer->run("INSERT INTO runs (id, session, epoch, state, owner_pid, started) "
                    "VALUES (?, ?, ?, 'running', ?, ?)",
                    run.text, row.key, epoch, std::int64_t{::getpid()}, now));
    TRY(writer->run("UPDATE sessions SET epoch = ?, run = ? WHERE key = ?", epoch,
                    writer->last_row(), row.key));
    TRY(transaction.commit());
  }
  if (interrupted) locks_->remove(*interrupted);
  return Acquired{std::make_unique<Lease>(*this, session, run, epoch, std::move(lock)),
                  std::move(interrupted)};
}

Result<RunInfo> SqliteStore::run_from(const Query& query) {
  RunInfo info{.id = {std::string(query.text(0))},
               .session = {std::string(query.text(1))},
               .owner_pid = query.integer(2),
               .started = query.integer(3)};
  info.live = query.integer(4) != 0 && TRY(locks_->held(info.id));
  return info;
}

Result<RunInfo> SqliteStore::run(const core::RunId& id) {
  const auto reader = TRY(connections_->reader());
  Query query = TRY(
      reader->query("SELECT r.id, s.id, r.owner_pid, r.started, r.state = 'running' FROM runs r "
                    "JOIN sessions s ON s.key = r.session WHERE r.id = ?",
                    id.text));
  if (!TRY(query.step()))
    return fail(Code::not_found, "there is no run " + base::one_line(id.text, 80));
  return run_from(query);
}

Result<std::vector<RunInfo>> SqliteStore::live_runs() {
  const auto reader = TRY(connections_->reader());
  Query query =
      TRY(reader->query("SELECT r.id, s.id, r.owner_pid, r.started, 1 FROM sessions s "
                        "JOIN runs r ON r.key = s.run WHERE r.state = 'running' ORDER BY r.key"));
  std::vector<RunInfo> runs;
  while (TRY(query.step()))
    if (auto info = TRY(run_from(query)); info.live) runs.push_back(std::move(info));
  return runs;
}

void SqliteStore::end_run(const core::RunId& run) {
  const auto end = [&]() -> Status {
    const auto writer = TRY(connections_->writer());
    return writer->run(
        "UPDATE runs SET state = 'ended', ended = ? WHERE id = ? AND state = 'running'",
        clock_.now(), run.text);
  };
  // The run then counts as interrupted, which the next one repairs.
  if (const auto ended = end(); !ended)
    base::log(base::LogLevel::warning, "store",
              "the end of run " + run.text + " was not stored: " + ended.error().message);
}

}  // namespace boxagnts::store
