// Where a text that is not in a file may have been meant to stand.
#pragma once

#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

enum class Difference : std::uint8_t { none_found, whitespace, letter_case, similar };

struct NearMatch {
  Difference difference = Difference::none_found;
  std::size_t at = 0;     // where its first line begins
  std::size_t lines = 0;  // how many lines it takes
};

// The first place whose lines are those of `wanted` but for blanks, or but for letter case; else
// the line that is most like the first line of `wanted` which says something.
NearMatch nearest_match(Text content, Text wanted);

// Whether every line of the text begins with a number and a tab, as `read` prints them.
bool looks_numbered(Text text);

}  // namespace boxagnts::guest
