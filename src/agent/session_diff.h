// One unified diff of what a session changed.
//
// Sets that changed the same file one after the other are one difference, from before the first to
// after the last; where somebody else changed it in between there are two, so that nothing is shown
// that the session did not do. Thread-safe.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.h"
#include "core/ids.h"
#include "store/store.h"
#include "workspace/changes.h"

namespace boxagnts::agent {

constexpr std::size_t kDiffBytesMax = 32u << 20;

// Of what is in the files now and was not taken back, in bytes as the files have them. Paths are
// relative to the folder that was changed, which is named where there are several; what is no
// longer kept is told in a line. Errors: not_found (no such session), busy (somebody works on a
// set), limit_exceeded (beyond kDiffBytesMax), corrupt, io.
Result<std::string> session_diff(store::Store& store, workspace::Changes& changes,
                                 const core::SessionId& session);

}  // namespace boxagnts::agent
