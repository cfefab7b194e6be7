// The headers of a message: names as they came, in order, repeated ones too. A value.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace boxagnts::net {

using Headers = std::vector<std::pair<std::string, std::string>>;

}  // namespace boxagnts::net
