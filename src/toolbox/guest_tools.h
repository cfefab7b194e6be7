// Tools that are guests: WebAssembly programs with a manifest (contract `boxagnts:tool/1`,
// docs/tools.md).
//
// A call's JSON goes to stdin, the result is stdout; stderr is diagnostics; exit 0 success, 1
// failed call, 2 bad input. A call may go on in another program that the manifest names, under the
// same grant and what is left of the limits. Thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "sandbox/sandbox.h"
#include "tools/tool.h"

namespace boxagnts::toolbox {

// Bytes in the program's own file, compressed where they are many.
struct EmbeddedBytes {
  std::string_view bytes;
  Result<std::string> expand() const;  // errors: corrupt
};

// One guest that the build embedded.
struct EmbeddedGuest {
  std::string_view name;
  std::string_view manifest;  // JSON; "" = no tool, but a program that a tool's call may go on in
  EmbeddedBytes cwasm;        // for the build's baseline CPU
  EmbeddedBytes wasm;         // for every other
};

// In the order they are shown to a model.
std::vector<EmbeddedGuest> embedded_guests();

// The network of one call, with the rules of its grant; asked for each call of a tool whose
// manifest wants one. Called from any thread. nullptr: there is none.
using MakeNetwork =
    std::function<std::unique_ptr<sandbox::Network>(const tools::Execution& execution)>;

// Adds these guests; programs are loaded at their first call. `sandbox` and `clock` outlive the
// registry, and so does what `network` refers to; without it tools that want a network are left
// out.
Status add_embedded(tools::Registry& registry, sandbox::Sandbox& sandbox, base::Clock& clock,
                    MakeNetwork network = {},
                    const std::vector<EmbeddedGuest>& guests = embedded_guests());

}  // namespace boxagnts::toolbox
