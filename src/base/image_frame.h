// What an image file is, told by its bytes: a type that models can see, its size in pixels, whether
// it is all there. Nothing is decoded. Shared with the guest `read`, so it includes nothing that a
// program without a heap has not. Thread-safe.
//
// Layouts: PNG (W3C, third edition, 5), JPEG (ITU T.81, annex B), GIF 89a, WebP (RFC 9649).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace boxagnts::base {

struct ImageFrame {
  std::string_view media_type;  // "" = not of a type that models can see
  std::uint32_t width = 0;      // 0 = the header does not tell
  std::uint32_t height = 0;
  bool whole = false;  // neither damaged nor cut off, as far as its frame tells
};

// `bytes` may be the file's first part only: then `whole` means nothing.
ImageFrame image_frame(std::string_view bytes);

namespace image_formats {

using namespace std::string_view_literals;

inline std::uint32_t byte(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0;
}
inline std::uint32_t big(std::string_view bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = 0; i < count; ++i) value = value << 8 | byte(bytes, at + static_cast<unsigned>(i));
  return value;
}
inline std::uint32_t little(std::string_view bytes, std::size_t at, int count) {
  std::uint32_t value = 0;
  for (int i = count; i-- > 0;) value = value << 8 | byte(bytes, at + static_cast<unsigned>(i));
  return value;
}

inline ImageFrame png(std::string_view bytes) {
  constexpr std::size_t kSignature = 8, kFrame = 12;  // a chunk's length, type and check sum
  ImageFrame image{"image/png"};
  if (bytes.size() < 24 || bytes.substr(12, 4) != "IHDR") return image;
  image.width = big(bytes, 16, 4);
  image.height = big(bytes, 20, 4);
  for (std::size_t at = kSignature; at + kFrame <= bytes.size();) {
    if (bytes.substr(at + 4, 4) == "IEND") image.whole = true;
    const std::uint64_t next = std::uint64_t{at} + kFrame + big(bytes, at, 4);
    if (image.whole || next > bytes.size()) break;
    at = static_cast<std::size_t>(next);
  }
  return image;
}

inline bool is_frame_header(std::uint32_t marker) {  // SOF0 to SOF15, without DHT, JPG and DAC
  return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

inline ImageFrame jpeg(std::string_view bytes) {
  constexpr std::uint32_t kScan = 0xda, kEnd = 0xd9;
  ImageFrame image{"image/jpeg"};
  for (std::size_t at = 2; at + 4 <= bytes.size() && byte(bytes, at) == 0xff;) {
    const std::uint32_t marker = byte(bytes, at + 1);
    if (marker == 0xff) {  // a fill byte
      ++at;
      continue;
    }
    if (marker == kEnd) break;
    if (is_frame_header(marker)) {
      image.height = big(bytes, at + 5, 2);
      image.width = big(bytes, at + 7, 2);
    }
    if (marker == kScan) {
      image.whole = bytes.substr(at).find("\xff\xd9"sv) != std::string_view::npos;
      break;
    }
    const std::uint32_t length = big(bytes, at + 2, 2);
    if (length < 2) break;
    at += 2 + length;
  }
  return image;
}

inline ImageFrame gif(std::string_view bytes) {
  while (bytes.ends_with('\0')) bytes.remove_suffix(1);  // some writers fill up the last block
  return {"image/gif", little(bytes, 6, 2), little(bytes, 8, 2),
          bytes.size() > 13 && bytes.ends_with(';')};
}

inline ImageFrame webp(std::string_view bytes) {
  ImageFrame image{"image/webp"};
  if (bytes.size() < 30) return image;
  const std::string_view kind = bytes.substr(12, 4);
  if (kind == "VP8 " && bytes.substr(23, 3) == "\x9d\x01\x2a") {
    image.width = little(bytes, 26, 2) & 0x3fff;
    image.height = little(bytes, 28, 2) & 0x3fff;
  } else if (kind == "VP8L" && byte(bytes, 20) == 0x2f) {
    const std::uint32_t bits = little(bytes, 21, 4);
    image.width = (bits & 0x3fff) + 1;
    image.height = (bits >> 14 & 0x3fff) + 1;
  } else if (kind == "VP8X") {
    image.width = little(bytes, 24, 3) + 1;
    image.height = little(bytes, 27, 3) + 1;
  }
  image.whole = std::uint64_t{little(bytes, 4, 4)} + 8 <= bytes.size();
  return image;
}

}  // namespace image_formats

inline ImageFrame image_frame(std::string_view bytes) {
  using namespace image_formats;
  if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv)) return png(bytes);
  if (bytes.starts_with("\xff\xd8\xff"sv)) return jpeg(bytes);
  if (bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv)) return gif(bytes);
  if (bytes.starts_with("RIFF"sv) && bytes.substr(0, 12).ends_with("WEBP"sv)) return webp(bytes);
  return {};
}

}  // namespace boxagnts::base
