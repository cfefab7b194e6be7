#include "vfs/streams.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <string>

namespace boxagnts::vfs {
namespace {

std::unexpected<int> last_error() { return std::unexpected(errno); }

// What no stream can do.
class Stream : public File {
 public:
  Sys<std::uint64_t> append(std::span<const std::byte> from) override {
    const auto put = write_at(from, 0);
    if (!put) return std::unexpected(put.error());
    return 0;
  }
  Sys<void> resize(std::uint64_t) override { return {}; }  // as O_TRUNC: nothing to cut
  Sys<void> set_times(const NewTimes&) override { return {}; }
  Sys<void> sync() override { return std::unexpected(EINVAL); }
  bool is_stream() const override { return true; }
};

// The same pipe, terminal or device by an open file description of our own, which can be made
// non-blocking without anyone noticing. Nothing where the system does not let us open it again.
base::UniqueFd opened_again(int fd) {
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int access = ::fcntl(fd, F_GETFL) & O_ACCMODE;
  return base::UniqueFd(::open(path.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

class HostStream final : public Stream {
 public:
  explicit HostStream(base::UniqueFd fd) : fd_(std::move(fd)) {
    struct stat status{};
    waits_ = ::fstat(fd_.get(), &status) == 0 && !S_ISREG(status.st_mode);
    terminal_ = ::isatty(fd_.get()) == 1;
    const int flags = ::fcntl(fd_.get(), F_GETFL);
    readable_ = (flags & O_ACCMODE) != O_WRONLY;
    writable_ = (flags & O_ACCMODE) != O_RDONLY;
    never_blocks_ = !waits_ || flags & O_NONBLOCK;
    if (never_blocks_ || S_ISSOCK(status.st_mode)) return;  // a socket cannot be opened again
    if (auto own = opened_again(fd_.get())) {
      fd_ = std::move(own);
      never_blocks_ = true;
    }
  }

  Sys<Stat> stat() override {
    int ready = 0;
    if (waits_) ::ioctl(fd_.get(), FIONREAD, &ready);
    return Stat{.kind = terminal_ ? Kind::device : Kind::other,
                .size = static_cast<std::uint64_t>(std::max(ready, 0))};
  }

  Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t) override {
    if (!readable_) return std::unexpected(EBADF);
    if (!into.empty() && would_block(POLLIN)) return std::unexpected(EAGAIN);
    const ssize_t got = ::read(fd_.get(), into.data(), into.size());
    if (got < 0) return last_error();
    return static_cast<std::size_t>(got);
  }

  Sys<std::size_t> write_at(std::span<const std::byte> from, std::uint64_t) override {
    if (!writable_) return std::unexpected(EBADF);
    if (!from.empty() && would_block(POLLOUT)) return std::unexpected(EAGAIN);
    // A pipe that says it is ready has room for this much, unless others write into it just then.
    constexpr std::size_t kPieceBytes = 4096;  // PIPE_BUF
    if (!never_blocks_) from = from.first(std::min(from.size(), kPieceBytes));
    const ssize_t put = ::write(fd_.get(), from.data(), from.size());
    if (put < 0) return last_error();
    return static_cast<std::size_t>(put);
  }

  int poll_descriptor() const override { return waits_ ? fd_.get() : -1; }

 private:
  bool would_block(short what) const {
    if (never_blocks_) return false;  // it says so itself
    pollfd one{fd_.get(), what, 0};
    return ::poll(&one, 1, 0) == 0;  // an error shows in the read or write
  }

  base::UniqueFd fd_;
  bool waits_ = true;         // else a plain file
  bool never_blocks_ = true;  // else it is asked before
  bool terminal_ = false;
  bool readable_ = true, writable_ = true;
};

class TextStream final : public Stream {
 public:
  explicit TextStream(std::string_view bytes) : left_(bytes) {}

  Sys<Stat> stat() override {
    const std::lock_guard lock(mutex_);
    return Stat{.kind = Kind::other, .size = left_.size()};
  }
  Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t) override {
    const std::lock_guard lock(mutex_);
    const std::size_t size = std::min(into.size(), left_.size());
    if (size > 0) std::memcpy(into.data(), left_.data(), size);
    left_.remove_prefix(size);
    return size;
  }
  Sys<std::size_t> write_at(std::span<const std::byte>, std::uint64_t) override {
    return std::unexpected(EBADF);
  }

 private:
  std::mutex mutex_;
  std::string_view left_;
};

enum class DeviceKind : std::uint8_t { full, null, random, zero };

class Device final : public Stream {
 public:
  Device(DeviceKind kind, FillRandom random) : kind_(kind), random_(std::move(random)) {}

  Sys<Stat> stat() override { return Stat{.kind = Kind::device, .mode = 0666}; }
  Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t) override {
    switch (kind_) {
      case DeviceKind::null: return 0;
      case DeviceKind::zero:
      case DeviceKind::full: std::ranges::fill(into, std::byte{0}); break;
      case DeviceKind::random: random_(into); break;
    }
    return into.size();
  }
  Sys<std::size_t> write_at(std::span<const std::byte> from, std::uint64_t) override {
    if (kind_ == DeviceKind::full && !from.empty()) return std::unexpected(ENOSPC);
    return from.size();
  }

 private:
  const DeviceKind kind_;
  const FillRandom random_;
};

class StreamFolder final : public Directory {
 public:
  explicit StreamFolder(std::vector<NamedStream> streams) : streams_(std::move(streams)) {
    std::ranges::sort(streams_, {}, &NamedStream::name);
  }

