// The change sets of a workspace: what calls wrote, held back until it is applied, undone or
// dropped.
//
// One folder each, `changes/ID` of the state folder. A change set moves files by rename, so for a
// mount on another file system it is `.boxagnts/changes/ID` in that mount's root; where that cannot
// be made because the mount is read-only, the state folder holds it, and applying it is a conflict.
// Guests see neither. What lasts of a set is vfs/change_set.h's business; which sets a session has,
// and in which state, its log says (core::ChangesKept, core::ChangesSettled).
//
// Any number of processes may hold a Changes on the same state folder: what a live one has staged
// is locked (workspace/staging.h), what a killed one left half made is cleared away by the next
// open(). Thread-safe.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "core/ids.h"
#include "vfs/change_set.h"
#include "workspace/staging.h"

namespace boxagnts::workspace {

struct ChangesQuota {
  std::uint64_t bytes_max = 2ull << 30;  // on the disk, with what came out of the targets
  std::size_t sets_max = 10'000;
};

class Changes {
 public:
  // `clock` outlives it. Errors: invalid_argument (a link or a file in the folder's place),
  // permission_denied (another user's folder), io.
  static Result<std::unique_ptr<Changes>> open(const std::string& state_folder, base::Clock& clock,
                                               ChangesQuota quota = {});
  virtual ~Changes() = default;

  // An empty folder for an overlay over the host folder `root` (absolute, canonical). Errors: as of
  // open(), not_found (no such root).
  virtual Result<Staging> stage(const std::string& root) = 0;
  // Durable from here, and room is made for it. What the overlay wrote and `changes` do not name is
  // removed first. Errors: those of vfs::ChangeSet::keep; then nothing is left of it.
  virtual Result<std::unique_ptr<vfs::ChangeSet>> keep(Staging staging,
                                                       std::vector<vfs::Change> changes) = 0;
  // `root` as it was staged for. Errors: not_found (no longer kept: over the quota, or dropped),
  // unavailable (the root, or what was mounted there, is not there now), corrupt, busy (somebody
  // works on it), io.
  virtual Result<std::unique_ptr<vfs::ChangeSet>> open_set(const core::ChangeSetId& id,
                                                           const std::string& root) = 0;
  // Damaged or not. Errors: not_found, busy, io.
  virtual Status drop(const core::ChangeSetId& id) = 0;

  // Drops the oldest sets, a few at a time, until what is kept is within the quota, and a little
  // below it, so that this is rare. keep() does it. Leaves alone what somebody works on and what
  // may wait for an answer: what nothing was ever done with, for kAskedFor; also beyond the quota.
  // What other processes kept is counted every kLookEvery times. Errors: io.
  static constexpr int kLookEvery = 64;
  static constexpr std::chrono::hours kAskedFor{30 * 24};
  virtual Status make_room() = 0;
};

}  // namespace boxagnts::workspace
