// One mounted file system, seen as nodes: what the resolver walks and what the WASI kernel reads.
//
// Results are errno values, since every caller is a system-call surface; ENOENT also stands for
// "hidden by a mask". A Node is an open reference to a file, directory or link and stays usable
// after renames, like a descriptor. Nodes are shared by reference count; all calls are thread-safe.
// Calls may block on disk, never on anything else: FIFOs, sockets and devices of a host folder are
// refused (ENXIO) before they could.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace boxagnts::vfs {

// A value, or an errno. Zero never appears as an error.
template <class T>
using Sys = std::expected<T, int>;

// `other` is a stream that is no device, or what is refused (FIFO, socket, device of a host mount).
enum class Kind : std::uint8_t { file, directory, link, device, other };

struct Stat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  Kind kind = Kind::other;
  std::uint64_t links = 1;
  std::uint64_t size = 0;        // bytes
  std::int64_t accessed_ns = 0;  // since the epoch
  std::int64_t modified_ns = 0;
  std::int64_t changed_ns = 0;
  std::uint32_t mode = 0;  // permission bits
};

struct DirectoryEntry {
  std::string name;
  std::uint64_t inode = 0;
  Kind kind = Kind::other;
};

// Absent = leave as it is.
struct NewTimes {
  std::optional<std::int64_t> accessed_ns;
  std::optional<std::int64_t> modified_ns;
  bool nothing() const { return !accessed_ns && !modified_ns; }
};

struct OpenFlags {
  bool read : 1 = false;
  bool write : 1 = false;
  bool create : 1 = false;
  bool exclusive : 1 = false;
  bool truncate : 1 = false;
  bool directory : 1 = false;  // anything else is ENOTDIR
  bool append : 1 = false;
};

// An open file. Offsets are the caller's; reads and writes are positioned.
//
// A stream (pipe, terminal, device) has no place: offsets are ignored, and there is no seeking. A
// read or write on it that would have to wait is EAGAIN, and poll(2) on poll_descriptor() says when
// to try again.
class File {
 public:
  virtual ~File() = default;
  virtual Sys<Stat> stat() = 0;
  virtual Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset) = 0;
  virtual Sys<std::size_t> write_at(std::span<const std::byte> from, std::uint64_t offset) = 0;
  virtual Sys<std::uint64_t> append(std::span<const std::byte> from) = 0;  // the new size
  virtual Sys<void> resize(std::uint64_t size) = 0;
  // Makes room for `size` bytes at `offset`, growing the file if need be. The default only grows.
  virtual Sys<void> allocate(std::uint64_t offset, std::uint64_t size);
  virtual Sys<void> set_times(const NewTimes& times) = 0;
  virtual Sys<void> sync() = 0;

  virtual bool is_stream() const { return false; }
  virtual int poll_descriptor() const { return -1; }  // -1: never has to wait
  // Where the bytes are a file of this machine: for the kernel to copy from. -1: they are not.
  virtual int descriptor() const { return -1; }
};

// An open directory. `name` is always one component: never empty, ".", "..", and without '/' or
// NUL; calls on a name never follow a link. The resolver is what turns paths into (directory,
// name).
class Directory {
 public:
  virtual ~Directory() = default;
  virtual Sys<Stat> stat() = 0;
  // Sorted by name, without "." and ".."; masked entries are absent.
  virtual Sys<std::vector<DirectoryEntry>> list() = 0;
  virtual Sys<void> set_times(const NewTimes& times) = 0;
  virtual Sys<void> sync() = 0;

  virtual Sys<Stat> stat_entry(std::string_view name) = 0;
  virtual Sys<std::shared_ptr<Directory>> open_directory(std::string_view name) = 0;
  virtual Sys<std::shared_ptr<File>> open_file(std::string_view name, OpenFlags flags) = 0;
  virtual Sys<std::string> read_link(std::string_view name) = 0;
  virtual Sys<void> make_directory(std::string_view name) = 0;
  virtual Sys<void> make_link(std::string_view name, std::string_view target) = 0;  // symbolic
  virtual Sys<void> remove_file(std::string_view name) = 0;  // files and links
  virtual Sys<void> remove_directory(std::string_view name) = 0;
  virtual Sys<void> set_entry_times(std::string_view name, const NewTimes& times) = 0;
  // `to` belongs to the same Filesystem (else EXDEV).
  virtual Sys<void> rename_entry(std::string_view from, Directory& to,
                                 std::string_view to_name) = 0;
  virtual Sys<void> hard_link(std::string_view from, Directory& to, std::string_view to_name) = 0;

  // Fast path: opens `path` (several components, lexically normal, relative) below this directory
  // in one step. EXDEV-free by construction. ELOOP = "a link or something special is on the way:
  // walk". The default says ELOOP.
  struct Opened {
    std::shared_ptr<File> file;  // exactly one of the two
    std::shared_ptr<Directory> directory;
  };
  virtual Sys<Opened> open_plain(std::string_view path, OpenFlags flags);
  virtual Sys<Stat> stat_plain(std::string_view path);

  // Whether a mask hides something in it: then it is not empty, whatever list() says.
  virtual bool holds_hidden();  // default: no

  // A directory with mounts below it (name_space) stands in front of the one it was made from.
  virtual bool holds_mount(std::string_view name) const;  // default: none
  virtual Directory* underlying();                        // default: this; nullptr = synthetic
};

class Filesystem {
 public:
  virtual ~Filesystem() = default;
  virtual std::shared_ptr<Directory> root() = 0;
  virtual bool read_only() const = 0;  // every changing call is EROFS
};

}  // namespace boxagnts::vfs
