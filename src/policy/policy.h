// The decisions around every call, as pure functions: DESIGN section 5's table and the rules.
//
// Before a call, decide() judges what it would touch, and grant_of() says what it may then touch;
// when it tries to connect to a host that no rule allows, judge_connection() says whether a person
// is asked; when it is done, judge_changes() judges what it did to files, which was held back until
// then. Same input, same decision. Thread-safe: functions on values. Nothing here touches files,
// time or the network, and nothing decides elsewhere.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/policy_values.h"
#include "policy/rules.h"

namespace boxagnts::policy {

struct Input {
  std::string tool;
  core::Level claimed = core::Level::forbidden;  // the tool's declared level
  core::CallFacts facts;
  core::Mode mode = core::Mode::ask;
  core::AgentAccess access = core::AgentAccess::full;
  core::Grant envelope;          // the most the run may ever grant
  const Rules* rules = nullptr;  // none: only the table
  // The tools that the skill under way names; none: all. Tools of level none are not its business.
  const std::vector<std::string>* skill_tools = nullptr;
  // A person's "for this run": folders below which changes need no further question.
  std::vector<std::string> approved_folders;
};

// The effective level: the higher of the claim and what the facts imply.
core::Level effective_level(const Input& input);

core::Decision decide(const Input& input);

// What the call may touch by this decision: never more than the envelope. `answered` are the paths
// that a person was asked about and said yes to.
core::Grant grant_of(const Input& input, const core::Decision& decision,
                     const std::vector<std::string>& answered = {});

// What becomes of changes to these paths (absolute, lexically normal, resolved). `asked` has those
// that the question is about, where the verdict is ask.
struct ChangesDecision {
  core::Verdict verdict = core::Verdict::deny;
  std::string rule;
  std::string reason;
  std::vector<std::string> paths;  // that made it so strict
};
ChangesDecision judge_changes(const Input& input, const core::Decision& decision,
                              const std::vector<std::string>& paths);

// Whether a person is asked about a connection that no rule allows (and none forbids).
core::Verdict judge_connection(core::Mode mode);

// Whether the model is shown the tool at all.
bool visible(core::Level level, core::AgentAccess access);

// Whether `path` is `folder` or below it; both absolute and lexically normal.
bool is_below(std::string_view path, std::string_view folder);

}  // namespace boxagnts::policy
