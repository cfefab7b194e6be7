#include "agent/undo.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "workspace/change_events.h"

namespace boxagnts::agent {
namespace {

using core::ChangesAct;
using core::ChangesSettled;
using core::FileOutcome;
using Set = ChangeHistory::Set;

constexpr std::size_t kBatch = 256;
constexpr std::string_view kOnlyParts = "only parts of this change were applied; redo leaves it";

bool is_conflict(const core::SettledFile& file) { return file.outcome == FileOutcome::conflict; }
bool has_conflict(const ChangesSettled& settled) {
  return std::ranges::any_of(settled.files, is_conflict);
}

// --- what the log does not say ---------------------------------------------------------------

// Where an act can have been under way: at what nobody has decided, at the next to be taken back or
// put back, and at what is tried again.
std::vector<std::size_t> open_ends(const ChangeHistory& history) {
  std::vector<std::size_t> found;
  const auto undoable = history.to_undo(), redoable = history.to_redo();
  if (!undoable.empty()) found.push_back(undoable.front());
  if (!redoable.empty()) found.push_back(redoable.front());
  for (std::size_t i = 0; i < history.sets().size(); ++i) {
    const Set& set = history.sets()[i];
    if (set.state == ChangeHistory::State::proposed || set.stuck_in) found.push_back(i);
  }
  std::ranges::sort(found);
  const auto repeated = std::ranges::unique(found);
  found.erase(repeated.begin(), repeated.end());
  return found;
}

// What is in the files and not in the log, or the other way round.
std::vector<ChangesSettled> differences(const Set& set, const vfs::ChangeSet& kept) {
  // What open() says of an act that it finished.
  const auto finished =
      workspace::settled_event(set.id, set.root, ChangesAct::applied, kept.finished(), {});
  std::map<std::string, core::SettledFile> told;
  for (const auto& file : finished.files) told[file.path] = file;

  const auto forth = set.was_applied ? ChangesAct::redone : ChangesAct::applied;
  ChangesSettled put{set.id, forth, {}, "interrupted"};
  ChangesSettled taken{set.id, ChangesAct::undone, {}, "interrupted"};
  const auto states = kept.states();
  for (std::size_t i = 0; i < states.size(); ++i) {
    const std::string path = workspace::event_path(set.root, kept.changes()[i].path);
    const bool is_applied = states[i] != vfs::ChangeState::proposed;
    if (is_applied == set.applied.contains(path)) continue;
    const auto found = told.find(path);
    (is_applied ? put : taken)
        .files.push_back(found != told.end() ? found->second
                                             : core::SettledFile{path, FileOutcome::applied, {}});
  }
  std::vector<ChangesSettled> settled;
  for (auto* one : {&put, &taken}) {
    if (one->files.empty()) continue;
    std::ranges::copy_if(finished.files, std::back_inserter(one->files), is_conflict);
    settled.push_back(std::move(*one));
  }
  return settled;
}

// --- acting ----------------------------------------------------------------------------------

enum class Way : bool { back, forth };

// One undo or redo of one session, which it owns.
class Acting {
 public:
  Acting(store::Store& store, workspace::Changes& changes, Way way, std::string by)
      : store_(store), changes_(changes), way_(way), by_(std::move(by)) {}

  Result<UndoResult> act(const core::SessionId& session, std::size_t count) {
    lease_ = TRY(store_.acquire(session)).lease;
    history_ = TRY(read_history(store_, session));
    for (auto& settled : TRY(settle_interrupted(history_, changes_))) TRY(log(std::move(settled)));
    const auto sets = way_ == Way::back ? history_.to_undo() : history_.to_redo();
    if (sets.empty())
      return fail(Code::not_found, way_ == Way::back
                                       ? "there is nothing to undo in session " + session.text
                                       : "there is nothing to redo in session " + session.text +
                                             ": only what was undone since the last change is");
    for (std::size_t done = 0; const std::size_t index : sets) {
      if (done == count) break;
      const auto went = TRY(act_on(index));
      if (went == Went::stop) break;
      if (went == Went::on) ++done;
    }
    return std::move(result_);
  }

 private:
  enum class Went : std::uint8_t { on, passed_over, stop };

  ChangesAct name() const { return way_ == Way::back ? ChangesAct::undone : ChangesAct::redone; }

  Status log(ChangesSettled settled) {
    const core::EventBody body = std::move(settled);
    for (const auto& event : TRY(store_.append(*lease_, std::span(&body, 1))))
      history_.apply(event);
    return {};
  }

