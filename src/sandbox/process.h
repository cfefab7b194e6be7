// One guest process as the kernel sees it: descriptors, memory, limits, why it ended.
//
// Belongs to the thread that runs the guest. The vocabulary of WASI preview1 (errno and flag
// values) is that of the specification, github.com/WebAssembly/WASI, preview1 witx.
#pragma once

#include <wasmtime.h>

#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "base/guard.h"
#include "base/time.h"
#include "sandbox/sandbox.h"

namespace boxagnts::sandbox {

// preview1 `errno`.
enum class Errno : std::uint16_t {
  success = 0,
  too_big = 1,
  acces = 2,
  again = 6,
  badf = 8,
  busy = 10,
  dquot = 19,
  exist = 20,
  fault = 21,
  fbig = 22,
  ilseq = 25,
  intr = 27,
  inval = 28,
  io = 29,
  isdir = 31,
  loop = 32,
  mfile = 33,
  mlink = 34,
  nametoolong = 37,
  nfile = 41,
  nodev = 43,
  noent = 44,
  nomem = 48,
  nospc = 51,
  nosys = 52,
  notdir = 54,
  notempty = 55,
  notsock = 57,
  notsup = 58,
  nxio = 60,
  overflow = 61,
  perm = 63,
  pipe = 64,
  rofs = 69,
  spipe = 70,
  stale = 72,
  txtbsy = 74,
  xdev = 75,
  notcapable = 76
};
Errno from_host_errno(int host_errno);

// preview1 `filetype`.
enum class FileType : std::uint8_t {
  unknown = 0,
  character_device = 2,
  directory = 3,
  regular = 4,
  link = 7
};
FileType file_type(vfs::Kind kind);

namespace rights {
constexpr std::uint64_t kDatasync = 1 << 0, kRead = 1 << 1, kSeek = 1 << 2, kSetFlags = 1 << 3,
                        kSync = 1 << 4, kTell = 1 << 5, kWrite = 1 << 6, kAdvise = 1 << 7,
                        kAllocate = 1 << 8, kCreateDirectory = 1 << 9, kCreateFile = 1 << 10,
                        kLinkSource = 1 << 11, kLinkTarget = 1 << 12, kOpen = 1 << 13,
                        kReaddir = 1 << 14, kReadlink = 1 << 15, kRenameSource = 1 << 16,
                        kRenameTarget = 1 << 17, kPathStat = 1 << 18, kPathSetSize = 1 << 19,
                        kPathSetTimes = 1 << 20, kStat = 1 << 21, kSetSize = 1 << 22,
                        kSetTimes = 1 << 23, kSymlink = 1 << 24, kRemoveDirectory = 1 << 25,
                        kUnlinkFile = 1 << 26, kPoll = 1 << 27;
constexpr std::uint64_t kWriting = kWrite | kAllocate | kSetSize;
constexpr std::uint64_t kFile = kDatasync | kRead | kSeek | kSetFlags | kSync | kTell | kWrite |
                                kAdvise | kAllocate | kStat | kSetSize | kSetTimes | kPoll;
constexpr std::uint64_t kDirectory = kDatasync | kSetFlags | kSync | kAdvise | kCreateDirectory |
                                     kCreateFile | kLinkSource | kLinkTarget | kOpen | kReaddir |
                                     kReadlink | kRenameSource | kRenameTarget | kPathStat |
                                     kPathSetSize | kPathSetTimes | kStat | kSetTimes | kSymlink |
                                     kRemoveDirectory | kUnlinkFile | kPoll;
constexpr std::uint64_t kInput = kRead | kSetFlags | kStat | kPoll,
                        kOutput = kWrite | kSetFlags | kStat | kPoll, kStream = kInput | kOutput;
}  // namespace rights

namespace fdflags {
constexpr std::uint16_t kAppend = 1, kDsync = 2, kNonblock = 4, kRsync = 8, kSync = 16, kAll = 31;
}

// The guest's linear memory, for the length of one host call. Every pointer a guest hands over goes
// through here.
class Memory {
 public:
  Memory(std::uint8_t* base, std::uint64_t size) : base_(base), size_(size) {}

