// The decision in front of every call: DESIGN section 5's table as a pure function of facts.
//
// Same input, same decision. Thread-safe: functions on values. Nothing here touches files, time or
// the network (the rules of hosts are judged by net/egress.h, without a look-up), and nothing
// decides elsewhere.
#pragma once

#include <string>
#include <vector>

#include "core/policy_values.h"

namespace boxagnts::policy {

struct Input {
  std::string tool;
  core::Level claimed = core::Level::forbidden;  // the tool's declared level
  core::CallFacts facts;
  core::Mode mode = core::Mode::ask;
  core::AgentAccess access = core::AgentAccess::full;
  std::vector<core::MountGrant> mounts;  // the envelope: the most the run may ever grant
  // A person's "for this run": folders below which writes of sandboxed tools need no further
  // question.
  std::vector<std::string> approved_folders;
  core::NetworkGrant network;  // the envelope's
};

// The effective level: the higher of the claim and what the facts imply.
core::Level effective_level(const Input& input);

core::Decision decide(const Input& input);

// Whether the model is shown the tool at all.
bool visible(core::Level level, core::AgentAccess access);

// Whether `path` is `folder` or below it; both absolute and lexically normal.
bool is_below(std::string_view path, std::string_view folder);

}  // namespace boxagnts::policy
