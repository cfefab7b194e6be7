#include "app/explain.h"

#include <boost/json.hpp>

#include "base/text.h"
#include "net/egress.h"
#include "policy/policy.h"
#include "tools/json_schema.h"
#include "tools/own_call.h"

namespace boxagnts::app {
namespace {

// --- a connection --------------------------------------------------------------------------------

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

Json to_json(const std::string& method, const net::Destination& destination,
             const net::EgressVerdict& verdict, Fate fate) {
  JsonObject out;
  out["method"] = method;
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

std::string to_text(const std::string& method, const net::Url& url,
                    const net::Destination& destination, const net::EgressVerdict& verdict,
                    Fate fate) {
  std::string text = method + " " + url.text() + ": " +
                     (fate == Fate::allowed ? "allowed"
                      : fate == Fate::asked ? "asked about"
                                            : "denied") +
                     "\nrule: " + verdict.rule + "\n";
  text += verdict.allowed ? "addresses: " + addresses_sentence(destination, verdict)
                          : "why: " + verdict.reason;
  return base::terminal_safe(text) + "\n";
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

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  for (const auto line : base::split(text, '\n'))
    if (!line.empty()) lines.emplace_back(line);
  return lines;
}

}  // namespace

Result<Explained> explain_connection(const std::string& address, const std::string& method,
                                     core::Mode mode, const Preferences& preferences,
                                     const policy::Rules& rules) {
  const auto url = TRY(net::parse_url(address));
  const auto gate = TRY(net::make_gate(rules.connections(preferences.settings.network)));
  const auto destination = net::destination_of(method, url);
  const auto verdict = gate->decide(destination, {});
  const bool asks = policy::judge_connection(mode) == core::Verdict::ask;
  const Fate fate = verdict.allowed           ? Fate::allowed
                    : verdict.askable && asks ? Fate::asked
                                              : Fate::denied;
  Explained explained{.rule = verdict.rule, .reason = verdict.reason};
  explained.verdict = fate == Fate::allowed ? core::Verdict::allow
                      : fate == Fate::asked ? core::Verdict::ask
                                            : core::Verdict::deny;
  if (verdict.allowed) {
    explained.grant = {addresses_sentence(destination, verdict)};
    if (explained.reason.empty()) explained.reason = "it is allowed by " + verdict.rule;
  }
  explained.text = to_text(method, url, destination, verdict, fate);
  explained.json = to_json(method, destination, verdict, fate);
  return explained;
}

Result<Explained> explain_call(const std::string& name, const Json& arguments, core::Mode mode,
                               const tools::Registry& registry, const Preferences& preferences,
                               const policy::Rules& rules) {
  const auto* tool = TRY(tools::find_tool(registry, name));
  policy::Input input{.tool = tool->spec().name,
                      .claimed = tool->spec().level,
                      .mode = mode,
                      .envelope = preferences.settings.envelope(),
                      .rules = &rules};
  const auto schema = TRY(tools::JsonSchema::compile(tool->spec().input_schema));
  TRY(schema.check(arguments));
  input.facts = TRY(tool->facts(arguments, {.workspace = preferences.settings.workspace}));
  const auto decision = policy::decide(input);
  const auto changes = policy::judge_changes(input, decision, input.facts.writes);
  const auto grant = policy::grant_of(input, decision);
  const bool by_changes = decision.verdict != core::Verdict::deny && !input.facts.writes.empty();
  Explained explained{
      .verdict = by_changes ? std::max(decision.verdict, changes.verdict) : decision.verdict,
      .rule = by_changes ? changes.rule : decision.rule,
      .reason = by_changes ? changes.reason : decision.reason};
  JsonObject out{{"tool", input.tool},
                 {"mode", core::name_of(input.mode)},
                 {"decision", core::to_json(decision)},
                 {"facts", core::to_json(input.facts)},
                 {"rule", explained.rule},
                 {"reason", explained.reason},
                 {"grant", to_json(grant)}};
  if (by_changes) out["changes"] = core::name_of(changes.verdict);
  explained.json = std::move(out);
  const auto granted = decision.verdict == core::Verdict::deny ? "" : grant_text(grant, input.mode);
  explained.grant = lines_of(granted);
  explained.text =
      base::terminal_safe(input.tool + " in mode " + std::string(core::name_of(input.mode)) + ": " +
                          verdict_sentence(decision, changes) + "\nrule: " + explained.rule +
                          "\nwhy: " + explained.reason + "\n" + granted);
  return explained;
}

}  // namespace boxagnts::app
