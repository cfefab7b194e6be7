// Bytes of our own build made small by Zstandard (RFC 8878). For what comes from elsewhere net has
// decoders with bounds of their own. Thread-safe: functions on values.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace boxagnts::base {

// As small as it gets: for a build, not for a call.
std::string compress(std::string_view bytes);
bool is_compressed(std::string_view bytes);
// What compress() was given. Errors: corrupt.
Result<std::string> expand(std::string_view compressed);

}  // namespace boxagnts::base
