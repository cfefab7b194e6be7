// Folders that hold the program's own state: made for their owner alone, and never through a link.
// Thread-safe: functions on the disk.
#pragma once

#include <string>

#include "base/error.h"

namespace boxagnts::workspace {

// A folder of that name is shown to no guest, in any mount, at any depth.
constexpr const char* kStateFolder = ".boxagnts";

// A link or a file there would lead our writes elsewhere, and another user could read and change
// what is ours. Errors: not_found, invalid_argument, permission_denied.
Status check_is_own_folder(const std::string& path);
// The same for a folder that is made when it is not there; the folder above it is.
Status make_own_folder(const std::string& path);
// Has git ignore a state folder.
Status keep_out_of_repositories(const std::string& state_folder);

}  // namespace boxagnts::workspace
