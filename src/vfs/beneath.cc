#include "vfs/beneath.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace boxagnts::vfs {
namespace {

constexpr int kRetriesMax = 32;  // of EAGAIN: somebody renames while the kernel walks

std::int64_t nanoseconds(const timespec& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

int open_beneath(int directory, const char* path, int flags, unsigned mode, Links links) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
  if (flags & O_PATH) how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  if (flags & O_CREAT) how.mode = mode;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  if (links == Links::refused) how.resolve |= RESOLVE_NO_SYMLINKS;
  for (int i = 0; i < kRetriesMax; ++i) {
    const long fd = ::syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) return static_cast<int>(fd);
  }
  return -1;
}

Kind kind_of(unsigned mode) {
  if (S_ISREG(mode)) return Kind::file;
  if (S_ISDIR(mode)) return Kind::directory;
  if (S_ISLNK(mode)) return Kind::link;
  return Kind::other;
}

Stat to_stat(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .kind = kind_of(status.st_mode),
          .links = status.st_nlink,
          .size = static_cast<std::uint64_t>(status.st_size),
          .accessed_ns = nanoseconds(status.st_atim),
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim),
          .mode = status.st_mode & 07777};
}

std::array<timespec, 2> to_timespecs(const NewTimes& times) {
  const auto one = [](const std::optional<std::int64_t>& ns) {
    if (!ns) return timespec{0, UTIME_OMIT};
    std::int64_t seconds = *ns / 1'000'000'000, rest = *ns % 1'000'000'000;
    if (rest < 0) --seconds, rest += 1'000'000'000;  // before 1970
    return timespec{seconds, rest};
  };
  return {one(times.accessed_ns), one(times.modified_ns)};
}

}  // namespace boxagnts::vfs
