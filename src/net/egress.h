// Which hosts may be reached: the one rule behind guests, models and everything later.
//
// Two steps. decide(): by scheme, host, port, method and path, before any look-up (a look-up tells
// a secret, too). admit(): each address that the name stands for, before a connection to it. Behind
// a proxy only the first step is ours: the proxy looks the name up.
//
// An entry of allowed_outbound_hosts is "[METHOD[,METHOD…] ]SCHEME://HOST[:PORT][/PATH]":
//   SCHEME  http, https, or * for both
//   HOST    a name; *; *.NAME (what is below it, not the name itself); an address; a network
//           (10.0.0.0/8, [fd00::]/8), which matches addresses written as such, never names
//   PORT    a number, * for all, 8000..8100 (without the last), 8000-8099 (with it); none: the
//           scheme's own
//   PATH    reached with all that is below it: /v1 covers /v1 and /v1/x, not /v10
//   METHOD  in capitals; none: all
// An address that is not global is admitted for an entry that names host and port exactly (a
// link-local one, where clouds keep their keys, only for an entry that names that address), or,
// written as an address, for a network all of which is of that kind. For any other entry never.
//
// Gates are immutable and thread-safe; rules are values. The decision does not depend on the order
// of entries.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/policy_values.h"
#include "net/address.h"
#include "net/url.h"

namespace boxagnts::net {

struct Request;

struct Destination {
  std::string method;
  std::string scheme;  // "http" or "https"
  std::string host;    // as Url::host
  std::uint16_t port = 0;
  std::string path;  // without the query

  std::string text() const;  // "https://example.com:8443": without method and path
};
Destination destination_of(std::string_view method, const Url& url);
Destination destination_of(const Request& request);

struct EgressVerdict {
  bool allowed = false;
  std::string rule;    // what decided: an entry with its file and line, "offline", "own-port", …
  std::string reason;  // one sentence; a refusal names the entry that would allow it, if one would
  bool askable = false;            // refused only because no rule says yes: a person may
  bool admits_private = false;     // an entry that names host and port exactly
  bool admits_link_local = false;  // one that names the address itself
};

class ConnectGate {  // one a door and grant
 public:
  virtual ~ConnectGate() = default;
  // Before any look-up.
  virtual EgressVerdict decide(const Destination& destination, std::stop_token stop) const = 0;
  // Before a connection is made to this address, or a kept one to it is used. `verdict` is what
  // decide() said of this destination. Errors: permission_denied, the rule in Error::context.
  virtual Status admit(const Destination& destination, const EgressVerdict& verdict,
                       const IpAddress& address) const = 0;
};

// What a refusal of decide() is as an error: permission_denied, the rule as context.
std::unexpected<Error> refusal_of(const EgressVerdict& verdict);

// An address, or a name that DNS can hold: lower case, without an empty label (but for a last dot),
// not ending in a number. The URL Standard lets more pass.
bool is_usable_host(std::string_view host);

class HostRule {
 public:
  enum class Match : std::uint8_t { no, yes, exact };  // exact: host and port are named

  Match match(const Destination& destination) const;
  // Whether it admits this address, which the destination names, although it is not global.
  bool admits_literal(const Destination& destination) const;

 private:
  friend Result<HostRule> parse_host_rule(std::string_view text);

  enum class Kind : std::uint8_t { any, name, below, address, network };

  bool matches_host(const Destination& destination) const;
  bool matches_path(const std::string& path) const;

  std::vector<std::string> methods_;  // empty: all
  std::string scheme_;                // empty: both
  Kind kind_ = Kind::any;
  std::string name_;
  Network network_;
  std::uint32_t port_first_ = 0, port_last_ = 0;  // 0: the scheme's own
  std::string path_;                              // empty: all
};
// Errors: invalid_argument, a sentence that says what to write.
Result<HostRule> parse_host_rule(std::string_view text);

// An entry of block_networks: a network, or the word "private" for all that is not global.
class BlockedNetwork {
 public:
  // By itself and by the IPv4 addresses inside.
  bool blocks(const IpAddress& address) const;

 private:
  friend Result<BlockedNetwork> parse_blocked_network(std::string_view text);
  std::optional<Network> network_;
};
Result<BlockedNetwork> parse_blocked_network(std::string_view text);

// `common` with this URL's scheme, host and port in place of what it allows: the door to one server
// that the person named.
core::NetworkGrant grant_for(const Url& url, std::string where, core::NetworkGrant common);

// The gate of a grant. Errors: invalid_argument, of the first entry that does not parse (those of a
// configuration were read already).
Result<std::unique_ptr<ConnectGate>> make_gate(const core::NetworkGrant& grant);

}  // namespace boxagnts::net
