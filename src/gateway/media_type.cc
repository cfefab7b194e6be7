#include "gateway/media_type.h"

#include "base/text.h"

namespace boxagnts::gateway {

std::string_view image_type(std::string_view bytes) {
  if (bytes.starts_with("\x89PNG\r\n\x1a\n")) return "image/png";
  if (bytes.starts_with("\xff\xd8\xff")) return "image/jpeg";
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return "image/gif";
  if (bytes.starts_with("RIFF") && bytes.substr(8, 4) == "WEBP") return "image/webp";
  return "";
}

std::string_view media_type_of(std::string_view first_bytes) {
  if (const auto image = image_type(first_bytes); !image.empty()) return image;
  // The last character may be cut.
  const auto whole = base::prefix_at_character(first_bytes, first_bytes.size() - 1);
  const bool is_text = first_bytes.empty() || (!first_bytes.contains('\0') && base::is_utf8(whole));
  return is_text ? "text/plain; charset=utf-8" : "application/octet-stream";
}

}  // namespace boxagnts::gateway
