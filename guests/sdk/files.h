// Files as tools meet them: a path argument, what went wrong with it in one sentence, whole-file
// reading and replacing.
//
// A relative path is looked up below the working directory and, where that leads out of it (".." or
// a link), once more from the root of the name space; an absolute one below the root.
#pragma once

#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

// A path argument: where the kernel is asked and how people see it.
class Path {
 public:
  // Ends the call (exit 2) when the text is empty or holds a NUL.
  static Path of(Text argument, Text text);

  Text shown() const { return shown_; }
  std::uint32_t directory() const { return directory_; }
  Text text() const { return text_; }
  // A path beside or below this one, seen from the same directory; `shown` stays.
  Path with(Text text) const {
    Path path = *this;
    path.text_ = text;
    return path;
  }
  Path with_shown(Text shown) const {
    Path path = *this;
    path.shown_ = shown;
    return path;
  }

  Errno open(std::uint32_t open_flags, std::uint64_t rights, std::uint32_t& opened);
  Errno stat(Follow follow, Stat& stat);
  // Ends the call (exit 1): "cannot read X: ...".
  [[noreturn]] void fail(Text doing, Errno error) const;

 private:
  Path(std::uint32_t directory, Text text, Text shown)
      : directory_(directory), text_(text), shown_(shown) {}
  // Whether the path leads out of the working directory; then it is now seen from the root.
  bool retry_from_root(Errno error);

  std::uint32_t directory_;
  Text text_;
  Text shown_;
  bool left_ = false;  // it was found to lead out of the working directory
};

// The absolute path of the working directory.
Text working_directory();
// Absolute and lexically normal, seen from the working directory.
Text absolute(Text path);
// The name space's mounts, "/a, /b".
Text mounts();

// Reads from where the descriptor stands until `bytes_max` or the end. Ends the call on an error.
std::size_t read_some(const Path& path, std::uint32_t fd, char* into, std::size_t bytes_max);

// A file to be written: links followed to the file they lead to.
struct Target {
  Path path;
  bool exists;
  Stat stat;  // of an existing one
};
// Ends the call when it is a folder or something special, or cannot be looked up.
Target resolve_target(Path path, Text doing);
// Writes the pieces to a new file beside the target and renames it there, making folders on the
// way: a reader sees the old or the new file, never a part. Ends the call on an error.
void replace_file(const Target& target, std::initializer_list<Text> pieces);

}  // namespace boxagnts::guest
