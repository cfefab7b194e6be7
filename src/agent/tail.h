// Tail over the log and the frame hub (the interface is in runs.h).
#pragma once

#include <memory>

#include "agent/frames.h"
#include "agent/runs.h"

namespace boxagnts::agent {

// Both outlive it.
std::unique_ptr<Tail> make_tail(store::Store& store, FrameHub& hub, const core::SessionId& session,
                                std::int64_t after);

}  // namespace boxagnts::agent
