// Section [network] of the configuration: allowed_outbound_hosts, block_networks, proxy, ca_file,
// offline. Values; read once at start.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/error.h"
#include "core/policy_values.h"

namespace boxagnts::net {

enum class Author : std::uint8_t {
  person,     // may set everything
  workspace,  // the file came with the folder: it only narrows (block_networks, offline = true)
};

struct NetworkConfig {
  core::NetworkGrant grant;
  std::optional<std::string> proxy;  // a URL or "none"; absent: as the environment says
  std::string ca_file;               // certificates to trust besides the system's
  // Entries of allowed_outbound_hosts that are none, a sentence each. They open nothing, and the
  // others hold.
  std::vector<std::string> left_out;
};

// Adds what this layer says. Errors: permission_denied when a workspace would widen, and
// invalid_argument, each with file and line; a bad entry of block_networks is one, since going on
// without it would open what somebody wanted closed.
Status read_network_config(const base::ConfigNode& root, Author author, NetworkConfig& into);

}  // namespace boxagnts::net
