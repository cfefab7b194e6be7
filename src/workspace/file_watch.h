// Tells when something in a folder changed (inotify): names the folder, not what, since who watches
// reads it anew anyway. Changes that come together are told once.
//
// One thread of its own. Thread-safe. Folders are watched without those below them; at most
// kFoldersMax at a time.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/error.h"

namespace boxagnts::workspace {

class FileWatch {
 public:
  static constexpr std::size_t kFoldersMax = 4096;
  // Called on the watch's thread with a host folder as it was given to add(). When the kernel lost
  // count, it is called for every folder.
  using OnChange = std::function<void(const std::string& folder)>;
  // Errors: busy (the kernel's limit of watchers), unsupported, io.
  static Result<std::unique_ptr<FileWatch>> start(OnChange on_change);
  virtual ~FileWatch() = default;  // joins its thread

  // What is told of a folder: everything, or only that names came and went.
  enum class Told : std::uint8_t { everything, names };
  // A folder may be added several times, and is watched until it was removed as often; what is told
  // is what was asked for first. Errors: not_found, invalid_argument (no folder), busy (too many).
  virtual Status add(const std::string& folder, Told told = Told::everything) = 0;
  virtual void remove(const std::string& folder) = 0;
};

}  // namespace boxagnts::workspace
