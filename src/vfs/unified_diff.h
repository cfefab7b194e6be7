// Changes as a person reads them and as `git apply` and `patch` take them.
//
// Thread-safe: functions on values.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "vfs/change.h"

namespace boxagnts::vfs {

// One place where two versions of a text differ, three lines of context around it, as a unified
// diff counts it (1-based lines).
struct Hunk {
  std::uint32_t before_line = 0, before_count = 0;
  std::uint32_t after_line = 0, after_count = 0;
  std::string text;  // lines with their " ", "-" or "+", and "\ No newline at end of file"
};

struct FileDiff {
  std::string path;
  std::optional<Version> before, after;
  std::string renamed_from;  // the same content went away there
  std::string renamed_to;    // the same content is new there
  bool opaque = false;       // binary, or too large to be shown by lines: no hunks
  std::vector<Hunk> hunks;   // of files and of what links say
};

std::vector<Hunk> make_hunks(std::string_view before, std::string_view after);
// `before` with the chosen ones of make_hunks(before, after).
std::string with_hunks(std::string_view before, std::string_view after,
                       std::span<const std::uint32_t> chosen);

// What leads from one version to the other. Texts are those of files and what links say, "" where
// there is neither; absent where it is no text that could be shown.
FileDiff make_diff(std::string path, const std::optional<Version>& before,
                   const std::optional<Version>& after, const std::optional<std::string>& a,
                   const std::optional<std::string>& b);

// The same bytes gone there and new here are one rename, each taken once.
void find_renames(std::span<FileDiff> diffs);

// The text of diffs. Folders, times, and modes but for "executable" are not part of the format.
std::string to_unified(std::span<const FileDiff> diffs);

}  // namespace boxagnts::vfs
