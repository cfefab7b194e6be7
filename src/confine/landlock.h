// Landlock: which files a process may open, by the kernel, whatever code runs in it.
//
// The kernel's interface is declared here and not taken from its header, which is often older than
// the kernel: linux/landlock.h up to ABI 7 (Linux 6.15). A right that the running kernel does not
// know is left out; Walls says what that means.
#pragma once

#include <span>

#include "base/error.h"
#include "confine/confinement.h"

namespace boxagnts::confine {

// The kernel's Landlock version; 0 when it has none, or something around us forbids it.
int landlock_abi();

// Everything outside the rules is closed to this thread and those it starts. Needs no_new_privs.
Status close_paths(int abi, std::span<const PathRule> rules);

}  // namespace boxagnts::confine
