// The rules of a program: those of its configuration, and what "always" adds while it runs.
#pragma once

#include <memory>

#include "agent/rule_book.h"
#include "cli/command.h"
#include "workspace/workspace.h"

namespace boxagnts::app {

// All layers, of files that were read. Errors: invalid_argument, with file and line.
Result<std::shared_ptr<const policy::Rules>> read_rules(const workspace::Workspace& workspace,
                                                        const workspace::Config& config,
                                                        const cli::Common& given);

class FileRuleBook : public agent::RuleBook {
 public:
  // As the files are now. Errors: those of read_rules; then what held goes on.
  virtual Status reload() = 0;
};
std::unique_ptr<FileRuleBook> make_rule_book(workspace::Workspace workspace, cli::Common given,
                                             std::shared_ptr<const policy::Rules> rules);

}  // namespace boxagnts::app
