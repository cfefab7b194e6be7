// Copies an entry of one folder into another: files with their permissions, links as links, folders
// with all that is in them. Thread-safe: a function on values; blocks on disk.
#pragma once

#include <stop_token>
#include <string>

#include "base/error.h"
#include "vfs/filesystem.h"

namespace boxagnts::workspace {

struct Copying {
  static constexpr std::size_t kEntriesMax = 100'000;

  std::shared_ptr<vfs::Directory> from;
  std::string name;
  std::shared_ptr<vfs::Directory> to;  // where nothing of `to_name` is
  std::string to_name;
};

// What was copied before an error stays. Errors: an errno, with the path below `name` that it met:
// ENXIO for what is no file, folder or link, EMFILE beyond kEntriesMax, ECANCELED on stop.
struct CopyError {
  int number = 0;
  std::string path;  // "" = the entry itself
};
std::expected<void, CopyError> copy_tree(const Copying& copying, const std::stop_token& stop);

}  // namespace boxagnts::workspace
