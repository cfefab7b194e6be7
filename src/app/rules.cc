#include "app/rules.h"

#include <mutex>

#include "app/preferences.h"
#include "workspace/own_files.h"

namespace boxagnts::app {
namespace {

class RuleBookOfFiles final : public FileRuleBook {
 public:
  RuleBookOfFiles(workspace::Workspace workspace, cli::Common given,
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
    core::RuleAdded added{"allow " + rule, TRY(workspace::add_rule(environment_variable,
                                                                   core::Verdict::allow, rule))};
    rules_ = TRY(fresh());
    return added;
  }

  Status reload() override {
    const std::lock_guard lock(mutex_);
    rules_ = TRY(fresh());
    return {};
  }

 private:
  Result<std::shared_ptr<const policy::Rules>> fresh() const {
    return read_rules(workspace_, TRY(workspace::read_config(workspace_, environment_variable)),
                      given_);
  }

  const workspace::Workspace workspace_;
  const cli::Common given_;
  std::mutex mutex_;
  std::shared_ptr<const policy::Rules> rules_;
};

}  // namespace

Result<std::shared_ptr<const policy::Rules>> read_rules(const workspace::Workspace& workspace,
                                                        const workspace::Config& config,
                                                        const cli::Common& given) {
  policy::Rules rules({.workspace = workspace.root,
                       .home = environment_variable("HOME"),
                       .configuration = workspace::configuration_folder(environment_variable)});
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

std::unique_ptr<FileRuleBook> make_rule_book(workspace::Workspace workspace, cli::Common given,
                                             std::shared_ptr<const policy::Rules> rules) {
  return std::make_unique<RuleBookOfFiles>(std::move(workspace), std::move(given),
                                           std::move(rules));
}

}  // namespace boxagnts::app
