#include "tools/mount_masks.h"

#include "base/guard.h"
#include "base/path_pattern.h"

namespace boxagnts::tools {
namespace {

std::string_view without_leading_slash(std::string_view path) {
  return path.substr(path.starts_with('/') ? 1 : 0);
}

}  // namespace

Result<vfs::Masks> masks_of_mount(const std::vector<std::vector<std::string>>& masks,
                                  std::string_view guest_path) {
  const base::PathSubject mount(without_leading_slash(guest_path));
  vfs::Masks of_mount;
  for (const auto& list : masks) {
    std::vector<std::string> patterns;
    for (const auto& mask : list) {
      const bool shows = mask.starts_with('!');
      const auto text = without_leading_slash(std::string_view(mask).substr(shows ? 1 : 0));
      auto pattern = base::PathPattern::parse(
          text, shows ? base::LetterCase::counts : base::LetterCase::ignored);
      if (!pattern)
        return std::unexpected(std::move(pattern.error()).in("the mask \"" + mask + "\""));
      for (const auto& rest : pattern->below(mount))
        if (GUARD("tools.masks", !rest.empty())) patterns.push_back((shows ? "!" : "") + rest);
    }
    of_mount.add(TRY(vfs::Masks::parse(patterns)));
  }
  return of_mount;
}

}  // namespace boxagnts::tools
