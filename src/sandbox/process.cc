#include "sandbox/process.h"

#include <cerrno>

#include "vfs/streams.h"

namespace boxagnts::sandbox {

Errno from_host_errno(int host_errno) {
  switch (host_errno) {
    case 0: return Errno::success;
    case E2BIG: return Errno::too_big;
    case EACCES: return Errno::acces;
    case EAGAIN: return Errno::again;
    case EBADF: return Errno::badf;
    case EBUSY: return Errno::busy;
    case EDQUOT: return Errno::dquot;
    case EEXIST: return Errno::exist;
    case EFAULT: return Errno::fault;
    case EFBIG: return Errno::fbig;
    case EILSEQ: return Errno::ilseq;
    case EINTR: return Errno::intr;
    case EINVAL: return Errno::inval;
    case EISDIR: return Errno::isdir;
    case ELOOP: return Errno::loop;
    case EMFILE: return Errno::mfile;
    case EMLINK: return Errno::mlink;
    case ENAMETOOLONG: return Errno::nametoolong;
    case ENFILE: return Errno::nfile;
    case ENOENT: return Errno::noent;
    case ENOMEM: return Errno::nomem;
    case ENODEV: return Errno::nodev;
    case ENOSPC: return Errno::nospc;
    case ENOSYS: return Errno::nosys;
    case ENOTDIR: return Errno::notdir;
    case ENOTEMPTY: return Errno::notempty;
    case EOPNOTSUPP: return Errno::notsup;
    case ENXIO: return Errno::nxio;
    case EOVERFLOW: return Errno::overflow;
    case EPIPE: return Errno::pipe;
    case EPERM: return Errno::perm;
    case EROFS: return Errno::rofs;
    case ESPIPE: return Errno::spipe;
    case ESTALE: return Errno::stale;
    case ETXTBSY: return Errno::txtbsy;
    case EXDEV: return Errno::xdev;
    default: return Errno::io;
  }
}

FileType file_type(vfs::Kind kind) {
  switch (kind) {
    case vfs::Kind::file: return FileType::regular;
    case vfs::Kind::directory: return FileType::directory;
    case vfs::Kind::link: return FileType::link;
    case vfs::Kind::device: return FileType::character_device;
    case vfs::Kind::other: return FileType::unknown;
  }
  return FileType::unknown;
}

ProcessState::ProcessState(const Process& spec, base::Clock& clock, World& its_world,
                           std::stop_token stopper)
    : process(spec),
      world(its_world),
      stop(std::move(stopper)),
      clock_(clock),
      deadline_(clock.steady() + spec.limits.wall_time),
      stopped_before_(spec.stopped ? spec.stopped->total() : std::chrono::nanoseconds(0)) {
  const auto stream = [this](std::shared_ptr<vfs::File> file, Output* counted,
                             std::uint64_t rights) {
    descriptors_.emplace_back(Descriptor{.type = Descriptor::Type::stream,
                                         .file = std::move(file),
                                         .output = counted,
                                         .opened = rights,
                                         .rights = rights});
  };
  stream(spec.standard_input ? spec.standard_input : vfs::make_text_stream(spec.input), nullptr,
         rights::kInput);
  stream(spec.standard_output, &output, rights::kOutput);
  stream(spec.standard_error, &errors, rights::kOutput);
  const auto preopen = [this](std::string name) {
    descriptors_.emplace_back(Descriptor{.type = Descriptor::Type::directory,
                                         .preopen = std::move(name),
                                         .opened = rights::kDirectory,
                                         .rights = rights::kDirectory,
                                         .rights_inheriting = rights::kDirectory | rights::kFile});
  };
  if (process.preopens) {
    for (const auto& [name, path] : *process.preopens) {
      preopen(name);
      if (auto at = process.name_space->at(path)) descriptors_.back()->place = std::move(*at);
    }
    return;
  }
  // 3 is always the root and 4 the working directory; wasi-libc takes the longest matching name
  // and, among equals ("/" and "." both match any path), the last.
  preopen("/");
  preopen(".");
  for (auto& mount : process.name_space->mount_points())
    if (mount != "/") preopen(std::move(mount));
}

std::expected<Descriptor*, Errno> ProcessState::descriptor(std::uint32_t fd,
                                                           std::uint64_t needed_rights) {
  if (fd >= descriptors_.size() || !descriptors_[fd]) return std::unexpected(Errno::badf);
  Descriptor& found = *descriptors_[fd];
  if ((found.opened & needed_rights) != needed_rights) return std::unexpected(Errno::badf);
  if ((found.rights & needed_rights) != needed_rights) return std::unexpected(Errno::notcapable);
  return &found;
}

std::expected<const vfs::Place*, Errno> ProcessState::place(std::uint32_t fd,
                                                            std::uint64_t needed_rights) {
  const auto found = descriptor(fd, 0);
  if (!found) return std::unexpected(found.error());
  Descriptor& directory = **found;
  if (directory.type != Descriptor::Type::directory) return std::unexpected(Errno::notdir);
  if ((directory.rights & needed_rights) != needed_rights)
    return std::unexpected(Errno::notcapable);
  if (!directory.place) {
    const std::string& path =
        directory.preopen == "." ? process.working_directory : directory.preopen;
    auto at = process.name_space->at(path);
    if (!at) return std::unexpected(from_host_errno(at.error()));
    directory.place = std::move(*at);
  }
  return &*directory.place;
}

std::expected<std::uint32_t, Errno> ProcessState::add(Descriptor descriptor) {
  for (std::uint32_t fd = 0; fd < descriptors_.size(); ++fd)
    if (!descriptors_[fd]) {
      descriptors_[fd] = std::move(descriptor);
      return fd;
    }
  if (GUARD("sandbox.open-files", descriptors_.size() >= process.limits.open_files))
    return std::unexpected(Errno::mfile);
  descriptors_.emplace_back(std::move(descriptor));
  return static_cast<std::uint32_t>(descriptors_.size() - 1);
}

Errno ProcessState::keep_listing(Descriptor& directory,
                                 std::vector<vfs::DirectoryEntry> listing) const {
  constexpr std::uint64_t kListingsBytesMax = 256ull << 20;
  std::uint64_t bytes = 0, others = 0;
  for (const auto& entry : listing) bytes += sizeof entry + entry.name.capacity();
  for (const auto& other : descriptors_)
    if (other && &*other != &directory) others += other->listing_bytes;
  if (GUARD("sandbox.listings", others + bytes > kListingsBytesMax)) return Errno::nomem;
  directory.listing = std::move(listing);
  directory.listing_bytes = bytes;
  return Errno::success;
}

Errno ProcessState::close(std::uint32_t fd) {
  if (const auto found = descriptor(fd, 0); !found) return found.error();
  descriptors_[fd].reset();
  return Errno::success;
}

Errno ProcessState::renumber(std::uint32_t from, std::uint32_t to) {
  if (const auto found = descriptor(from, 0); !found) return found.error();
  if (const auto found = descriptor(to, 0); !found) return found.error();
  if (from == to) return Errno::success;
  descriptors_[to] = std::move(descriptors_[from]);
  descriptors_[from].reset();
  return Errno::success;
}

bool ProcessState::must_stop() {
  if (end) return true;
  if (GUARD("sandbox.stop", stop.stop_requested())) {
    end_with(End::stopped, "stopped on request");
    return true;
  }
  if (GUARD("sandbox.wall-time", clock_.steady() >= deadline())) {
    end_with(End::limit, "the limit wasm_timeout of " +
                             std::to_string(process.limits.wall_time.count()) +
                             " ms was reached; raise it or do less in one call");
    return true;
  }
  return false;
}

void ProcessState::end_with(End how, std::string why) {
  if (end) return;
  end = how;
  reason = std::move(why);
}

void ProcessState::end_with_exit(std::int32_t code) {
  if (end) return;
  end = End::exited;
  exit_code = code;
}

}  // namespace boxagnts::sandbox
