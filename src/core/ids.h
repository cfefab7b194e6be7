// The kinds of id that cross rooms.
#pragma once

#include "base/id.h"

namespace boxagnts::core {

using SessionId = base::Id<struct SessionTag>;
using RunId = base::Id<struct RunTag>;
using ApprovalId = base::Id<struct ApprovalTag>;
using ChangeSetId = base::Id<struct ChangeSetTag>;

}  // namespace boxagnts::core
