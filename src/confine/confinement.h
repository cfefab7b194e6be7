// A process takes away from itself what it does not need: the second wall around strangers'
// modules.
//
// What stands afterwards: no descriptor but the standard streams was inherited; no new privileges,
// no core dump, no tracing by others; every path but the named ones is closed (Landlock); system
// calls that the work does not need are refused or end the process (seccomp); resources are bounded
// (rlimits). Nothing of it can be undone by the process itself.
//
// Threads: call before the process starts its first thread: Landlock binds one thread and what it
// starts, so a confinement with other threads about is refused. Limits: Landlock does not cover
// metadata (stat, and times where writing is allowed); docs/security.md says what that leaves.
// Source: the kernel's Documentation/userspace-api/landlock.rst and seccomp_filter.rst.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"

namespace boxagnts::confine {

#ifdef BOXAGNTS_SANITIZED
constexpr bool kSanitized = true;  // sanitizers need the address space and /proc: no walls
#else
constexpr bool kSanitized = false;
#endif

enum class Reach : std::uint8_t { read, write };  // write includes reading

struct PathRule {
  std::string path;  // a folder with all below it, or a file
  Reach reach = Reach::read;
};

// Absent = as it is.
struct ResourceLimits {
  std::optional<std::uint64_t> address_space_bytes;
  std::optional<std::uint64_t> cpu_seconds;
  std::optional<std::uint64_t> file_bytes;  // of each file written
  std::optional<std::uint64_t> open_files;
};

struct Confinement {
  std::vector<PathRule> paths;  // without any, no call that takes a path works
  ResourceLimits limits;
};

// What could be built here.
struct Walls {
  int landlock_abi = 0;  // 0: this kernel has none
  bool system_calls = false;
  std::vector<std::string> missing;  // one sentence each, for the person
};

// Errors: internal when there are other threads, not_found or permission_denied for a path. What
// the kernel lacks is no error but is told in the result: the caller says it to the person.
Result<Walls> confine_this_process(const Confinement& confinement);

// From here no memory becomes executable: for after the last module is loaded, before it runs.
Status forbid_new_code();

// Closes every descriptor but the standard streams: what a shell left open is no business of a
// guest.
Status close_inherited_descriptors();

// Sets each limit that is given, soft and hard; an errno, or 0. Async-signal-safe.
int set_resource_limits(const ResourceLimits& limits) noexcept;

}  // namespace boxagnts::confine
