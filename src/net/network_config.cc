#include "net/network_config.h"

#include <algorithm>

#include "base/guard.h"
#include "net/egress.h"

namespace boxagnts::net {
namespace {

Status check_narrows(const base::ConfigNode& section) {
  for (const auto* key : {"allowed_outbound_hosts", "proxy", "ca_file"})
    if (GUARD("net.workspace-widens", section.has(key)))
      return fail(Code::permission_denied,
                  section.where(key) + ": network." + key +
                      " is not for a workspace's own file, which can only close more; write it "
                      "into your own configuration, ~/.config/boxagnts/config.toml");
  return {};
}

// All of them, so that one correction is enough.
Status read_blocked(const base::ConfigNode& section, NetworkConfig& into) {
  std::string wrong;
  for (auto& entry : TRY(section.texts("block_networks"))) {
    const auto parsed = parse_blocked_network(entry.text);
    if (!parsed)
      wrong += (wrong.empty() ? "" : "; ") + entry.where +
               ": network.block_networks: " + parsed.error().message;
    into.grant.blocked.push_back({std::move(entry.text), std::move(entry.where)});
  }
  if (!wrong.empty()) return fail(Code::invalid_argument, std::move(wrong));
  return {};
}

}  // namespace

Status read_network_config(const base::ConfigNode& root, Author author, NetworkConfig& into) {
  const auto& section = *TRY(root.table("network"));
  if (author == Author::workspace) TRY(check_narrows(section));
  for (auto& entry : TRY(section.texts("allowed_outbound_hosts"))) {
    if (const auto parsed = parse_host_rule(entry.text); !parsed)
      into.left_out.push_back(entry.where + ": network.allowed_outbound_hosts: \"" +
                              entry.text.substr(0, 200) +
                              "\" is left out: " + parsed.error().message);
    else
      into.grant.allowed.push_back({std::move(entry.text), std::move(entry.where)});
  }
  TRY(read_blocked(section, into));
  if (auto proxy = TRY(section.string("proxy"))) into.proxy = std::move(*proxy);
  if (auto file = TRY(section.string("ca_file"))) into.ca_file = std::move(*file);
  if (TRY(section.boolean("offline")).value_or(false)) into.grant.offline = true;
  return {};
}

}  // namespace boxagnts::net
