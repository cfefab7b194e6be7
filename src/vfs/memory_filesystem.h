// A file system in memory: `/tmp` of a run, and tests. Lives as long as somebody holds it.
#pragma once

#include <cstdint>
#include <memory>

#include "base/time.h"
#include "vfs/filesystem.h"

namespace boxagnts::vfs {

// All files together hold at most `bytes_max` bytes (ENOSPC), and at most 65,536 entries.
// `clock` outlives the file system.
std::shared_ptr<Filesystem> make_memory_filesystem(base::Clock& clock, std::uint64_t bytes_max);

}  // namespace boxagnts::vfs
