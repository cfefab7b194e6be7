#include "base/compression.h"

#include <zstd.h>

namespace boxagnts::base {
namespace {

constexpr int kLevel = 19;
constexpr std::string_view kMagic("\x28\xb5\x2f\xfd", 4);

}  // namespace

std::string compress(std::string_view bytes) {
  std::string out(ZSTD_compressBound(bytes.size()), '\0');
  const auto size = ZSTD_compress(out.data(), out.size(), bytes.data(), bytes.size(), kLevel);
  out.resize(ZSTD_isError(size) ? 0 : size);
  return out;
}

bool is_compressed(std::string_view bytes) { return bytes.starts_with(kMagic); }

Result<std::string> expand(std::string_view compressed) {
  const auto size = ZSTD_getFrameContentSize(compressed.data(), compressed.size());
  std::string out;
  if (size == ZSTD_CONTENTSIZE_ERROR || size == ZSTD_CONTENTSIZE_UNKNOWN)
    return fail(Code::corrupt, "compressed bytes of the program are damaged");
  std::size_t got = 0;
  out.resize_and_overwrite(size, [&](char* at, std::size_t room) {
    got = ZSTD_decompress(at, room, compressed.data(), compressed.size());
    return ZSTD_isError(got) ? 0 : got;
  });
  if (out.size() != size)
    return fail(Code::corrupt, "compressed bytes of the program are damaged",
                ZSTD_isError(got) ? ZSTD_getErrorName(got) : "too short");
  return out;
}

}  // namespace boxagnts::base
