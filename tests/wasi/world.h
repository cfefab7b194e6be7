// What a conformance guest sees: the same for every case; /s and /other are made anew for each, the
// others are made once, and who changes them puts them back.
//
//   /s        empty and writable; of the host, in memory or an overlay: what the case is run for
//   /ro       a host folder, read-only: file ("read only"), empty/, link -> file
//   /other    memory, 64 KiB
//   /full     memory with as many entries as it may have (0, 1, …); shared, nobody can add to it
//   /dev      devices; random ones give sevens
//   /special  a host folder: file, fifo, socket, masked; "masked*" is hidden; mounted/ is a mount
//
// One World belongs to one thread. Everything it made on disk goes with it.
#pragma once

#include <memory>
#include <string>

#include "sandbox/sandbox.h"

namespace boxagnts::wasi_test {

enum class Scratch { host, memory, overlay };
std::string name_of(Scratch scratch);

class World {
 public:
  World(base::Clock& clock, Scratch scratch);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // A process of this world: name space, environment, limits; arguments and input are the caller's.
  sandbox::Process process() const;

 private:
  struct OnDisk;
  std::unique_ptr<OnDisk> on_disk_;  // of all but Scratch::memory
  std::shared_ptr<const vfs::NameSpace> name_space_;
};

// The sandbox of all tests, and the guest NAME.wasm in it.
sandbox::Sandbox& sandbox_under_test();
const sandbox::Program& guest(const std::string& name);
// On a thread with room for a guest.
sandbox::ProcessResult run(const sandbox::Program& program, const sandbox::Process& process);

}  // namespace boxagnts::wasi_test
