// The Store on SQLite. Implementation header of this room; store.h is the contract.
#pragma once

#include <functional>
#include <memory>

#include "store/bell.h"
#include "store/connections.h"
#include "store/run_locks.h"
#include "store/store.h"

namespace boxagnts::store {

class SqliteStore final : public Store {
 public:
  SqliteStore(std::unique_ptr<Connections> connections, std::unique_ptr<RunLocks> locks,
              base::Clock& clock);

  Result<core::SessionId> create_session(std::string title) override;
  Result<SessionInfo> session(const core::SessionId& id) override;
  Result<std::vector<SessionInfo>> sessions(std::size_t limit,
                                            const std::optional<SessionCursor>& behind) override;
  Result<SessionPage> find_sessions(const SessionWish& wish, std::size_t limit,
                                    const std::optional<SessionCursor>& behind) override;
  Status change_session(const core::SessionId& id, const SessionChange& change) override;
  Result<std::vector<TagCount>> tags() override;
  Status delete_session(const core::SessionId& id) override;
  Result<core::SessionId> fork_session(const core::SessionId& from, std::int64_t last,
                                       std::string title) override;
  Result<Acquired> acquire(const core::SessionId& session) override;
  Result<RunInfo> run(const core::RunId& id) override;
  Result<std::vector<RunInfo>> live_runs() override;
  Result<std::vector<core::Event>> append(const RunLease& lease,
                                          std::span<const core::EventBody> bodies) override;
  Result<std::vector<core::Event>> read(const core::SessionId& session, std::int64_t after,
                                        std::size_t limit) override;
  Result<std::vector<core::Event>> read_all(std::int64_t after, std::size_t limit) override;
  Result<std::int64_t> last_position() override;
  Result<std::int64_t> number_at(const core::SessionId& session, std::int64_t position) override;
  Result<bool> wait(const core::SessionId& session, std::int64_t after, std::stop_token stop,
                    base::Steady deadline) override;
  Result<std::vector<OpenQuestion>> open_questions() override;
  Result<OpenQuestion> open_question(const core::ApprovalId& id) override;
  Result<std::string> put_blob(const core::SessionId& session, std::string_view bytes) override;
  Result<std::string> blob(const std::string& id) override;
  Result<std::string> blob(const core::SessionId& session, const std::string& id) override;

 private:
  class Lease;

  // A row of sessions beside its last run.
  struct Row {
    std::int64_t key = 0;
    std::int64_t epoch = 0;
    std::int64_t run_key = 0;
    core::RunId run;
    std::int64_t owner_pid = 0;
    std::int64_t last_number = 0;
    bool run_open = false;  // neither ended nor interrupted: its owner lives, or died
  };

  Result<Row> row_of(Connection& connection, const core::SessionId& id);
  Result<SessionInfo> info_from(const Query& query);
  struct Listed {
    SessionInfo info;
    std::int64_t key = 0;
  };
  Result<std::vector<Listed>> list(std::int64_t limit, const std::string& tag,
                                   const std::optional<SessionCursor>& behind);
  // `goes_on` is told the size of each text before it is looked at.
  Status search_texts(std::int64_t session, std::vector<std::string>& missing,
                      std::optional<FoundAt>& found,
                      const std::function<bool(std::size_t)>& goes_on);
  Result<RunInfo> run_from(const Query& query);
  // The number of the session's last event.
  Result<std::int64_t> last_number(const core::SessionId& session);
  Result<core::Event> event_from(const Query& query, core::SessionId session);
  // Where a fork of the events up to `last` ends: the number of the last one that no unfinished
  // turn holds.
  Result<std::int64_t> complete_until(Connection& connection, const Row& row,
                                      const core::SessionId& session, std::int64_t last);
  // Rings for what other processes committed.
  Status look_around();
  void end_run(const core::RunId& run);

  const std::unique_ptr<Connections> connections_;
  const std::unique_ptr<RunLocks> locks_;
  base::Clock& clock_;
  Bell bell_;
};

std::unexpected<Error> no_session(const core::SessionId& id);

}  // namespace boxagnts::store
