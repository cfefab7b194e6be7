// A glob that stands for what it matches and all below it: how rules and masks name files.
//
// A pattern that is not told to count in its case matches in any ASCII letter case, since a file
// system may not tell the cases apart. Immutable after parse(): thread-safe.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/glob.h"

namespace boxagnts::base {

enum class LetterCase : std::uint8_t { counts, ignored };

// A path to be matched by many patterns.
struct PathSubject {
  explicit PathSubject(std::string_view path);
  std::string exact, lower;
};

class PathPattern {
 public:
  // Errors: invalid_argument as of Glob::parse.
  static Result<PathPattern> parse(std::string_view glob, LetterCase letters);

  // The path, or a folder above it. Paths have no leading or trailing slash.
  bool matches(const PathSubject& path) const;
  // As Glob::below.
  std::vector<std::string> below(const PathSubject& folder) const;

 private:
  // Most are a name at any depth with one star at most: those need no glob.
  enum class Kind : std::uint8_t { glob, name, starred_name };
  bool matches_name(std::string_view component) const;

  Glob glob_;
  LetterCase letters_ = LetterCase::counts;
  Kind kind_ = Kind::glob;
  std::string prefix_, suffix_;  // of the name: what is before the star and behind it
};

// The glob that matches this text and nothing else.
std::string glob_quoted(std::string_view text);

}  // namespace boxagnts::base
