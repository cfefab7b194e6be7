#include "policy/policy.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/guard.h"
#include "net/egress.h"

namespace boxagnts::policy {
namespace {

using core::Access;
using core::AgentAccess;
using core::Decision;
using core::Level;
using core::Mode;
using core::MountGrant;
using core::Verdict;

// DESIGN section 5: a row a level, a column a mode (plan, ask, edits, autonomous, unattended).
// "Within the envelope" is not in here: what lies outside it was denied before the table is asked.
// An ask of an unattended run is a question that nobody waits for: denied, and queued.
constexpr auto kAllow = Verdict::allow;
constexpr auto kAsk = Verdict::ask;
constexpr auto kDeny = Verdict::deny;
using Row = std::array<Verdict, 5>;
constexpr std::array<Row, 6> kCalls{{
    {kAllow, kAllow, kAllow, kAllow, kAllow},  // none
    {kAllow, kAllow, kAllow, kAllow, kAllow},  // read-only
    {kDeny, kAllow, kAllow, kAllow, kAllow},   // write
    {kAllow, kAllow, kAllow, kAllow, kAllow},  // execute; in plan mode with a read-only grant
    {kDeny, kAsk, kAsk, kAsk, kAsk},           // dangerous
    {kDeny, kDeny, kDeny, kDeny, kDeny},       // forbidden
}};
constexpr std::array<Row, 6> kChanges{{
    {kDeny, kDeny, kDeny, kDeny, kDeny},      // none
    {kDeny, kDeny, kDeny, kDeny, kDeny},      // read-only
    {kDeny, kAsk, kAllow, kAllow, kAllow},    // write
    {kDeny, kAsk, kAsk, kAllow, kAllow},      // execute
    {kDeny, kAllow, kAllow, kAllow, kAllow},  // dangerous: was asked before
    {kDeny, kDeny, kDeny, kDeny, kDeny},      // forbidden
}};
constexpr Row kConnectNotGranted{kDeny, kAsk, kAsk, kAsk, kAsk};

Verdict cell(const std::array<Row, 6>& table, Level level, Mode mode) {
  return table[static_cast<std::size_t>(level)][static_cast<std::size_t>(mode)];
}

// A path that is not absolute and normal is one that nobody can judge by its text.
bool is_normal(std::string_view path) {
  if (path == "/") return true;
  if (!path.starts_with('/') || path.find('\0') != std::string_view::npos) return false;
  for (std::size_t from = 1; from <= path.size();) {
    const auto end = std::min(path.find('/', from), path.size());
    const auto part = path.substr(from, end - from);
    if (part.empty() || part == "." || part == "..") return false;
    from = end + 1;
  }
  return true;
}

// The mount a path stands in: mounts nest, the deepest one decides.
const MountGrant* mount_of(const std::vector<MountGrant>& mounts, std::string_view path) {
  if (GUARD("policy.normal_path", !is_normal(path))) return nullptr;
  const MountGrant* deepest = nullptr;
  for (const auto& mount : mounts)
    if (is_below(path, mount.guest_path) &&
        (!deepest || mount.guest_path.size() > deepest->guest_path.size()))
      deepest = &mount;
  return deepest;
}

std::string name_mounts(const std::vector<MountGrant>& mounts) {
  std::string names;
  for (const auto& mount : mounts) {
    if (!names.empty()) names += ", ";
    names += mount.guest_path;
    if (mount.access == Access::read_only) names += " (read-only)";
  }
  return names.empty() ? "nothing" : names;
}

Decision deny(Level level, std::string rule, std::string reason) {
  return {Verdict::deny, level, std::move(rule), std::move(reason), Access::read_only};
}

// What no mode can allow because the sandbox has no such place.
std::optional<Decision> judge_paths(const Input& input, Level level) {
  for (const auto* paths : {&input.facts.reads, &input.facts.writes}) {
    for (const auto& path : *paths) {
      if (GUARD("policy.outside_mounts", !mount_of(input.envelope.mounts, path)))
        return deny(level, "outside-mounts",
                    path + " is outside of what this run can see; tools reach only paths in " +
                        name_mounts(input.envelope.mounts) + ", so use a path there");
    }
  }
  for (const auto& path : input.facts.writes) {
    const auto* mount = mount_of(input.envelope.mounts, path);
    if (GUARD("policy.read_only_mount", mount && mount->access == Access::read_only))
      return deny(level, "read-only-mount",
                  path + " is in " + mount->guest_path +
                      ", which this run may only read; write elsewhere, in " +
                      name_mounts(input.envelope.mounts) + ", or do without");
  }
  return std::nullopt;
}

// What the call says it would connect to. The boundary is the gate at each connection; this spares
// a call that would get nowhere.
std::optional<Decision> judge_connects(const Input& input, Level level) {
  if (input.facts.connects.empty()) return std::nullopt;
  auto network = input.envelope.network;
  if (input.rules) network = input.rules->connections(std::move(network));
  const auto gate = net::make_gate(network);
  if (!gate) return deny(level, "network", gate.error().message);
  for (const auto& text : input.facts.connects) {
    const auto url = net::parse_url(text);
    if (GUARD("policy.connects_url", !url)) return deny(level, "url", url.error().message);
    if (!url) continue;
    const auto verdict = (*gate)->decide(net::destination_of("GET", *url), {});
    const bool asked = verdict.askable && judge_connection(input.mode) == Verdict::ask;
    if (GUARD("policy.connects", !verdict.allowed && !asked))
      return deny(level, "connect:" + verdict.rule, verdict.reason);
  }
  return std::nullopt;
}

// What the rules say of the paths that the call names. The strictest counts; deny is final.
struct OfPaths {
  std::optional<Decision> denied;
  std::optional<Ruling> asked;
};
OfPaths judge_by_rules(const Input& input, Level level) {
  OfPaths found;
  if (!input.rules) return found;
  const auto judge = [&](const std::string& path, std::optional<Ruling> ruling, const char* act) {
    if (!ruling || found.denied) return;
    if (ruling->verdict == Verdict::deny)
      found.denied = deny(level, ruling->rule,
                          std::string(act) + " " + path + " is denied by the rule " + ruling->rule +
                              "; do without it");
    if (ruling->verdict == Verdict::ask && !found.asked) found.asked = std::move(ruling);
  };
  for (const auto& path : input.facts.reads) judge(path, input.rules->judge_read(path), "reading");
  for (const auto& path : input.facts.writes) {
    // What may not be seen may not be made either, before a person says yes.
    judge(path, input.rules->judge_read(path), "using");
    const auto ruling = input.rules->judge_write(path);
    if (ruling && ruling->verdict == Verdict::deny) judge(path, ruling, "changing");
  }
  return found;
}

std::string reason_to_deny(const Input& input, Level level) {
  const std::string subject = input.tool + " (level " + std::string(name_of(level)) + ")";
  return subject +
         " is not available in plan mode, which changes nothing; "
         "describe the change instead of making it";
}

std::string reason_to_allow(const Input& input, Level level, Verdict effects) {
  if (level <= Level::read_only) return input.tool + " changes nothing";
  if (input.mode == Mode::plan)
    return input.tool + " runs in the sandbox with a read-only workspace, since this is plan mode";
  if (effects == Verdict::ask)
    return input.tool + " runs on a copy-on-write view, and what it changes is asked about";
  return input.tool + " runs on a copy-on-write view, and this mode applies what it changes";
}

// By tool: what a rule says of the call as a whole.
struct OfTool {
  std::optional<Ruling> ruling;
  bool is(Verdict verdict) const { return ruling && ruling->verdict == verdict; }
};
OfTool judge_tool(const Input& input) {
  if (!input.rules) return {};
  return {input.rules->judge_tool(input.tool)};
}

// What refuses the call whatever the mode is.
std::optional<Decision> judge_standing(const Input& input, Level level) {
  if (GUARD("policy.forbidden", level == Level::forbidden))
    return deny(level, "forbidden", input.tool + " is forbidden in every mode; do without it");
  if (GUARD("policy.agent_access",
            !visible(input.claimed, input.access) || !visible(level, input.access)))
    return deny(level, "agent-access",
                input.tool + " (level " + std::string(name_of(level)) + ") is not open to this " +
                    std::string(name_of(input.access)) + " agent; use the tools you were shown");
  const bool other = input.skill_tools && input.claimed != Level::none &&
                     std::ranges::find(*input.skill_tools, input.tool) == input.skill_tools->end();
  if (GUARD("policy.skill_tools", other))
    return deny(level, "skill-tools",
                input.tool + " is not among the tools of the skill that is under way; use those");
  return std::nullopt;
}

bool covered(const Input& input, const std::string& path) {
  return std::ranges::any_of(input.approved_folders, [&](const auto& folder) {
    if (GUARD("policy.approved_below", !is_below(path, folder))) return false;
    // A yes to a folder is none to what a rule asks about inside of it.
    const bool apart = input.rules && !input.rules->asks_about_folder_of(path, folder);
    return !GUARD("policy.approved_apart", apart);
  });
}

}  // namespace

bool is_below(std::string_view path, std::string_view folder) {
  if (folder == "/") return path.starts_with('/');
  return !folder.empty() && path.starts_with(folder) &&
         (path.size() == folder.size() || path[folder.size()] == '/');
}

bool visible(Level level, AgentAccess access) {
  switch (access) {
    case AgentAccess::full: return level != Level::forbidden;
    case AgentAccess::read_only: return level <= Level::read_only;
    case AgentAccess::search_only: return level == Level::read_only;
  }
  std::unreachable();
}

Level effective_level(const Input& input) {
  Level implied = Level::none;
  if (!input.facts.reads.empty()) implied = Level::read_only;
  if (!input.facts.writes.empty()) implied = Level::write;
  return std::max(input.claimed, implied);
}

Verdict judge_connection(Mode mode) { return kConnectNotGranted[static_cast<std::size_t>(mode)]; }

Decision decide(const Input& input) {
  const Level level = effective_level(input);
  if (auto refusal = judge_standing(input, level)) return *std::move(refusal);
  const OfTool tool = judge_tool(input);
  if (GUARD("policy.tool_denied", tool.is(Verdict::deny)))
    return deny(level, tool.ruling->rule,
                input.tool + " is denied by the rule " + tool.ruling->rule + "; do without it");
  if (level <= Level::execute)
    if (auto refusal = judge_paths(input, level)) return *std::move(refusal);
  auto of_paths = judge_by_rules(input, level);
  if (GUARD("policy.path_denied", of_paths.denied.has_value())) return *of_paths.denied;
  if (auto refusal = judge_connects(input, level)) return *std::move(refusal);

  const auto verdict = cell(kCalls, level, input.mode);
  const std::string rule =
      "table:" + std::string(name_of(input.mode)) + "/" + std::string(name_of(level));
  if (GUARD("policy.table_deny", verdict == Verdict::deny))
    return deny(level, rule, reason_to_deny(input, level));

  const auto effects = cell(kChanges, level, input.mode);
  const bool writes = level >= Level::write && input.mode != Mode::plan;
  Decision decision{verdict,
                    level,
                    rule,
                    reason_to_allow(input, level, effects),
                    writes ? Access::read_write : Access::read_only,
                    writes ? effects : Verdict::deny};
  if (tool.is(Verdict::allow) && decision.effects == Verdict::ask) {
    decision.effects = Verdict::allow;
    decision.rule = tool.ruling->rule;
    decision.reason = "the rule " + tool.ruling->rule + " lets it go without a question";
  }
  if (GUARD("policy.tool_asked", tool.is(Verdict::ask))) {
    decision.verdict = Verdict::ask;
    decision.rule = tool.ruling->rule;
    decision.reason = "the rule " + tool.ruling->rule + " asks before it";
  } else if (GUARD("policy.read_asked", of_paths.asked.has_value())) {
    decision.verdict = Verdict::ask;
    decision.rule = of_paths.asked->rule;
    decision.reason = "the rule " + of_paths.asked->rule + " asks before such a file is seen";
  } else if (verdict == Verdict::ask) {
    decision.reason = input.tool + " acts outside the sandbox, which is always asked about";
  }
  return decision;
}

core::Grant grant_of(const Input& input, const Decision& decision,
                     const std::vector<std::string>& answered) {
  core::Grant grant = input.envelope;
  for (auto& mount : grant.mounts) {
    // Memory is the run's own scratch: writing there has no effect on anything that lasts.
    const bool lasting = !mount.host_path.empty();
    if (GUARD("policy.grant_read_only", lasting && decision.workspace == Access::read_only))
      mount.access = Access::read_only;
  }
  if (!input.rules) return grant;
  const auto masks = input.rules->masks(answered);
  grant.masks.insert(grant.masks.end(), masks.begin(), masks.end());
  grant.network = input.rules->connections(std::move(grant.network));
  return grant;
}

ChangesDecision judge_changes(const Input& input, const Decision& decision,
                              const std::vector<std::string>& paths) {
  ChangesDecision strictest{Verdict::allow, decision.rule, decision.reason, {}};
  const auto take = [&](Verdict verdict, const std::string& rule, std::string reason,
                        const std::string& path) {
    // The first one's rule, so that the log names what let it go.
    if (verdict > strictest.verdict || strictest.paths.empty())
      strictest = {verdict, rule, std::move(reason), {}};
    if (verdict == strictest.verdict) strictest.paths.push_back(path);
  };
  for (const auto& path : paths) {
    const auto* const mount = mount_of(input.envelope.mounts, path);
    if (GUARD("policy.change_outside", !mount || mount->access == Access::read_only)) {
      take(Verdict::deny, "outside-mounts", path + " is outside of what this run may change", path);
      continue;
    }
    const auto ruling = input.rules ? input.rules->judge_write(path) : std::nullopt;
    if (GUARD("policy.change_denied", ruling && ruling->verdict == Verdict::deny)) {
      take(Verdict::deny, ruling->rule,
           "changing " + path + " is denied by the rule " + ruling->rule, path);
      continue;
    }
    if (GUARD("policy.change_in_mode", decision.effects == Verdict::deny)) {
      take(Verdict::deny, decision.rule,
           path + " may not be changed by this call, whatever was approved", path);
      continue;
    }
    const bool approved = covered(input, path);
    if (GUARD("policy.change_asked", ruling && ruling->verdict == Verdict::ask && !approved)) {
      take(Verdict::ask, ruling->rule,
           "the rule " + ruling->rule + " asks before " + path + " is changed", path);
      continue;
    }
    if (approved) {
      take(Verdict::allow, "approved-folder",
           "a person approved changes below this folder for this run", path);
      continue;
    }
    const bool allowed = ruling && ruling->verdict == Verdict::allow;
    if (allowed && decision.effects == Verdict::ask) {
      take(Verdict::allow, ruling->rule, "the rule " + ruling->rule + " allows it", path);
      continue;
    }
    const bool asks = GUARD("policy.table_ask", decision.effects != Verdict::allow);
    take(asks ? decision.effects : Verdict::allow, decision.rule, decision.reason, path);
  }
  return strictest;
}

}  // namespace boxagnts::policy
