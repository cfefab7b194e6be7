// One tool that is a guest, whoever made it. What it is given is the call's grant, less what its
// manifest does not ask for; of a tool of others that is a good deal: it reads, changes, connects
// and knows variables only as far as it said. Implementation header of this room. Thread-safe.
#pragma once

#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "sandbox/sandbox.h"
#include "toolbox/guest_tools.h"
#include "toolbox/manifest.h"
#include "tools/tool.h"

namespace boxagnts::toolbox {

// A program that is loaded when it is first needed. Thread-safe.
class ProgramSource {
 public:
  virtual ~ProgramSource() = default;
  // Into the engine that fits the limits. Errors: why it cannot be; cancelled.
  virtual Result<std::shared_ptr<const sandbox::Program>> get(const core::Limits& limits,
                                                              const std::stop_token& stop) = 0;
};

struct GuestParts {
  Manifest manifest;
  std::map<std::string, std::shared_ptr<ProgramSource>, std::less<>> programs;  // its own by name
  sandbox::Sandbox& sandbox;
  base::Clock& clock;
  MakeNetwork network = {};
  tools::Origin origin = tools::Origin::builtin;
  std::string path = {};  // of its file
};

std::unique_ptr<tools::Tool> make_guest_tool(GuestParts parts);

}  // namespace boxagnts::toolbox
