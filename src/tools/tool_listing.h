// Tools as people are told of them: what each is and says, what a call of it may touch at most, in
// plain sentences made from the grant that it would really get, and why a broken one cannot be
// used. The same for every door. Thread-safe: functions on values.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "core/policy_values.h"
#include "policy/rules.h"
#include "tools/toolset.h"

namespace boxagnts::tools {

// What grants are made of.
struct Standing {
  core::Grant envelope;
  const policy::Rules* rules = nullptr;
};

// The most that a call may touch: the envelope, as rules and the tool's own word narrow it.
core::Grant most_granted(const Tool& tool, const Standing& standing);
// Files, network, environment, and what is never reachable.
std::vector<std::string> grant_sentences(const Tool& tool, const Standing& standing);
// {"time","30 s"}, ...; those of a guest.
std::vector<std::pair<std::string, std::string>> limit_texts(const core::Limits& limits);

// One of a toolset, usable or not.
struct Listed {
  const core::ToolSpec* spec = nullptr;
  About about;
  std::string_view state;      // "ready"; "checking": its program is being compiled; "broken"
  std::string reason;          // of a broken one
  const Tool* tool = nullptr;  // nullptr of a broken one
};
// All, in the order that models see, the broken ones last. The toolset outlives it.
std::vector<Listed> list_all(const Toolset& toolset);
// By name; a usable one before a broken one. Errors: not_found, with the nearest known name.
Result<Listed> find_listed(const Toolset& toolset, std::string_view name);

Json to_json(const Listed& listed, const Standing& standing);

}  // namespace boxagnts::tools
