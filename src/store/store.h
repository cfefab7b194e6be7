// What lasts: the event log, sessions, runs and blobs of one workspace, in one SQLite file
// (`state.db` in the state folder; WAL, synchronous=NORMAL: an acknowledged event survives kill
// -9).
//
// Thread-safe. Any number of processes may hold a Store on the same folder. Writers wait for each
// other at most 5 s (then busy). Appending costs the same at event 10 and at event 100,000. A
// damaged or newer file is refused and never changed (corrupt, unsupported).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "core/event.h"

namespace boxagnts::store {

struct SessionInfo {
  core::SessionId id;
  std::string title;
  base::Timestamp created = 0;
  base::Timestamp updated = 0;
  std::int64_t events = 0;
  std::string model;               // of the last run
  bool running = false;            // a live process owns a run of it
  std::optional<core::RunId> run;  // that one
  std::vector<std::string> tags;   // sorted
  std::int64_t waiting = 0;        // questions without an answer
};

constexpr std::size_t kTagsMax = 20;  // of a session
constexpr std::int64_t kTagCharactersMax = 40;

// What is to be another one; the rest stays.
struct SessionChange {
  std::optional<std::string> title;
  std::optional<std::vector<std::string>> tags;
};

struct TagCount {
  std::string tag;
  std::int64_t sessions = 0;
  bool operator==(const TagCount&) const = default;
};

// Which sessions are wanted; "" wants all.
struct SessionWish {
  std::string words;  // each is held by the title, a tag or what was said, in any letter case
  std::string tag;    // exactly
};
// Where a word of a search was said first: the event's number, and the line.
struct FoundAt {
  std::int64_t number = 0;
  std::string text;
};
struct FoundSession {
  SessionInfo info;
  std::optional<FoundAt> found;  // none: the title and tags hold all words
};

// As doors show them.
JsonObject to_json(const SessionInfo& session);
JsonObject to_json(const FoundSession& found);

// Where a list of sessions goes on: behind the last one of the page before.
struct SessionCursor {
  base::Timestamp updated = 0;
  core::SessionId id;
};

struct SessionPage {
  std::vector<FoundSession> sessions;
  std::optional<SessionCursor> next;  // behind which the next page begins
  bool complete = true;  // false: the search stopped before its end; it goes on at `next`
};

struct RunInfo {
  core::RunId id;
  core::SessionId session;
  std::int64_t owner_pid = 0;
  base::Timestamp started = 0;
  bool live = false;  // a process holds it now
};

// A question that has no answer yet, and the event that asked it.
struct OpenQuestion {
  core::ApprovalId id;
  core::SessionId session;
  std::int64_t number = 0;
  bool operator==(const OpenQuestion&) const = default;
};

// The right to append to a session: one live run owns it. Released by the destructor (the run's
// lock file is unlocked); a process that dies releases it by dying. A lease whose epoch was
// overtaken is fenced: its appends are refused (conflict).
class RunLease {
 public:
  virtual ~RunLease() = default;
  virtual const core::SessionId& session() const = 0;
  virtual const core::RunId& run() const = 0;
  virtual std::int64_t epoch() const = 0;
};

class Store {
 public:
  // Makes the folder's content when it is new; migrates older versions. `clock` outlives the store.
  static Result<std::unique_ptr<Store>> open(const std::string& state_folder, base::Clock& clock);
  // The same without a file, for tests.
  static Result<std::unique_ptr<Store>> open_in_memory(base::Clock& clock);
  virtual ~Store() = default;

