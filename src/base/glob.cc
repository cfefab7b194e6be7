#include "base/glob.h"

#include <algorithm>
#include <set>

#include "base/glob_match.h"

namespace boxagnts::base {
namespace {

constexpr std::string_view kAll = "**";

}  // namespace

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

std::vector<std::string> Glob::below(std::string_view folder) const {
  std::set<std::string_view> rests(alternatives_.begin(), alternatives_.end());
  while (!folder.empty()) {
    const std::size_t slash = std::min(folder.find('/'), folder.size());
    const std::string_view name = folder.substr(0, slash);
    std::set<std::string_view> next;
    for (std::string_view rest : rests)
      while (true) {
        const std::size_t end = glob_component_end(rest);
        const std::string_view component = rest.substr(0, end);
        const bool spans = component == "**", last = end == rest.size();
        const std::string_view behind = last ? kAll : rest.substr(end + 1);
        if (spans)
          next.insert(rest);
        else if (glob_matches(component, name))
          next.insert(behind);
        if (!spans || last) break;
        rest = behind;  // a ** may also span nothing
      }
    rests = std::move(next);
    folder.remove_prefix(std::min(slash + 1, folder.size()));
  }
  return {rests.begin(), rests.end()};
}

}  // namespace boxagnts::base
