// Tells when something in one of some folders changed, also when the folder itself comes or goes:
// until it is there, the nearest one above it is watched, for names alone.
//
// The callback runs on the watch's thread; at rest nothing wakes it. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace boxagnts::toolbox {

class FolderWatch {
 public:
  // `folders`: absolute. Errors: those of workspace::FileWatch::start.
  static Result<std::unique_ptr<FolderWatch>> start(std::vector<std::string> folders,
                                                    std::function<void()> on_change);
  virtual ~FolderWatch() = default;  // joins its thread
};

}  // namespace boxagnts::toolbox
