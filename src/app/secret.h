// What nobody may read over a shoulder or in a list of processes.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"

namespace boxagnts::app {

// Typed on the controlling terminal, which does not show it; with the end of its line. Nothing:
// there is no terminal. Errors: cancelled.
Result<std::optional<std::string>> ask_secret(const std::string& what);

}  // namespace boxagnts::app
