#include "vfs/host_filesystem.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <functional>
#include <mutex>
#include <unordered_set>

#include "base/file.h"
#include "base/guard.h"
#include "vfs/beneath.h"
#include "vfs/host_file.h"

namespace boxagnts::vfs {
namespace {

using base::UniqueFd;

// The files that were made through a mount, by inode. Thread-safe.
class MadeFiles {
 public:
  void add(std::uint64_t inode) {
    const std::lock_guard lock(mutex_);
    if (inodes_.size() < kFilesMax) inodes_.insert(inode);
  }
  bool contains(std::uint64_t inode) const {
    const std::lock_guard lock(mutex_);
    return inodes_.contains(inode);
  }

 private:
  static constexpr std::size_t kFilesMax = 100'000;
  mutable std::mutex mutex_;
  std::unordered_set<std::uint64_t> inodes_;
};

// What the directories of one mount share.
struct Mounted {
  bool read_only() const { return GUARD("vfs.read-only", access == core::Access::read_only); }

  core::Access access = core::Access::read_only;
  Masks masks;
  dev_t device = 0;                    // of the root
  std::shared_ptr<OpenFiles> counted;  // nullptr: there is no quota
  mutable MadeFiles made;

  // Makes a new entry, if the quota has room for it.
  Sys<void> make_entry(const std::function<int()>& make) const {
    if (counted && !counted->ledger->take_entry()) return std::unexpected(ENOSPC);
    const auto status = done(make());
    if (!status && counted) counted->ledger->give_entry();
    return status;
  }
};

// File systems whose files are the kernel's own state, not data: through /proc/self/mem this very
// program could be rewritten.
bool is_kernel_files(int fd) {
  constexpr std::array<std::uint32_t, 17> kMagics{
      PROC_SUPER_MAGIC, SYSFS_MAGIC,        DEBUGFS_MAGIC,       TRACEFS_MAGIC,
      SECURITYFS_MAGIC, CGROUP_SUPER_MAGIC, CGROUP2_SUPER_MAGIC, BPF_FS_MAGIC,
      EFIVARFS_MAGIC,   SELINUX_MAGIC,      SMACK_MAGIC,         BINFMTFS_MAGIC,
      NSFS_MAGIC,       DEVPTS_SUPER_MAGIC, PSTOREFS_MAGIC,      RDTGROUP_SUPER_MAGIC,
      0x62656570 /* configfs */};
  struct statfs status;
  return ::fstatfs(fd, &status) == 0 &&
         std::ranges::find(kMagics, static_cast<std::uint32_t>(status.f_type)) != kMagics.end();
}

class HostDirectory final : public Directory {
 public:
  HostDirectory(std::shared_ptr<const Mounted> mounted, UniqueFd fd, std::string path)
      : mounted_(std::move(mounted)), fd_(std::move(fd)), path_(std::move(path)) {}

  Sys<Stat> stat() override { return stat_of(fd_.get()); }
  Sys<std::vector<DirectoryEntry>> list() override;
  Sys<void> set_times(const NewTimes& times) override {
    if (read_only()) return std::unexpected(EROFS);
    return done(::futimens(fd_.get(), to_timespecs(times).data()));
  }
  Sys<void> sync() override { return done(::fsync(fd_.get())); }

