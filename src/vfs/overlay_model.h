// The judge of an overlay, for the model test and the fuzzer: a script of bytes is played as calls
// on an overlay and on a plain copy of the same folder, and both must say the same all the way;
// afterwards both trees are the same, below nothing has moved, replaying the changes on another
// copy gives that tree too, and so does a change set applied below, which is then undone. Not part
// of the library. One judge belongs to one thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "vfs/overlay.h"

namespace boxagnts::vfs {

class OverlayModel {
 public:
  // Works in a new folder below `where`.
  explicit OverlayModel(const std::string& where);
  ~OverlayModel();

  // Plays and compares; "" or what differed.
  std::string play(std::span<const std::uint8_t> script);
  static std::string fast_folder();  // in memory, where there is such a place

  // The calls so far, one a line, with what both sides said.
  const std::string& trace() const { return trace_; }

 private:
  class Script;
  struct Side {
    std::vector<std::shared_ptr<Directory>> folders;
    std::vector<std::shared_ptr<File>> files;
  };
  std::string step(Script& script);
  std::string call(Side& side, unsigned operation, Script script);
  std::string call_on_file(Side& side, unsigned operation, Script& script);
  std::string call_on_name(Side& side, unsigned operation, Script& script);
  std::string compare_trees();
  std::string replay();
  std::string keep_apply_and_undo();

  const std::string root_;
  std::map<std::string, std::string> below_;  // as it was
  std::unique_ptr<Overlay> overlay_;
  Side sides_[2];  // the plain copy, the overlay
  std::string trace_;
};

}  // namespace boxagnts::vfs
