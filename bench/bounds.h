// Rows about what the program holds and lets go: memory at rest, wake-ups, cancelling.
#pragma once

#include <string>

namespace boxagnts::bench {

// Row 5, in a child process of its own; call it before this process has threads.
void bench_idle(const std::string& workspace);
// Row 10: stop requests at random moments of every kind of guest, all cores busy.
void bench_cancel(const std::string& workspace);
// The same guest under Wasmtime's own command line, whole processes; skipped when it is not there.
void bench_wasmtime(const std::string& workspace, const std::string& binary);

}  // namespace boxagnts::bench
