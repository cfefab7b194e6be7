#include "app/rules.h"

#include <mutex>

#include "app/program.h"
#include "workspace/own_files.h"

namespace boxagnts::app {
namespace {

class FileRuleBook final : public agent::RuleBook {
 public:
  FileRuleBook(workspace::Workspace workspace, GivenRules given,
               std::shared_ptr<const policy::Rules> rules)
      : workspace_(std::move(workspace)), given_(std::move(given)), rules_(std::move(rules)) {}

  std::shared_ptr<const policy::Rules> rules() override {
    const std::lock_guard lock(mutex_);
    return rules_;
  }

  Result<core::RuleAdded> allow(const std::string& rule) override {
    const std::lock_guard lock(mutex_);
    policy::Rules with_it = *rules_;
    TRY(with_it.add(policy::Layer::user, core::Verdict::allow, rule, "the answer \"always\""));
    core::RuleAdded added{"allow " + rule,
                          TRY(workspace::allow_always(environment_variable, rule))};
    rules_ = TRY(read_rules(workspace_, given_));
    return added;
  }

 private:
  const workspace::Workspace workspace_;
  const GivenRules given_;
  std::mutex mutex_;
  std::shared_ptr<const policy::Rules> rules_;
};

}  // namespace

Result<std::shared_ptr<const policy::Rules>> read_rules(const workspace::Workspace& workspace,
                                                        const GivenRules& given) {
  policy::Rules rules({.workspace = workspace.root,
                       .home = environment_variable("HOME"),
                       .configuration = workspace::configuration_folder(environment_variable)});
  const auto config = TRY(workspace::read_config(workspace, environment_variable));
  const auto own = TRY(workspace::read_own_rules(environment_variable));
  TRY(rules.read(*config.user, policy::Layer::user));
  TRY(rules.read(*own, policy::Layer::user));
  TRY(own->check_all_used());
  TRY(rules.read(*config.workspace, policy::Layer::workspace));
  using core::Verdict;
  for (const auto& [verdict, entries] : {std::pair{Verdict::allow, &given.allow},
                                         {Verdict::ask, &given.ask},
                                         {Verdict::deny, &given.deny}})
    for (const auto& entry : *entries)
      TRY(rules.add(policy::Layer::user, verdict, entry,
                    "--" + std::string(core::name_of(verdict))));
  const auto trust = TRY(workspace::trust_of(environment_variable, workspace.root));
  if (trust == workspace::Trust::trusted) rules.trust_workspace();
  return std::make_shared<const policy::Rules>(std::move(rules));
}

std::unique_ptr<agent::RuleBook> make_rule_book(workspace::Workspace workspace, GivenRules given,
                                                std::shared_ptr<const policy::Rules> rules) {
  return std::make_unique<FileRuleBook>(std::move(workspace), std::move(given), std::move(rules));
}

}  // namespace boxagnts::app
