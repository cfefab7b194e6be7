// The lines of a pipe or a file, for a chat that nobody types. Belongs to one thread.
#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/file.h"

namespace boxagnts::terminal {

class ScriptLines {
 public:
  static constexpr std::size_t kLineBytesMax = 1 << 20;

  // `fd` is the caller's. Errors: of eventfd.
  static Result<ScriptLines> open(int fd);

  // Without its end; nullopt at the end of input and on stop. Errors: limit_exceeded, io.
  Result<std::optional<std::string>> next(const std::stop_token& stop);

 private:
  ScriptLines(int fd, base::UniqueFd bell) : fd_(fd), bell_(std::move(bell)) {}

  int fd_;
  base::UniqueFd bell_;
  std::string held_;
  bool at_end_ = false;
};

}  // namespace boxagnts::terminal
