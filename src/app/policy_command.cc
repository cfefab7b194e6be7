// `policy explain`: the gate that a guest's connection would meet, asked without a connection; and
// what would be decided about a call and granted to it, without running it.
#include "app/commands.h"
#include "app/program.h"
#include "base/text.h"
#include "net/egress.h"
#include "policy/policy.h"
#include "tools/json_schema.h"
#include "tools/own_call.h"

namespace boxagnts::app {
namespace {

core::Mode mode_of(const cli::PolicyExplainCommand& command, const Preferences& preferences) {
  return command.mode.value_or(preferences.mode.value_or(core::Mode::ask));
}

// What would become of a connection.
enum class Fate : std::uint8_t { allowed, asked, denied };

// What is still to be judged when the call connects.
std::string addresses_sentence(const net::Destination& destination,
                               const net::EgressVerdict& verdict) {
  if (net::parse_ip(destination.host)) return "it is an address, and that was judged";
  std::string which = "only global ones";
  if (verdict.admits_private) which = "also private ones, since the entry names host and port";
  return "judged when a tool connects, after the look-up, each by itself: " + which +
         "; none in block_networks";
}

Json to_json(const cli::PolicyExplainCommand& command, const net::Destination& destination,
             const net::EgressVerdict& verdict, Fate fate) {
  JsonObject out;
  out["method"] = command.method;
  out["destination"] = destination.text();
  out["path"] = destination.path;
  out["verdict"] = core::name_of(fate == Fate::allowed ? core::Verdict::allow
                                 : fate == Fate::asked ? core::Verdict::ask
                                                       : core::Verdict::deny);
  out["rule"] = verdict.rule;
  out["reason"] = verdict.reason;
  if (verdict.allowed) {
    out["addresses"] = addresses_sentence(destination, verdict);
    out["private_addresses"] = verdict.admits_private;
  }
  return out;
}

std::string to_text(const cli::PolicyExplainCommand& command, const net::Url& url,
                    const net::Destination& destination, const net::EgressVerdict& verdict,
                    Fate fate) {
  std::string text = command.method + " " + url.text() + ": " +
                     (fate == Fate::allowed ? "allowed"
                      : fate == Fate::asked ? "asked about"
                                            : "denied") +
                     "\nrule: " + verdict.rule + "\n";
  text += verdict.allowed ? "addresses: " + addresses_sentence(destination, verdict)
                          : "why: " + verdict.reason;
  return base::terminal_safe(text) + "\n";
}

}  // namespace

namespace {

Result<int> explain_connection(const cli::PolicyExplainCommand& command,
                               const Preferences& preferences) {
  const auto url = TRY(net::parse_url(command.subject));
  const auto gate =
      TRY(net::make_gate(preferences.rules->connections(preferences.settings.network)));
  const auto destination = net::destination_of(command.method, url);
  const auto verdict = gate->decide(destination, {});
  const bool asks = policy::judge_connection(mode_of(command, preferences)) == core::Verdict::ask;
  const Fate fate = verdict.allowed           ? Fate::allowed
                    : verdict.askable && asks ? Fate::asked
                                              : Fate::denied;
  TRY(print(command.json ? base::to_text(to_json(command, destination, verdict, fate)) + "\n"
                         : to_text(command, url, destination, verdict, fate)));
  return fate == Fate::denied ? base::info(Code::permission_denied).exit_code : 0;
}

// --- a call --------------------------------------------------------------------------------------

std::string verdict_sentence(const core::Decision& decision,
                             const policy::ChangesDecision& changes) {
  if (decision.verdict == core::Verdict::deny) return "denied";
  std::string text = decision.verdict == core::Verdict::ask ? "asked about before it runs" : "runs";
  if (decision.workspace == core::Access::read_only) return text + ", and changes nothing";
  switch (changes.verdict) {
    case core::Verdict::allow: return text + "; what it changes is applied";
    case core::Verdict::ask: return text + "; what it changes is asked about, with the diff";
    case core::Verdict::deny: break;
  }
  return text + "; what it changes is dropped";
}

std::string list_of(const std::vector<std::string>& texts, const char* otherwise) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : ", ") + text;
  return list.empty() ? otherwise : list;
}

