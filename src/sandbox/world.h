// The world that a guest sees beside its files: time, randomness and waiting, handed in as an
// object, so that a process can be recorded and replayed.
//
// A World serves one process at a time, on the thread that runs it. The limits of a process (wall
// time, stop) are not of its world: they are real whatever time the guest sees.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>

#include "base/time.h"
#include "vfs/recorded.h"

namespace boxagnts::sandbox {

// preview1 `clockid`. A guest is one thread, so the last two are the same.
enum class ClockId : std::uint32_t { realtime = 0, monotonic = 1, process_cpu = 2, thread_cpu = 3 };

// One stream that is waited for.
struct Watch {
  int descriptor = -1;  // of poll(2)
  bool write = false;   // else read
  bool ready = false;   // set by wait
  bool hung_up = false;
};

class World {
 public:
  virtual ~World() = default;
  virtual std::uint64_t now_ns(ClockId clock) = 0;
  virtual std::uint64_t resolution_ns(ClockId clock) = 0;
  virtual void fill_random(std::span<std::byte> into) = 0;
  // Until a watched stream is ready or `until_ns` of this world's monotonic clock has come; in real
  // time never past `deadline`, and at once when `stop` is requested.
  virtual void wait(std::span<Watch> watches, std::uint64_t until_ns, base::Steady deadline,
                    const std::stop_token& stop) = 0;
};

constexpr std::uint64_t kNoDeadlineNs = UINT64_MAX;

// The machine's: `clock` (outlives it) and the kernel's randomness.
std::unique_ptr<World> make_host_world(base::Clock& clock);
// Notes what `inner` says (outlives it), or says it again from a tape that replays; a replay never
// waits and needs no inner.
std::unique_ptr<World> make_recorded_world(World* inner, vfs::Tape& tape);

}  // namespace boxagnts::sandbox