  Sys<Stat> stat_entry(std::string_view name) override;
  Sys<std::shared_ptr<Directory>> open_directory(std::string_view name) override;
  Sys<std::shared_ptr<File>> open_file(std::string_view name, OpenFlags flags) override;
  Sys<std::string> read_link(std::string_view name) override;
  Sys<void> make_directory(std::string_view name) override {
    if (auto may = may_make(name); !may) return may;
    return mounted_->make_entry(
        [&] { return ::mkdirat(fd_.get(), std::string(name).c_str(), 0777); });
  }
  Sys<void> make_link(std::string_view name, std::string_view target) override {
    if (auto may = may_make(name); !may) return may;
    return mounted_->make_entry([&] {
      return ::symlinkat(std::string(target).c_str(), fd_.get(), std::string(name).c_str());
    });
  }
  Sys<void> remove_file(std::string_view name) override {
    if (auto may = may_change(name); !may) return may;
    return removing(name, [&] { return ::unlinkat(fd_.get(), std::string(name).c_str(), 0); });
  }
  Sys<void> remove_directory(std::string_view name) override {
    if (auto may = may_change(name); !may) return may;
    return removing(name,
                    [&] { return ::unlinkat(fd_.get(), std::string(name).c_str(), AT_REMOVEDIR); });
  }
  Sys<void> set_entry_times(std::string_view name, const NewTimes& times) override {
    if (auto may = may_change(name); !may) return may;
    if (times.nothing()) {  // the kernel would not even look whether it is there
      const auto stat = stat_entry(name);
      return stat ? Sys<void>() : Sys<void>(std::unexpected(stat.error()));
    }
    return done(::utimensat(fd_.get(), std::string(name).c_str(), to_timespecs(times).data(),
                            AT_SYMLINK_NOFOLLOW));
  }
  Sys<void> rename_entry(std::string_view from, Directory& to, std::string_view to_name) override;
  Sys<void> hard_link(std::string_view from, Directory& to, std::string_view to_name) override;
  // The function of that name in the header.
  Sys<void> move_entry(std::string_view name, HostDirectory& to, std::string_view to_name,
                       Replace replace);

  bool holds_hidden() override;

  Sys<Opened> open_plain(std::string_view path, OpenFlags flags) override;
  Sys<Stat> stat_plain(std::string_view path) override;

 private:
  template <class Visit>
  Sys<void> each_entry(Visit visit);
  bool read_only() const { return mounted_->read_only(); }
  std::string below(std::string_view path) const {
    return path_.empty() ? std::string(path) : path_ + "/" + std::string(path);
  }
  bool hidden(std::string_view path) const {
    return GUARD("vfs.mask", mounted_->masks.hides(below(path)));
  }
  // A masked name does not exist, and cannot be made.
  Sys<void> may_make(std::string_view name) const {
    if (read_only()) return std::unexpected(EROFS);
    if (hidden(name)) return std::unexpected(EACCES);
    return {};
  }
  Sys<void> may_change(std::string_view name) const {
    if (hidden(name)) return std::unexpected(ENOENT);
    if (read_only()) return std::unexpected(EROFS);
    return {};
  }
  // Runs what takes the entry `name` away, if there is one.
  Sys<void> removing(std::string_view name, const std::function<int()>& remove);
  struct Made {
    UniqueFd fd;
    bool is_new = false;
  };
  Sys<Made> open_or_make(std::string_view path, int how);
  // What may be opened of what stands there: not a FIFO, whose writer would notice.
  Sys<void> check_kind(const struct stat& status, int fd) const;
  UniqueFd takes_over_mode(std::string_view from, HostDirectory& to, std::string_view to_name,
                           std::uint32_t& mode);
  // The directory of the same mount that `to` is, and the check that both names may be changed
  // there.
  Sys<HostDirectory*> target(std::string_view from, Directory& to, std::string_view to_name);

