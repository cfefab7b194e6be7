// What an image file is, told by its bytes: a type that models can see, its size in pixels, whether
// it is all there. Nothing is decoded.
#pragma once

#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

struct Image {
  Text media_type;          // "" = not of a type that models can see
  std::uint32_t width = 0;  // 0 = the header does not tell
  std::uint32_t height = 0;
  bool whole = false;  // neither damaged nor cut off, as far as its frame tells
};

// `bytes` may be the file's first part only: then `whole` means nothing.
Image image_of(Text bytes);

}  // namespace boxagnts::guest
