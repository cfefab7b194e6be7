// A copy-on-write view of a host folder: what a call that may write works in.
//
// The lower file system is never changed; what the guest writes goes to files in `folder` (of the
// state folder, so on the same file system and invisible to guests). What stands where is a tree in
// memory that holds only what differs from below, so opening costs the same over ten files and a
// hundred thousand, and a read of an untouched file is one look-up more than a plain mount. An
// overlay lives as long as the call; when it ends, changes() says what came of it, and a ChangeSet
// keeps that. A crash before loses the call's effects and nothing else.
//
// Semantics are those of a plain copy of the folder (POSIX) that we own: an open file sees what
// another descriptor writes, also across the moment it is copied up; inode numbers stay; a folder
// made where one was removed is empty; renaming a folder copies nothing, but goes through it, for
// what cannot be read cannot be told in the end, and is not moved (EACCES). Hard links between
// files of the overlay work; two names that are one file below are two files here. Special files
// below stay as they are (ENXIO). Masks of the lower mount hold here too, on the path that the
// guest sees: what is hidden does not exist and cannot be made, moved or moved over, and a folder
// that holds something hidden is not empty.
//
// The person may work below meanwhile: what is untouched is as it is there now; what vanishes is
// gone; no link below is ever followed.
//
// Thread-safe. Quota (vfs/quota.h): ENOSPC once what the guest wrote would be more than bytes_max,
// or the tree more than entries_max entries (what is gone is an entry, too). What is moved or
// hard-linked counts as if it had been written there, once, and stays counted. Kept bases hold as
// many bytes again at most; beyond that, and for larger files, the identity alone is kept. Paths
// from the root have at most 4,096 bytes (ENAMETOOLONG).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "vfs/change.h"
#include "vfs/host_filesystem.h"

namespace boxagnts::vfs {

struct OverlayOptions {
  std::uint64_t bytes_max = 1ull << 30;
  std::uint32_t entries_max = 100'000;
  // A file's old content is kept beside its change up to this size, for a merge when somebody
  // changes it meanwhile; a larger one has its identity kept only.
  std::uint64_t base_bytes_max = 8ull << 20;
};

class Overlay {
 public:
  // `folder` exists, is empty and belongs to the caller; on the file system of the lower folder
  // copies are cheap. `lower` is read-only; `masks` are those of the lower mount. Errors: io.
  static Result<std::unique_ptr<Overlay>> open(std::shared_ptr<Filesystem> lower, Masks masks,
                                               std::string folder, OverlayOptions options = {});
  virtual ~Overlay() = default;

  virtual std::shared_ptr<Filesystem> filesystem() = 0;

  // What differs from below now, sorted by path, folders before what is in them; what was written
  // but is the same again is no change, except for a modification time that was set or that came
  // along with what was moved there. The root's own times are nobody's. Contents named in it stay
  // valid until `folder` is removed; two paths may name one content. A moved file is copied now;
  // one that cannot be read any more stays where it was, as special files do. Call it when no guest
  // works in the overlay any more. Errors: io (of what was kept).
  virtual Result<std::vector<Change>> changes() = 0;
};

}  // namespace boxagnts::vfs
