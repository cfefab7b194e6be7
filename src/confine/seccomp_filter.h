// The system calls that confined work needs, as a seccomp filter.
//
// Three answers. *Allowed*: what computing needs (memory, threads, time, descriptors that are
// held), and with paths the calls of the vfs, without those that change what Landlock does not
// guard (modes, owners, attributes). *The process ends* (SIGSYS): what nothing of ours or of our
// libraries ever calls and an intruder would try next: to run programs, open sockets, trace, mount,
// change name spaces, reach the kernel by its large interfaces. *Refused* (ENOSYS, or EPERM where
// an argument decides): all the rest, which libraries may try and do without; so a call that a
// future kernel adds is refused until somebody has thought about it.
//
// Source: linux/seccomp.h, linux/filter.h; Documentation/userspace-api/seccomp_filter.rst.
#pragma once

#include <cstdint>

#include "base/error.h"

namespace boxagnts::confine {

enum class Files : std::uint8_t { none, read, write };

// For the calling thread and those it starts; needs no_new_privs. Filters add up. Errors:
// unsupported when the kernel has no seccomp.
Status filter_system_calls(Files files);

// No memory becomes executable from here.
Status filter_new_code();

}  // namespace boxagnts::confine
