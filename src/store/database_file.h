// The file state.db and its folder before SQLite sees them: made owner-only, or refused untouched.
#pragma once

#include <string>

#include "base/error.h"
#include "store/sqlite.h"

namespace boxagnts::store {

// Makes the folder (0700) where it is missing. Errors: permission_denied (a link where the folder
// should be), io.
Status prepare_folder(const std::string& folder);

// Makes an empty file (0600) where there is none. Refuses, without changing anything or leaving a
// journal beside it, what is no regular file, no database, another program's, truncated (corrupt)
// or made by a newer version (unsupported).
Status prepare_file(const std::string& path);

// The file opened for writing, its tables up to date, in WAL mode.
Result<std::unique_ptr<Connection>> open_database(const std::string& path, Health& health);

}  // namespace boxagnts::store
