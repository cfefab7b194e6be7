#include "toolbox/mount_masks.h"

#include <set>

#include "base/guard.h"

namespace boxagnts::toolbox {
namespace {

std::string_view without_leading_slash(std::string_view path) {
  return path.substr(path.starts_with('/') ? 1 : 0);
}

}  // namespace

Result<vfs::Masks> masks_of_mount(const std::vector<std::string>& masks,
                                  std::string_view guest_path) {
  std::set<std::string> patterns;
  for (const auto& mask : masks) {
    auto glob = base::Glob::parse(without_leading_slash(mask));
    if (!glob) return std::unexpected(std::move(glob.error()).in("the mask \"" + mask + "\""));
    for (auto& pattern : glob->below(without_leading_slash(guest_path)))
      patterns.insert(std::move(pattern));
  }
  std::vector<base::Glob> hidden;
  for (const auto& pattern : patterns)
    if (GUARD("toolbox.masks", !pattern.empty())) hidden.push_back(TRY(base::Glob::parse(pattern)));
  return vfs::Masks(std::move(hidden));
}

}  // namespace boxagnts::toolbox
