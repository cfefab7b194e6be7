#include <algorithm>
#include <cerrno>

#include "sandbox/host_function.h"
#include "sandbox/preview1.h"
#include "sandbox/preview1_layout.h"

namespace boxagnts::sandbox {
namespace layout {

Filestat filestat_of(const vfs::Stat& stat) {
  return {.device = stat.device,
          .inode = stat.inode,
          .type = static_cast<std::uint8_t>(file_type(stat.kind)),
          .links = stat.links,
          .size = stat.size,
          .accessed_ns = static_cast<std::uint64_t>(stat.accessed_ns),
          .modified_ns = static_cast<std::uint64_t>(stat.modified_ns),
          .changed_ns = static_cast<std::uint64_t>(stat.changed_ns)};
}

std::expected<vfs::NewTimes, Errno> new_times(base::Clock& clock, std::uint64_t accessed_ns,
                                              std::uint64_t modified_ns, std::uint32_t flags) {
  constexpr std::uint32_t kAccessed = 1, kAccessedNow = 2, kModified = 4, kModifiedNow = 8;
  if ((flags & kAccessed && flags & kAccessedNow) || (flags & kModified && flags & kModifiedNow))
    return std::unexpected(Errno::inval);
  const std::int64_t now_ns = clock.now() * 1000;
  vfs::NewTimes times;
  if (flags & kAccessed) times.accessed_ns = static_cast<std::int64_t>(accessed_ns);
  if (flags & kAccessedNow) times.accessed_ns = now_ns;
  if (flags & kModified) times.modified_ns = static_cast<std::int64_t>(modified_ns);
  if (flags & kModifiedNow) times.modified_ns = now_ns;
  return times;
}

}  // namespace layout

namespace {

// One host call moves at most this much, so that a stop request never waits for a large copy.
constexpr std::uint64_t kStepBytes = 1 << 20;
constexpr std::uint32_t kVectorsMax = 1024;  // IOV_MAX

using Type = Descriptor::Type;

// The guest's buffers, cut to kStepBytes in all.
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
    const auto bytes = whole->first(std::min<std::uint64_t>(whole->size(), kStepBytes - total));
    total += bytes.size();
    if (!bytes.empty()) out.push_back(bytes);
  }
  return out;
}

// Reads into the buffers from `offset` until one is not filled.
vfs::Sys<std::uint64_t> read_file(vfs::File& file, std::span<const std::span<std::byte>> buffers,
                                  std::uint64_t offset) {
  std::uint64_t total = 0;
  for (const auto buffer : buffers) {
    const auto got = file.read_at(buffer, offset + total);
    if (!got) return total > 0 ? vfs::Sys<std::uint64_t>(total) : std::unexpected(got.error());
    total += *got;
    if (*got < buffer.size()) break;
  }
  return total;
}

vfs::Sys<std::uint64_t> write_file(vfs::File& file, std::span<const std::span<std::byte>> buffers,
                                   std::uint64_t offset) {
  std::uint64_t total = 0;
  for (const auto buffer : buffers) {
    const auto put = file.write_at(buffer, offset + total);
    if (!put) return total > 0 ? vfs::Sys<std::uint64_t>(total) : std::unexpected(put.error());
    total += *put;
    if (*put < buffer.size()) break;
  }
  return total;
}

Errno fd_read(Call& call, std::uint32_t fd, std::uint32_t vectors, std::uint32_t count,
              std::uint32_t result) {
  Descriptor& from = *TRY_ERRNO(call.process.descriptor(fd, rights::kRead));
  const auto buffers = TRY_ERRNO(gather(call, vectors, count));
  if (from.type == Type::input) {
    std::string_view rest = call.process.process.input.substr(call.process.input_at);
    std::uint32_t total = 0;
    for (const auto buffer : buffers) {
      const std::size_t size = std::min(buffer.size(), rest.size());
      std::memcpy(buffer.data(), rest.data(), size);
      rest.remove_prefix(size);
      total += static_cast<std::uint32_t>(size);
    }
    call.process.input_at += total;
    return call.memory.store(result, total);
  }
  if (from.type == Type::directory) return Errno::isdir;
  if (from.type != Type::file) return Errno::badf;
  if (call.process.must_stop()) return Errno::io;
  const auto got = TRY_SYS(read_file(*from.file, buffers, from.offset));
  from.offset += got;
  return call.memory.store(result, static_cast<std::uint32_t>(got));
}

