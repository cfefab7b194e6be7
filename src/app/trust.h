// Asking a person, once, whether what comes with a folder may act for them.
#pragma once

#include "base/error.h"
#include "terminal/console.h"
#include "workspace/workspace.h"

namespace boxagnts::app {

// Where the folder brings something that counts only when it is trusted (rules that allow, skills
// of the names of others), nobody has said yet, and there is a person to ask. The answer is
// remembered. Errors: cancelled; those of reading and writing the person's own files.
Status ask_for_trust(const workspace::Workspace& workspace, terminal::Console* console,
                     const std::stop_token& stop);

}  // namespace boxagnts::app
