// What bytes are told to be. A browser shows what we call an image or plain text; nothing here is
// ever called a page, a script or a drawing that can hold one. Pure.
#pragma once

#include <string_view>

namespace boxagnts::gateway {

// "image/png" and the like, by the first bytes; "" for everything else.
std::string_view image_type(std::string_view bytes);
// Of a file by its first bytes: an image's, "text/plain; charset=utf-8", or
// "application/octet-stream".
std::string_view media_type_of(std::string_view first_bytes);

}  // namespace boxagnts::gateway
