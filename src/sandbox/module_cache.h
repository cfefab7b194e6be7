// Strangers' modules, compiled once: in a confined child, and kept on disk.
//
// Compiling is the one thing done with a stranger's bytes before any sandbox stands around them,
// and it may take any time and memory; so a child without files, network or programs does it,
// bounded (CompileLimits). What it makes is native code. It is kept by the module's hash and by
// all that compiled code depends on, in a folder that only its owner may enter, each entry with the
// hash of its name and content: damage is found and compiled anew. The hash has no key: whoever can
// write in that folder is the person, or root, and could replace this program as well. Guests
// cannot: the folder stands below one named .boxagnts, which no mount shows (vfs::Masks).
//
// Threads: any, and any number of processes at once; entries appear whole, by rename. Limits: the
// least recently used entries go when all together exceed Options::bytes_max.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "confine/child.h"
#include "sandbox/sandbox.h"

namespace boxagnts::sandbox {

struct CompileLimits {
  std::uint64_t memory_bytes = 2ull << 30;  // address space
  std::uint64_t cpu_seconds = 60;           // of all its threads
  std::uint64_t compiled_bytes = 512ull << 20;
  std::chrono::milliseconds wall_time{120'000};
};

// Compiles for this machine in a child. Errors: invalid_argument as for Sandbox::compile;
// limit_exceeded names the limit; cancelled; internal when the compiler crashed; busy, unsupported
// when there can be no child. `on_slow` is called once when it takes longer than a person notices.
Result<std::string> compile_in_child(const confine::Launcher& launcher, std::string_view wasm,
                                     Fuel fuel, std::stop_token stop, CompileLimits limits = {},
                                     std::function<void()> on_slow = nullptr);

// The child's side, for main(): `role` as confine::child_role gave it; returns the exit code.
constexpr std::string_view kCompileRole = "compile";
int compile_as_child(const std::vector<std::string>& role);

class ModuleCache {
 public:
  static constexpr std::uint64_t kBytesMax = 1ull << 30;

  // Makes the folder if need be, 0700, with those above it. Errors: permission_denied when it is
  // not only ours, io. `launcher` outlives the cache.
  static Result<ModuleCache> open(const std::string& folder, const confine::Launcher& launcher,
                                  std::uint64_t bytes_max = kBytesMax);

  struct Progress {
    std::function<void()> compiling;  // before the child starts: the module is not cached
    std::function<void()> slow;       // it takes longer than a person notices
  };
  // What Sandbox::load_compiled takes. Errors: those of compile_in_child; a cache that cannot be
  // written is none.
  Result<std::string> compiled(std::string_view wasm, Fuel fuel, const Progress& progress,
                               std::stop_token stop);

 private:
  ModuleCache(base::UniqueFd folder, const confine::Launcher& launcher, std::uint64_t bytes_max)
      : folder_(std::move(folder)), launcher_(launcher), bytes_max_(bytes_max) {}
  Result<std::string> read(const std::string& name) const;
  Status write(const std::string& name, std::string_view cwasm) const;
  void evict(const std::string& newest) const;

  base::UniqueFd folder_;
  const confine::Launcher& launcher_;
  std::uint64_t bytes_max_;
};

}  // namespace boxagnts::sandbox
