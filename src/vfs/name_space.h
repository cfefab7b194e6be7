// The name space of one guest: mounts under a synthetic root, and the one resolver over them.
//
// Mounts stand at absolute guest paths and may nest; `/`, unless something is mounted there, and
// the folders between are synthetic and read-only. Paths resolve below a start directory
// ("beneath"): a path or link that would leave it is EPERM, except that an absolute *link target*
// inside any mount of the name space is followed there when the start directory is the root. At
// most 40 links; a component is at most 255 bytes, a path 4,096, resolved too (ENAMETOOLONG); a NUL
// is EINVAL; a trailing slash demands a directory.
//
// Immutable after construction: thread-safe. Handles keep what they need alive.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "vfs/filesystem.h"

namespace boxagnts::vfs {

struct Mount {
  std::string guest_path;  // absolute, lexically normal
  std::shared_ptr<Filesystem> filesystem;
};

// Whether the last component is followed when it is a link.
enum class Follow : bool { no, yes };

// A directory in the name space: where it stands and what it is. Copyable, cheap.
struct Place {
  std::string path;                      // absolute guest path, lexically normal, resolved
  std::shared_ptr<Directory> directory;  // a mount's, or a synthetic one
};

// The parent of a path's last component, resolved, and that component.
struct Leaf {
  Place parent;
  std::string name;                // "" when the path is the start itself or ends in "." or ".."
  bool must_be_directory = false;  // a trailing slash
};

class NameSpace {
 public:
  // Errors: invalid_argument for a guest path that is not absolute or stands twice.
  static Result<std::shared_ptr<const NameSpace>> make(std::vector<Mount> mounts);
  virtual ~NameSpace() = default;

  virtual Place root() const = 0;
  // The directory at an absolute guest path; ENOENT, ENOTDIR.
  virtual Sys<Place> at(std::string_view guest_path) const = 0;

  // Everything but the last component is followed; with Follow::yes a link there is followed too,
  // to where it would be created when it dangles.
  virtual Sys<Leaf> resolve(const Place& start, std::string_view path, Follow follow) const = 0;

  // resolve + open, with the fast path where a plain mount allows it.
  struct Opened {
    std::shared_ptr<File> file;  // exactly one of the two
    std::shared_ptr<Place> directory;
  };
  virtual Sys<Opened> open(const Place& start, std::string_view path, Follow follow,
                           OpenFlags flags) const = 0;
  virtual Sys<Stat> stat(const Place& start, std::string_view path, Follow follow) const = 0;

  // Guest paths of the mounts, for error sentences.
  virtual std::vector<std::string> mount_points() const = 0;
};

}  // namespace boxagnts::vfs
