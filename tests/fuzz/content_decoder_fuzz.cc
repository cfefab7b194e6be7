// Coded bodies: whole or byte by byte they decode to the same or not at all, within the ratio.
#include "net/content_decoder.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace boxagnts;

Result<std::string> decode(std::string_view coding, std::string_view bytes, std::size_t piece) {
  auto decoder = TRY(net::ContentDecoder::make(coding));
  std::string out;
  const std::size_t came = bytes.size();
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    decoder->feed(std::string(part));
    while (auto made = TRY(decoder->next())) {
      FUZZ_CHECK(made->size() <= net::ContentDecoder::kPieceMax && !made->empty());
      out += *made;
    }
  }
  TRY(decoder->finish());
  FUZZ_CHECK(out.size() <= net::ContentDecoder::kFreeBytes ||
             out.size() <= came * net::ContentDecoder::kRatioMax);
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr const char* kCodings[] = {"gzip", "deflate", "br", "zstd", "gzip, br", "zstd, gzip"};
  if (size == 0) return 0;
  const auto* coding = kCodings[data[0] % std::size(kCodings)];
  const auto bytes = as_text(data + 1, size - 1);
  const auto whole = decode(coding, bytes, bytes.size() + 1);
  const auto slow = decode(coding, bytes, 1);
  // The ratio is judged by what came so far, so that a bomb ends early when it comes slowly.
  if (whole && slow) FUZZ_CHECK(*whole == *slow);
  if (!whole && whole.error().code != Code::limit_exceeded) FUZZ_CHECK(!slow);
  return 0;
}
