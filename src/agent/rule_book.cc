#include "agent/rule_book.h"

#include <mutex>

namespace boxagnts::agent {
namespace {

class MemoryRuleBook final : public RuleBook {
 public:
  explicit MemoryRuleBook(policy::Rules rules)
      : rules_(std::make_shared<const policy::Rules>(std::move(rules))) {}

  std::shared_ptr<const policy::Rules> rules() override {
    const std::lock_guard lock(mutex_);
    return rules_;
  }
  Result<core::RuleAdded> allow(const std::string& rule) override {
    const std::lock_guard lock(mutex_);
    policy::Rules more = *rules_;
    TRY(more.add(policy::Layer::user, core::Verdict::allow, rule, "memory"));
    rules_ = std::make_shared<const policy::Rules>(std::move(more));
    return core::RuleAdded{"allow " + rule, "memory"};
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<const policy::Rules> rules_;
};

}  // namespace

std::unique_ptr<RuleBook> make_memory_rule_book(policy::Rules rules) {
  return std::make_unique<MemoryRuleBook>(std::move(rules));
}

}  // namespace boxagnts::agent