  // --- sessions ---
  virtual Result<core::SessionId> create_session(std::string title) = 0;
  virtual Result<SessionInfo> session(const core::SessionId& id) = 0;  // not_found
  // The one that changed last comes first; what changes between two pages may be seen twice or not
  // at all.
  virtual Result<std::vector<SessionInfo>> sessions(std::size_t limit,
                                                    const std::optional<SessionCursor>& behind) = 0;
  // The same for some of them. What was said is looked at as it is: one search looks at no more
  // than 50,000 texts or 32 MiB, and says where it stopped.
  virtual Result<SessionPage> find_sessions(const SessionWish& wish, std::size_t limit,
                                            const std::optional<SessionCursor>& behind) = 0;
  // Errors: not_found; invalid_argument (a tag that is none, more than 20).
  virtual Status change_session(const core::SessionId& id, const SessionChange& change) = 0;
  virtual Result<std::vector<TagCount>> tags() = 0;  // sorted
  virtual Status delete_session(
      const core::SessionId& id) = 0;  // whole, one transaction; busy if live
  // A new session that begins with the other's events 1 to `last` (0: all) and ends with a
  // SessionForked; in one transaction. An unfinished turn at the end is left out: the copy ends
  // where every answer is complete and every call has its result. Bodies and times are the same;
  // runs are new ones, ended, also where a body names one; no question is open in it; it refers to
  // all the other's blobs. Errors: not_found; invalid_argument (the other has no event `last`);
  // busy where `last` lies in the turn that a live run is making.
  virtual Result<core::SessionId> fork_session(const core::SessionId& from, std::int64_t last,
                                               std::string title) = 0;

  // --- runs ---
  // Takes the session for a new run. Errors: not_found; busy when a live run owns it (the message
  // names its process). A run whose owner died is fenced first, and its id is in `interrupted`: the
  // caller closes it (every open call gets a result) before anything else.
  struct Acquired {
    std::unique_ptr<RunLease> lease;
    std::optional<core::RunId> interrupted;
  };
  virtual Result<Acquired> acquire(const core::SessionId& session) = 0;
  virtual Result<RunInfo> run(const core::RunId& id) = 0;  // not_found
  // Of all processes, oldest first.
  virtual Result<std::vector<RunInfo>> live_runs() = 0;

  // --- log ---
  // Appends in order, in one transaction; all or none. Returns the finished events. Errors:
  // conflict when the lease is fenced.
  virtual Result<std::vector<core::Event>> append(const RunLease& lease,
                                                  std::span<const core::EventBody> bodies) = 0;
  // Events of a session with number > `after`, in order, at most `limit`.
  virtual Result<std::vector<core::Event>> read(const core::SessionId& session, std::int64_t after,
                                                std::size_t limit) = 0;
  // Events of all sessions with position > `after`, in order, at most `limit`. Positions of deleted
  // sessions are missing; a lower one never comes later.
  virtual Result<std::vector<core::Event>> read_all(std::int64_t after, std::size_t limit) = 0;
  // The highest position ever given out, 0 when there is none.
  virtual Result<std::int64_t> last_position() = 0;
  // The number of the session's last event at or before a position, 0 when there is none: where
  // who knows a position reads on. Costs the logarithm of the session's length. Errors: not_found.
  virtual Result<std::int64_t> number_at(const core::SessionId& session, std::int64_t position) = 0;
  // Waits until the session has an event with number > `after`, the deadline, or the stop. Appends
  // of this process wake at once, those of others within 100 ms.
  virtual Result<bool> wait(const core::SessionId& session, std::int64_t after,
                            std::stop_token stop, base::Steady deadline) = 0;

  // --- questions ---
  // What was asked (ApprovalAsked) and has no answer (ApprovalAnswered) in its session: kept by
  // append, in its transaction. Oldest first.
  virtual Result<std::vector<OpenQuestion>> open_questions() = 0;
  virtual Result<OpenQuestion> open_question(const core::ApprovalId& id) = 0;  // not_found

  // --- blobs ---
  // Content-addressed, kept while a session refers to it.
  virtual Result<std::string> put_blob(const core::SessionId& session, std::string_view bytes) = 0;
  virtual Result<std::string> blob(const std::string& id) = 0;  // not_found
  // The same where this session refers to it; another's is not_found, too.
  virtual Result<std::string> blob(const core::SessionId& session, const std::string& id) = 0;
};

}  // namespace boxagnts::store
