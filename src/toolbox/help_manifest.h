// A program without a manifest, made a tool by what it says when it is asked for --help: untrusted
// text, of which a model is told what a person can see. It takes a command line instead of JSON.
// Thread-safe: functions on values.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/limits.h"
#include "toolbox/manifest.h"

namespace boxagnts::toolbox {

constexpr std::size_t kHelpBytesMax = 3'000;  // shown; the rest is cut

// It is asked once, with no file, variable or network, and little of everything else.
core::Limits limits_of_asking();

// `file` is the file's name without its ending. Errors: invalid_argument, a sentence (no name can
// be made of it, nothing was said).
Result<Manifest> manifest_from_help(std::string_view file, std::string_view help);

// The words behind the program's name: "options" as --kebab-case=value (true: --kebab-case; false:
// nothing), then "arguments".
std::vector<std::string> command_line_of(const Json& arguments);

}  // namespace boxagnts::toolbox
