#include <algorithm>
#include <cerrno>

#include "sandbox/host_function.h"
#include "sandbox/preview1.h"
#include "sandbox/preview1_layout.h"

namespace boxagnts::sandbox {
namespace layout {
namespace {

// preview1 knows no time before 1970.
std::uint64_t unsigned_time(std::int64_t ns) { return ns < 0 ? 0 : static_cast<std::uint64_t>(ns); }

}  // namespace

Filestat filestat_of(const vfs::Stat& stat) {
  return {.device = stat.device,
          .inode = stat.inode,
          .type = static_cast<std::uint8_t>(file_type(stat.kind)),
          .links = stat.links,
          .size = stat.size,
          .accessed_ns = unsigned_time(stat.accessed_ns),
          .modified_ns = unsigned_time(stat.modified_ns),
          .changed_ns = unsigned_time(stat.changed_ns)};
}

std::expected<vfs::NewTimes, Errno> new_times(World& world, std::uint64_t accessed_ns,
                                              std::uint64_t modified_ns, std::uint32_t flags) {
  constexpr std::uint32_t kAccessed = 1, kAccessedNow = 2, kModified = 4, kModifiedNow = 8,
                          kAll = 15;
  if (flags & ~kAll) return std::unexpected(Errno::inval);
  if ((flags & kAccessed && accessed_ns > INT64_MAX) ||
      (flags & kModified && modified_ns > INT64_MAX))
    return std::unexpected(Errno::inval);
  if ((flags & kAccessed && flags & kAccessedNow) || (flags & kModified && flags & kModifiedNow))
    return std::unexpected(Errno::inval);
  const auto now_ns = static_cast<std::int64_t>(world.now_ns(ClockId::realtime));
  vfs::NewTimes times;
  if (flags & kAccessed) times.accessed_ns = static_cast<std::int64_t>(accessed_ns);
  if (flags & kAccessedNow) times.accessed_ns = now_ns;
  if (flags & kModified) times.modified_ns = static_cast<std::int64_t>(modified_ns);
  if (flags & kModifiedNow) times.modified_ns = now_ns;
  return times;
}

}  // namespace layout

namespace {

// Bytes move in steps of this size, so that a stop request never waits for a large copy.
constexpr std::uint64_t kStepBytes = 1 << 20;
constexpr std::uint64_t kCallBytesMax = 0x7ffff000;  // in one call, as in Linux
constexpr std::uint32_t kVectorsMax = 1024;          // IOV_MAX
constexpr std::uint64_t kOffsetMax = INT64_MAX;

using Type = Descriptor::Type;

bool is_stream(const Descriptor& descriptor) { return descriptor.type == Type::stream; }

// The guest's buffers, in pieces of at most kStepBytes, cut to kCallBytesMax in all.
std::expected<std::vector<std::span<std::byte>>, Errno> gather(const Call& call,
                                                               std::uint32_t vectors,
                                                               std::uint32_t count) {
  if (count > kVectorsMax) return std::unexpected(Errno::inval);
  const auto raw = call.memory.bytes(vectors, count * sizeof(layout::Iovec));
  if (!raw) return std::unexpected(raw.error());
  std::uint64_t total = 0;
  std::vector<std::span<std::byte>> out;
  out.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    layout::Iovec vector;
    std::memcpy(&vector, raw->data() + i * sizeof vector, sizeof vector);
    const auto whole = call.memory.bytes(vector.buffer, vector.size);
    if (!whole) return std::unexpected(whole.error());
    auto rest = whole->first(std::min<std::uint64_t>(whole->size(), kCallBytesMax - total));
    total += rest.size();
    for (; !rest.empty(); rest = rest.subspan(out.back().size()))
      out.push_back(rest.first(std::min<std::uint64_t>(rest.size(), kStepBytes)));
  }
  return out;
}

// Reads into the buffers from `offset` until one is not filled.
vfs::Sys<std::uint64_t> read_file(Call& call, vfs::File& file,
                                  std::span<const std::span<std::byte>> buffers,
                                  std::uint64_t offset) {
  if (offset > kOffsetMax) return std::unexpected(EINVAL);
  if (offset > kOffsetMax - kCallBytesMax) return 0;  // no file reaches that far
  std::uint64_t total = 0;
  for (const auto buffer : buffers) {
    if (total > 0 && call.process.must_stop()) break;
    const auto got = file.read_at(buffer, offset + total);
    if (!got) return total > 0 ? vfs::Sys<std::uint64_t>(total) : std::unexpected(got.error());
    total += *got;
    if (*got < buffer.size()) break;
  }
  return total;
}

vfs::Sys<std::uint64_t> write_file(Call& call, vfs::File& file,
                                   std::span<const std::span<std::byte>> buffers,
                                   std::uint64_t offset) {
  std::uint64_t total = 0;
  for (const auto buffer : buffers) total += buffer.size();
  if (offset > kOffsetMax) return std::unexpected(EINVAL);
  if (total > kOffsetMax - offset) return std::unexpected(EFBIG);
  total = 0;
  for (const auto buffer : buffers) {
    if (total > 0 && call.process.must_stop()) break;
    const auto put = file.write_at(buffer, offset + total);
    if (!put) return total > 0 ? vfs::Sys<std::uint64_t>(total) : std::unexpected(put.error());
    total += *put;
    if (*put < buffer.size()) break;
  }
  return total;
}

// Waits until a stream may be read or written. False: the process must end.
bool wait_for(Call& call, const Descriptor& stream, bool write) {
  Watch watch{.descriptor = stream.file->poll_descriptor(), .write = write};
  call.process.world.wait({&watch, 1}, kNoDeadlineNs, call.process.deadline(), call.process.stop);
  return !call.process.must_stop();
}

Errno read_stream(Call& call, const Descriptor& from, std::span<const std::span<std::byte>> buffers,
                  std::uint32_t result) {
  while (true) {
    const auto got = read_file(call, *from.file, buffers, 0);
    if (got) return call.memory.store(result, static_cast<std::uint32_t>(*got));
    if (got.error() != EAGAIN || from.flags & fdflags::kNonblock)
      return from_host_errno(got.error());
    if (!wait_for(call, from, false)) return Errno::io;
  }
}

Errno fd_read(Call& call, std::uint32_t fd, std::uint32_t vectors, std::uint32_t count,
              std::uint32_t result) {
  Descriptor& from = *TRY_ERRNO(call.process.descriptor(fd, rights::kRead));
  const auto buffers = TRY_ERRNO(gather(call, vectors, count));
  TRY_ERRNO(call.memory.bytes(result, sizeof(std::uint32_t)));
  if (is_stream(from)) return read_stream(call, from, buffers, result);
  if (call.process.must_stop()) return Errno::io;
  const auto got = TRY_SYS(read_file(call, *from.file, buffers, from.offset));
  from.offset += got;
  return call.memory.store(result, static_cast<std::uint32_t>(got));
}

Errno fd_pread(Call& call, std::uint32_t fd, std::uint32_t vectors, std::uint32_t count,
               std::uint64_t offset, std::uint32_t result) {
  if (is_stream(*TRY_ERRNO(call.process.descriptor(fd, 0)))) return Errno::spipe;
  Descriptor& from = *TRY_ERRNO(call.process.descriptor(fd, rights::kRead | rights::kSeek));
  const auto buffers = TRY_ERRNO(gather(call, vectors, count));
  if (call.process.must_stop()) return Errno::io;
  const auto got = TRY_SYS(read_file(call, *from.file, buffers, offset));
  return call.memory.store(result, static_cast<std::uint32_t>(got));
}

// Writes all of `bytes` unless the stream must not wait; gives what was written.
vfs::Sys<std::size_t> write_all(Call& call, const Descriptor& to,
                                std::span<const std::byte> bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    const auto put = to.file->write_at(bytes.subspan(done), 0);
    if (put) {
      done += *put;
      continue;
    }
    const bool wait = put.error() == EAGAIN && !(to.flags & fdflags::kNonblock);
    if (!wait && done == 0) return std::unexpected(put.error());
    if (!wait || !wait_for(call, to, true)) break;
  }
  return done;
}

