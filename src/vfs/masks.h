// What a mount hides from a guest: the program's own state, always, and what globs say.
//
// Judged on the resolved path, relative to the mount's root. What a glob hides is hidden with all
// below it, in any ASCII letter case, since a file system may not tell the cases apart; so is the
// state folder's name, at every depth. A glob that shows again counts in the case it is written in.
// Immutable once made: thread-safe.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/path_pattern.h"

namespace boxagnts::vfs {

class Masks {
 public:
  static constexpr std::string_view kStateFolder = ".boxagnts";

  Masks() = default;
  // A list of globs in order, the last one that matches a path decides; behind a "!" one that shows
  // again. Errors: invalid_argument.
  static Result<Masks> parse(const std::vector<std::string>& globs);
  // Hides what these hide, too.
  void add(Masks others);

  // `path` is relative to the mount's root, lexically normal, "" for the root.
  bool hides(std::string_view path) const;

  // What holds below a folder: of each glob in turn the patterns that are left (base::Glob::below).
  // A folder that moves to where something else holds would show what was hidden, or hide what was
  // shown.
  struct Below {
    struct Part {
      std::set<std::string> patterns;
      bool shows = false;
      bool operator==(const Part&) const = default;
    };
    std::vector<std::vector<Part>> lists;  // as those of the masks
    // Also of different masks.
    bool operator==(const Below& other) const;
    // Whether all that `other`, of the same masks, hides is certainly hidden here, too.
    bool hides_at_least(const Below& other) const;
  };
  Below below(std::string_view folder) const;

 private:
  struct Entry {
    base::PathPattern pattern;
    bool shows = false;
  };
  using List = std::vector<Entry>;
  std::vector<List> lists_;
};

}  // namespace boxagnts::vfs
