#include "vfs/filesystem.h"

#include <cerrno>

namespace boxagnts::vfs {

Sys<void> File::allocate(std::uint64_t offset, std::uint64_t size) {
  const auto now = stat();
  if (!now) return std::unexpected(now.error());
  if (now->size >= offset + size) return {};
  return resize(offset + size);
}

Sys<Directory::Opened> Directory::open_plain(std::string_view, OpenFlags) {
  return std::unexpected(ELOOP);
}

Sys<Stat> Directory::stat_plain(std::string_view) { return std::unexpected(ELOOP); }

bool Directory::holds_hidden() { return false; }

bool Directory::holds_mount(std::string_view) const { return false; }

Directory* Directory::underlying() { return this; }

}  // namespace boxagnts::vfs