Errno write_stream(Call& call, const Descriptor& to, std::span<const std::span<std::byte>> buffers,
                   std::uint32_t result) {
  std::uint64_t wanted = 0;
  for (const auto buffer : buffers) wanted += buffer.size();
  const std::uint64_t limit = call.process.process.limits.output_bytes;
  std::uint64_t room = to.output ? limit - to.output->bytes : wanted;
  const bool over = GUARD("sandbox.output", wanted > room);
  if (!over) room = wanted;
  std::uint64_t total = 0;
  for (const auto buffer : buffers) {
    if (total > 0 && call.process.must_stop()) break;
    const auto bytes = buffer.first(std::min<std::uint64_t>(buffer.size(), room - total));
    std::size_t put = bytes.size();
    if (to.file) {
      const auto done = write_all(call, to, bytes);
      if (!done && total == 0) return from_host_errno(done.error());
      put = done.value_or(0);  // what went before is told, and counts
    } else {
      const std::string_view text(reinterpret_cast<const char*>(bytes.data()), put);
      to.output->text += text;
      const auto& told = call.process.process.on_output;
      if (told && put > 0 && to.output == &call.process.output) told(text);
    }
    total += put;
    if (put < bytes.size()) break;
  }
  if (to.output) to.output->bytes += total;
  if (over)
    call.process.end_with(End::limit, "the limit of " + std::to_string(limit) + " bytes of " +
                                          std::string(to.output->name) +
                                          " was reached; print less");
  return call.memory.store(result, static_cast<std::uint32_t>(total));
}

