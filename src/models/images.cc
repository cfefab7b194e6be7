#include "models/images.h"

#include <ranges>

#include "base/text.h"

namespace boxagnts::models {
namespace {

constexpr std::size_t kImagesMax = 20;
constexpr std::uint64_t kBytesMax = 20'000'000;

}  // namespace

Images::Images(Sight sight, const Request& request) : sight_(sight), request_(request) {
  std::uint64_t bytes = 0;
  for (const auto& message : std::views::reverse(request.messages))
    for (const auto& block : std::views::reverse(message.blocks)) {
      const auto* image = std::get_if<core::ImageBlock>(&block);
      if (!image) continue;
      bytes += image->bytes;
      if (along_.size() < kImagesMax && bytes <= kBytesMax) along_.insert(image);
    }
}

std::expected<std::string, std::string> Images::show(const core::ImageBlock& image) const {
  const auto instead = [&](const std::string& why) {
    return std::unexpected(core::describe(image) + "; " + why);
  };
  if (sight_ == Sight::blind) return instead("this model cannot see images");
  if (!along_.contains(&image))
    return instead("later images took its place; read it again to see it");
  if (!request_.blob) return instead("it was not kept");
  auto bytes = request_.blob(image.blob);
  if (!bytes) return instead("it cannot be shown: " + bytes.error().message);
  return *std::move(bytes);
}

std::string data_url(const core::ImageBlock& image, std::string_view bytes) {
  return "data:" + image.media_type + ";base64," + base::base64(bytes);
}

}  // namespace boxagnts::models
