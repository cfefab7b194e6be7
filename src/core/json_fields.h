// Reading the fields of stored JSON: what is missing, or of another type, is empty. For this room's
// codecs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

namespace boxagnts::core {

std::string text_of(const Json& json, std::string_view key);
std::vector<std::string> texts_of(const Json& json, std::string_view key);

}  // namespace boxagnts::core
