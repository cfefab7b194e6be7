// What would become of a connection or of a call, and by which rule: asked of the gate and of the
// policy, without connecting or running. Values and functions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/preferences.h"
#include "base/error.h"
#include "base/json.h"
#include "tools/tool.h"

namespace boxagnts::app {

struct Explained {
  core::Verdict verdict = core::Verdict::deny;
  std::string rule, reason;
  std::vector<std::string> grant;  // a sentence each; of a call that is not denied
  std::string text;                // as the command line prints it
  Json json;                       // as its --json does
};

// `rules` as they are now. Errors: what parse_url says.
Result<Explained> explain_connection(const std::string& url, const std::string& method,
                                     core::Mode mode, const Preferences& preferences,
                                     const policy::Rules& rules);
// Errors: not_found (tool), invalid_argument (arguments).
Result<Explained> explain_call(const std::string& tool, const Json& arguments, core::Mode mode,
                               const tools::Registry& registry, const Preferences& preferences,
                               const policy::Rules& rules);

}  // namespace boxagnts::app
