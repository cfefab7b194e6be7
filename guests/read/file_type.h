// What a file is that is not text, told by its first bytes.
#pragma once

#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

// How many of the first bytes are looked at.
constexpr std::size_t kTypeBytes = 8192;

// "a PNG image", or "" when the bytes look like text.
Text binary_type(Text head);

}  // namespace boxagnts::guest
