// A folder of this machine as a Filesystem, read-only or read-write.
//
// Nothing outside the folder can be reached: every step is openat2(RESOLVE_BENEATH |
// RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS) or one component with O_NOFOLLOW; links are read and
// left to the resolver. Files are opened O_NONBLOCK|O_NOCTTY and then checked by fstat: only
// regular files and directories pass (others: ENXIO). A name that a mask hides does not exist
// (ENOENT) and cannot be made (EACCES).
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "core/policy_values.h"
#include "vfs/filesystem.h"
#include "vfs/masks.h"
#include "vfs/quota.h"

namespace boxagnts::vfs {

// Errors: not_found, invalid_argument (no folder), permission_denied, unsupported (the kernel has
// no openat2: the message says what that needs).
Result<std::shared_ptr<Filesystem>> open_host_filesystem(const std::string& host_path,
                                                         core::Access access, Masks masks,
                                                         Quota quota = {});

// Moves an entry between two folders of host file systems, also of different ones on the same disk
// (else EXDEV), by the rules of both. Where something stands already: Replace::no is EEXIST,
// Replace::yes as of rename(2). Mounts with a quota are refused (EXDEV): nothing would count.
enum class Replace : bool { no, yes };
Sys<void> move_entry(Directory& from, std::string_view name, Directory& to,
                     std::string_view to_name, Replace replace);

}  // namespace boxagnts::vfs