std::string grant_text(const core::Grant& grant, core::Mode mode) {
  std::vector<std::string> sees, changes, hidden, shown, connects;
  for (const auto& mount : grant.mounts) {
    sees.push_back(mount.guest_path);
    if (mount.access == core::Access::read_write)
      changes.push_back(mount.guest_path + (mount.host_path.empty() ? " (memory)" : ""));
  }
  for (const auto& list : grant.masks)
    for (const auto& mask : list)
      mask.starts_with('!') ? shown.push_back(mask.substr(1)) : hidden.push_back(mask);
  for (const auto& entry : grant.network.allowed) connects.push_back(entry.text);
  const auto& limits = grant.limits;
  return "sees: " + list_of(sees, "nothing") +
         "\nbut not: " + list_of(hidden, "(nothing is hidden)") +
         (shown.empty() ? "" : "\n  yet: " + list_of(shown, "")) +
         "\nmay change: " + list_of(changes, "nothing") +
         "\nmay connect to: " + list_of(connects, "no host unasked") +
         (policy::judge_connection(mode) == core::Verdict::ask ? "; asks about others" : "") +
         "\nlimits: " + base::human_duration_ms(limits.wall_time.count()) + ", " +
         base::human_bytes(limits.memory_bytes) + " of memory, " +
         base::human_bytes(limits.output_bytes) + " of output, " +
         base::human_bytes(limits.disk_bytes) + " more on disk\n";
}

Json to_json(const core::Grant& grant) {
  JsonArray mounts, masks, hosts;
  for (const auto& mount : grant.mounts)
    mounts.push_back({{"path", mount.guest_path}, {"access", core::name_of(mount.access)}});
  for (const auto& list : grant.masks) {
    JsonArray globs;
    for (const auto& mask : list) globs.push_back(Json(mask));
    masks.push_back(std::move(globs));
  }
  for (const auto& entry : grant.network.allowed) hosts.push_back(Json(entry.text));
  return JsonObject{{"mounts", std::move(mounts)},
                    {"masks", std::move(masks)},
                    {"allowed_outbound_hosts", std::move(hosts)},
                    {"wasm_timeout_ms", grant.limits.wall_time.count()},
                    {"wasm_max_memory_size", grant.limits.memory_bytes}};
}

Result<int> explain_call(const cli::PolicyExplainCommand& command,
                         const workspace::Workspace& workspace, const Preferences& preferences) {
  base::SystemClock clock;
  const auto http = make_http({});
  const auto skills = open_skills(workspace, clock);
  const auto tools = TRY(Tools::make({.clock = clock,
                                      .http = *http,
                                      .skills = *skills,
                                      .workspace = workspace,
                                      .trust = [&] { return preferences.trust; },
                                      .limits = preferences.settings.limits}));
  const auto toolset = tools->current();
  const auto* tool = TRY(tools::find_tool(*toolset->registry, command.subject));
  const auto arguments = TRY(base::parse_json(command.arguments));
  policy::Input input{.tool = tool->spec().name,
                      .claimed = tool->spec().level,
                      .mode = mode_of(command, preferences),
                      .envelope = preferences.settings.envelope(),
                      .rules = preferences.rules.get()};
  TRY(TRY(tools::JsonSchema::compile(tool->spec().input_schema)).check(arguments));
  input.facts = TRY(tool->facts(arguments, {.workspace = workspace.root}));
  const auto decision = policy::decide(input);
  const auto changes = policy::judge_changes(input, decision, input.facts.writes);
  auto grant = policy::grant_of(input, decision);
  tool->narrow(grant);
  const bool by_changes = decision.verdict != core::Verdict::deny && !input.facts.writes.empty();
  const auto& rule = by_changes ? changes.rule : decision.rule;
  const auto& reason = by_changes ? changes.reason : decision.reason;
  if (command.json) {
    JsonObject out{{"tool", input.tool},
                   {"mode", core::name_of(input.mode)},
                   {"decision", core::to_json(decision)},
                   {"facts", core::to_json(input.facts)},
                   {"rule", rule},
                   {"reason", reason},
                   {"grant", to_json(grant)}};
    if (by_changes) out["changes"] = core::name_of(changes.verdict);
    TRY(print(base::to_text(out) + "\n"));
  } else {
    TRY(print(base::terminal_safe(
        input.tool + " in mode " + std::string(core::name_of(input.mode)) + ": " +
        verdict_sentence(decision, changes) + "\nrule: " + rule + "\nwhy: " + reason + "\n" +
        (decision.verdict == core::Verdict::deny ? "" : grant_text(grant, input.mode)))));
  }
  const bool denied = decision.verdict == core::Verdict::deny ||
                      (by_changes && changes.verdict == core::Verdict::deny);
  return denied ? base::info(Code::permission_denied).exit_code : 0;
}

}  // namespace

Result<int> execute(const cli::PolicyExplainCommand& command) {
  const auto workspace =
      TRY(workspace::open(command.common.workspace_directory, environment_variable));
  const auto preferences = TRY(read_preferences(workspace, command.common));
  const bool is_address = command.subject.find_first_of(".:/") != std::string::npos;
  return is_address ? explain_connection(command, preferences)
                    : explain_call(command, workspace, preferences);
}

}  // namespace boxagnts::app
