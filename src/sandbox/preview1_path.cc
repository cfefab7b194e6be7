#include "sandbox/host_function.h"
#include "sandbox/preview1.h"
#include "sandbox/preview1_layout.h"

namespace boxagnts::sandbox {
namespace {

constexpr std::uint32_t kLookupFollow = 1;

vfs::Follow follow_of(std::uint32_t lookup_flags) {
  return lookup_flags & kLookupFollow ? vfs::Follow::yes : vfs::Follow::no;
}

// A directory descriptor and a path in guest memory.
struct Target {
  const vfs::Place* start;
  std::string_view path;
};

std::expected<Target, Errno> target(Call& call, std::uint32_t fd, std::uint64_t needed_rights,
                                    std::uint32_t path, std::uint32_t path_size) {
  const auto start = call.process.place(fd, needed_rights);
  if (!start) return std::unexpected(start.error());
  const auto text = call.memory.text(path, path_size);
  if (!text) return std::unexpected(text.error());
  if (call.process.must_stop()) return std::unexpected(Errno::io);
  return Target{*start, *text};
}

// Resolves to (parent, name) for functions that make or remove an entry.
std::expected<vfs::Leaf, Errno> leaf(Call& call, const Target& at, vfs::Follow follow) {
  auto resolved = call.process.process.name_space->resolve(*at.start, at.path, follow);
  if (!resolved) return std::unexpected(from_host_errno(resolved.error()));
  return std::move(*resolved);
}

Errno path_open(Call& call, std::uint32_t fd, std::uint32_t lookup_flags, std::uint32_t path,
                std::uint32_t path_size, std::uint32_t open_flags, std::uint64_t wanted,
                std::uint64_t inheriting, std::uint32_t fd_flags, std::uint32_t result) {
  constexpr std::uint32_t kCreate = 1, kDirectory = 2, kExclusive = 4, kTruncate = 8;
  const auto at = TRY_ERRNO(target(call, fd, rights::kOpen, path, path_size));
  if (open_flags & ~(kCreate | kDirectory | kExclusive | kTruncate)) return Errno::inval;
  const vfs::OpenFlags flags{
      .read = (wanted & (rights::kRead | rights::kReaddir)) != 0,
      .write = (wanted & (rights::kWrite | rights::kAllocate | rights::kSetSize)) != 0,
      .create = (open_flags & kCreate) != 0,
      .exclusive = (open_flags & kExclusive) != 0,
      .truncate = (open_flags & kTruncate) != 0,
      .directory = (open_flags & kDirectory) != 0,
      .append = (fd_flags & fdflags::kAppend) != 0};
  if (flags.directory && (flags.create || flags.truncate)) return Errno::inval;
  auto opened = TRY_SYS(
      call.process.process.name_space->open(*at.start, at.path, follow_of(lookup_flags), flags));
  Descriptor descriptor{.flags = static_cast<std::uint16_t>(fd_flags)};
  if (opened.file) {
    const bool stream = opened.file->is_stream();
    descriptor.type = stream ? Descriptor::Type::stream : Descriptor::Type::file;
    descriptor.file = std::move(opened.file);
    // What was not opened for is not granted, whatever was wished for.
    descriptor.rights = wanted & (stream ? rights::kStream : rights::kFile);
    if (!flags.read) descriptor.rights &= ~rights::kRead;
    if (!flags.write) descriptor.rights &= ~(rights::kWrite | rights::kAllocate | rights::kSetSize);
  } else {
    descriptor.type = Descriptor::Type::directory;
    descriptor.place = std::move(*opened.directory);
    descriptor.rights = wanted & rights::kDirectory;
    descriptor.rights_inheriting = inheriting & (rights::kDirectory | rights::kFile);
  }
  const auto number = TRY_ERRNO(call.process.add(std::move(descriptor)));
  const auto stored = call.memory.store(result, number);
  if (stored != Errno::success) call.process.close(number);
  return stored;
}

Errno path_filestat_get(Call& call, std::uint32_t fd, std::uint32_t lookup_flags,
                        std::uint32_t path, std::uint32_t path_size, std::uint32_t result) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kPathStat, path, path_size));
  const auto stat =
      TRY_SYS(call.process.process.name_space->stat(*at.start, at.path, follow_of(lookup_flags)));
  return call.memory.store(result, layout::filestat_of(stat));
}

Errno path_filestat_set_times(Call& call, std::uint32_t fd, std::uint32_t lookup_flags,
                              std::uint32_t path, std::uint32_t path_size,
                              std::uint64_t accessed_ns, std::uint64_t modified_ns,
                              std::uint32_t flags) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kPathSetTimes, path, path_size));
  const auto times =
      TRY_ERRNO(layout::new_times(call.process.world, accessed_ns, modified_ns, flags));
  const auto found = TRY_ERRNO(leaf(call, at, follow_of(lookup_flags)));
  if (found.name.empty())
    TRY_SYS(found.parent.directory->set_times(times));
  else
    TRY_SYS(found.parent.directory->set_entry_times(found.name, times));
  return Errno::success;
}

Errno path_create_directory(Call& call, std::uint32_t fd, std::uint32_t path,
                            std::uint32_t path_size) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kCreateDirectory, path, path_size));
  const auto found = TRY_ERRNO(leaf(call, at, vfs::Follow::no));
  if (found.name.empty()) return Errno::exist;
  TRY_SYS(found.parent.directory->make_directory(found.name));
  return Errno::success;
}

