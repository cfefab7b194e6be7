// The dashboard's files, as the build made them. Values that live as long as the program.
#pragma once

#include <span>
#include <string_view>

namespace boxagnts::gateway {

struct Asset {
  std::string_view path;  // "/" (the page itself), "/favicon.svg", "/assets/index-Dx3k.js"
  std::string_view media_type;
  std::string_view version;  // of its bytes, as an entity tag holds it
  std::string_view brotli;   // its bytes, compressed
};

// Those that cmake/dashboard.cmake put into the program. Only app asks for them.
std::span<const Asset> embedded_page();

}  // namespace boxagnts::gateway
