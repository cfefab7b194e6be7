// What an overlay changed, as values: the vocabulary shared by Overlay (makes them) and ChangeSet
// (keeps, shows and applies them).
//
// A change is about one path. A rename is two changes (gone there, new here); a folder that became
// a file is one change whose two sides differ in kind. Nothing here names a path of the host:
// contents are names inside the change set's own folder.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "vfs/filesystem.h"

namespace boxagnts::vfs {

// One side of a change: what stood, or shall stand, at a path.
struct Version {
  Kind kind = Kind::file;  // file, directory or link
  std::uint32_t mode = 0;  // permission bits
  std::int64_t modified_ns = 0;
  std::uint64_t size = 0;    // of a file, bytes
  std::string link_target;   // of a link
  std::string content_hash;  // of a file (base::blake2b_hex); "" = not taken (larger than the cap)
  std::string content;       // of a file: where its bytes are kept, relative to the folder of the
                             // change set; "" = not kept
  std::uint64_t inode = 0;   // of a base: with size, modified_ns and changed_ns, the identity that
  std::int64_t changed_ns = 0;  // says "untouched" without reading the bytes
};

struct Change {
  std::string path;               // relative to the mount's root, lexically normal
  std::optional<Version> before;  // absent: nothing stood there
  std::optional<Version> after;   // absent: it is gone
};

}  // namespace boxagnts::vfs
