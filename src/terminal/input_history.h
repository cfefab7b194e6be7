// What a person wrote before, for the next message: in a file of the state folder that is its
// owner's alone, shared by all chats of the workspace. Not thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace boxagnts::terminal {

class InputHistory {
 public:
  static constexpr std::size_t kEntriesMax = 1000;
  static constexpr std::size_t kEntryBytesMax = 64 << 10;

  // Without a file it lasts as long as the object.
  InputHistory() = default;
  // Reads what is there; a file that cannot be read, or is a link, is left alone and said.
  static Result<InputHistory> open(const std::string& path);

  const std::vector<std::string>& entries() const { return entries_; }  // oldest first
  // Blank texts, huge ones and what repeats the last one are left out. Errors: io.
  Status add(std::string_view text);

 private:
  std::string path_;
  std::vector<std::string> entries_;
};

}  // namespace boxagnts::terminal
