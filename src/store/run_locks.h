// Who lives: a run is alive while somebody holds its lock. The kernel drops the lock of a process
// that dies, however it dies.
//
// Thread-safe. A RunLock does not outlive its RunLocks.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "core/ids.h"

namespace boxagnts::store {

class RunLock {
 public:
  virtual ~RunLock() = default;  // lets go
};

class RunLocks {
 public:
  virtual ~RunLocks() = default;
  // For a run that was just made up: nobody else knows its id yet.
  virtual Result<std::unique_ptr<RunLock>> take(const core::RunId& run) = 0;
  // Asks without taking, so that two who ask at once do not see each other.
  virtual Result<bool> held(const core::RunId& run) = 0;
  // Tidies up behind a run that is known to be dead.
  virtual void remove(const core::RunId& run) = 0;
};

// A lock file for each run, in `folder` (made when first needed).
std::unique_ptr<RunLocks> make_file_run_locks(std::string folder);
// Within this object only.
std::unique_ptr<RunLocks> make_memory_run_locks();

}  // namespace boxagnts::store
