#include "base/glob.h"

#include "base/glob_match.h"

namespace boxagnts::base {

Result<Glob> Glob::parse(std::string_view pattern) {
  Glob glob;
  glob.pattern_ = pattern;
  const auto join = [](std::string_view a, std::string_view b, std::string_view c) {
    return std::string(a).append(b).append(c);
  };
  const auto emit = [&](std::string_view alternative) {
    if (glob.alternatives_.size() == kGlobAlternativesMax) return false;
    glob.alternatives_.emplace_back(alternative);
    return true;
  };
  if (const auto fault = expand_braces(pattern, join, emit); fault != GlobFault::none)
    return fail(Code::invalid_argument, "the pattern \"" + std::string(pattern.substr(0, 200)) +
                                            "\" is malformed: " + describe(fault));
  return glob;
}

bool Glob::matches(std::string_view path) const {
  for (const auto& alternative : alternatives_)
    if (glob_matches(alternative, path)) return true;
  return false;
}

}  // namespace boxagnts::base
