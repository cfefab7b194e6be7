#include "net/egress.h"

#include <algorithm>
#include <utility>

#include "base/guard.h"
#include "base/text.h"
#include "net/http_client.h"

namespace boxagnts::net {
namespace {

constexpr const char* kWhereToAllow =
    " to [network] allowed_outbound_hosts in ~/.config/boxagnts/config.toml";

struct HostEntry {
  HostRule rule;
  std::string name;  // the entry and where it stands
  bool global_only = false;
};
struct Blocked {
  BlockedNetwork rule;
  std::string name;
};

std::string name_of_entry(const core::NetworkEntry& entry) {
  return "\"" + entry.text + "\"" + (entry.where.empty() ? "" : " (" + entry.where + ")");
}

EgressVerdict refuse(std::string rule, std::string reason) {
  return {.allowed = false, .rule = std::move(rule), .reason = std::move(reason)};
}

std::string entry_to_add(const Destination& destination) {
  return "add \"" + destination.text() + "\"" + kWhereToAllow;
}

bool is_localhost(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  return host == "localhost" || host.ends_with(".localhost");
}

// What no entry opens: nothing answers there, or it is not what it seems.
bool is_never_admitted(AddressClass kind) {
  return kind == AddressClass::multicast || kind == AddressClass::unspecified ||
         kind == AddressClass::tunnel;
}

bool may_be_asked(AddressClass kind) {
  return !is_never_admitted(kind) && kind != AddressClass::link_local &&
         kind != AddressClass::reserved;
}

class Gate final : public ConnectGate {
 public:
  static Result<std::unique_ptr<ConnectGate>> make(const core::NetworkGrant& grant) {
    auto gate = std::make_unique<Gate>();
    gate->allowed_ = TRY(parse_all(grant.allowed));
    gate->denied_ = TRY(parse_all(grant.denied));
    gate->asked_ = TRY(parse_all(grant.asked));
    gate->answered_ = TRY(parse_all(grant.answered));
    for (const auto& entry : grant.blocked)
      gate->blocked_.push_back({TRY(parse_blocked_network(entry.text)), name_of_entry(entry)});
    gate->offline_ = grant.offline;
    gate->own_ports_ = grant.own_ports;
    return gate;
  }

  EgressVerdict decide(const Destination& destination, std::stop_token) const override {
    if (GUARD("net.offline", offline_))
      return refuse("offline",
                    "the network is closed (--offline, or offline = true in the configuration), "
                    "so nothing can be reached; do without it");
    if (GUARD("net.host-form", !is_usable_host(destination.host)))
      return refuse("host-form", "\"" + base::one_line(destination.host, 80) +
                                     "\" is neither a host's name nor an address; correct it");
    const auto address = parse_ip(destination.host);
    if (GUARD("net.own-port-name", is_localhost(destination.host) && is_own(destination.port)))
      return own_port(destination);
    if (address) {
      if (auto refusal = refuse_own_port(destination, *address)) return *std::move(refusal);
      if (auto refusal = refuse_blocked(destination, *address)) return *std::move(refusal);
    }
    const auto* const denied = first_match(denied_, destination);
    if (GUARD("net.denied", denied != nullptr))
      return refuse(denied->name, destination.text() + " is denied by the rule " + denied->name +
                                      "; do without it");
    auto verdict = best_match(destination);
    if (verdict.allowed && address)
      if (auto refusal = refuse_special(destination, verdict, *address)) return *std::move(refusal);
    // Where clouds keep keys, a yes on the spot is no answer.
    if (GUARD("net.never-asked", address && !may_be_asked(class_of(*address))))
      verdict.askable = false;
    return verdict;
  }

  Status admit(const Destination& destination, const EgressVerdict& verdict,
               const IpAddress& address) const override {
    if (GUARD("net.not-decided", !verdict.allowed)) return refusal_of(verdict);
    if (const auto refusal = refuse_own_port(destination, address)) return refusal_of(*refusal);
    if (const auto refusal = refuse_blocked(destination, address)) return refusal_of(*refusal);
    if (const auto refusal = refuse_special(destination, verdict, address))
      return refusal_of(*refusal);
    return {};
  }

 private:
  bool is_own(std::uint16_t port) const {
    return std::ranges::find(own_ports_, port) != own_ports_.end();
  }

  static EgressVerdict own_port(const Destination& destination) {
    return refuse("own-port", destination.text() +
                                  " is this program's own server, which is closed to whatever it "
                                  "runs; do without it");
  }

  static Result<std::vector<HostEntry>> parse_all(const std::vector<core::NetworkEntry>& entries) {
    std::vector<HostEntry> parsed;
    for (const auto& entry : entries)
      parsed.push_back({TRY(parse_host_rule(entry.text)), name_of_entry(entry), entry.global_only});
    return parsed;
  }

  static const HostEntry* first_match(const std::vector<HostEntry>& entries,
                                      const Destination& destination) {
    const auto found = std::ranges::find_if(entries, [&](const HostEntry& entry) {
      return entry.rule.match(destination) != HostRule::Match::no;
    });
    return found == entries.end() ? nullptr : &*found;
  }

