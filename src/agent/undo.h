// Taking back what a session changed, putting it back, and showing it.
//
// Undo and redo act on whole change sets, as calls made them, and on nothing else: what a person
// changed since is merged or left as it is, file by file, and the result says which and why. Each
// set's ChangesSettled is in the log before the next is begun; of an act whose process was killed
// before that, settle_interrupted() tells the log what came of it. Thread-safe; one process at a
// time works on a session (busy).
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "agent/change_history.h"
#include "base/error.h"
#include "core/event.h"
#include "store/store.h"
#include "workspace/changes.h"

namespace boxagnts::agent {

// What the log says of a session. Errors: not_found, io.
Result<ChangeHistory> read_history(store::Store& store, const core::SessionId& session);

// What the log does not say yet: acts on change sets that were killed, or killed before their
// event. Finishes those that were begun. To be appended by who owns the session, before anything
// else. A set that somebody works on now, that is damaged, or whose folder is not there now
// is left alone. Errors: io.
Result<std::vector<core::ChangesSettled>> settle_interrupted(const ChangeHistory& history,
                                                             workspace::Changes& changes);

struct UndoResult {
  std::vector<core::ChangesSettled> settled;  // in the order of the acts
  bool has_conflicts() const;
};
// The last `count` sets that are in the files, the last one first. Stops behind one with conflicts,
// and behind one that is no longer kept (`dropped`). One that an earlier undo left in conflict is
// tried again; if it is still in conflict it is told again and stands in the way no more. Errors:
// busy (somebody works on the session), not_found (no such session, or nothing to undo), io.
Result<UndoResult> undo(store::Store& store, workspace::Changes& changes,
                        const core::SessionId& session, std::size_t count, const std::string& by);
// The same for what was undone since something new was applied last, the first one first: exactly
// the files that the undo took back.
Result<UndoResult> redo(store::Store& store, workspace::Changes& changes,
                        const core::SessionId& session, std::size_t count, const std::string& by);

// Whole, with its change sets. Errors: not_found, busy (a live run owns it), io.
Status delete_session(store::Store& store, workspace::Changes& changes,
                      const core::SessionId& session);

}  // namespace boxagnts::agent