  const std::shared_ptr<const Mounted> mounted_;
  const UniqueFd fd_;
  const std::string path_;  // from the mount's root; "" is the root
};

template <class Visit>
Sys<void> HostDirectory::each_entry(Visit visit) {
  // A description of its own: the offset of fd_ is shared by everyone who holds this directory.
  const UniqueFd fresh(::openat(fd_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fresh) return last_error();
  alignas(dirent64) std::array<char, 32 << 10> buffer;
  while (true) {
    const long got = ::syscall(SYS_getdents64, fresh.get(), buffer.data(), buffer.size());
    if (got < 0) return last_error();
    if (got == 0) return {};
    for (long at = 0; at < got;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
      at += entry->d_reclen;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") visit(*entry, name);
    }
  }
}

Sys<std::vector<DirectoryEntry>> HostDirectory::list() {
  std::vector<DirectoryEntry> entries;
  const auto read = each_entry([&](const dirent64& entry, std::string_view name) {
    if (hidden(name)) return;
    Kind kind = Kind::other;
    if (entry.d_type == DT_REG) kind = Kind::file;
    if (entry.d_type == DT_DIR) kind = Kind::directory;
    if (entry.d_type == DT_LNK) kind = Kind::link;
    if (entry.d_type == DT_UNKNOWN)
      if (const auto stat = stat_entry(name)) kind = stat->kind;
    entries.push_back({std::string(name), entry.d_ino, kind});
  });
  if (!read) return std::unexpected(read.error());
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

bool HostDirectory::holds_hidden() {
  bool holds = false;
  (void)each_entry([&](const dirent64&, std::string_view name) { holds = holds || hidden(name); });
  return holds;
}

Sys<Stat> HostDirectory::stat_entry(std::string_view name) {
  if (hidden(name)) return std::unexpected(ENOENT);
  struct stat status;
  if (::fstatat(fd_.get(), std::string(name).c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return last_error();
  return to_stat(status);
}

Sys<std::shared_ptr<Directory>> HostDirectory::open_directory(std::string_view name) {
  if (hidden(name)) return std::unexpected(ENOENT);
  UniqueFd fd(open_beneath(fd_.get(), std::string(name).c_str(), O_RDONLY | O_DIRECTORY));
  struct stat status;
  if (!fd || ::fstat(fd.get(), &status) != 0) return last_error();
  if (auto may = check_kind(status, fd.get()); !may) return std::unexpected(may.error());
  return std::make_shared<HostDirectory>(mounted_, std::move(fd), below(name));
}

Sys<std::shared_ptr<File>> HostDirectory::open_file(std::string_view name, OpenFlags flags) {
  flags.directory = false;
  auto opened = open_plain(name, flags);
  if (!opened) return std::unexpected(opened.error());
  if (!opened->file) return std::unexpected(EISDIR);
  return std::move(opened->file);
}

Sys<std::string> HostDirectory::read_link(std::string_view name) {
  if (hidden(name)) return std::unexpected(ENOENT);
  std::array<char, 4097> target;
  const ssize_t size =
      ::readlinkat(fd_.get(), std::string(name).c_str(), target.data(), target.size());
  if (size < 0) return last_error();
  if (static_cast<std::size_t>(size) == target.size()) return std::unexpected(ENAMETOOLONG);
  return std::string(target.data(), static_cast<std::size_t>(size));
}

Sys<HostDirectory*> HostDirectory::target(std::string_view from, Directory& to,
                                          std::string_view to_name) {
  auto* host = dynamic_cast<HostDirectory*>(to.underlying());
  if (!host || host->mounted_ != mounted_) return std::unexpected(EXDEV);
  if (to.holds_mount(to_name)) return std::unexpected(EBUSY);
  if (auto may = may_change(from); !may) return std::unexpected(may.error());
  if (auto may = host->may_make(to_name); !may) return std::unexpected(may.error());
  return host;
}

Sys<void> HostDirectory::rename_entry(std::string_view from, Directory& to,
                                      std::string_view to_name) {
  const auto host = target(from, to, to_name);
  if (!host) return std::unexpected(host.error());
  // A folder that moves would show what is hidden in it, or make what may not be made. What is no
  // folder may be exchanged for one meanwhile.
  const Masks& masks = mounted_->masks;
  if (GUARD("vfs.mask-moved", masks.below(below(from)) != masks.below((*host)->below(to_name))))
    return std::unexpected(EACCES);
  std::uint32_t mode = 0;
  const UniqueFd plain = takes_over_mode(from, **host, to_name, mode);
  const auto renamed = (*host)->removing(to_name, [&] {
    return ::renameat(fd_.get(), std::string(from).c_str(), (*host)->fd_.get(),
                      std::string(to_name).c_str());
  });
  if (renamed && plain) (void)::fchmod(plain.get(), mode);
  return renamed;
}

Sys<void> HostDirectory::move_entry(std::string_view name, HostDirectory& to,
                                    std::string_view to_name, Replace replace) {
  if (mounted_->counted || to.mounted_->counted) return std::unexpected(EXDEV);
  if (auto may = may_change(name); !may) return may;
  if (auto may = to.may_make(to_name); !may) return may;
  if (GUARD("vfs.mask-moved-between",
            mounted_->masks.below(below(name)) != to.mounted_->masks.below(to.below(to_name))))
    return std::unexpected(EACCES);
  const unsigned flags = replace == Replace::yes ? 0 : RENAME_NOREPLACE;
  return done(::renameat2(fd_.get(), std::string(name).c_str(), to.fd_.get(),
                          std::string(to_name).c_str(), flags));
}

Sys<void> HostDirectory::removing(std::string_view name, const std::function<int()>& remove) {
  if (!mounted_->counted) return done(remove());
  const auto lock = mounted_->counted->lock();
  const std::string entry(name);
  const auto identity = [&](struct stat& status) {
    return ::fstatat(fd_.get(), entry.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  };
  struct stat before, after;
  const bool was = identity(before);
  const auto result = done(remove());
  // A rename of a file over another name of itself leaves both.
  if (result && was && !(identity(after) && after.st_ino == before.st_ino))
    mounted_->counted->removed(to_stat(before));
  return result;
}

// Guests replace a file by writing another and renaming it, and preview1 has no chmod: a file that
// was made through this mount takes over the mode of the file it replaces, so that a script stays
// executable.
UniqueFd HostDirectory::takes_over_mode(std::string_view from, HostDirectory& to,
                                        std::string_view to_name, std::uint32_t& mode) {
  const auto source = stat_entry(from), replaced = to.stat_entry(to_name);
  if (!source || !replaced || source->kind != Kind::file || replaced->kind != Kind::file) return {};
  constexpr std::uint32_t kPermissions = 0777;
  mode = replaced->mode & kPermissions;
  if (mode == (source->mode & kPermissions) || !mounted_->made.contains(source->inode)) return {};
  return UniqueFd(open_beneath(fd_.get(), std::string(from).c_str(), O_RDONLY));
}

Sys<void> HostDirectory::check_kind(const struct stat& status, int fd) const {
  const bool kernels = status.st_dev != mounted_->device && is_kernel_files(fd);
  if (GUARD("vfs.kernel-files", kernels)) return std::unexpected(ENXIO);
  const bool special = !S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode);
  if (GUARD("vfs.special-file", special)) return std::unexpected(ENXIO);
  return {};
}

Sys<void> HostDirectory::hard_link(std::string_view from, Directory& to, std::string_view to_name) {
  const auto host = target(from, to, to_name);
  if (!host) return std::unexpected(host.error());
  return mounted_->make_entry([&] {
    return ::linkat(fd_.get(), std::string(from).c_str(), (*host)->fd_.get(),
                    std::string(to_name).c_str(), 0);
  });
}

Sys<Directory::Opened> HostDirectory::open_plain(std::string_view path, OpenFlags flags) {
  if (hidden(path)) return std::unexpected(flags.create ? EACCES : ENOENT);
  if ((flags.write || flags.create || flags.truncate) && read_only()) return std::unexpected(EROFS);
  int how = flags.write || flags.truncate ? (flags.read ? O_RDWR : O_WRONLY) : O_RDONLY;
  if (flags.create) how |= O_CREAT;
  if (flags.exclusive) how |= O_EXCL;
  if (flags.directory) how |= O_DIRECTORY;
  std::unique_lock<std::mutex> lock;
  if (mounted_->counted) lock = mounted_->counted->lock();
  auto made = open_or_make(path, how);
  if (!made) return std::unexpected(made.error());
  UniqueFd& fd = made->fd;
  struct stat status;
  if (::fstat(fd.get(), &status) != 0) return last_error();
  if (made->is_new) mounted_->made.add(status.st_ino);
  if (auto may = check_kind(status, fd.get()); !may) return std::unexpected(may.error());
  if (S_ISDIR(status.st_mode))
    return Opened{nullptr, std::make_shared<HostDirectory>(mounted_, std::move(fd), below(path))};
  auto file = mounted_->counted ? mounted_->counted->add(std::move(fd))
                                : Sys<std::shared_ptr<File>>(std::make_shared<HostFile>(
                                      std::move(fd), nullptr, mounted_->access));
  if (!file) return std::unexpected(file.error());
  if (lock) lock.unlock();  // a file that closes takes it
  // Only now that it is known to be a plain file.
  if (flags.truncate)
    if (auto cut = (*file)->resize(0); !cut) return std::unexpected(cut.error());
  return Opened{std::move(*file), nullptr};
}

Sys<HostDirectory::Made> HostDirectory::open_or_make(std::string_view path, int how) {
  const std::string name(path);
  UniqueFd fd;
  const auto open = [&] {
    fd.reset(open_beneath(fd_.get(), name.c_str(), how, 0666));
    return fd ? 0 : -1;
  };
  bool makes = false;
  // Looked at before it is opened: who writes into a FIFO would notice. As a folder nothing else is
  // opened anyway.
  if (!(how & O_DIRECTORY)) {
    const UniqueFd there(open_beneath(fd_.get(), name.c_str(), O_PATH));
    if (!there && !(how & O_CREAT)) return last_error();
    makes = !there && errno == ENOENT;
    struct stat status;
    if (there && ::fstat(there.get(), &status) == 0)
      if (auto may = check_kind(status, there.get()); !may) return std::unexpected(may.error());
  }
  if (auto opened = makes ? mounted_->make_entry(open) : done(open()); !opened)
    return std::unexpected(opened.error());
  return Made{std::move(fd), makes};
}

Sys<Stat> HostDirectory::stat_plain(std::string_view path) {
  if (!path.contains('/')) {
    auto stat = stat_entry(path);
    if (stat && stat->kind == Kind::link) return std::unexpected(ELOOP);
    return stat;
  }
  if (hidden(path)) return std::unexpected(ENOENT);
  const UniqueFd fd(open_beneath(fd_.get(), std::string(path).c_str(), O_PATH));
  if (!fd) return last_error();
  return stat_of(fd.get());
}

class HostFilesystem final : public Filesystem {
 public:
  HostFilesystem(core::Access access, std::shared_ptr<Directory> root)
      : access_(access), root_(std::move(root)) {}
  std::shared_ptr<Directory> root() override { return root_; }
  bool read_only() const override { return access_ == core::Access::read_only; }

 private:
  const core::Access access_;
  const std::shared_ptr<Directory> root_;
};

}  // namespace

Result<std::shared_ptr<Filesystem>> open_host_filesystem(const std::string& host_path,
                                                         core::Access access, Masks masks,
                                                         Quota quota) {
  UniqueFd root(::open(host_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!root && errno == ENOTDIR)
    return fail(Code::invalid_argument, host_path + " is not a folder");
  if (!root) return fail_errno(errno, "cannot open the folder " + host_path);
  const UniqueFd probe(open_beneath(root.get(), ".", O_PATH));
  if (!probe && (errno == ENOSYS || errno == EPERM))
    return fail(Code::unsupported,
                "this system does not let BoxAgnts call openat2, which keeps tools inside their "
                "folders: use Linux 5.6 or later and a container profile that allows it");
  const bool counts = access == core::Access::read_write && !quota.unlimited();
  auto counted = counts ? std::make_shared<OpenFiles>(quota) : nullptr;
  struct stat status;
  if (::fstat(root.get(), &status) != 0)
    return fail_errno(errno, "cannot open the folder " + host_path);
  if (GUARD("vfs.kernel-files-root", is_kernel_files(root.get())))
    return fail(Code::permission_denied,
                host_path + " holds the kernel's own state, not files; no tool may see it");
  auto mounted = std::make_shared<Mounted>();
  mounted->access = access;
  mounted->masks = std::move(masks);
  mounted->device = status.st_dev;
  mounted->counted = std::move(counted);
  return std::make_shared<HostFilesystem>(
      access, std::make_shared<HostDirectory>(std::move(mounted), std::move(root), ""));
}

Sys<void> move_entry(Directory& from, std::string_view name, Directory& to,
                     std::string_view to_name, Replace replace) {
  auto* source = dynamic_cast<HostDirectory*>(from.underlying());
  auto* target = dynamic_cast<HostDirectory*>(to.underlying());
  if (!source || !target) return std::unexpected(EXDEV);
  return source->move_entry(name, *target, to_name, replace);
}

}  // namespace boxagnts::vfs
