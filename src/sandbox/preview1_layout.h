// Structures of preview1 as they lie in guest memory (witx, "Memory layout"), all little-endian.
#pragma once

#include <cstdint>

#include "sandbox/process.h"

namespace boxagnts::sandbox::layout {

static_assert(std::endian::native == std::endian::little);

struct Iovec {
  std::uint32_t buffer;
  std::uint32_t size;
};

struct Fdstat {
  std::uint8_t type = 0;
  std::uint8_t pad0 = 0;
  std::uint16_t flags = 0;
  std::uint32_t pad1 = 0;
  std::uint64_t rights = 0;
  std::uint64_t rights_inheriting = 0;
};
static_assert(sizeof(Fdstat) == 24);

struct Filestat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint8_t type = 0;
  std::uint8_t pad[7] = {};
  std::uint64_t links = 1;
  std::uint64_t size = 0;
  std::uint64_t accessed_ns = 0;
  std::uint64_t modified_ns = 0;
  std::uint64_t changed_ns = 0;
};
static_assert(sizeof(Filestat) == 64);

struct Prestat {
  std::uint32_t tag = 0;  // 0 = directory
  std::uint32_t name_size = 0;
};

struct Dirent {
  std::uint64_t next_cookie;
  std::uint64_t inode;
  std::uint32_t name_size;
  std::uint8_t type;
  std::uint8_t pad[3] = {};
};
static_assert(sizeof(Dirent) == 24);

struct Subscription {
  std::uint64_t userdata;
  std::uint8_t tag;  // 0 clock, 1 fd_read, 2 fd_write
  std::uint8_t pad0[7];
  std::uint32_t id;  // of the clock, or the descriptor
  std::uint32_t pad1;
  std::uint64_t timeout_ns;  // the rest: of a clock only
  std::uint64_t precision_ns;
  std::uint16_t flags;  // 1 = absolute
  std::uint8_t pad2[6];
};
static_assert(sizeof(Subscription) == 48);

struct PollEvent {
  std::uint64_t userdata = 0;
  std::uint16_t error = 0;
  std::uint8_t type = 0;
  std::uint8_t pad0[5] = {};
  std::uint64_t bytes = 0;
  std::uint16_t flags = 0;
  std::uint8_t pad1[6] = {};
};
static_assert(sizeof(PollEvent) == 32);

Filestat filestat_of(const vfs::Stat& stat);

// fst_flags of the *_set_times functions to what the vfs takes. Errors: inval when a time is given
// twice.
std::expected<vfs::NewTimes, Errno> new_times(World& world, std::uint64_t accessed_ns,
                                              std::uint64_t modified_ns, std::uint32_t flags);

}  // namespace boxagnts::sandbox::layout

// Unwraps an expected<T, Errno>, or returns its Errno.
#define TRY_ERRNO(expression)                        \
  __extension__({                                    \
    auto&& try_errno_ = (expression);                \
    if (!try_errno_) [[unlikely]]                    \
      return try_errno_.error();                     \
    *std::forward<decltype(try_errno_)>(try_errno_); \
  })
// The same for the vfs, whose errors are the host's errno values.
#define TRY_SYS(expression)                      \
  __extension__({                                \
    auto&& try_sys_ = (expression);              \
    if (!try_sys_) [[unlikely]]                  \
      return from_host_errno(try_sys_.error());  \
    *std::forward<decltype(try_sys_)>(try_sys_); \
  })