  Sys<Stat> stat() override {
    return Stat{.inode = kOwnInode, .kind = Kind::directory, .mode = 0555};
  }
  Sys<std::vector<DirectoryEntry>> list() override {
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, stream] : streams_) {
      const auto stat = stat_entry(name);
      if (stat) entries.push_back({name, stat->inode, stat->kind});
    }
    return entries;
  }
  Sys<void> set_times(const NewTimes&) override { return std::unexpected(EROFS); }
  Sys<void> sync() override { return {}; }

  Sys<Stat> stat_entry(std::string_view name) override {
    const auto* found = find(name);
    if (!found) return std::unexpected(ENOENT);
    auto stat = found->stream->stat();
    if (stat) stat->inode = kOwnInode + 1 + static_cast<std::uint64_t>(found - streams_.data());
    return stat;
  }
  Sys<std::shared_ptr<Directory>> open_directory(std::string_view name) override {
    return std::unexpected(find(name) ? ENOTDIR : ENOENT);
  }
  Sys<std::shared_ptr<File>> open_file(std::string_view name, OpenFlags flags) override {
    const auto* found = find(name);
    if (!found) return std::unexpected(flags.create ? EROFS : ENOENT);
    if (flags.exclusive) return std::unexpected(EEXIST);
    return found->stream;
  }
  Sys<std::string> read_link(std::string_view name) override {
    return std::unexpected(find(name) ? EINVAL : ENOENT);
  }
  Sys<void> make_directory(std::string_view name) override { return refuse_making(name); }
  Sys<void> make_link(std::string_view name, std::string_view) override {
    return refuse_making(name);
  }
  Sys<void> remove_file(std::string_view name) override { return refuse_changing(name); }
  Sys<void> remove_directory(std::string_view name) override {
    return std::unexpected(find(name) ? ENOTDIR : ENOENT);
  }
  Sys<void> set_entry_times(std::string_view name, const NewTimes&) override {
    return refuse_changing(name);
  }
  Sys<void> rename_entry(std::string_view from, Directory&, std::string_view) override {
    return refuse_changing(from);
  }
  Sys<void> hard_link(std::string_view from, Directory&, std::string_view) override {
    return refuse_changing(from);
  }

 private:
  static constexpr std::uint64_t kOwnInode = 1;

  const NamedStream* find(std::string_view name) const {
    const auto found = std::ranges::find(streams_, name, &NamedStream::name);
    return found == streams_.end() ? nullptr : &*found;
  }
  Sys<void> refuse_making(std::string_view name) const {
    return std::unexpected(find(name) ? EEXIST : EROFS);
  }
  Sys<void> refuse_changing(std::string_view name) const {
    return std::unexpected(find(name) ? EROFS : ENOENT);
  }

  std::vector<NamedStream> streams_;
};

class StreamFilesystem final : public Filesystem {
 public:
  explicit StreamFilesystem(std::vector<NamedStream> streams)
      : root_(std::make_shared<StreamFolder>(std::move(streams))) {}
  std::shared_ptr<Directory> root() override { return root_; }
  bool read_only() const override { return true; }

 private:
  const std::shared_ptr<Directory> root_;
};

}  // namespace

std::shared_ptr<File> make_host_stream(base::UniqueFd fd) {
  return std::make_shared<HostStream>(std::move(fd));
}

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail_errno(errno, "making a pipe");
  return Pipe{make_host_stream(base::UniqueFd(ends[0])), make_host_stream(base::UniqueFd(ends[1]))};
}

std::shared_ptr<File> make_text_stream(std::string_view bytes) {
  return std::make_shared<TextStream>(bytes);
}

std::vector<NamedStream> make_devices(FillRandom random) {
  const auto device = [&random](DeviceKind kind) { return std::make_shared<Device>(kind, random); };
  return {{"full", device(DeviceKind::full)},
          {"null", device(DeviceKind::null)},
          {"random", device(DeviceKind::random)},
          {"urandom", device(DeviceKind::random)},
          {"zero", device(DeviceKind::zero)}};
}

std::shared_ptr<Filesystem> make_stream_folder(std::vector<NamedStream> streams) {
  return std::make_shared<StreamFilesystem>(std::move(streams));
}

}  // namespace boxagnts::vfs
