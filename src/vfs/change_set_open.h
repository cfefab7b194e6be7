// The doors of ChangeSet with a hook: for tests, which kill the program before any step, or write
// to a file just then.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vfs/change_act.h"
#include "vfs/change_set.h"

namespace boxagnts::vfs {

Result<std::unique_ptr<ChangeSet>> keep_change_set(const std::string& folder,
                                                   const std::string& root,
                                                   std::vector<Change> changes, Hook hook);
Result<std::unique_ptr<ChangeSet>> open_change_set(const std::string& folder,
                                                   const std::string& root, Hook hook);

}  // namespace boxagnts::vfs
