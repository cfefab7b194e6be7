#include "base/text.h"
#include "sandbox/host_function.h"
#include "sandbox/preview1.h"
#include "sandbox/preview1_layout.h"

namespace boxagnts::sandbox {
namespace {

constexpr std::uint32_t kLookupFollow = 1;
constexpr std::size_t kLinkTargetBytesMax = 4095;  // PATH_MAX with its NUL

std::expected<vfs::Follow, Errno> follow_of(std::uint32_t lookup_flags) {
  if (lookup_flags & ~kLookupFollow) return std::unexpected(Errno::inval);
  return lookup_flags & kLookupFollow ? vfs::Follow::yes : vfs::Follow::no;
}

// A path of a guest: preview1's strings are UTF-8, and what is not is ILSEQ, as in Wasmtime.
std::expected<std::string_view, Errno> text_of(const Call& call, std::uint32_t at,
                                               std::uint32_t size) {
  const auto text = call.memory.text(at, size);
  if (text && !base::is_utf8(*text)) return std::unexpected(Errno::ilseq);
  return text;
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
  const auto text = text_of(call, path, path_size);
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

// The path without slashes behind it, for functions that work on the entry itself and never on what
// a link there leads to: a folder's name may have them, and says the same without.
Target of_entry(Target at) {
  while (at.path.size() > 1 && at.path.ends_with('/')) at.path.remove_suffix(1);
  return at;
}

// For a name that is to be made with a slash behind it: only a folder could stand there.
std::expected<void, Errno> check_slash(const vfs::Leaf& made) {
  if (!made.must_be_directory) return {};
  const auto stat = made.parent.directory->stat_entry(made.name);
  if (!stat) return std::unexpected(from_host_errno(stat.error()));
  return std::unexpected(stat->kind == vfs::Kind::directory ? Errno::exist : Errno::notdir);
}

constexpr std::uint32_t kCreate = 1, kDirectory = 2, kExclusive = 4, kTruncate = 8;

// What the folder's own rights must hold to open something in it in this way.
std::uint64_t rights_to_open(std::uint32_t open_flags, std::uint32_t fd_flags) {
  std::uint64_t needed = rights::kOpen;
  if (open_flags & kCreate) needed |= rights::kCreateFile;
  if (open_flags & kTruncate) needed |= rights::kPathSetSize;
  if (fd_flags & fdflags::kDsync) needed |= rights::kDatasync;
  if (fd_flags & (fdflags::kRsync | fdflags::kSync)) needed |= rights::kSync;
  return needed;
}

// Rights. `wanted` says whether the file is opened for reading and for writing; every other right
// comes from what the folder hands down, whatever was asked for, since programs written for
// Wasmtime (which knows no rights) ask for few or none. What fd_fdstat_set_rights took from the
// folder is not handed down, and asking for it is ENOTCAPABLE.
Errno path_open(Call& call, std::uint32_t fd, std::uint32_t lookup_flags, std::uint32_t path,
                std::uint32_t path_size, std::uint32_t open_flags, std::uint64_t wanted,
                std::uint64_t, std::uint32_t fd_flags, std::uint32_t result) {
  if (open_flags & ~(kCreate | kDirectory | kExclusive | kTruncate)) return Errno::inval;
  if (fd_flags & ~std::uint32_t{fdflags::kAll}) return Errno::inval;
  const auto follow = TRY_ERRNO(follow_of(lookup_flags));
  const auto at =
      TRY_ERRNO(target(call, fd, rights_to_open(open_flags, fd_flags), path, path_size));
  TRY_ERRNO(call.memory.bytes(result, sizeof(std::uint32_t)));
  const vfs::OpenFlags flags{.read = (wanted & rights::kRead) != 0,
                             .write = (wanted & rights::kWrite) != 0,
                             .create = (open_flags & kCreate) != 0,
                             .exclusive = (open_flags & kExclusive) && (open_flags & kCreate),
                             .truncate = (open_flags & kTruncate) != 0,
                             .directory = (open_flags & kDirectory) != 0,
                             .append = (fd_flags & fdflags::kAppend) != 0};
  if (flags.directory && open_flags != kDirectory) return Errno::inval;
  const std::uint64_t handed_down = TRY_ERRNO(call.process.descriptor(fd, 0))->rights_inheriting;
  if (wanted & (rights::kFile | rights::kDirectory) & ~handed_down) return Errno::notcapable;
  auto opened = TRY_SYS(call.process.process.name_space->open(*at.start, at.path, follow, flags));
  Descriptor descriptor{.flags = static_cast<std::uint16_t>(fd_flags)};
  if (opened.file) {
    const bool stream = opened.file->is_stream();
    descriptor.type = stream ? Descriptor::Type::stream : Descriptor::Type::file;
    descriptor.file = std::move(opened.file);
    descriptor.opened = stream ? rights::kStream : rights::kFile;
    if (!flags.read) descriptor.opened &= ~rights::kRead;
    if (!flags.write) descriptor.opened &= ~rights::kWriting;
  } else {
    descriptor.type = Descriptor::Type::directory;
    descriptor.place = std::move(*opened.directory);
    descriptor.opened = rights::kDirectory;
    descriptor.rights_inheriting = handed_down;
  }
  descriptor.rights = descriptor.opened & handed_down;
  return call.memory.store(result, TRY_ERRNO(call.process.add(std::move(descriptor))));
}

Errno path_filestat_get(Call& call, std::uint32_t fd, std::uint32_t lookup_flags,
                        std::uint32_t path, std::uint32_t path_size, std::uint32_t result) {
  const auto follow = TRY_ERRNO(follow_of(lookup_flags));
  const auto at = TRY_ERRNO(target(call, fd, rights::kPathStat, path, path_size));
  const auto stat = TRY_SYS(call.process.process.name_space->stat(*at.start, at.path, follow));
  return call.memory.store(result, layout::filestat_of(stat));
}

Errno path_filestat_set_times(Call& call, std::uint32_t fd, std::uint32_t lookup_flags,
                              std::uint32_t path, std::uint32_t path_size,
                              std::uint64_t accessed_ns, std::uint64_t modified_ns,
                              std::uint32_t flags) {
  const auto follow = TRY_ERRNO(follow_of(lookup_flags));
  const auto at = TRY_ERRNO(target(call, fd, rights::kPathSetTimes, path, path_size));
  const auto times =
      TRY_ERRNO(layout::new_times(call.process.world, accessed_ns, modified_ns, flags));
  const auto found = TRY_ERRNO(leaf(call, at, follow));
  if (found.must_be_directory) {
    const auto stat = TRY_SYS(found.parent.directory->stat_entry(found.name));
    if (stat.kind != vfs::Kind::directory) return Errno::notdir;
  }
  if (found.name.empty())
    TRY_SYS(found.parent.directory->set_times(times));
  else
    TRY_SYS(found.parent.directory->set_entry_times(found.name, times));
  return Errno::success;
}

Errno path_create_directory(Call& call, std::uint32_t fd, std::uint32_t path,
                            std::uint32_t path_size) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kCreateDirectory, path, path_size));
  const auto found = TRY_ERRNO(leaf(call, of_entry(at), vfs::Follow::no));
  if (found.name.empty()) return Errno::exist;
  TRY_SYS(found.parent.directory->make_directory(found.name));
  return Errno::success;
}

