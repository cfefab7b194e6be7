#include "vfs/filesystem.h"

#include <cerrno>

namespace boxagnts::vfs {

Sys<Directory::Opened> Directory::open_plain(std::string_view, OpenFlags) {
  return std::unexpected(ELOOP);
}

Sys<Stat> Directory::stat_plain(std::string_view) { return std::unexpected(ELOOP); }

bool Directory::holds_mount(std::string_view) const { return false; }

Directory* Directory::underlying() { return this; }

}  // namespace boxagnts::vfs
