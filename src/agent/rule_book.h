// The rules that runs are judged by, as they are now: a person's "always" counts from the next call
// on, in every run. Named here, made by the composition root. Thread-safe.
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "core/event.h"
#include "policy/rules.h"

namespace boxagnts::agent {

class RuleBook {
 public:
  virtual ~RuleBook() = default;
  virtual std::shared_ptr<const policy::Rules> rules() = 0;
  // Writes an allow into the user's own rules. Errors: io, permission_denied, invalid_argument.
  virtual Result<core::RuleAdded> allow(const std::string& rule) = 0;
};

// Rules that are in no file: for tests and benchmarks. What is allowed lasts as long as the book.
std::unique_ptr<RuleBook> make_memory_rule_book(policy::Rules rules);

}  // namespace boxagnts::agent
