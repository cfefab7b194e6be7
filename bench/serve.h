// The server as a whole program: how soon it accepts, with a large log, and what it holds idle.
#pragma once

#include <string>

namespace boxagnts::bench {

// Makes a workspace of 1,000 sessions and a million events in `folder`.
void bench_serve(const std::string& folder, const std::string& binary);

}  // namespace boxagnts::bench
