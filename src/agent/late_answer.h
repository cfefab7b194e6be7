// The answer to a question that no run waits at any more: its run ended, was killed, or had nobody
// to wait for. What the question is about happens now.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "agent/rule_book.h"
#include "base/time.h"
#include "store/store.h"
#include "workspace/changes.h"

namespace boxagnts::agent {

struct LateAnswer {
  store::OpenQuestion question;
  core::Reply reply;
  std::string by;
};

// What it takes; all outlive the call.
struct LateParts {
  store::Store& store;
  workspace::Changes& changes;
  RuleBook& rules;
  base::Clock& clock;
  // Into the question's session, as a run that owns it.
  std::function<Status(std::span<const core::EventBody>)> log;
};

// Gives the question that was answered. Errors: conflict (it has expired; its changes are no longer
// kept), and those of the log.
Result<core::Approval> answer_late(const LateParts& parts, const LateAnswer& answer);

}  // namespace boxagnts::agent
