// What the log says of change sets: the values of core made from those of vfs. Thread-safe:
// functions on values.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/event.h"
#include "vfs/change_set.h"

namespace boxagnts::workspace {

// The absolute path of a change, as events tell it: UTF-8, repaired where the name is none.
std::string event_path(const std::string& root, const std::string& path);

// Of a diff over all of a change set; folders too.
std::vector<core::FileChange> file_changes(const std::string& root,
                                           std::span<const vfs::FileDiff> diffs);

// Every path of an act, folders too: ChangeHistory believes no less.
core::ChangesSettled settled_event(const core::ChangeSetId& id, const std::string& root,
                                   core::ChangesAct act, std::span<const vfs::Applied> files,
                                   std::string by);

}  // namespace boxagnts::workspace
