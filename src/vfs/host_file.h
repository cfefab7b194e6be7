// A plain file of this machine behind a descriptor, and the counting of what its handles add:
// shared by the host mount and the contents of an overlay. Thread-safe.
#pragma once

#include <sys/stat.h>

#include <cerrno>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "base/file.h"
#include "core/policy_values.h"
#include "vfs/beneath.h"
#include "vfs/filesystem.h"
#include "vfs/quota.h"

namespace boxagnts::vfs {

inline std::unexpected<int> last_error() { return std::unexpected(errno); }

template <class T>
Sys<void> done(T result) {
  if (result < 0) return last_error();
  return {};
}

Sys<Stat> stat_of(int fd);

// What the handles of one file share: growing is one at a time, so that it is counted right.
struct Growth {
  explicit Growth(std::shared_ptr<Ledger> taken_from) : ledger(std::move(taken_from)) {}
  const std::shared_ptr<Ledger> ledger;
  std::mutex mutex;
};

class HostFile : public File {
 public:
  // Without `growth` nothing is counted. `access` is the mount's.
  explicit HostFile(base::UniqueFd fd, std::shared_ptr<Growth> growth = nullptr,
                    core::Access access = core::Access::read_write)
      : fd_(std::move(fd)), growth_(std::move(growth)), access_(access) {}

  Sys<Stat> stat() override { return stat_of(fd_.get()); }
  Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset) override;
  Sys<std::size_t> write_at(std::span<const std::byte> from, std::uint64_t offset) override;
  Sys<std::uint64_t> append(std::span<const std::byte> from) override;
  Sys<void> resize(std::uint64_t size) override;
  Sys<void> allocate(std::uint64_t offset, std::uint64_t size) override;
  Sys<void> set_times(const NewTimes& times) override;
  Sys<void> sync() override;
  int descriptor() const override { return fd_.get(); }

 private:
  // Runs `act` with room for a file of `size` bytes; what is not used of it is given back.
  template <class Act>
  auto growing_to(std::uint64_t size, Act act) -> decltype(act());
  Sys<std::uint64_t> append_all(std::span<const std::byte> from);

  const base::UniqueFd fd_;
  const std::shared_ptr<Growth> growth_;
  const core::Access access_;
};

// The files of a mount with a quota that are open through it: the size of one that is removed is
// given back when its last handle goes.
class OpenFiles : public std::enable_shared_from_this<OpenFiles> {
 public:
  explicit OpenFiles(Quota quota) : ledger(std::make_shared<Ledger>(quota)) {}

  // Held while a file is opened or removed, so that neither slips between the other's steps.
  std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  // A handle of the file behind `fd`. Call it with the lock held.
  Sys<std::shared_ptr<File>> add(base::UniqueFd fd);
  // The name of a file went away; `before` is how it was. Call it with the lock held.
  void removed(const Stat& before);

  const std::shared_ptr<Ledger> ledger;

 private:
  class Handle;
  struct Entry {
    std::shared_ptr<Growth> growth;
    std::size_t handles = 0;
    bool removed = false;
  };
  using Identity = std::pair<std::uint64_t, std::uint64_t>;  // device, inode
  void close(const Identity& identity, std::uint64_t size);

  std::mutex mutex_;
  std::map<Identity, Entry> entries_;
};

}  // namespace boxagnts::vfs
