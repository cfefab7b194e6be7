#include "workspace/change_events.h"

#include "base/text.h"

namespace boxagnts::workspace {
namespace {

core::FileOutcome outcome_of(vfs::Outcome outcome) {
  switch (outcome) {
    case vfs::Outcome::applied: return core::FileOutcome::applied;
    case vfs::Outcome::merged: return core::FileOutcome::merged;
    case vfs::Outcome::already: return core::FileOutcome::already;
    case vfs::Outcome::conflict: break;
  }
  return core::FileOutcome::conflict;
}

void count_lines(const vfs::Hunk& hunk, core::FileChange& change) {
  for (std::size_t at = 0; at < hunk.text.size();) {
    change.lines_added += hunk.text[at] == '+';
    change.lines_removed += hunk.text[at] == '-';
    const auto end = hunk.text.find('\n', at);
    at = end == std::string::npos ? hunk.text.size() : end + 1;
  }
}

}  // namespace

std::string event_path(const std::string& root, const std::string& path) {
  return base::repair_utf8((root == "/" ? "" : root) + "/" + path);
}

std::vector<core::FileChange> file_changes(const std::string& root,
                                           std::span<const vfs::FileDiff> diffs) {
  std::vector<core::FileChange> changes;
  for (const auto& diff : diffs) {
    core::FileChange change{.path = event_path(root, diff.path), .opaque = diff.opaque};
    // What a rename brought stood elsewhere: here it is new.
    if (!diff.before || !diff.renamed_from.empty()) change.kind = core::FileChangeKind::added;
    if (!diff.after) change.kind = core::FileChangeKind::removed;
    if (diff.renamed_to.empty())  // else its lines are not gone
      for (const auto& hunk : diff.hunks) count_lines(hunk, change);
    changes.push_back(std::move(change));
  }
  return changes;
}

core::ChangesSettled settled_event(const core::ChangeSetId& id, const std::string& root,
                                   core::ChangesAct act, std::span<const vfs::Applied> files,
                                   std::string by) {
  core::ChangesSettled settled{id, act, {}, std::move(by)};
  for (const auto& file : files)
    settled.files.push_back(
        {event_path(root, file.path), outcome_of(file.outcome), base::repair_utf8(file.reason)});
  return settled;
}

}  // namespace boxagnts::workspace
