// The system calls below a folder that both the host file system and the change set make, and the
// values they speak in. openat2 is called here only. Thread-safe: functions on values.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstdint>

#include "vfs/filesystem.h"

namespace boxagnts::vfs {

enum class Links : bool { refused, followed };

// Opens below `directory` without following any link; -1 and errno, where ELOOP says that a link is
// on the way. Never blocks on a FIFO, never takes a terminal, retries while somebody renames.
int open_beneath(int directory, const char* path, int flags, unsigned mode = 0,
                 Links links = Links::refused);

Kind kind_of(unsigned mode);
Stat to_stat(const struct stat& status);
std::array<timespec, 2> to_timespecs(const NewTimes& times);

}  // namespace boxagnts::vfs
