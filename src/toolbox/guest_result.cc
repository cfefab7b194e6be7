#include "toolbox/guest_result.h"

#include "base/guard.h"
#include "base/json.h"

namespace boxagnts::toolbox {
namespace {

std::unexpected<Error> malformed(const std::string& why) {
  return fail(Code::invalid_argument, "its result is malformed: " + why);
}

// Whether the bytes begin as those of that type do. A model's server that is sent something else
// refuses the whole conversation, again at every turn.
bool begins_as(std::string_view media_type, std::string_view bytes) {
  using namespace std::string_view_literals;
  if (media_type == "image/png") return bytes.starts_with("\x89PNG\r\n\x1a\n"sv);
  if (media_type == "image/jpeg") return bytes.starts_with("\xff\xd8\xff"sv);
  if (media_type == "image/gif") return bytes.starts_with("GIF8"sv);
  if (media_type == "image/webp")
    return bytes.starts_with("RIFF"sv) && bytes.substr(0, 12).ends_with("WEBP"sv);
  return false;
}

Result<std::uint32_t> side_of(const Json& head, std::string_view key) {
  const auto pixels = base::get_int(head, key).value_or(0);
  if (GUARD("toolbox.image_side", pixels < 1 || pixels > kImagePixelsMax))
    return malformed("an image's " + std::string(key) + " must be 1 to " +
                     std::to_string(kImagePixelsMax) + " pixels");
  return static_cast<std::uint32_t>(pixels);
}

Result<GuestImage> image_of(const Json& head, std::string_view bytes) {
  const std::string media_type(base::get_string(head, "media_type").value_or(""));
  if (GUARD("toolbox.image_bytes", bytes.size() > kImageBytesMax))
    return malformed("an image has more than " + std::to_string(kImageBytesMax) + " bytes");
  if (GUARD("toolbox.image_type", !begins_as(media_type, bytes)))
    return malformed("an image is none of PNG, JPEG, GIF and WebP, or not what it says");
  return GuestImage{.block = {.media_type = media_type,
                              .width = TRY(side_of(head, "width")),
                              .height = TRY(side_of(head, "height")),
                              .bytes = bytes.size()},
                    .bytes = bytes};
}

// The part's bytes, taken from `rest`.
Result<std::string_view> take_bytes(const Json& head, std::string_view& rest) {
  const auto size = base::get_int(head, "bytes").value_or(-1);
  if (GUARD("toolbox.part_size", size < 0 || static_cast<std::uint64_t>(size) > rest.size()))
    return malformed("a part is longer than what is there");
  const auto bytes = rest.substr(0, static_cast<std::size_t>(size));
  rest.remove_prefix(bytes.size());
  return bytes;
}

Status take_part(const Json& head, std::string_view& rest, GuestResult& into) {
  const auto type = base::get_string(head, "type").value_or("");
  if (type == "program") {
    into.program = base::get_string(head, "name").value_or("");
    return {};
  }
  const auto bytes = TRY(take_bytes(head, rest));
  if (type == "text") {
    into.text += bytes;
    return {};
  }
  if (type != "image") return malformed("a part is neither text nor image nor program");
  if (GUARD("toolbox.images", into.images.size() >= kImagesMax))
    return malformed("more than " + std::to_string(kImagesMax) + " images");
  into.images.push_back(TRY(image_of(head, bytes)));
  return {};
}

}  // namespace

bool has_parts(std::string_view output) { return output.starts_with('\0'); }

Result<GuestResult> parse_parts(std::string_view output) {
  GuestResult result;
  for (auto rest = output.substr(1); !rest.empty();) {
    const auto end = rest.find('\n');
    auto head = end == rest.npos ? Result<Json>(malformed("a part's head has no end"))
                                 : base::parse_json(rest.substr(0, end));
    if (!head || !head->is_object()) return malformed("a part's head is no JSON object");
    rest.remove_prefix(end + 1);
    TRY(take_part(*head, rest, result));
  }
  return result;
}

}  // namespace boxagnts::toolbox
