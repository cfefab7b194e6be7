// Line differences between two texts, and the merge of two changes to one text.
//
// A text is its lines, each with its newline; the last may lack one, and then it differs from the
// same line with one. The difference is minimal (Myers, linear space) up to a bounded effort; past
// that it is still a correct difference, only longer. Time is near linear in the number of lines
// for any input.
//
// Thread-safe: functions on values. Views point into the texts given.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace boxagnts::vfs {

using Lines = std::vector<std::string_view>;
Lines split_lines(std::string_view text);
// No NUL in it: what can be shown and merged by lines.
bool is_text(std::string_view bytes);

// `before_count` lines from line `before` (0-based) became `after_count` lines from line `after`.
struct Edit {
  std::uint32_t before = 0, before_count = 0;
  std::uint32_t after = 0, after_count = 0;
};

// In order, never touching: at least one equal line is between two edits. At most 2^31 lines.
std::vector<Edit> diff_lines(const Lines& before, const Lines& after);

// Where two changes to one text meet: lines of the text they were made from (0-based).
struct Overlap {
  std::uint32_t line = 0, count = 0;
};

// Both changes together. Edits that overlap or touch are an Overlap, unless they do the same.
std::expected<std::string, Overlap> merge_texts(std::string_view base, std::string_view ours,
                                                std::string_view theirs);

}  // namespace boxagnts::vfs
