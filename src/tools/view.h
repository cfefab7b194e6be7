// What one call sees of the files: its grant's mounts as a name space, in which what it writes to
// files that last goes to an overlay, and what came of that when it is done.
//
// One call's; not thread-safe but for the name space.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "core/policy_values.h"
#include "tools/tool.h"
#include "vfs/change.h"
#include "vfs/name_space.h"
#include "vfs/overlay.h"
#include "workspace/changes.h"

namespace boxagnts::tools {

class View {
 public:
  // Errors: those of opening the mounts; internal where something may be changed and the context
  // has no place for it.
  static Result<std::unique_ptr<View>> open(const core::Grant& grant, const ToolContext& context,
                                            base::Clock& clock);

  std::shared_ptr<const vfs::NameSpace> name_space() const { return name_space_; }

  // What the call changed in one mount.
  struct Held {
    core::MountGrant mount;
    workspace::Staging staging;
    std::vector<vfs::Change> changes;  // not empty
  };
  // Of all mounts that differ. Once, when no guest works in the view any more. Errors: io.
  Result<std::vector<Held>> take();

 private:
  struct Layer {
    core::MountGrant mount;
    workspace::Staging staging;
    std::unique_ptr<vfs::Overlay> overlay;
  };
  View() = default;

  std::vector<Layer> layers_;
  std::shared_ptr<const vfs::NameSpace> name_space_;
};

}  // namespace boxagnts::tools
