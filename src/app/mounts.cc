#include "app/mounts.h"

#include <algorithm>
#include <climits>
#include <cstdlib>

#include "workspace/workspace.h"

namespace boxagnts::app {

Result<core::MountGrant> settled(core::MountGrant mount) {
  char canonical[PATH_MAX];
  if (!::realpath(mount.host_path.c_str(), canonical)) return fail_errno(errno, mount.host_path);
  TRY(workspace::check_mount(canonical));
  mount.host_path = canonical;
  if (mount.guest_path.empty()) mount.guest_path = canonical;
  return mount;
}

Status add_mount(core::MountGrant mount, agent::Settings& settings) {
  if (!mount.guest_path.starts_with('/'))
    return fail(Code::invalid_argument,
                "\"" + mount.guest_path + "\": a place among a tool's folders must be absolute");
  const auto others = settings.envelope().mounts;
  if (std::ranges::find(others, mount.guest_path, &core::MountGrant::guest_path) != others.end())
    return fail(Code::invalid_argument,
                mount.guest_path + " is there already; write HOST::GUEST with another place");
  settings.mounts.push_back(std::move(mount));
  return {};
}

}  // namespace boxagnts::app