Errno fd_pread(Call& call, std::uint32_t fd, std::uint32_t vectors, std::uint32_t count,
               std::uint64_t offset, std::uint32_t result) {
  Descriptor& from = *TRY_ERRNO(call.process.descriptor(fd, rights::kRead));
  if (from.type == Type::directory) return Errno::isdir;
  if (from.type != Type::file) return Errno::spipe;
  const auto buffers = TRY_ERRNO(gather(call, vectors, count));
  if (call.process.must_stop()) return Errno::io;
  const auto got = TRY_SYS(read_file(*from.file, buffers, offset));
  return call.memory.store(result, static_cast<std::uint32_t>(got));
}

Errno write_stream(Call& call, std::string& stream, std::string_view name,
                   std::span<const std::span<std::byte>> buffers, std::uint32_t result) {
  std::uint64_t total = 0;
  for (const auto buffer : buffers) total += buffer.size();
  const std::uint64_t limit = call.process.process.limits.output_bytes;
  const bool over = GUARD("sandbox.output", total > limit - stream.size());
  for (const auto buffer : buffers) {
    const std::size_t room =
        over ? std::min<std::uint64_t>(buffer.size(), limit - stream.size()) : buffer.size();
    stream.append(reinterpret_cast<const char*>(buffer.data()), room);
  }
  if (over)
    call.process.end_with(End::limit, "the limit of " + std::to_string(limit) + " bytes of " +
                                          std::string(name) + " was reached; print less");
  return call.memory.store(result, static_cast<std::uint32_t>(total));
}

Errno fd_write(Call& call, std::uint32_t fd, std::uint32_t vectors, std::uint32_t count,
               std::uint32_t result) {
  Descriptor& to = *TRY_ERRNO(call.process.descriptor(fd, rights::kWrite));
  const auto buffers = TRY_ERRNO(gather(call, vectors, count));
  if (to.type == Type::output)
    return write_stream(call, call.process.output, "output", buffers, result);
  if (to.type == Type::errors)
    return write_stream(call, call.process.errors, "diagnostics", buffers, result);
  if (to.type != Type::file) return Errno::badf;
  if (call.process.must_stop()) return Errno::io;
  std::uint64_t put = 0;
  if (to.flags & fdflags::kAppend) {
    for (const auto buffer : buffers) {
      to.offset = TRY_SYS(to.file->append(buffer));
      put += buffer.size();
    }
  } else {
    put = TRY_SYS(write_file(*to.file, buffers, to.offset));
    to.offset += put;
  }
  return call.memory.store(result, static_cast<std::uint32_t>(put));
}

Errno fd_pwrite(Call& call, std::uint32_t fd, std::uint32_t vectors, std::uint32_t count,
                std::uint64_t offset, std::uint32_t result) {
  Descriptor& to = *TRY_ERRNO(call.process.descriptor(fd, rights::kWrite));
  if (to.type != Type::file) return Errno::spipe;
  const auto buffers = TRY_ERRNO(gather(call, vectors, count));
  if (call.process.must_stop()) return Errno::io;
  const auto put = TRY_SYS(write_file(*to.file, buffers, offset));
  return call.memory.store(result, static_cast<std::uint32_t>(put));
}

Errno fd_seek(Call& call, std::uint32_t fd, std::uint64_t delta, std::uint32_t whence,
              std::uint32_t result) {
  constexpr std::uint32_t kSet = 0, kCurrent = 1, kEnd = 2;
  Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, 0));
  if (file.type == Type::directory) return Errno::badf;
  if (file.type != Type::file) return Errno::spipe;
  if (!(file.rights & rights::kSeek)) return Errno::notcapable;
  std::uint64_t base = 0;
  if (whence == kCurrent)
    base = file.offset;
  else if (whence == kEnd)
    base = TRY_SYS(file.file->stat()).size;
  else if (whence != kSet)
    return Errno::inval;
  std::int64_t target;
  if (base > INT64_MAX || __builtin_add_overflow(static_cast<std::int64_t>(base),
                                                 static_cast<std::int64_t>(delta), &target))
    return Errno::overflow;
  if (target < 0) return Errno::inval;
  file.offset = static_cast<std::uint64_t>(target);
  return call.memory.store(result, file.offset);
}

Errno fd_tell(Call& call, std::uint32_t fd, std::uint32_t result) {
  Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, rights::kTell));
  if (file.type != Type::file) return file.type == Type::directory ? Errno::badf : Errno::spipe;
  return call.memory.store(result, file.offset);
}

Errno fd_close(Call& call, std::uint32_t fd) { return call.process.close(fd); }

