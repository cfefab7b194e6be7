#include "confine/confinement.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ranges>

#include "base/guard.h"
#include "confine/landlock.h"
#include "confine/seccomp_filter.h"

namespace boxagnts::confine {
namespace {

constexpr int kLandlockTruncates = 3;  // the version that guards truncation

// Landlock and seccomp bind the calling thread and those it starts, not those already there.
Status check_single_threaded() {
  struct stat status;
  if (::stat("/proc/self/task", &status) != 0) return {};
  const auto threads = status.st_nlink - 2;
  if (GUARD("confine.single-thread", threads > 1))
    return fail(Code::internal, "the process has " + std::to_string(threads) +
                                    " threads already: it is too late to confine it");
  return {};
}

// No core dump, no tracing by others of the same person, and nothing that is run gains rights.
Status close_to_others() {
  const rlimit no_core{0, 0};
  if (GUARD("confine.core-dump", true) && ::setrlimit(RLIMIT_CORE, &no_core) != 0)
    return fail_errno(errno, "core dumps cannot be switched off");
  if (GUARD("confine.dumpable", true) && ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
    return fail_errno(errno, "tracing cannot be switched off");
  if (GUARD("confine.new-privileges", true) && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return fail_errno(errno, "new privileges cannot be given up");
  return {};
}

// What root could do beyond files: gone. With paths it keeps what lets it read and write them as
// its person expects, whoever owns them.
Status drop_capabilities(const Confinement& confinement) {
  constexpr std::uint32_t kFiles =
      1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_FOWNER;
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct sets[2]{};
  if (::syscall(SYS_capget, &header, sets) != 0)
    return fail_errno(errno, "capabilities cannot be read");
  const std::uint32_t kept = confinement.paths.empty() ? 0 : kFiles;
  sets[0] = {sets[0].effective & kept, sets[0].permitted & kept, 0};
  sets[1] = {};
  if (::syscall(SYS_capset, &header, sets) != 0)
    return fail_errno(errno, "capabilities cannot be given up");
  return {};
}

Files files_of(const Confinement& confinement) {
  if (confinement.paths.empty()) return Files::none;
  const bool writes = std::ranges::any_of(
      confinement.paths, [](const auto& rule) { return rule.reach == Reach::write; });
  return writes ? Files::write : Files::read;
}

}  // namespace

int set_resource_limits(const ResourceLimits& limits) noexcept {
  const auto set = [](int resource, const std::optional<std::uint64_t>& wanted, rlim_t grace) {
    if (!wanted) return 0;
    rlimit current{};
    ::getrlimit(resource, &current);
    const rlimit limit{std::min<rlim_t>(*wanted, current.rlim_max),
                       std::min<rlim_t>(*wanted + grace, current.rlim_max)};
    return ::setrlimit(resource, &limit) == 0 ? 0 : errno;
  };
  // The soft limit of processor time ends the process with a signal of its own name; the hard one
  // would with SIGKILL, like many others.
  constexpr rlim_t kGraceSeconds = 5;
  const std::optional<std::uint64_t> address_space =
      kSanitized ? std::nullopt : limits.address_space_bytes;
  for (const int error_number :
       {set(RLIMIT_AS, address_space, 0), set(RLIMIT_CPU, limits.cpu_seconds, kGraceSeconds),
        set(RLIMIT_FSIZE, limits.file_bytes, 0), set(RLIMIT_NOFILE, limits.open_files, 0)})
    if (error_number != 0) return error_number;
  return 0;
}

Result<Walls> confine_this_process(const Confinement& confinement) {
  Walls walls;
  if (const int error_number = set_resource_limits(confinement.limits); error_number != 0)
    return fail_errno(error_number, "a resource limit was refused");
  if (kSanitized) {
    walls.missing.emplace_back("this is a sanitizer build: it cannot be confined");
    return walls;
  }
  TRY(check_single_threaded());
  TRY(close_to_others());
  if (GUARD("confine.capabilities", true)) TRY(drop_capabilities(confinement));
  if (const int abi = landlock_abi(); abi == 0) {
    walls.missing.emplace_back(
        "this kernel has no Landlock: the sandbox alone closes the files outside the mounts");
  } else if (GUARD("confine.paths", true)) {
    TRY(close_paths(abi, confinement.paths));
    walls.landlock_abi = abi;
    if (abi < kLandlockTruncates)
      walls.missing.push_back("this kernel's Landlock has version " + std::to_string(abi) +
                              ": it does not keep read-only files from being truncated");
  }
  if (GUARD("confine.system-calls", true)) {
    const auto filtered = filter_system_calls(files_of(confinement));
    walls.system_calls = filtered.has_value();
    if (!filtered) walls.missing.push_back(filtered.error().message);
  }
  return walls;
}

Status forbid_new_code() {
  if (kSanitized) return {};
  if (GUARD("confine.new-code", true)) return filter_new_code();
  return {};
}

Status close_inherited_descriptors() {
  constexpr unsigned kFirst = STDERR_FILENO + 1;
  if (::syscall(SYS_close_range, kFirst, ~0u, 0) != 0)
    return fail(Code::unsupported, "the kernel cannot close descriptors in one call (Linux 5.9)",
                base::errno_text(errno));
  return {};
}

}  // namespace boxagnts::confine
