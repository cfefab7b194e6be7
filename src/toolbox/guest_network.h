// A guest's network: its requests through the program's HTTP client, as far as its grant reaches.
//
// One for each process, on the thread that runs it. Every request is judged on its own: nothing is
// followed here. A request that no rule allows or forbids is asked about; meanwhile the call's
// clock stands still.
#pragma once

#include <memory>

#include "base/stopped_time.h"
#include "core/policy_values.h"
#include "net/http_client.h"
#include "sandbox/network.h"
#include "tools/run_control.h"

namespace boxagnts::toolbox {

// `client`, `asker` and `stopped` outlive it, and `client` the answers that it gave.
std::unique_ptr<sandbox::Network> make_guest_network(net::HttpClient& client,
                                                     core::NetworkGrant grant,
                                                     tools::ConnectionAsker& asker,
                                                     const base::StoppedTime& stopped);

}  // namespace boxagnts::toolbox
