// Descriptors and small whole-file helpers for the program's own files (never for a guest's: those
// go through vfs). Thread-safe: values and functions.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace boxagnts::base {

// Owns one file descriptor.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

// Errors: not_found, permission_denied, limit_exceeded (larger than bytes_max), io.
Result<std::string> read_file(const std::string& path,
                              std::size_t bytes_max = std::size_t{64} << 20);
// Where an open file stands now, links resolved; "" where that cannot be told.
std::string path_of(int fd);
// Reads a descriptor to its end.
Result<std::string> read_all(int fd, std::size_t bytes_max = std::size_t{64} << 20);
// Writes all of it. Errors: io and the like; a part may have been written.
Status write_all(int fd, std::string_view bytes);
// The folder with all above it, those that are missing for their owner alone. Errors: as of mkdir.
Status make_folders(const std::string& path);
// By temporary file and rename: a reader sees the old or the new content, never a part.
Status write_file_atomically(const std::string& path, std::string_view content,
                             unsigned mode = 0600);

}  // namespace boxagnts::base
