// A guest's network: its requests through the program's HTTP client, as far as its grant reaches.
//
// One for each process, on the thread that runs it. Every request is judged on its own: nothing is
// followed here.
#pragma once

#include <memory>

#include "core/policy_values.h"
#include "net/http_client.h"
#include "sandbox/network.h"

namespace boxagnts::toolbox {

// `client` outlives it, and the answers that it gave.
std::unique_ptr<sandbox::Network> make_guest_network(net::HttpClient& client,
                                                     core::NetworkGrant grant);

}  // namespace boxagnts::toolbox
