// Folders that a person gives to guests besides the workspace: --dir and sandbox.map_dirs.
// Thread-safe: functions on values.
#pragma once

#include "agent/settings.h"
#include "base/error.h"
#include "core/policy_values.h"

namespace boxagnts::app {

// The grant with the host's path canonical and the guest's path filled in. Errors: of finding the
// folder (not_found, …); permission_denied when it is in a state folder.
Result<core::MountGrant> settled(core::MountGrant mount);

// A settled one, for every tool. Errors: invalid_argument when something is mounted there already.
Status add_mount(core::MountGrant mount, agent::Settings& settings);

}  // namespace boxagnts::app
