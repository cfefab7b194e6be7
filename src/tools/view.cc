#include "tools/view.h"

#include "base/guard.h"
#include "tools/mount_masks.h"
#include "vfs/host_filesystem.h"
#include "vfs/memory_filesystem.h"

namespace boxagnts::tools {
namespace {

// Of a memory mount where the run has no scratch of its own.
constexpr std::uint64_t kScratchBytesMax = 64 << 20;

vfs::OverlayOptions options_of(const core::Limits& limits) {
  return {.bytes_max = limits.disk_bytes,
          .entries_max =
              static_cast<std::uint32_t>(std::min<std::uint64_t>(limits.disk_entries, UINT32_MAX))};
}

}  // namespace

Result<std::unique_ptr<View>> View::open(const core::Grant& grant, const ToolContext& context,
                                         base::Clock& clock) {
  std::unique_ptr<View> view(new View());
  std::vector<vfs::Mount> mounts;
  for (const auto& mount : grant.mounts) {
    if (mount.host_path.empty()) {  // the run's own scratch: it holds nothing to be hidden
      mounts.push_back({mount.guest_path,
                        context.scratch ? context.scratch
                                        : vfs::make_memory_filesystem(clock, kScratchBytesMax)});
      continue;
    }
    auto masks = TRY(masks_of_mount(grant.masks, mount.guest_path));
    // Below a view everything is read-only, whatever the mount's access is.
    auto lower = TRY(vfs::open_host_filesystem(mount.host_path, core::Access::read_only, masks));
    if (mount.access == core::Access::read_only) {
      mounts.push_back({mount.guest_path, std::move(lower)});
      continue;
    }
    if (GUARD("tools.nowhere_to_hold", context.changes == nullptr))
      return fail(Code::internal, "there is no place to hold back what a call changes");
    auto staging = TRY(context.changes->stage(mount.host_path));
    auto overlay = TRY(vfs::Overlay::open(std::move(lower), std::move(masks), staging.folder(),
                                          options_of(grant.limits)));
    mounts.push_back({mount.guest_path, overlay->filesystem()});
    view->layers_.push_back({mount, std::move(staging), std::move(overlay)});
  }
  view->name_space_ = TRY(vfs::NameSpace::make(std::move(mounts)));
  return view;
}

Result<std::vector<View::Held>> View::take() {
  std::vector<Held> held;
  for (auto& layer : layers_) {
    auto changes = TRY(layer.overlay->changes());
    if (!changes.empty())
      held.push_back({std::move(layer.mount), std::move(layer.staging), std::move(changes)});
  }
  name_space_.reset();
  layers_.clear();
  return held;
}

}  // namespace boxagnts::tools
