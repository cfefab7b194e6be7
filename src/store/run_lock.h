// The lock that says a run's owner lives: a file in the state folder, locked by flock(2) as long as
// the process holds it open; the kernel unlocks it when the process dies.
#pragma once

#include <string>

#include "base/error.h"
#include "base/file.h"

namespace boxagnts::store {

class RunLock {
 public:
  // Errors: io, busy (somebody holds it).
  static Result<RunLock> take(const std::string& path);
  // Whether somebody holds it; a left-over file is removed.
  static bool is_held(const std::string& path);

  RunLock(RunLock&&) = default;
  ~RunLock();

 private:
  RunLock(std::string path, base::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  std::string path_;
  base::UniqueFd fd_;
};

}  // namespace boxagnts::store
