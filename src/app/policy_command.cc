// `policy explain`: the gate that a guest's connection would meet, asked without a connection.
#include "app/commands.h"
#include "app/program.h"
#include "base/text.h"
#include "net/egress.h"

namespace boxagnts::app {
namespace {

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
             const net::EgressVerdict& verdict) {
  JsonObject out;
  out["method"] = command.method;
  out["destination"] = destination.text();
  out["path"] = destination.path;
  out["verdict"] = core::name_of(verdict.allowed ? core::Verdict::allow : core::Verdict::deny);
  out["rule"] = verdict.rule;
  out["reason"] = verdict.reason;
  if (verdict.allowed) {
    out["addresses"] = addresses_sentence(destination, verdict);
    out["private_addresses"] = verdict.admits_private;
  }
  return out;
}

std::string to_text(const cli::PolicyExplainCommand& command, const net::Url& url,
                    const net::Destination& destination, const net::EgressVerdict& verdict) {
  std::string text = command.method + " " + url.text() + ": " +
                     (verdict.allowed ? "allowed" : "denied") + "\nrule: " + verdict.rule + "\n";
  text += verdict.allowed ? "addresses: " + addresses_sentence(destination, verdict)
                          : "why: " + verdict.reason;
  return base::terminal_safe(text) + "\n";
}

}  // namespace

Result<int> execute(const cli::PolicyExplainCommand& command) {
  const auto url = TRY(net::parse_url(command.url));
  const auto workspace =
      TRY(workspace::open(command.common.workspace_directory, environment_variable));
  const auto preferences = TRY(read_preferences(workspace, command.common));
  const auto gate = TRY(net::make_gate(preferences.settings.network));
  const auto destination = net::destination_of(command.method, url);
  const auto verdict = gate->decide(destination, {});
  TRY(print(command.json ? base::to_text(to_json(command, destination, verdict)) + "\n"
                         : to_text(command, url, destination, verdict)));
  return verdict.allowed ? 0 : base::info(Code::permission_denied).exit_code;
}

}  // namespace boxagnts::app
