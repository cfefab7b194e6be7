// Which models can be shown images, as far as their names tell. A model that is not known is blind:
// a server that is sent an image for such a model refuses the whole conversation. The setting
// model.images overrides. Pure.
#pragma once

#include <string_view>

#include "models/model.h"

namespace boxagnts::models {

// Of the name as the server knows it: "gpt-4o", "qwen2.5vl:7b", "org/name".
Sight sight_of(std::string_view model);

}  // namespace boxagnts::models
