// The workspace's files as a person works on them through a door: listed, read, written whole,
// moved, deleted to a bin.
//
// Paths are relative to the workspace, '/' between names, "" its root; links are followed inside
// the workspace only, and the state folder does not exist. A write is seen whole or not at all: it
// grows beside the log, in the state folder, and moves to its place. What is deleted or overwritten
// by nobody's wish is not lost: deleting moves to a bin, and a write or move says what it expects
// to find. Thread-safe. Calls may block on disk.
//
// Errors of all: not_found, conflict (a folder where a file is wanted, or the other way round),
// permission_denied, invalid_argument (a name that cannot be),
// unsupported (another file system mounted inside the workspace), io.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "base/time.h"
#include "vfs/filesystem.h"
#include "workspace/workspace.h"

namespace boxagnts::workspace {

using BinId = base::Id<struct BinTag>;

struct FileEntry {
  std::string name;    // the last component; repaired where it is not UTF-8
  bool usable = true;  // false: the name is not UTF-8, so that no path can name it here
  vfs::Kind kind = vfs::Kind::other;
  std::uint64_t size = 0;
  base::Timestamp modified = 0;
  std::string version;   // of a file: another one after every write
  bool is_link = false;  // the rest is of what it leads to, or of itself where it leads nowhere
};

struct BinEntry {
  BinId id;
  std::string path;  // where it was
  vfs::Kind kind = vfs::Kind::other;
  base::Timestamp deleted = 0;
};

// What must stand at the place that is written, else conflict.
struct Expected {
  enum class What : std::uint8_t { anything, nothing, version };
  What what = What::anything;
  std::string version;
};

// A file on its way in. Dropped unless finish() was called. One thread at a time.
class Upload {
 public:
  virtual ~Upload() = default;
  virtual Status write(std::string_view bytes) = 0;  // limit_exceeded where the disk is full
  // Durable and in its place. Errors: conflict.
  virtual Result<FileEntry> finish() = 0;
};

class Files {
 public:
  static Result<std::unique_ptr<Files>> open(const Workspace& workspace, base::Clock& clock);
  virtual ~Files() = default;

  // Folders first, each by name. Errors: limit_exceeded beyond kEntriesMax.
  static constexpr std::size_t kEntriesMax = 100'000;
  virtual Result<std::vector<FileEntry>> list(const std::string& path) = 0;
  virtual Result<FileEntry> look(const std::string& path) = 0;
  struct Opened {
    FileEntry entry;
    base::UniqueFd fd;  // of a plain file, for reading
  };
  virtual Result<Opened> open_file(const std::string& path) = 0;

  // Its folder must be there. A file that is replaced hands on its permissions.
  virtual Result<std::unique_ptr<Upload>> begin_write(const std::string& path,
                                                      Expected expected) = 0;
  virtual Result<FileEntry> make_folder(const std::string& path) = 0;
  // Errors: conflict where something stands at `to`, or its version is not the expected one.
  virtual Result<FileEntry> move(const std::string& from, const std::string& to,
                                 Expected expected) = 0;

  // The same for a copy; what is copied is seen whole at `to` or not at all, but is not forced to
  // disk. Errors: limit_exceeded beyond kEntriesMax, cancelled.
  virtual Result<FileEntry> copy(const std::string& from, const std::string& to,
                                 const std::stop_token& stop) = 0;

  virtual Result<BinEntry> remove(const std::string& path) = 0;
  virtual Result<std::vector<BinEntry>> bin() = 0;  // newest first
  // To where it was; folders that are gone are made anew. Errors: conflict.
  virtual Result<BinEntry> restore(const BinId& id) = 0;
  virtual Status purge(const BinId& id) = 0;

  // Where a folder stands on this machine, links resolved: for watching it.
  virtual Result<std::string> host_folder(const std::string& path) = 0;
};

}  // namespace boxagnts::workspace