  EgressVerdict best_match(const Destination& destination) const {
    if (auto answered = best_of(answered_, destination); answered.allowed) return answered;
    const auto* const asked = first_match(asked_, destination);
    if (GUARD("net.asked", asked != nullptr)) {
      auto refusal =
          refuse(asked->name, destination.text() + " takes a person's yes each time, by the rule " +
                                  asked->name);
      refusal.askable = true;
      return refusal;
    }
    auto best = best_of(allowed_, destination);
    if (GUARD("net.not-granted", !best.allowed)) {
      auto refusal =
          refuse("not-granted", destination.text() +
                                    " is not among the hosts that may be reached; to allow it, " +
                                    entry_to_add(destination));
      refusal.askable = true;
      return refusal;
    }
    best.allowed = true;
    return best;
  }

  // The one that gives most; of several such the order of the file must not matter.
  static EgressVerdict best_of(const std::vector<HostEntry>& entries,
                               const Destination& destination) {
    EgressVerdict best;
    for (const auto& entry : entries) {
      const auto match = entry.rule.match(destination);
      if (match == HostRule::Match::no) continue;
      const bool literal = entry.rule.admits_literal(destination);
      const bool shown = !entry.global_only || is_localhost(destination.host);
      EgressVerdict found{.allowed = true,
                          .rule = entry.name,
                          .reason = destination.text() + " is allowed by " + entry.name,
                          .admits_private = literal || (shown && match == HostRule::Match::exact),
                          .admits_link_local = !entry.global_only && literal};
      const auto rank = [](const EgressVerdict& verdict) {
        return std::tuple(verdict.allowed, verdict.admits_link_local, verdict.admits_private,
                          verdict.rule.size(), std::string_view(verdict.rule));
      };
      if (rank(found) > rank(best)) best = std::move(found);
    }
    return best;
  }

  std::optional<EgressVerdict> refuse_own_port(const Destination& destination,
                                               const IpAddress& address) const {
    const bool own = is_own(destination.port) && is_of_this_machine(address);
    if (GUARD("net.own-port", own)) return own_port(destination);
    return std::nullopt;
  }

  std::optional<EgressVerdict> refuse_blocked(const Destination& destination,
                                              const IpAddress& address) const {
    const auto found = std::ranges::find_if(
        blocked_, [&](const Blocked& entry) { return entry.rule.blocks(address); });
    if (GUARD("net.blocked-network", found != blocked_.end()))
      return refuse("block_networks " + found->name,
                    leads_to(destination, address) + " is closed by " + found->name +
                        " of block_networks, whatever else is allowed; do without it");
    return std::nullopt;
  }

  static std::optional<EgressVerdict> refuse_special(const Destination& destination,
                                                     const EgressVerdict& verdict,
                                                     const IpAddress& address) {
    const auto kind = class_of(address);
    const std::string what =
        leads_to(destination, address) + " is a " + std::string(name_of(kind)) + " address";
    if (GUARD("net.unreachable-address", is_never_admitted(kind)))
      return refuse("address-class", what + ", which nothing opens; use another");
    if (GUARD("net.private-address", kind != AddressClass::global && !verdict.admits_private))
      return refuse("private", what +
                                   ", which only an entry opens that names host and port; to allow "
                                   "it, " +
                                   entry_to_add(destination));
    if (GUARD("net.link-local-name",
              kind == AddressClass::link_local && !verdict.admits_link_local))
      return refuse("link-local", what +
                                      ", where clouds keep keys of this machine; only an entry "
                                      "opens it that names the address itself");
    return std::nullopt;
  }

  static std::string leads_to(const Destination& destination, const IpAddress& address) {
    const auto text = address.text();
    return parse_ip(destination.host) ? text : destination.host + " leads to " + text + ", which";
  }

  std::vector<HostEntry> allowed_, denied_, asked_, answered_;
  std::vector<Blocked> blocked_;
  bool offline_ = false;
  std::vector<std::uint16_t> own_ports_;
};

}  // namespace

std::string Destination::text() const {
  return Url{.scheme = scheme, .host = host, .port = port, .target = ""}.text();
}

Destination destination_of(std::string_view method, const Url& url) {
  return {.method = std::string(method),
          .scheme = url.scheme,
          .host = url.host,
          .port = url.port,
          .path = url.target.substr(0, url.target.find('?'))};
}

Destination destination_of(const Request& request) {
  return destination_of(request.method, request.url);
}

std::unexpected<Error> refusal_of(const EgressVerdict& verdict) {
  return fail(Code::permission_denied, verdict.reason, "rule " + verdict.rule);
}

core::NetworkGrant grant_for(const Url& url, std::string where, core::NetworkGrant common) {
  common.allowed = {{destination_of("", url).text(), std::move(where)}};
  common.asked.clear();  // the person named it
  return common;
}

Result<std::unique_ptr<ConnectGate>> make_gate(const core::NetworkGrant& grant) {
  return Gate::make(grant);
}

}  // namespace boxagnts::net
