// Rows about whole runs: a turn's own overhead, many runs at once, and what a waiting run holds.
#pragma once

#include <string>

namespace boxagnts::bench {

// Rows 6, 8 and 9, each in a process of its own. Call it before this process has threads.
void bench_runs(const std::string& workspace);

}  // namespace boxagnts::bench
