// One .wasm file of a tools folder, held open as it was when it was found: a file that takes its
// place is another one, and one that is written over is noticed before it is run. Immutable;
// thread-safe. Opening and reading a FIFO, a device or a huge file ends at once, in a sentence.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace boxagnts::toolbox {

// Another one after every change, nearly: times of files are coarse.
struct FileStamp {
  std::uint64_t device = 0, inode = 0, size = 0;
  std::int64_t modified_ns = 0, changed_ns = 0;
  bool operator==(const FileStamp&) const = default;
};

enum class FileLinks : bool { refused, followed };  // where the file's name is a link

class ModuleFile {
 public:
  static constexpr std::uint64_t kBytesMax = 64ull << 20;

  // `path` is for sentences. Errors: not_found; invalid_argument (no plain file, a link),
  // limit_exceeded, permission_denied, io: a sentence that goes on after "it".
  static Result<std::shared_ptr<const ModuleFile>> open(int folder, const std::string& name,
                                                        std::string path, FileLinks links);

  const FileStamp& stamp() const { return stamp_; }
  const std::string& path() const { return path_; }
  // Fewer at the end. Errors: io.
  Result<std::string> read_at(std::uint64_t offset, std::size_t bytes) const;
  // All of it. Errors: conflict when it is not what it was, io.
  Result<std::string> read_whole() const;
  // Of its content now. Errors: io.
  Result<std::string> hash() const;

  ModuleFile(base::UniqueFd fd, FileStamp stamp, std::string path)
      : fd_(std::move(fd)), stamp_(stamp), path_(std::move(path)) {}

 private:
  const base::UniqueFd fd_;
  const FileStamp stamp_;
  const std::string path_;
};

// Of a name in a folder, links followed or not; nothing where there is none.
std::optional<FileStamp> stamp_at(int folder, const std::string& name, FileLinks links);

}  // namespace boxagnts::toolbox
