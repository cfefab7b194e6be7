#include "vfs/overlay_contents.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/hash.h"

namespace boxagnts::vfs {
namespace {

using base::UniqueFd;

constexpr std::size_t kChunkBytes = 256 << 10;

// Without the kernel's help: `from` is no file of this machine, or on one that cannot copy to ours.
Sys<void> copy_by_hand(File& from, int to, std::uint64_t at, std::uint64_t end) {
  std::string buffer(std::min<std::uint64_t>(end - at, kChunkBytes), '\0');
  while (at < end) {
    const auto want = std::min<std::uint64_t>(buffer.size(), end - at);
    const auto got = from.read_at(std::as_writable_bytes(std::span(buffer.data(), want)), at);
    if (!got) return std::unexpected(got.error());
    if (*got == 0) break;
    for (std::size_t put = 0; put < *got;) {
      const ssize_t wrote =
          ::pwrite(to, buffer.data() + put, *got - put, static_cast<off_t>(at + put));
      if (wrote < 0) return last_error();
      put += static_cast<std::size_t>(wrote);
    }
    at += *got;
  }
  return {};
}

Sys<void> copy_piece(File& from, int to, std::uint64_t at, std::uint64_t end) {
  while (at < end) {
    off64_t in = static_cast<off64_t>(at), out = in;
    const ssize_t copied = ::copy_file_range(from.descriptor(), &in, to, &out, end - at, 0);
    if (copied == 0) return {};
    if (copied < 0) return copy_by_hand(from, to, at, end);
    at += static_cast<std::uint64_t>(copied);
  }
  return {};
}

// Leaves holes holes, where the file system tells them.
Sys<void> copy_data(File& from, int to, std::uint64_t size) {
  for (std::uint64_t at = 0; at < size;) {
    const off64_t data = ::lseek64(from.descriptor(), static_cast<off64_t>(at), SEEK_DATA);
    if (data < 0 && errno != ENXIO) return copy_piece(from, to, at, size);
    if (data < 0) return {};
    const off64_t hole = ::lseek64(from.descriptor(), data, SEEK_HOLE);
    at = hole < 0 ? size : std::min(size, static_cast<std::uint64_t>(hole));
    if (auto copied = copy_piece(from, to, static_cast<std::uint64_t>(data), at); !copied)
      return copied;
  }
  return {};
}

// The first `size` bytes of `from`, or as many as there are.
Sys<void> copy(File& from, int to, std::uint64_t size) {
  if (size == 0) return {};
  const int source = from.descriptor();
  if (source < 0) return copy_by_hand(from, to, 0, size);
  if (::ioctl(to, FICLONE, source) != 0)
    if (auto copied = copy_data(from, to, size); !copied) return copied;
  const auto stat = from.stat();
  if (!stat) return std::unexpected(stat.error());
  return done(::ftruncate(to, static_cast<off_t>(std::min(size, stat->size))));
}

}  // namespace

Result<std::shared_ptr<Contents>> Contents::open(const std::string& folder,
                                                 OverlayOptions options) {
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno(errno, "cannot open the folder of an overlay, " + folder);
  // The folder for bases also tells the umask, which nothing else does without changing it.
  struct stat status;
  if (::mkdirat(fd.get(), "base", 0777) != 0 || ::fstatat(fd.get(), "base", &status, 0) != 0)
    return fail_errno(errno, "cannot begin an overlay in " + folder);
  return std::make_shared<Contents>(std::move(fd), options, ~status.st_mode & 0777u);
}

Sys<UniqueFd> Contents::create_file(const std::string& name) {
  UniqueFd fd(::openat(folder_.get(), name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return last_error();
  return fd;
}

Sys<Contents::Made> Contents::create(const std::shared_ptr<Growth>& growth, File* from,
                                     std::uint64_t size) {
  if (!ledger->take_bytes(size)) return std::unexpected(ENOSPC);
  Made made{next_number_++, nullptr};
  const std::string name = std::to_string(made.number);
  auto fd = create_file(name);
  Sys<void> copied = fd ? Sys<void>() : Sys<void>(std::unexpected(fd.error()));
  if (copied && from) {
    copied = copy(*from, fd->get(), size);
    if (const auto stat = from->stat(); copied && stat) {
      const NewTimes times{stat->accessed_ns, stat->modified_ns};
      copied = done(::futimens(fd->get(), to_timespecs(times).data()));
    }
  }
  if (!copied) {
    if (fd) ::unlinkat(folder_.get(), name.c_str(), 0);
    ledger->give_bytes(size);
    return std::unexpected(copied.error());
  }
  if (const auto stat = stat_of(fd->get()); stat && stat->size < size)
    ledger->give_bytes(size - stat->size);  // it shrank while it was copied
  made.file = std::make_shared<HostFile>(std::move(*fd), growth);
  return made;
}

Sys<std::shared_ptr<File>> Contents::open(std::uint64_t number,
                                          const std::shared_ptr<Growth>& growth) {
  UniqueFd fd(
      ::openat(folder_.get(), std::to_string(number).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return last_error();
  return std::make_shared<HostFile>(std::move(fd), growth);
}

Sys<Stat> Contents::stat(std::uint64_t number) {
  struct stat status;
  const std::string name = std::to_string(number);
  if (::fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return last_error();
  return to_stat(status);
}

void Contents::remove(std::uint64_t number) {
  const auto before = stat(number);
  if (before && ::unlinkat(folder_.get(), std::to_string(number).c_str(), 0) == 0)
    ledger->give_bytes(before->size);
}

Sys<std::string> Contents::keep_base(File& from, std::uint64_t size) {
  if (!bases_.take_bytes(size)) return std::unexpected(ENOSPC);
  auto name = keep_moved(from, size);
  if (!name) bases_.give_bytes(size);
  return name;
}

Sys<std::string> Contents::keep_moved(File& from, std::uint64_t size) {
  std::string name = "base/" + std::to_string(next_base_++);
  auto fd = create_file(name);
  const auto copied = fd ? copy(from, fd->get(), size) : Sys<void>(std::unexpected(fd.error()));
  if (copied) return name;
  if (fd) ::unlinkat(folder_.get(), name.c_str(), 0);
  return std::unexpected(copied.error());
}

Result<std::string> Contents::hash_of(const std::string& name) {
  const UniqueFd fd(::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail_errno(errno, "cannot read what a call wrote");
  return base::blake2b_hex(TRY(base::read_all(fd.get(), base_bytes_max)));
}

Sys<std::shared_ptr<File>> Contents::open_kept(const std::string& name) {
  UniqueFd fd(::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return last_error();
  return std::make_shared<HostFile>(std::move(fd));
}

}  // namespace boxagnts::vfs
