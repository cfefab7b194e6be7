// The file that is read.
#pragma once

#include "guests/sdk/files.h"

namespace boxagnts::guest {

struct File {
  Path path;
  std::uint32_t fd;
  std::uint64_t size;  // when it was opened; 0 for some that tell none
};

// Ends the call with a sentence when it cannot be opened or is a folder.
File open_file(Path path);
// The whole file, of which `head` was read, at most `bytes_max` of it. The byte after it can be
// written.
Text read_rest(const File& file, Text head, std::size_t bytes_max);

// Says what the file is instead of showing it as text, or shows what a model can see: images as
// images, PDF documents by another program. `head` are its first bytes, `type` their binary_type().
[[noreturn]] void show_binary(const File& file, Text head, Text type);

}  // namespace boxagnts::guest
