// A model that plays a YAML script: for trying the program offline, and for tests. A pure function
// of the conversation (but for faults, which are used up), so that a resumed session goes on where
// it stopped. The format is described in docs/scripted-model.md.
#pragma once

#include <memory>
#include <string>

#include "base/time.h"
#include "models/model.h"

namespace boxagnts::models {

// Errors: not_found, invalid_argument with file and line. `clock` outlives the model.
Result<std::unique_ptr<Model>> open_scripted(const std::string& path, base::Clock& clock,
                                             net::Timeouts timeouts, Sight sight);

// The script that comes with the program: a tour of what it does, in whatever workspace.
constexpr const char* kDemo = "demo/tour";
std::string_view demo_script();  // embedded by the build
Result<std::unique_ptr<Model>> open_demo(base::Clock& clock, net::Timeouts timeouts);

}  // namespace boxagnts::models
