// Images, as the host knows them too.
#pragma once

#include "base/image_frame.h"
#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

using Image = base::ImageFrame;
inline Image image_of(Text bytes) { return base::image_frame(bytes); }

}  // namespace boxagnts::guest
