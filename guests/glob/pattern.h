// A pattern taken apart: the folder where its search begins, and what must match below it.
#pragma once

#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

class Pattern {
 public:
  // Ends the call (exit 2) when the pattern is malformed.
  explicit Pattern(Text pattern);

  // The literal folders that all alternatives begin with, "" when there are none; "/…" when
  // absolute.
  Text folder() const { return folder_; }
  // Paths are seen from folder().
  bool matches(Text path) const;
  bool could_match_below(Text directory) const;

  bool wants_files() const { return !only_directories_; }
  bool wants_directories() const { return only_directories_ || !deep_; }
  bool names_git() const { return names_git_; }

 private:
  void split_folder();

  Text* alternatives_ = nullptr;
  std::size_t count_ = 0;
  Text folder_;
  bool only_directories_ = false;  // ends in /
  bool deep_ = false;              // has a ** component
  bool names_git_ = false;
};

}  // namespace boxagnts::guest
