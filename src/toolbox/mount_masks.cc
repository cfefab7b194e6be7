#include "toolbox/mount_masks.h"

#include <algorithm>

#include "base/glob_match.h"
#include "base/guard.h"

namespace boxagnts::toolbox {
namespace {

// Adds what of the pattern is left once its beginning has matched the whole of `path`. A `**` may
// end anywhere in it. Both are without a leading slash; `path` is "" when the mount is matched.
void add_rest(std::string_view pattern, std::string_view path, std::vector<std::string>& out) {
  if (path.empty()) {
    out.emplace_back(pattern);
    return;
  }
  const std::size_t end = base::glob_component_end(pattern);
  const std::string_view component = pattern.substr(0, end);
  const bool last = end == pattern.size();
  const std::string_view rest = last ? std::string_view() : pattern.substr(end + 1);
  const std::size_t slash = std::min(path.find('/'), path.size());
  const std::string_view below = path.substr(std::min(slash + 1, path.size()));
  if (component == "**") {
    if (!last) add_rest(rest, path, out);
    add_rest(pattern, below, out);
  } else if (base::glob_matches(component, path.substr(0, slash))) {
    // A mask that names the mount or a folder above it hides all that is in it.
    if (last)
      out.emplace_back("**");
    else
      add_rest(rest, below, out);
  }
}

}  // namespace

Result<vfs::Masks> masks_of_mount(const std::vector<std::string>& masks,
                                  std::string_view guest_path) {
  const std::string_view path = guest_path.substr(std::min<std::size_t>(guest_path.size(), 1));
  std::vector<std::string> relative;
  for (const auto& mask : masks) {
    std::string_view pattern = mask;
    if (pattern.starts_with('/')) pattern.remove_prefix(1);
    const auto join = [](std::string_view a, std::string_view b, std::string_view c) {
      return std::string(a).append(b).append(c);
    };
    const auto emit = [&](std::string_view alternative) {
      add_rest(alternative, path, relative);
      return relative.size() <= base::kGlobAlternativesMax;
    };
    if (const auto fault = base::expand_braces(pattern, join, emit); fault != base::GlobFault::none)
      return fail(Code::invalid_argument,
                  "the mask \"" + mask + "\" is malformed: " + base::describe(fault));
  }
  std::ranges::sort(relative);
  relative.erase(std::ranges::unique(relative).begin(), relative.end());
  std::vector<base::Glob> hidden;
  for (const auto& pattern : relative)
    if (GUARD("toolbox.masks", !pattern.empty())) hidden.push_back(TRY(base::Glob::parse(pattern)));
  return vfs::Masks(std::move(hidden));
}

}  // namespace boxagnts::toolbox
