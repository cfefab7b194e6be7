// What a call changed, from being held back to its end: applied, asked about, or dropped.
#pragma once

#include <string>
#include <vector>

#include "base/time.h"
#include "policy/policy.h"
#include "tools/tool.h"
#include "tools/view.h"
#include "vfs/change_set.h"

namespace boxagnts::tools {

// A call that is done, as far as its changes are concerned.
struct DoneCall {
  const core::ToolCall& call;
  const policy::Input& input;      // by which it was decided
  const core::Decision& decision;  // what that said
  const ToolContext& context;
  RunPolicy& policy;
  RunControl& control;
  const std::vector<std::string>& connected;  // what it has connected to
};

// Settles all that the call changed and gives its output as the model shall see it. Errors end the
// run.
Result<ToolOutput> settle_changes(const DoneCall& done, View& view, ToolOutput output,
                                  base::Clock& clock);

// "a, b, c and 2 more"
std::string joined(const std::vector<std::string>& parts, std::size_t shown_max);
// What a no is told the model with: the person's own word behind it.
std::string with_word(std::string sentence, const core::Reply& reply);

}  // namespace boxagnts::tools
