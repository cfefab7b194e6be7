// The rules of a program: those of its configuration, and what "always" adds while it runs.
#pragma once

#include <memory>

#include "agent/rule_book.h"
#include "workspace/workspace.h"

namespace boxagnts::app {

// Rules that a command line gives for this program, as of policy/rules.h.
struct GivenRules {
  std::vector<std::string> allow, ask, deny;
};

// All layers. Errors: invalid_argument, with file and line.
Result<std::shared_ptr<const policy::Rules>> read_rules(const workspace::Workspace& workspace,
                                                        const GivenRules& given);

std::unique_ptr<agent::RuleBook> make_rule_book(workspace::Workspace workspace, GivenRules given,
                                                std::shared_ptr<const policy::Rules> rules);

}  // namespace boxagnts::app
