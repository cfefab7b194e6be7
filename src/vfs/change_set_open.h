// The doors of ChangeSet with a hook and a smaller bound: for tests, which kill the program before
// any step, or write to a file just then.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vfs/change_act.h"
#include "vfs/change_set.h"

namespace boxagnts::vfs {

// Of the manifest and of the journal, written and read.
constexpr std::size_t kManifestBytesMax = 256u << 20;

Result<std::unique_ptr<ChangeSet>> keep_change_set(
    const std::string& folder, const std::string& root, std::vector<Change> changes, Hook hook,
    std::size_t manifest_bytes_max = kManifestBytesMax);
Result<std::unique_ptr<ChangeSet>> open_change_set(
    const std::string& folder, const std::string& root, Hook hook,
    std::size_t manifest_bytes_max = kManifestBytesMax);

}  // namespace boxagnts::vfs
