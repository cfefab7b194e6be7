// What a guest says of itself (contract `boxagnts:tool/1`, docs/tools.md): a JSON object.
// Thread-safe: values only.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/message.h"

namespace boxagnts::toolbox {

struct Manifest {
  core::ToolSpec spec;
  core::Level claimed = core::Level::forbidden;  // what it says; the spec has what counts
  std::string version;
  std::vector<std::string> keywords;
  bool takes_command_line = false;  // instead of JSON (help_manifest.h)
  bool has_parts = false;           // output "result": text, or parts (guest_result.h)
  // Programs that a call may go on in: built-in ones, by name.
  std::vector<std::string> programs;
  // Names of the arguments that hold paths. An optional one that is absent stands for the
  // workspace.
  std::vector<std::string> reads;
  std::vector<std::string> writes;
  // Arguments that hold a glob, seen from the first of `reads`.
  std::vector<std::string> globs;
  // Wanted capabilities: "network", http_open of the import module boxagnts.
  bool wants_network = false;
  // Variables that it wants; built-in ones are given all that there are.
  std::vector<std::string> environment;
  // Arguments that hold addresses of hosts.
  std::vector<std::string> connects;
};

// Errors: invalid_argument, naming the field.
Result<Manifest> parse_manifest(std::string_view json);

// What a call with these arguments would touch, absolute and lexically normal.
// Errors: invalid_argument for a path that cannot be one.
Result<core::CallFacts> facts_of(const Manifest& manifest, const Json& arguments,
                                 const std::string& workspace);

// The arguments as the guest is given them: a path with ".." in it is written as it was judged, for
// behind a link ".." leads elsewhere than it says.
Json judged_arguments(const Manifest& manifest, const Json& arguments,
                      const std::string& workspace);

}  // namespace boxagnts::toolbox
