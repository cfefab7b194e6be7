#include "store/run_locks.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <unordered_set>

#include "base/file.h"
#include "base/guard.h"
#include "store/database_file.h"

namespace boxagnts::store {
namespace {

// Open-file-description locks: unlike POSIX locks they belong to the descriptor, so that two stores
// of one process see each other, and closing another descriptor of the file does not drop them.
struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

class FileRunLock final : public RunLock {
 public:
  FileRunLock(std::string path, base::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  // The name goes first: who finds it gone knows the run for dead, and by then its row says so.
  ~FileRunLock() override { ::unlink(path_.c_str()); }
  int fd() const { return fd_.get(); }

 private:
  const std::string path_;
  const base::UniqueFd fd_;
};

class FileRunLocks final : public RunLocks {
 public:
  explicit FileRunLocks(std::string folder) : folder_(std::move(folder)) {}

  Result<std::unique_ptr<RunLock>> take(const core::RunId& run) override {
    TRY(prepare_folder(folder_));  // somebody may have removed it since the store was opened
    const std::string path = TRY(path_of(run));
    // A new name, so that nobody can have removed or locked this file between the two steps.
    base::UniqueFd fd(
        ::open(path.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!fd) return fail_errno(errno, "cannot make " + path);
    auto lock = std::make_unique<FileRunLock>(path, std::move(fd));
    struct flock wanted = whole_file();
    if (::fcntl(lock->fd(), F_OFD_SETLK, &wanted) != 0)
      return fail_errno(errno, "cannot lock " + path);
    return lock;
  }

  Result<bool> held(const core::RunId& run) override {
    const std::string path = TRY(path_of(run));
    const base::UniqueFd fd(
        ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
    if (!fd && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP)) return false;
    if (!fd) return fail_errno(errno, "cannot look at " + path);
    struct flock found = whole_file();
    if (::fcntl(fd.get(), F_OFD_GETLK, &found) != 0)
      return fail_errno(errno, "cannot look at " + path);
    return found.l_type != F_UNLCK;
  }

  void remove(const core::RunId& run) override {
    if (const auto path = path_of(run)) ::unlink(path->c_str());
  }

 private:
  // The id may come from a file that others wrote.
  Result<std::string> path_of(const core::RunId& run) const {
    if (GUARD("store.run_id", !base::is_id_text(run.text)))
      return fail(Code::corrupt, "a run's id in the store beside " + folder_ +
                                     " is none: restore the store or move it away");
    return folder_ + "/" + run.text + ".lock";
  }

  const std::string folder_;
};

class MemoryRunLocks final : public RunLocks {
 public:
  Result<std::unique_ptr<RunLock>> take(const core::RunId& run) override {
    std::lock_guard lock(mutex_);
    held_.insert(run.text);
    return std::make_unique<Held>(*this, run.text);
  }
  Result<bool> held(const core::RunId& run) override {
    std::lock_guard lock(mutex_);
    return held_.contains(run.text);
  }
  void remove(const core::RunId&) override {}

 private:
  class Held final : public RunLock {
   public:
    Held(MemoryRunLocks& home, std::string run) : home_(home), run_(std::move(run)) {}
    ~Held() override {
      std::lock_guard lock(home_.mutex_);
      home_.held_.erase(run_);
    }

   private:
    MemoryRunLocks& home_;
    const std::string run_;
  };

  std::mutex mutex_;
  std::unordered_set<std::string> held_;
};

}  // namespace

std::unique_ptr<RunLocks> make_file_run_locks(std::string folder) {
  return std::make_unique<FileRunLocks>(std::move(folder));
}

std::unique_ptr<RunLocks> make_memory_run_locks() { return std::make_unique<MemoryRunLocks>(); }

}  // namespace boxagnts::store
