#include "store/run_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>

namespace boxagnts::store {

Result<RunLock> RunLock::take(const std::string& path) {
  base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail_errno(errno, "cannot make the lock " + path);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return fail_errno(errno, "cannot lock " + path);
  return RunLock(path, std::move(fd));
}

bool RunLock::is_held(const std::string& path) {
  const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (!fd) return false;
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return errno == EWOULDBLOCK;
  ::unlink(path.c_str());
  return false;
}

RunLock::~RunLock() {
  if (fd_) ::unlink(path_.c_str());  // then the descriptor's end unlocks it
}

}  // namespace boxagnts::store
