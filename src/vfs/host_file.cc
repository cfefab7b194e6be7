#include "vfs/host_file.h"

#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>

#include "base/guard.h"

namespace boxagnts::vfs {

Sys<Stat> stat_of(int fd) {
  struct stat status;
  if (::fstat(fd, &status) != 0) return last_error();
  return to_stat(status);
}

template <class Act>
auto HostFile::growing_to(std::uint64_t size, Act act) -> decltype(act()) {
  if (!growth_) return act();
  const std::lock_guard lock(growth_->mutex);
  const auto before = stat_of(fd_.get());
  if (!before) return std::unexpected(before.error());
  const std::uint64_t taken = size > before->size ? size - before->size : 0;
  if (!growth_->ledger->take_bytes(taken)) return std::unexpected(ENOSPC);
  auto result = act();
  const auto after = stat_of(fd_.get());
  const std::uint64_t now = after ? after->size : before->size + taken;
  growth_->ledger->give_bytes(before->size + taken - std::min(now, before->size + taken));
  return result;
}

Sys<std::size_t> HostFile::read_at(std::span<std::byte> into, std::uint64_t offset) {
  const ssize_t got = ::pread(fd_.get(), into.data(), into.size(), static_cast<off_t>(offset));
  if (got < 0) return last_error();
  return static_cast<std::size_t>(got);
}

Sys<std::size_t> HostFile::write_at(std::span<const std::byte> from, std::uint64_t offset) {
  const auto write = [&]() -> Sys<std::size_t> {
    const ssize_t put = ::pwrite(fd_.get(), from.data(), from.size(), static_cast<off_t>(offset));
    if (put < 0) return last_error();
    return static_cast<std::size_t>(put);
  };
  std::uint64_t end;
  if (from.empty() || __builtin_add_overflow(offset, from.size(), &end)) return write();
  return growing_to(end, write);
}

Sys<std::uint64_t> HostFile::append(std::span<const std::byte> from) {
  if (!growth_) return append_all(from);
  // The size is another appender's to change until the lock is held: room is taken for the bytes.
  const std::lock_guard lock(growth_->mutex);
  if (!growth_->ledger->take_bytes(from.size())) return std::unexpected(ENOSPC);
  const auto before = stat_of(fd_.get());
  const auto size = append_all(from);
  const auto after = stat_of(fd_.get());
  if (before && after) {
    const std::uint64_t grown = after->size - std::min(before->size, after->size);
    growth_->ledger->give_bytes(from.size() - std::min<std::uint64_t>(from.size(), grown));
  }
  return size;
}

Sys<std::uint64_t> HostFile::append_all(std::span<const std::byte> from) {
  do {
    const iovec piece{const_cast<std::byte*>(from.data()), from.size()};
    const ssize_t put = ::pwritev2(fd_.get(), &piece, 1, 0, RWF_APPEND);
    if (put < 0) return last_error();
    from = from.subspan(static_cast<std::size_t>(put));
  } while (!from.empty());
  const auto stat = stat_of(fd_.get());
  if (!stat) return std::unexpected(stat.error());
  return stat->size;
}

Sys<void> HostFile::resize(std::uint64_t size) {
  return growing_to(size, [&] { return done(::ftruncate(fd_.get(), static_cast<off_t>(size))); });
}

Sys<void> HostFile::allocate(std::uint64_t offset, std::uint64_t size) {
  // Only the host knows whether it has the room; where it cannot promise any the size is set.
  const auto promised = growing_to(offset + size, [&] {
    return done(::fallocate(fd_.get(), 0, static_cast<off_t>(offset), static_cast<off_t>(size)));
  });
  if (promised || promised.error() != EOPNOTSUPP) return promised;
  return File::allocate(offset, size);
}

Sys<void> HostFile::set_times(const NewTimes& times) {
  // Unlike its bytes, a file's times can be set through a descriptor that only reads.
  if (GUARD("vfs.read-only-times", access_ == core::Access::read_only))
    return std::unexpected(EROFS);
  return done(::futimens(fd_.get(), to_timespecs(times).data()));
}

Sys<void> HostFile::sync() { return done(::fsync(fd_.get())); }

class OpenFiles::Handle final : public HostFile {
 public:
  Handle(base::UniqueFd fd, std::shared_ptr<Growth> growth, std::shared_ptr<OpenFiles> table,
         Identity identity)
      : HostFile(std::move(fd), std::move(growth)), table_(std::move(table)), identity_(identity) {}
  ~Handle() override {
    const auto stat = HostFile::stat();
    table_->close(identity_, stat ? stat->size : 0);
  }

 private:
  const std::shared_ptr<OpenFiles> table_;
  const Identity identity_;
};

Sys<std::shared_ptr<File>> OpenFiles::add(base::UniqueFd fd) {
  const auto stat = stat_of(fd.get());
  if (!stat) return std::unexpected(stat.error());
  const Identity identity{stat->device, stat->inode};
  Entry& entry = entries_[identity];
  if (!entry.growth) entry.growth = std::make_shared<Growth>(ledger);
  ++entry.handles;
  return std::make_shared<Handle>(std::move(fd), entry.growth, shared_from_this(), identity);
}

void OpenFiles::removed(const Stat& before) {
  ledger->give_entry();
  if (before.kind != Kind::file || before.links > 1) return;
  const auto open = entries_.find({before.device, before.inode});
  if (open == entries_.end())
    ledger->give_bytes(before.size);
  else
    open->second.removed = true;
}

void OpenFiles::close(const Identity& identity, std::uint64_t size) {
  const std::lock_guard lock(mutex_);
  const auto entry = entries_.find(identity);
  if (--entry->second.handles > 0) return;
  if (entry->second.removed) ledger->give_bytes(size);
  entries_.erase(entry);
}

}  // namespace boxagnts::vfs
