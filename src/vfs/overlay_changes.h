// What differs from below, told as changes. Part of vfs/overlay.h.
#pragma once

#include <vector>

#include "vfs/overlay_tree.h"

namespace boxagnts::vfs {

// Takes the tree's lock for as long as it works.
Result<std::vector<Change>> changes_of(Tree& tree);

}  // namespace boxagnts::vfs
