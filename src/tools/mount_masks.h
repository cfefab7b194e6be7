// From a grant's masks, which are globs on absolute guest paths, to the masks of one mount, which
// are globs below the mount's root. Thread-safe: functions on values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "vfs/host_filesystem.h"

namespace boxagnts::tools {

// Errors: invalid_argument for a malformed mask: nothing runs with fewer masks than were asked for.
Result<vfs::Masks> masks_of_mount(const std::vector<std::vector<std::string>>& masks,
                                  std::string_view guest_path);

}  // namespace boxagnts::tools
