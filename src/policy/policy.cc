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
constexpr auto kAllow = Verdict::allow;
constexpr auto kAsk = Verdict::ask;
constexpr auto kDeny = Verdict::deny;
constexpr std::array<std::array<Verdict, 5>, 6> kTable{{
    {kAllow, kAllow, kAllow, kAllow, kAllow},  // none
    {kAllow, kAllow, kAllow, kAllow, kAllow},  // read-only
    {kDeny, kAsk, kAllow, kAllow, kAllow},     // write
    {kAllow, kAsk, kAsk, kAllow, kAllow},      // execute; in plan mode with a read-only grant
    {kDeny, kAsk, kAsk, kAsk, kDeny},          // dangerous
    {kDeny, kDeny, kDeny, kDeny, kDeny},       // forbidden
}};

// The row "connection to a host not granted": a column a mode. A run that may ask does so when it
// connects; until a question can be put there, what no entry allows is denied.
constexpr std::array<Verdict, 5> kConnectNotGranted{kDeny, kDeny, kDeny, kDeny, kDeny};

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
      if (GUARD("policy.outside_mounts", !mount_of(input.mounts, path)))
        return deny(level, "outside-mounts",
                    path + " is outside of what this run can see; tools reach only paths in " +
                        name_mounts(input.mounts) + ", so use a path there");
    }
  }
  for (const auto& path : input.facts.writes) {
    const auto* mount = mount_of(input.mounts, path);
    if (GUARD("policy.read_only_mount", mount && mount->access == Access::read_only))
      return deny(level, "read-only-mount",
                  path + " is in " + mount->guest_path +
                      ", which this run may only read; write elsewhere, in " +
                      name_mounts(input.mounts) + ", or do without");
  }
  return std::nullopt;
}

// What the call says it would connect to. The boundary is the gate at each connection; this spares
// a call that would get nowhere.
std::optional<Decision> judge_connects(const Input& input, Level level) {
  if (input.facts.connects.empty()) return std::nullopt;
  const auto gate = net::make_gate(input.network);
  if (!gate) return deny(level, "network", gate.error().message);
  for (const auto& text : input.facts.connects) {
    const auto url = net::parse_url(text);
    if (GUARD("policy.connects_url", !url)) return deny(level, "url", url.error().message);
    if (!url) continue;
    const auto verdict = (*gate)->decide(net::destination_of("GET", *url), {});
    const auto cell = kConnectNotGranted[static_cast<std::size_t>(input.mode)];
    if (GUARD("policy.connects", !verdict.allowed && cell == Verdict::deny))
      return deny(level, "connect:" + verdict.rule, verdict.reason);
  }
  return std::nullopt;
}

// A person said "for this run" to writes below these folders.
bool approved(const Input& input, Level level) {
  if (GUARD("policy.approved_level", level != Level::write)) return false;
  if (GUARD("policy.approved_opaque", input.facts.opaque || input.facts.writes.empty()))
    return false;
  for (const auto& path : input.facts.writes) {
    const bool covered = std::ranges::any_of(
        input.approved_folders, [&](const auto& folder) { return is_below(path, folder); });
    if (GUARD("policy.approved_below", !covered)) return false;
  }
  return true;
}

std::string reason_to_deny(const Input& input, Level level) {
  const std::string subject = input.tool + " (level " + std::string(name_of(level)) + ")";
  if (input.mode == Mode::plan)
    return subject +
           " is not available in plan mode, which changes nothing; "
           "describe the change instead of making it";
  return subject +
         " acts outside the sandbox and needs a person's yes, and nobody is there to "
         "answer in unattended mode; do without it";
}

std::string reason_to_ask(const Input& input, Level level) {
  switch (level) {
    case Level::write: return input.tool + " changes files, and this mode asks before each change";
    case Level::execute:
      return input.tool + " runs a program in the sandbox, and this mode asks before that";
    default: return input.tool + " acts outside the sandbox, which is always asked about";
  }
}

std::string reason_to_allow(const Input& input, Level level) {
  if (level <= Level::read_only) return input.tool + " changes nothing";
  if (input.mode == Mode::plan)
    return input.tool + " runs in the sandbox with a read-only workspace, since this is plan mode";
  return input.tool + " stays inside the sandbox, and this mode allows that without a question";
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

Decision decide(const Input& input) {
  const Level level = effective_level(input);
  if (GUARD("policy.forbidden", level == Level::forbidden))
    return deny(level, "forbidden", input.tool + " is forbidden in every mode; do without it");
  if (GUARD("policy.agent_access",
            !visible(input.claimed, input.access) || !visible(level, input.access)))
    return deny(level, "agent-access",
                input.tool + " (level " + std::string(name_of(level)) + ") is not open to this " +
                    std::string(name_of(input.access)) + " agent; use the tools you were shown");
  if (level <= Level::execute)
    if (auto refusal = judge_paths(input, level)) return *std::move(refusal);
  if (auto refusal = judge_connects(input, level)) return *std::move(refusal);

  const auto cell = kTable[static_cast<std::size_t>(level)][static_cast<std::size_t>(input.mode)];
  const std::string rule =
      "table:" + std::string(name_of(input.mode)) + "/" + std::string(name_of(level));
  if (GUARD("policy.table_deny", cell == Verdict::deny))
    return deny(level, rule, reason_to_deny(input, level));

  const bool may_write =
      (level == Level::write || level == Level::execute) && input.mode != Mode::plan;
  Decision decision{Verdict::allow, level, rule, reason_to_allow(input, level),
                    may_write ? Access::read_write : Access::read_only};
  if (GUARD("policy.table_ask", cell == Verdict::ask)) {
    if (approved(input, level)) {
      decision.rule = "approved-folder";
      decision.reason = "a person approved writes below this folder for this run";
    } else {
      decision.verdict = Verdict::ask;
      decision.reason = reason_to_ask(input, level);
    }
  }
  return decision;
}

}  // namespace boxagnts::policy