  Result<Went> act_on(std::size_t index) {
    const Set set = history_.sets()[index];  // a copy: the log changes it
    auto kept = changes_.open_set(set.id, set.root);
    if (!kept && kept.error().code == Code::not_found) {
      result_.settled.push_back(
          {set.id, ChangesAct::dropped, not_kept(set, kept.error().message), "no longer kept"});
      TRY(log(result_.settled.back()));
      return Went::stop;
    }
    if (!kept) return std::unexpected(std::move(kept.error()));
    const auto parts = way_ == Way::back ? parts_of(set, **kept) : std::set<std::string>();
    const auto applied =
        TRY(way_ == Way::back ? (*kept)->undo({}) : (*kept)->apply(undone_of(set, **kept)));
    auto settled = workspace::settled_event(set.id, set.root, name(), applied, by_);
    for (auto& file : settled.files)
      if (!is_conflict(file) && parts.contains(file.path)) file.reason = kOnlyParts;
    const bool stuck = has_conflict(settled);
    const bool moved = std::ranges::any_of(settled.files, [&](const core::SettledFile& file) {
      return !is_conflict(file) && set.applied.contains(file.path) == (way_ == Way::back);
    });
    const bool again = set.stuck_in == name();
    result_.settled.push_back(settled);
    if (moved || !again) TRY(log(std::move(settled)));
    if (!stuck) return Went::on;
    return again && !moved ? Went::passed_over : Went::stop;
  }

  static std::vector<core::SettledFile> not_kept(const Set& set, const std::string& reason) {
    std::vector<core::SettledFile> files;
    for (const auto& file : set.files) files.push_back({file.path, FileOutcome::conflict, reason});
    return files;
  }

  // Files of which only some hunks are applied: the rest was not wanted, so that redo, which puts
  // back files whole, leaves them.
  static std::set<std::string> parts_of(const Set& set, const vfs::ChangeSet& kept) {
    std::set<std::string> parts;
    const auto states = kept.states();
    for (std::size_t i = 0; i < states.size(); ++i)
      if (states[i] == vfs::ChangeState::partly)
        parts.insert(workspace::event_path(set.root, kept.changes()[i].path));
    return parts;
  }

  // What the undo took back and no more: what was never applied, nobody wanted.
  static vfs::Selection undone_of(const Set& set, const vfs::ChangeSet& kept) {
    vfs::Selection selection;
    for (const auto& change : kept.changes())
      if (set.undone.contains(workspace::event_path(set.root, change.path)))
        selection.files.push_back({change.path, {}});
    return selection;
  }

  store::Store& store_;
  workspace::Changes& changes_;
  const Way way_;
  const std::string by_;
  std::unique_ptr<store::RunLease> lease_;
  ChangeHistory history_;
  UndoResult result_;
};

}  // namespace

bool UndoResult::has_conflicts() const { return std::ranges::any_of(settled, has_conflict); }

Result<ChangeHistory> read_history(store::Store& store, const core::SessionId& session) {
  TRY(store.session(session));
  ChangeHistory history;
  for (std::int64_t after = 0;;) {
    const auto events = TRY(store.read(session, after, kBatch));
    for (const auto& event : events) history.apply(event);
    if (events.size() < kBatch) return history;
    after = events.back().number;
  }
}

Result<std::vector<ChangesSettled>> settle_interrupted(const ChangeHistory& history,
                                                       workspace::Changes& changes) {
  std::vector<ChangesSettled> settled;
  for (const std::size_t index : open_ends(history)) {
    const Set& set = history.sets()[index];
    const auto kept = changes.open_set(set.id, set.root);
    if (kept) {
      std::ranges::move(differences(set, **kept), std::back_inserter(settled));
    } else if (kept.error().code == Code::not_found) {
      if (set.state == ChangeHistory::State::proposed)
        settled.push_back({set.id, ChangesAct::dropped, {}, "interrupted"});
    } else if (kept.error().code == Code::io) {
      return std::unexpected(kept.error());
    }
  }
  return settled;
}

Result<UndoResult> undo(store::Store& store, workspace::Changes& changes,
                        const core::SessionId& session, std::size_t count, const std::string& by) {
  return Acting(store, changes, Way::back, by).act(session, count);
}

Result<UndoResult> redo(store::Store& store, workspace::Changes& changes,
                        const core::SessionId& session, std::size_t count, const std::string& by) {
  return Acting(store, changes, Way::forth, by).act(session, count);
}

Status delete_session(store::Store& store, workspace::Changes& changes,
                      const core::SessionId& session) {
  const auto history = TRY(read_history(store, session));
  TRY(store.delete_session(session));
  for (const auto& set : history.sets()) {
    const auto dropped = changes.drop(set.id);
    if (!dropped && dropped.error().code != Code::not_found) return dropped;
  }
  return {};
}

}  // namespace boxagnts::agent