  std::expected<std::span<std::byte>, Errno> bytes(std::uint32_t at, std::uint64_t size) const {
    if (GUARD("sandbox.guest-pointer", at > size_ || size > size_ - at))
      return std::unexpected(Errno::fault);
    return std::span(reinterpret_cast<std::byte*>(base_) + at, size);
  }
  std::expected<std::string_view, Errno> text(std::uint32_t at, std::uint32_t size) const {
    const auto found = bytes(at, size);
    if (!found) return std::unexpected(found.error());
    return std::string_view(reinterpret_cast<const char*>(found->data()), found->size());
  }
  template <class T>
  Errno store(std::uint32_t at, T value) const {
    static_assert(std::is_trivially_copyable_v<T>);
    const auto into = bytes(at, sizeof value);
    if (!into) return into.error();
    std::memcpy(into->data(), &value, sizeof value);
    return Errno::success;
  }

 private:
  std::uint8_t* base_;
  std::uint64_t size_;
};

struct Descriptor {
  enum class Type : std::uint8_t { stream, file, directory };
  Type type = Type::file;
  std::shared_ptr<vfs::File> file;  // of a stream that is collected (output) none
  struct Output* output = nullptr;  // of stdout and stderr, wherever they were renumbered to
  std::optional<vfs::Place> place;  // of a directory; a preopened one is looked up at its first use
  std::string preopen;              // guest path of a preopened directory, else empty
  std::uint64_t offset = 0;
  std::uint64_t opened = 0;  // the rights that its kind and its opening give at most
  std::uint64_t rights = 0;
  std::uint64_t rights_inheriting = 0;
  std::uint16_t flags = 0;
  std::vector<vfs::DirectoryEntry> listing;  // what fd_readdir last began to read
  std::uint64_t listing_bytes = 0;
};

// stdout or stderr: what was written counts against Limits::output_bytes.
struct Output {
  std::string_view name;
  std::uint64_t bytes = 0;
  std::string text;  // what was collected, when no stream was handed in
};

// Everything host functions work on. Lives on the stack of Sandbox::run.
class ProcessState {
 public:
  ProcessState(const Process& process, base::Clock& clock, World& world, std::stop_token stop);
  ProcessState(const ProcessState&) = delete;

  // --- descriptors ---
  // Errors: badf also for what it was not opened for, notcapable for rights that were dropped.
  std::expected<Descriptor*, Errno> descriptor(std::uint32_t fd, std::uint64_t needed_rights);
  // A directory's place in the name space.
  std::expected<const vfs::Place*, Errno> place(std::uint32_t fd, std::uint64_t needed_rights);
  // The lowest free number. Errors: mfile at Limits::open_files.
  std::expected<std::uint32_t, Errno> add(Descriptor descriptor);
  // Errors: nomem when all listings together would take more than 256 MiB of the host's memory.
  Errno keep_listing(Descriptor& directory, std::vector<vfs::DirectoryEntry> listing) const;
  Errno close(std::uint32_t fd);
  Errno renumber(std::uint32_t from, std::uint32_t to);

  // --- ending ---
  // Whether the guest must stop now: somebody asked, or its time is up. Sets `end` and `reason`.
  bool must_stop();
  void end_with(End how, std::string why);
  void end_with_exit(std::int32_t code);
  bool ended() const { return end.has_value(); }
  base::Steady deadline() const {
    return process.stopped ? deadline_ + (process.stopped->total() - stopped_before_) : deadline_;
  }
  base::Steady now() const { return clock_.steady(); }  // of its limits

  const Process& process;
  World& world;  // what the guest sees
  const std::stop_token stop;
  std::optional<End> end;
  int exit_code = 0;
  std::string reason;
  Output output{"output"};
  Output errors{"diagnostics"};
  std::optional<wasmtime_memory_t> memory;  // the export, known once the instance stands

 private:
  base::Clock& clock_;           // what its limits are measured by
  const base::Steady deadline_;  // as if its clock had never stopped
  const std::chrono::nanoseconds stopped_before_;
  std::vector<std::optional<Descriptor>> descriptors_;
};

}  // namespace boxagnts::sandbox
