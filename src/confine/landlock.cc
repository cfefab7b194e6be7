#include "confine/landlock.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.h"

namespace boxagnts::confine {
namespace {

// --- linux/landlock.h ---
constexpr long kCreateRuleset = 444, kAddRule = 445, kRestrictSelf = 446;
constexpr unsigned kCreateRulesetVersion = 1;
constexpr int kRulePathBeneath = 1;

struct RulesetAttributes {
  std::uint64_t handled_files;
  std::uint64_t handled_network;
  std::uint64_t scoped;
};
struct [[gnu::packed]] PathBeneath {
  std::uint64_t allowed;
  std::int32_t parent;
};

constexpr std::uint64_t bit(int number) { return std::uint64_t{1} << number; }
constexpr std::uint64_t kWriteFile = bit(1), kReadFile = bit(2), kReadFolder = bit(3),
                        kRemoveFolder = bit(4), kRemoveFile = bit(5), kMakeFolder = bit(7),
                        kMakeFile = bit(8), kMakeLink = bit(12), kRefer = bit(13),
                        kTruncate = bit(14);
constexpr std::uint64_t kNetwork = bit(0) | bit(1);  // bind, connect (TCP)
constexpr std::uint64_t kScopes = bit(0) | bit(1);   // abstract sockets, signals

// Every file right up to this version: what is handled and not allowed by a rule is closed. Among
// them executing, devices, sockets and FIFOs, which no rule here allows.
std::uint64_t handled_files(int abi) {
  std::uint64_t rights = bit(13) - 1;
  if (abi >= 2) rights |= kRefer;
  if (abi >= 3) rights |= kTruncate;
  if (abi >= 5) rights |= bit(15);  // ioctl on devices
  return rights;
}

std::uint64_t rights_of(Reach reach) {
  constexpr std::uint64_t kReading = kReadFile | kReadFolder;
  constexpr std::uint64_t kWriting = kWriteFile | kRemoveFolder | kRemoveFile | kMakeFolder |
                                     kMakeFile | kMakeLink | kRefer | kTruncate;
  return reach == Reach::read ? kReading : kReading | kWriting;
}

Status allow(int ruleset, std::uint64_t handled, const PathRule& rule) {
  const base::UniqueFd path(::open(rule.path.c_str(), O_PATH | O_CLOEXEC));
  if (!path) return fail_errno(errno, "cannot open " + rule.path);
  struct stat status;
  if (::fstat(path.get(), &status) != 0) return fail_errno(errno, "cannot open " + rule.path);
  PathBeneath beneath{.allowed = rights_of(rule.reach) & handled, .parent = path.get()};
  if (!S_ISDIR(status.st_mode)) beneath.allowed &= kWriteFile | kReadFile | kTruncate;
  if (::syscall(kAddRule, ruleset, kRulePathBeneath, &beneath, 0) != 0)
    return fail_errno(errno, "Landlock refused the rule for " + rule.path);
  return {};
}

}  // namespace

int landlock_abi() {
  const long abi = ::syscall(kCreateRuleset, nullptr, 0, kCreateRulesetVersion);
  return abi > 0 ? static_cast<int>(abi) : 0;
}

Status close_paths(int abi, std::span<const PathRule> rules) {
  RulesetAttributes attributes{.handled_files = handled_files(abi),
                               .handled_network = abi >= 4 ? kNetwork : 0,
                               .scoped = abi >= 6 ? kScopes : 0};
  // An older kernel knows fewer members; those it does not know are zero, which it accepts.
  const base::UniqueFd ruleset(
      static_cast<int>(::syscall(kCreateRuleset, &attributes, sizeof attributes, 0)));
  if (!ruleset) return fail_errno(errno, "Landlock refused the set of rules");
  for (const auto& rule : rules) TRY(allow(ruleset.get(), attributes.handled_files, rule));
  if (::syscall(kRestrictSelf, ruleset.get(), 0) != 0)
    return fail_errno(errno, "Landlock refused to close the paths");
  return {};
}

}  // namespace boxagnts::confine
