// What of a session's changes is in the files: a projection of its log.
//
// Facts come from core::ChangesKept and core::ChangesSettled alone; what a fork took over from
// another session is that session's to undo. One thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/event.h"

namespace boxagnts::agent {

class ChangeHistory {
 public:
  // proposed: kept, and nobody has decided. partly: a conflict left some files where they were.
  // undone: nothing of it is in the files. dropped: not kept any more, or never wanted.
  enum class State : std::uint8_t { proposed, applied, partly, undone, dropped };

  struct Set {
    core::ChangeSetId id;
    std::string call_id, root;
    State state = State::proposed;
    std::vector<core::FileChange> files;
    std::set<std::string> applied;             // paths whose change is in the files
    std::set<std::string> undone;              // paths that redo would put back
    std::optional<core::ChangesAct> stuck_in;  // the last act on it, where it left a conflict
    bool was_applied = false;                  // ever
    std::size_t undone_after = 0;              // how many sets had been applied by then
  };

  // In the order of the log. Costs what the event's own files cost.
  void apply(const core::Event& event);

  const std::vector<Set>& sets() const { return sets_; }
  // Which of sets() an undo takes back, the one that was applied last first.
  std::vector<std::size_t> to_undo() const;
  // Which a redo puts back, the one that was applied first first. Applying something new gives up
  // what had been undone.
  std::vector<std::size_t> to_redo() const;

 private:
  void settle(const core::ChangesSettled& settled);

  std::vector<Set> sets_;
  std::unordered_map<core::ChangeSetId, std::size_t> by_id_;
  std::vector<std::size_t> order_;  // of sets_, as they were applied for the first time
};
// "proposed", "applied", ...
std::string_view name_of(ChangeHistory::State state);

}  // namespace boxagnts::agent
