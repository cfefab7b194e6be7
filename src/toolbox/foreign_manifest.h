// The manifest of a tool that somebody else made: untrusted bytes, a part of which every model is
// told. Checked whole before anything of it is used: sizes, depth, names, and that no text holds
// what a person would not see. Thread-safe: functions on values.
#pragma once

#include <cstddef>
#include <string_view>

#include "base/error.h"
#include "toolbox/manifest.h"

namespace boxagnts::toolbox {

constexpr std::string_view kManifestSection = "boxagnts.tool";

struct ForeignLimits {
  static constexpr std::size_t kManifestBytes = 64 << 10;
  static constexpr std::size_t kDescriptionBytes = 4'000;
  static constexpr std::size_t kSchemaBytes = 32 << 10;
  static constexpr std::size_t kSchemaDepth = 16;  // of values in each other
  static constexpr std::size_t kListEntries = 32;
};

// Whether a person sees a text as a model reads it: no control characters but line ends, none
// without a shape.
bool is_seen(std::string_view utf8);

// As parse_manifest, and: every field is known and of its type; the name is
// [a-z][a-z0-9_]*, at most 64; the level is execute at least, whatever is claimed. Errors:
// invalid_argument, one sentence that names the field and what it must be.
Result<Manifest> parse_foreign_manifest(std::string_view text);

}  // namespace boxagnts::toolbox