// Puts the bytes where the descriptor's flags say: at its end, or at `offset`. The value is how
// many, and where the file is then.
struct Written {
  std::uint64_t count;
  std::uint64_t offset;
};
std::expected<Written, Errno> write_at(Call& call, Descriptor& to,
                                       std::span<const std::span<std::byte>> buffers,
                                       std::uint64_t offset) {
  if (call.process.must_stop()) return std::unexpected(Errno::io);
  Written written{0, offset};
  if (to.flags & fdflags::kAppend) {
    for (const auto buffer : buffers) {
      if (written.count > 0 && call.process.must_stop()) break;
      const auto end = to.file->append(buffer);
      if (!end && written.count == 0) return std::unexpected(from_host_errno(end.error()));
      if (!end) break;
      written = {written.count + buffer.size(), *end};
    }
  } else {
    const auto put = write_file(call, *to.file, buffers, offset);
    if (!put) return std::unexpected(from_host_errno(put.error()));
    written = {*put, offset + *put};
  }
  if (to.flags & (fdflags::kSync | fdflags::kDsync | fdflags::kRsync))
    if (const auto kept = to.file->sync(); !kept)
      return std::unexpected(from_host_errno(kept.error()));
  return written;
}

Errno fd_write(Call& call, std::uint32_t fd, std::uint32_t vectors, std::uint32_t count,
               std::uint32_t result) {
  Descriptor& to = *TRY_ERRNO(call.process.descriptor(fd, rights::kWrite));
  const auto buffers = TRY_ERRNO(gather(call, vectors, count));
  TRY_ERRNO(call.memory.bytes(result, sizeof(std::uint32_t)));
  if (is_stream(to)) return write_stream(call, to, buffers, result);
  const auto written = TRY_ERRNO(write_at(call, to, buffers, to.offset));
  to.offset = written.offset;
  return call.memory.store(result, static_cast<std::uint32_t>(written.count));
}

Errno fd_pwrite(Call& call, std::uint32_t fd, std::uint32_t vectors, std::uint32_t count,
                std::uint64_t offset, std::uint32_t result) {
  if (is_stream(*TRY_ERRNO(call.process.descriptor(fd, 0)))) return Errno::spipe;
  Descriptor& to = *TRY_ERRNO(call.process.descriptor(fd, rights::kWrite | rights::kSeek));
  const auto buffers = TRY_ERRNO(gather(call, vectors, count));
  TRY_ERRNO(call.memory.bytes(result, sizeof(std::uint32_t)));
  // Where append is set the offset is ignored, as Linux and Wasmtime do.
  const auto written = TRY_ERRNO(write_at(call, to, buffers, offset));
  return call.memory.store(result, static_cast<std::uint32_t>(written.count));
}

// The right to seek implies the right to tell.
std::uint64_t right_to_tell(Call& call, std::uint32_t fd) {
  return call.process.descriptor(fd, rights::kSeek) ? rights::kSeek : rights::kTell;
}

Errno fd_seek(Call& call, std::uint32_t fd, std::uint64_t delta, std::uint32_t whence,
              std::uint32_t result) {
  constexpr std::uint32_t kSet = 0, kCurrent = 1, kEnd = 2;
  const std::uint64_t needed =
      whence == kCurrent && delta == 0 ? right_to_tell(call, fd) : rights::kSeek;
  if (is_stream(*TRY_ERRNO(call.process.descriptor(fd, 0)))) return Errno::spipe;
  Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, needed));
  TRY_ERRNO(call.memory.bytes(result, sizeof(std::uint64_t)));
  std::uint64_t base = 0;
  if (whence == kCurrent)
    base = file.offset;
  else if (whence == kEnd)
    base = TRY_SYS(file.file->stat()).size;
  else if (whence != kSet)
    return Errno::inval;
  std::int64_t target;
  if (base > kOffsetMax || __builtin_add_overflow(static_cast<std::int64_t>(base),
                                                  static_cast<std::int64_t>(delta), &target))
    return Errno::overflow;
  if (target < 0) return Errno::inval;
  file.offset = static_cast<std::uint64_t>(target);
  return call.memory.store(result, file.offset);
}