Errno path_remove_directory(Call& call, std::uint32_t fd, std::uint32_t path,
                            std::uint32_t path_size) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kRemoveDirectory, path, path_size));
  const auto found = TRY_ERRNO(leaf(call, at, vfs::Follow::no));
  if (found.name.empty()) return Errno::inval;
  TRY_SYS(found.parent.directory->remove_directory(found.name));
  return Errno::success;
}

Errno path_unlink_file(Call& call, std::uint32_t fd, std::uint32_t path, std::uint32_t path_size) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kUnlinkFile, path, path_size));
  const auto found = TRY_ERRNO(leaf(call, at, vfs::Follow::no));
  if (found.name.empty()) return Errno::isdir;
  if (found.must_be_directory) {
    const auto stat = TRY_SYS(found.parent.directory->stat_entry(found.name));
    return stat.kind == vfs::Kind::directory ? Errno::isdir : Errno::notdir;
  }
  TRY_SYS(found.parent.directory->remove_file(found.name));
  return Errno::success;
}

Errno path_rename(Call& call, std::uint32_t fd, std::uint32_t path, std::uint32_t path_size,
                  std::uint32_t new_fd, std::uint32_t new_path, std::uint32_t new_path_size) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kRenameSource, path, path_size));
  const auto to = TRY_ERRNO(target(call, new_fd, rights::kRenameTarget, new_path, new_path_size));
  const auto source = TRY_ERRNO(leaf(call, at, vfs::Follow::no));
  const auto destination = TRY_ERRNO(leaf(call, to, vfs::Follow::no));
  if (source.name.empty() || destination.name.empty()) return Errno::busy;
  if (source.must_be_directory || destination.must_be_directory) {
    const auto stat = TRY_SYS(source.parent.directory->stat_entry(source.name));
    if (stat.kind != vfs::Kind::directory) return Errno::notdir;
  }
  TRY_SYS(source.parent.directory->rename_entry(source.name, *destination.parent.directory,
                                                destination.name));
  return Errno::success;
}

Errno path_link(Call& call, std::uint32_t fd, std::uint32_t lookup_flags, std::uint32_t path,
                std::uint32_t path_size, std::uint32_t new_fd, std::uint32_t new_path,
                std::uint32_t new_path_size) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kLinkSource, path, path_size));
  const auto to = TRY_ERRNO(target(call, new_fd, rights::kLinkTarget, new_path, new_path_size));
  if (lookup_flags & kLookupFollow) return Errno::inval;
  const auto source = TRY_ERRNO(leaf(call, at, vfs::Follow::no));
  const auto destination = TRY_ERRNO(leaf(call, to, vfs::Follow::no));
  if (source.name.empty()) return Errno::perm;
  if (destination.name.empty()) return Errno::exist;
  if (source.must_be_directory || destination.must_be_directory) return Errno::noent;
  TRY_SYS(source.parent.directory->hard_link(source.name, *destination.parent.directory,
                                             destination.name));
  return Errno::success;
}

Errno path_symlink(Call& call, std::uint32_t old_path, std::uint32_t old_path_size,
                   std::uint32_t fd, std::uint32_t path, std::uint32_t path_size) {
  const auto link_target = TRY_ERRNO(call.memory.text(old_path, old_path_size));
  const auto at = TRY_ERRNO(target(call, fd, rights::kSymlink, path, path_size));
  const auto found = TRY_ERRNO(leaf(call, at, vfs::Follow::no));
  if (link_target.empty()) return Errno::noent;
  if (link_target.contains('\0')) return Errno::inval;
  // A link out of the sandbox could not be followed here but would mislead whoever finds it
  // outside.
  if (GUARD("sandbox.absolute-link", link_target.starts_with('/'))) return Errno::notcapable;
  if (found.name.empty()) return Errno::exist;
  if (found.must_be_directory) return Errno::noent;
  TRY_SYS(found.parent.directory->make_link(found.name, link_target));
  return Errno::success;
}

Errno path_readlink(Call& call, std::uint32_t fd, std::uint32_t path, std::uint32_t path_size,
                    std::uint32_t buffer, std::uint32_t size, std::uint32_t result) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kReadlink, path, path_size));
  const auto found = TRY_ERRNO(leaf(call, at, vfs::Follow::no));
  if (found.name.empty()) return Errno::inval;
  const auto into = TRY_ERRNO(call.memory.bytes(buffer, size));
  const auto text = TRY_SYS(found.parent.directory->read_link(found.name));
  const std::size_t count = std::min<std::size_t>(text.size(), size);
  std::memcpy(into.data(), text.data(), count);
  return call.memory.store(result, static_cast<std::uint32_t>(count));
}

}  // namespace

void define_preview1_path(wasmtime_linker_t& linker) {
#define DEFINE(name) define<name>(linker, kPreview1, #name)
  DEFINE(path_create_directory);
  DEFINE(path_filestat_get);
  DEFINE(path_filestat_set_times);
  DEFINE(path_link);
  DEFINE(path_open);
  DEFINE(path_readlink);
  DEFINE(path_remove_directory);
  DEFINE(path_rename);
  DEFINE(path_symlink);
  DEFINE(path_unlink_file);
#undef DEFINE
}

}  // namespace boxagnts::sandbox
