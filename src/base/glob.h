// Glob patterns over paths, as .gitignore and shells write them: `?` and `*` stay inside one path
// component, `**` as a whole component spans any number of them, `[a-z]` and `[!a-z]` are classes,
// `{a,b}` alternatives, `\` quotes. Matching takes O(pattern x path) time, never exponential.
// Immutable after parse(): thread-safe.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace boxagnts::base {

class Glob {
 public:
  // Errors: invalid_argument for an unclosed class or brace, or more than 256 alternatives.
  static Result<Glob> parse(std::string_view pattern);

  // The whole path must match; paths have no leading or trailing slash unless the pattern has.
  bool matches(std::string_view path) const;
  // What is left of the pattern for the paths below `folder` ("" for all), as patterns on what
  // comes behind `folder`/; "**" when the folder, or one above it, is matched whole. Sorted, each
  // once: below two folders with equal answers the same paths match. No braces are in them.
  std::vector<std::string> below(std::string_view folder) const;
  const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;
  std::vector<std::string> alternatives_;  // without braces
};

}  // namespace boxagnts::base