Errno fd_tell(Call& call, std::uint32_t fd, std::uint32_t result) {
  if (is_stream(*TRY_ERRNO(call.process.descriptor(fd, 0)))) return Errno::spipe;
  const Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, right_to_tell(call, fd)));
  return call.memory.store(result, file.offset);
}

Errno fd_close(Call& call, std::uint32_t fd) { return call.process.close(fd); }

Errno fd_renumber(Call& call, std::uint32_t from, std::uint32_t to) {
  return call.process.renumber(from, to);
}

Errno sync(Call& call, std::uint32_t fd, std::uint64_t needed) {
  if (is_stream(*TRY_ERRNO(call.process.descriptor(fd, 0)))) return Errno::inval;
  Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, needed));
  if (file.type == Type::file)
    TRY_SYS(file.file->sync());
  else
    TRY_SYS(TRY_ERRNO(call.process.place(fd, 0))->directory->sync());
  return Errno::success;
}

Errno fd_sync(Call& call, std::uint32_t fd) { return sync(call, fd, rights::kSync); }
Errno fd_datasync(Call& call, std::uint32_t fd) { return sync(call, fd, rights::kDatasync); }

Errno fd_advise(Call& call, std::uint32_t fd, std::uint64_t offset, std::uint64_t size,
                std::uint32_t advice) {
  constexpr std::uint32_t kAdviceMax = 5;
  if (is_stream(*TRY_ERRNO(call.process.descriptor(fd, 0)))) return Errno::spipe;
  const Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, rights::kAdvise));
  if (file.type == Type::directory) return Errno::badf;
  const bool known = advice <= kAdviceMax && offset <= kOffsetMax && size <= kOffsetMax;
  return known ? Errno::success : Errno::inval;
}

Errno fd_allocate(Call& call, std::uint32_t fd, std::uint64_t offset, std::uint64_t size) {
  if (is_stream(*TRY_ERRNO(call.process.descriptor(fd, 0)))) return Errno::spipe;
  Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, rights::kAllocate));
  if (size == 0 || size > kOffsetMax || offset > kOffsetMax) return Errno::inval;
  if (size > kOffsetMax - offset) return Errno::fbig;
  TRY_SYS(file.file->allocate(offset, size));
  return Errno::success;
}

Errno fd_fdstat_get(Call& call, std::uint32_t fd, std::uint32_t result) {
  const Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, 0));
  layout::Fdstat stat{
      .flags = found.flags, .rights = found.rights, .rights_inheriting = found.rights_inheriting};
  FileType type = FileType::unknown;  // a pipe: preview1 has no type for it
  if (found.type == Type::file) type = FileType::regular;
  if (found.type == Type::directory) type = FileType::directory;
  if (found.type == Type::stream && found.file) type = file_type(TRY_SYS(found.file->stat()).kind);
  stat.type = static_cast<std::uint8_t>(type);
  return call.memory.store(result, stat);
}

Errno fd_fdstat_set_flags(Call& call, std::uint32_t fd, std::uint32_t flags) {
  Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, rights::kSetFlags));
  if (flags & ~std::uint32_t{fdflags::kAll}) return Errno::inval;
  found.flags = static_cast<std::uint16_t>(flags);
  return Errno::success;
}

Errno fd_fdstat_set_rights(Call& call, std::uint32_t fd, std::uint64_t base,
                           std::uint64_t inheriting) {
  Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, 0));
  if ((base & ~found.rights) != 0 || (inheriting & ~found.rights_inheriting) != 0)
    return Errno::notcapable;
  found.rights = base;
  found.rights_inheriting = inheriting;
  return Errno::success;
}

Errno fd_filestat_get(Call& call, std::uint32_t fd, std::uint32_t result) {
  Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, rights::kStat));
  if (found.file)  // of a pipe the size is what it holds, so that a reader can allocate once
    return call.memory.store(result, layout::filestat_of(TRY_SYS(found.file->stat())));
  if (found.type == Type::directory) {
    const auto* place = TRY_ERRNO(call.process.place(fd, 0));
    return call.memory.store(result, layout::filestat_of(TRY_SYS(place->directory->stat())));
  }
  return call.memory.store(result, layout::Filestat{});  // output that is collected
}

