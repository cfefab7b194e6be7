// Children that are this very program again: started from a descriptor of our own binary, which
// confine themselves before anything else, do one piece of work and end.
//
// A child has no environment, descriptor, terminal or signal setting of ours, and dies with its
// parent.
// Its standard input, output and diagnostics are memory files: neither side waits for the other,
// and what a child may write is bounded by ResourceLimits::file_bytes. Owner of a child is the
// thread in run(), which returns when the child is dead and reaped, however it ended. Thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "confine/confinement.h"

namespace boxagnts::confine {

struct ChildWork {
  std::string role;  // what main() asks child_role() for
  std::vector<std::string> arguments;
  std::string_view input;
  ResourceLimits limits;
  std::chrono::milliseconds wall_time{120'000};
  std::function<void()> on_slow;  // called once, when the work takes longer than a person notices
};

enum class ChildEnd : std::uint8_t { exited, signalled, timed_out, stopped };

struct ChildResult {
  ChildEnd end = ChildEnd::exited;
  int code = 0;  // the exit code, or the signal's number
  std::string output;
  std::string diagnostics;  // its beginning
};

class Launcher {
 public:
  // Opens this program's own file: a child is the same program even after an update replaced it.
  // Make it early. Errors: unavailable when /proc is not mounted.
  static Result<Launcher> make();

  // Errors: busy when the system has no process left, unsupported when the kernel is too old;
  // whatever the child does is a ChildResult.
  Result<ChildResult> run(const ChildWork& work, std::stop_token stop) const;

 private:
  explicit Launcher(base::UniqueFd program) : program_(std::move(program)) {}
  base::UniqueFd program_;
};

// First thing in main(): the role that a Launcher started this process for, with its arguments
// behind it; empty when a person started it.
std::vector<std::string> child_role(int argument_count, char** arguments);

// First thing of a child's work. Ends the process with one sentence on failure.
void confine_child(const Confinement& confinement);

}  // namespace boxagnts::confine