Errno fd_renumber(Call& call, std::uint32_t from, std::uint32_t to) {
  return call.process.renumber(from, to);
}

Errno sync(Call& call, std::uint32_t fd, std::uint64_t needed) {
  Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, 0));
  if (file.type == Type::file) {
    if (!(file.rights & needed)) return Errno::notcapable;
    TRY_SYS(file.file->sync());
    return Errno::success;
  }
  if (file.type != Type::directory) return Errno::inval;
  TRY_SYS(TRY_ERRNO(call.process.place(fd, 0))->directory->sync());
  return Errno::success;
}

Errno fd_sync(Call& call, std::uint32_t fd) { return sync(call, fd, rights::kSync); }
Errno fd_datasync(Call& call, std::uint32_t fd) { return sync(call, fd, rights::kDatasync); }

Errno fd_advise(Call& call, std::uint32_t fd, std::uint64_t, std::uint64_t, std::uint32_t advice) {
  constexpr std::uint32_t kAdviceMax = 5;
  const Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, 0));
  if (file.type == Type::directory) return Errno::badf;
  if (file.type != Type::file) return Errno::spipe;
  if (!(file.rights & rights::kAdvise)) return Errno::notcapable;
  return advice > kAdviceMax ? Errno::inval : Errno::success;
}

Errno fd_allocate(Call& call, std::uint32_t fd, std::uint64_t offset, std::uint64_t size) {
  Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, rights::kAllocate));
  if (file.type != Type::file) return Errno::badf;
  std::uint64_t end;
  if (size == 0 || __builtin_add_overflow(offset, size, &end) || end > INT64_MAX)
    return Errno::inval;
  if (TRY_SYS(file.file->stat()).size < end) TRY_SYS(file.file->resize(end));
  return Errno::success;
}

Errno fd_fdstat_get(Call& call, std::uint32_t fd, std::uint32_t result) {
  const Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, 0));
  layout::Fdstat stat{
      .flags = found.flags, .rights = found.rights, .rights_inheriting = found.rights_inheriting};
  FileType type = FileType::character_device;
  if (found.type == Type::file) type = FileType::regular;
  if (found.type == Type::directory) type = FileType::directory;
  // Streams are pipes; preview1 has no type for those.
  if (found.type == Type::input || found.type == Type::output || found.type == Type::errors)
    type = FileType::unknown;
  stat.type = static_cast<std::uint8_t>(type);
  return call.memory.store(result, stat);
}

Errno fd_fdstat_set_flags(Call& call, std::uint32_t fd, std::uint32_t flags) {
  Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, rights::kSetFlags));
  if (flags &
      ~(fdflags::kAppend | fdflags::kNonblock | fdflags::kDsync | fdflags::kRsync | fdflags::kSync))
    return Errno::inval;
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
  if (found.type == Type::file)
    return call.memory.store(result, layout::filestat_of(TRY_SYS(found.file->stat())));
  if (found.type == Type::directory) {
    const auto* place = TRY_ERRNO(call.process.place(fd, 0));
    return call.memory.store(result, layout::filestat_of(TRY_SYS(place->directory->stat())));
  }
  layout::Filestat
      stream;  // a pipe; for stdin the bytes it holds, so that a reader can allocate once
  if (found.type == Type::input) stream.size = call.process.process.input.size();
  return call.memory.store(result, stream);
}

Errno fd_filestat_set_size(Call& call, std::uint32_t fd, std::uint64_t size) {
  Descriptor& file = *TRY_ERRNO(call.process.descriptor(fd, rights::kSetSize));
  if (file.type != Type::file) return Errno::badf;
  if (size > INT64_MAX) return Errno::inval;
  TRY_SYS(file.file->resize(size));
  return Errno::success;
}

Errno fd_filestat_set_times(Call& call, std::uint32_t fd, std::uint64_t accessed_ns,
                            std::uint64_t modified_ns, std::uint32_t flags) {
  Descriptor& found = *TRY_ERRNO(call.process.descriptor(fd, rights::kSetTimes));
  const auto times =
      TRY_ERRNO(layout::new_times(call.process.clock, accessed_ns, modified_ns, flags));
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
  if (found.preopen.empty()) return Errno::badf;
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
  if (call.process.must_stop()) return Errno::io;
  if (cookie == 0 || found.listing.empty()) {
    const std::uint64_t inode = TRY_SYS(place->directory->stat()).inode;
    found.listing = TRY_SYS(place->directory->list());
    for (const auto* name : {"..", "."})
      found.listing.insert(found.listing.begin(), {name, inode, vfs::Kind::directory});
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