Errno fd_filestat_set_size(Call& call, std::uint32_t fd, std::uint64_t size) {
  Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, rights::kSetSize));
  if (size > kOffsetMax) return Errno::inval;
  TRY_SYS(file.file->resize(size));
  return Errno::success;
}

Errno fd_filestat_set_times(Call& call, std::uint32_t fd, std::uint64_t accessed_ns,
                            std::uint64_t modified_ns, std::uint32_t flags) {
  Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, rights::kSetTimes));
  const auto times =
      TRY_ERRNO(layout::new_times(call.process.world, accessed_ns, modified_ns, flags));
  if (found.type == Type::file)
    TRY_SYS(found.file->set_times(times));
  else
    TRY_SYS(TRY_ERRNO(call.process.place(fd, 0))->directory->set_times(times));
  return Errno::success;
}

Errno fd_prestat_get(Call& call, std::uint32_t fd, std::uint32_t result) {
  const Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, 0));
  if (found.preopen.empty()) return Errno::badf;
  return call.memory.store(
      result, layout::Prestat{.name_size = static_cast<std::uint32_t>(found.preopen.size())});
}

Errno fd_prestat_dir_name(Call& call, std::uint32_t fd, std::uint32_t buffer, std::uint32_t size) {
  const Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, 0));
  if (found.preopen.empty()) return Errno::notdir;
  if (size < found.preopen.size()) return Errno::nametoolong;
  const auto into = TRY_ERRNO(call.memory.bytes(buffer, found.preopen.size()));
  std::memcpy(into.data(), found.preopen.data(), found.preopen.size());
  return Errno::success;
}

// Cookies: 0 is the beginning, and n the entry after the n-th; "." and ".." come first. The listing
// is taken when reading begins, so cookies stay true while others change the directory.
Errno fd_readdir(Call& call, std::uint32_t fd, std::uint32_t buffer, std::uint32_t size,
                 std::uint64_t cookie, std::uint32_t result) {
  const auto* place = TRY_ERRNO(call.process.place(fd, rights::kReaddir));
  Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, 0));
  auto into = TRY_ERRNO(call.memory.bytes(buffer, size));
  TRY_ERRNO(call.memory.bytes(result, sizeof(std::uint32_t)));
  if (call.process.must_stop()) return Errno::io;
  if (cookie == 0 || found.listing.empty()) {
    const std::uint64_t inode = TRY_SYS(place->directory->stat()).inode;
    auto listing = TRY_SYS(place->directory->list());
    for (const auto* name : {"..", "."})
      listing.insert(listing.begin(), {name, inode, vfs::Kind::directory});
    if (const Errno kept = call.process.keep_listing(found, std::move(listing));
        kept != Errno::success)
      return kept;
  }
  std::uint32_t used = 0;
  for (std::uint64_t i = cookie; i < found.listing.size() && used < size; ++i) {
    const vfs::DirectoryEntry& entry = found.listing[i];
    const layout::Dirent head{.next_cookie = i + 1,
                              .inode = entry.inode,
                              .name_size = static_cast<std::uint32_t>(entry.name.size()),
                              .type = static_cast<std::uint8_t>(file_type(entry.kind))};
    const auto put = [&](const void* bytes,
                         std::size_t count) {  // cut at the buffer's end, as said
      const std::size_t room = std::min<std::size_t>(count, size - used);
      std::memcpy(into.data() + used, bytes, room);
      used += static_cast<std::uint32_t>(room);
    };
    put(&head, sizeof head);
    put(entry.name.data(), entry.name.size());
  }
  return call.memory.store(result, used);
}

}  // namespace

void define_preview1_fd(wasmtime_linker_t& linker) {
#define DEFINE(name) define<name>(linker, kPreview1, #name)
  DEFINE(fd_advise);
  DEFINE(fd_allocate);
  DEFINE(fd_close);
  DEFINE(fd_datasync);
  DEFINE(fd_fdstat_get);
  DEFINE(fd_fdstat_set_flags);
  DEFINE(fd_fdstat_set_rights);
  DEFINE(fd_filestat_get);
  DEFINE(fd_filestat_set_size);
  DEFINE(fd_filestat_set_times);
  DEFINE(fd_pread);
  DEFINE(fd_prestat_dir_name);
  DEFINE(fd_prestat_get);
  DEFINE(fd_pwrite);
  DEFINE(fd_read);
  DEFINE(fd_readdir);
  DEFINE(fd_renumber);
  DEFINE(fd_seek);
  DEFINE(fd_sync);
  DEFINE(fd_tell);
  DEFINE(fd_write);
#undef DEFINE
}

}  // namespace boxagnts::sandbox