Errno path_remove_directory(Call& call, std::uint32_t fd, std::uint32_t path,
                            std::uint32_t path_size) {
  const auto at = TRY_ERRNO(target(call, fd, rights::kRemoveDirectory, path, path_size));
  const auto found = TRY_ERRNO(leaf(call, of_entry(at), vfs::Follow::no));
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
  const auto source = TRY_ERRNO(leaf(call, of_entry(at), vfs::Follow::no));
  const auto destination = TRY_ERRNO(leaf(call, of_entry(to), vfs::Follow::no));
  if (source.name.empty() || destination.name.empty()) return Errno::busy;
  if (at.path.ends_with('/') || to.path.ends_with('/')) {
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
  if (lookup_flags != 0) return Errno::inval;
  const auto source = TRY_ERRNO(leaf(call, at, vfs::Follow::no));
  const auto destination = TRY_ERRNO(leaf(call, to, vfs::Follow::no));
  if (source.name.empty()) return Errno::perm;
  if (destination.name.empty()) return Errno::exist;
  if (source.must_be_directory) {
    const auto stat = TRY_SYS(source.parent.directory->stat_entry(source.name));
    return stat.kind == vfs::Kind::directory ? Errno::perm : Errno::notdir;
  }
  TRY_ERRNO(check_slash(destination));
  TRY_SYS(source.parent.directory->hard_link(source.name, *destination.parent.directory,
                                             destination.name));
  return Errno::success;
}

Errno path_symlink(Call& call, std::uint32_t old_path, std::uint32_t old_path_size,
                   std::uint32_t fd, std::uint32_t path, std::uint32_t path_size) {
  const auto link_target = TRY_ERRNO(text_of(call, old_path, old_path_size));
  const auto at = TRY_ERRNO(target(call, fd, rights::kSymlink, path, path_size));
  const auto found = TRY_ERRNO(leaf(call, at, vfs::Follow::no));
  if (link_target.empty()) return Errno::noent;
  if (link_target.contains('\0')) return Errno::inval;
  if (link_target.size() > kLinkTargetBytesMax) return Errno::nametoolong;
  // A link out of the sandbox could not be followed here but would mislead whoever finds it
  // outside.
  if (GUARD("sandbox.absolute-link", link_target.starts_with('/'))) return Errno::perm;
  if (found.name.empty()) return Errno::exist;
  TRY_ERRNO(check_slash(found));
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
