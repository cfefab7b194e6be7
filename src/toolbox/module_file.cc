#include "toolbox/module_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/guard.h"
#include "base/hash.h"
#include "base/text.h"

namespace boxagnts::toolbox {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;

FileStamp stamp_of(const struct stat& status) {
  return {.device = status.st_dev,
          .inode = status.st_ino,
          .size = static_cast<std::uint64_t>(status.st_size),
          .modified_ns = status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec,
          .changed_ns = status.st_ctim.tv_sec * kNanoseconds + status.st_ctim.tv_nsec};
}

// Asked before and after it is opened: what a name leads to may change in between.
bool is_no_file(const struct stat& status) {
  return GUARD("toolbox.file-plain", !S_ISREG(status.st_mode));
}

std::unexpected<Error> cannot_read(int number) {
  Error error = fail_errno(number, "cannot be read").error();
  return std::unexpected(std::move(error));
}

}  // namespace

std::optional<FileStamp> stamp_at(int folder, const std::string& name, FileLinks links) {
  struct stat status;
  const int flags = links == FileLinks::followed ? 0 : AT_SYMLINK_NOFOLLOW;
  if (::fstatat(folder, name.c_str(), &status, flags) != 0) return std::nullopt;
  return stamp_of(status);
}

Result<std::shared_ptr<const ModuleFile>> ModuleFile::open(int folder, const std::string& name,
                                                           std::string path, FileLinks links) {
  const bool follows = links == FileLinks::followed;
  // Looked at before it is opened: opening some devices does something.
  struct stat status;
  if (::fstatat(folder, name.c_str(), &status, follows ? 0 : AT_SYMLINK_NOFOLLOW) != 0)
    return cannot_read(errno);
  if (GUARD("toolbox.file-link", S_ISLNK(status.st_mode)))
    return fail(Code::invalid_argument,
                "is a link; a tool that a workspace brings is a file in its folder");
  if (is_no_file(status)) return fail(Code::invalid_argument, "is no plain file");
  base::UniqueFd fd(
      ::openat(folder, name.c_str(),
               O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | (follows ? 0 : O_NOFOLLOW)));
  if (!fd || ::fstat(fd.get(), &status) != 0) return cannot_read(errno);
  if (is_no_file(status)) return fail(Code::invalid_argument, "is no plain file");
  const auto stamp = stamp_of(status);
  if (GUARD("toolbox.file-size", stamp.size > kBytesMax))
    return fail(Code::limit_exceeded, "is larger than " + base::human_bytes(kBytesMax) +
                                          ", the most that a tool may have");
  return std::make_shared<const ModuleFile>(std::move(fd), stamp, std::move(path));
}

Result<std::string> ModuleFile::read_at(std::uint64_t offset, std::size_t bytes) const {
  std::string content(bytes, '\0');
  std::size_t have = 0;
  while (have < bytes) {
    const ssize_t got =
        ::pread(fd_.get(), content.data() + have, bytes - have, static_cast<off_t>(offset + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return cannot_read(errno);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  content.resize(have);
  return content;
}

Result<std::string> ModuleFile::read_whole() const {
  auto content = TRY(read_at(0, static_cast<std::size_t>(stamp_.size)));
  struct stat status;
  if (::fstat(fd_.get(), &status) != 0) return cannot_read(errno);
  // A link that is made or removed changes a file's times, too.
  FileStamp now = stamp_of(status);
  now.changed_ns = stamp_.changed_ns;
  if (GUARD("toolbox.file-changed", now != stamp_ || content.size() != stamp_.size))
    return fail(Code::conflict, path_ +
                                    " was written over since; it is read anew for the next "
                                    "run");
  return content;
}

Result<std::string> ModuleFile::hash() const {
  constexpr std::size_t kPiece = 1u << 20;
  base::Blake2b hash;
  for (std::uint64_t at = 0; at < kBytesMax;) {
    const auto piece = TRY(read_at(at, kPiece));
    if (piece.empty()) break;
    hash.add(piece);
    at += piece.size();
  }
  return hash.hex();
}

}  // namespace boxagnts::toolbox
