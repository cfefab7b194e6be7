// The functions of WASI preview1 that our guests import, called directly: wasi-libc's own layer
// scans the preopened directories at start, which costs host calls and memory pages that a 10 us
// tool has not to spare.
//
// Names and layouts are those of the specification (preview1 witx).
#pragma once

#include <cstddef>
#include <cstdint>

namespace boxagnts::guest {

// As a signed word, the way wasm hands it over.
enum class Errno : std::int32_t {
  success = 0,
  acces = 2,
  busy = 10,
  dquot = 19,
  exist = 20,
  fbig = 22,
  inval = 28,
  io = 29,
  isdir = 31,
  loop = 32,
  mfile = 33,
  nametoolong = 37,
  nfile = 41,
  noent = 44,
  nomem = 48,
  nospc = 51,
  nosys = 52,
  notdir = 54,
  nxio = 60,
  perm = 63,
  rofs = 69,
  txtbsy = 74,
  xdev = 75,
  notcapable = 76
};

enum class FileType : std::uint8_t {
  unknown = 0,
  block_device = 1,
  character_device = 2,
  directory = 3,
  regular = 4,
  datagram_socket = 5,
  stream_socket = 6,
  link = 7
};

struct Stat {
  std::uint64_t device;
  std::uint64_t inode;
  FileType type;
  std::uint64_t links;
  std::uint64_t size;
  std::uint64_t accessed_ns;
  std::uint64_t modified_ns;
  std::uint64_t changed_ns;
};
static_assert(sizeof(Stat) == 64);

struct Piece {  // iovec
  const char* data;
  std::size_t size;
};
static_assert(sizeof(Piece) == 8);

struct DirectoryEntryHead {
  std::uint64_t next_cookie;
  std::uint64_t inode;
  std::uint32_t name_size;
  FileType type;
};
static_assert(sizeof(DirectoryEntryHead) == 24);

namespace fd {
constexpr std::uint32_t kInput = 0, kOutput = 1, kErrors = 2;
// The kernel's promise: 3 is the whole name space, 4 the working directory, then the mounts.
constexpr std::uint32_t kRoot = 3, kWorkingDirectory = 4, kFirstMount = 5;
}  // namespace fd

namespace rights {
constexpr std::uint64_t kRead = 1 << 1, kSeek = 1 << 2, kWrite = 1 << 6, kReaddir = 1 << 14,
                        kPathStat = 1 << 18, kStat = 1 << 21, kOpen = 1 << 13;
}

namespace open_flags {
constexpr std::uint32_t kCreate = 1, kDirectory = 2, kExclusive = 4;
}

enum class Follow : std::uint32_t { no = 0, yes = 1 };

#define BOXAGNTS_WASI(name) \
  __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))

extern "C" {
BOXAGNTS_WASI(fd_read) Errno wasi_fd_read(std::uint32_t, const Piece*, std::size_t, std::size_t*);
BOXAGNTS_WASI(fd_write) Errno wasi_fd_write(std::uint32_t, const Piece*, std::size_t, std::size_t*);
BOXAGNTS_WASI(fd_close) Errno wasi_fd_close(std::uint32_t);
BOXAGNTS_WASI(fd_filestat_get) Errno wasi_fd_filestat_get(std::uint32_t, Stat*);
BOXAGNTS_WASI(fd_readdir)
Errno wasi_fd_readdir(std::uint32_t, char*, std::size_t, std::uint64_t cookie, std::size_t* used);
BOXAGNTS_WASI(fd_prestat_get) Errno wasi_fd_prestat_get(std::uint32_t, std::uint32_t prestat[2]);
BOXAGNTS_WASI(fd_prestat_dir_name)
Errno wasi_fd_prestat_dir_name(std::uint32_t, char*, std::size_t);
BOXAGNTS_WASI(path_open)
Errno wasi_path_open(std::uint32_t directory, Follow, const char* path, std::size_t,
                     std::uint32_t flags, std::uint64_t rights, std::uint64_t inheriting,
                     std::uint32_t fd_flags, std::uint32_t* opened);
BOXAGNTS_WASI(path_filestat_get)
Errno wasi_path_filestat_get(std::uint32_t, Follow, const char*, std::size_t, Stat*);
BOXAGNTS_WASI(path_readlink)
Errno wasi_path_readlink(std::uint32_t, const char*, std::size_t, char* into, std::size_t,
                         std::size_t*);
BOXAGNTS_WASI(path_create_directory)
Errno wasi_path_create_directory(std::uint32_t, const char*, std::size_t);
BOXAGNTS_WASI(path_rename)
Errno wasi_path_rename(std::uint32_t, const char*, std::size_t, std::uint32_t, const char*,
                       std::size_t);
BOXAGNTS_WASI(path_unlink_file)
Errno wasi_path_unlink_file(std::uint32_t, const char*, std::size_t);
BOXAGNTS_WASI(environ_sizes_get) Errno wasi_environ_sizes_get(std::size_t*, std::size_t*);
BOXAGNTS_WASI(environ_get) Errno wasi_environ_get(char**, char*);
BOXAGNTS_WASI(random_get) Errno wasi_random_get(char*, std::size_t);
BOXAGNTS_WASI(proc_exit) [[noreturn]] void wasi_proc_exit(std::uint32_t);
}

#undef BOXAGNTS_WASI

}  // namespace boxagnts::guest
