// Rows about the HTTP server: files beside nginx, a thousand readers of one stream, idle
// connections.
#pragma once

#include <string>

namespace boxagnts::bench {

// Files under load by wrk, nginx in turn with us; skipped where one of the two is not there. Forks:
// call it before this process has threads.
void bench_server(const std::string& folder);

}  // namespace boxagnts::bench
