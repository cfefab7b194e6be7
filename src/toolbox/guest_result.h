// What a guest of output "result" says on standard output: text, or, where the first byte is NUL,
// parts. A part is a line of JSON and then its bytes (docs/tools.md):
//   {"type":"text","bytes":N}
//   {"type":"image","media_type":"image/png","width":W,"height":H,"bytes":N}
//   {"type":"program","name":"read_pdf"}     the call goes on in another program of the tool
// Plain text stays as cheap as it is with output "text". A guest is not trusted: what is no such
// result, or no such image, is refused. Thread-safe: functions on values.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/message.h"

namespace boxagnts::toolbox {

constexpr std::uint64_t kImageBytesMax = 5'000'000;
constexpr std::uint32_t kImagePixelsMax = 8000;  // a side
constexpr std::size_t kImagesMax = 20;           // of one result

struct GuestImage {
  core::ImageBlock block;  // without ids
  std::string_view bytes;  // of the output
};

struct GuestResult {
  std::string text;
  std::vector<GuestImage> images;
  std::string program;  // "" = the call is done
};

bool has_parts(std::string_view output);
// `output` begins with NUL and outlives the result. Errors: invalid_argument, one sentence.
Result<GuestResult> parse_parts(std::string_view output);

}  // namespace boxagnts::toolbox
