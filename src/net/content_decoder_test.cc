// Content codings: whole, cut at every byte, truncated at every byte, damaged, bombs.
#include "net/content_decoder.h"

#include <gtest/gtest.h>
#include <zlib.h>
#include <zstd.h>

namespace boxagnts::net {
namespace {

std::string deflated(std::string_view text, int window_bits) {
  z_stream stream{};
  EXPECT_EQ(::deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  std::string out(::deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  return out;
}
std::string gzip(std::string_view text) { return deflated(text, 31); }
std::string zstd(std::string_view text) {
  std::string out(::ZSTD_compressBound(text.size()), '\0');
  out.resize(::ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 9));
  return out;
}
// text(), by the brotli inside Node 20 at its best: there is no encoder here.
constexpr std::string_view kBrotliHex =
    "1b6101801c09364ef2b9ef15cbb234366fe8bfef8ab014881bfcdb0e648bfeb7b78038a06817741e48e0210b"
    "9f20a80aff659e03a1682334ad5ca98a743898b7cd5872aa06d2a6e195a5d800cd584227cce21f428ff059fe"
    "8913e88c9b87a19aaf05679276539b22690d2ef100";
std::string brotli() {
  std::string out;
  for (std::size_t i = 0; i < kBrotliHex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(kBrotliHex.substr(i, 2)), nullptr, 16));
  return out;
}

Result<std::string> decode(std::string_view coding, const std::vector<std::string_view>& pieces) {
  auto decoder = TRY(ContentDecoder::make(coding));
  std::string out;
  for (const auto piece : pieces) {
    decoder->feed(std::string(piece));
    while (auto made = TRY(decoder->next())) {
      EXPECT_LE(made->size(), ContentDecoder::kPieceMax);
      out += *made;
    }
  }
  TRY(decoder->finish());
  return out;
}

std::string text() {
  std::string out;
  for (int i = 0; i < 40; ++i) out += "line " + std::to_string(i * i) + "\n";
  return out;
}

struct Coding {
  const char* name;
  const char* header;
  std::string bytes;
};
class Codings : public testing::TestWithParam<Coding> {};

TEST_P(Codings, AreTheSameAtEveryCut) {
  const std::string_view bytes = GetParam().bytes;
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut)
    ASSERT_EQ(decode(GetParam().header, {bytes.substr(0, cut), bytes.substr(cut)}).value(), text())
        << cut;
  std::vector<std::string_view> single;
  for (std::size_t i = 0; i < bytes.size(); ++i) single.push_back(bytes.substr(i, 1));
  EXPECT_EQ(decode(GetParam().header, single).value(), text());
}

TEST_P(Codings, ATruncatedOneIsAnError) {
  const std::string_view bytes = GetParam().bytes;
  for (std::size_t size = 1; size < bytes.size(); ++size) {
    const auto outcome = decode(GetParam().header, {bytes.substr(0, size)});
    ASSERT_FALSE(outcome) << size;
    EXPECT_EQ(outcome.error().code, Code::unavailable) << size;
  }
  EXPECT_EQ(decode(GetParam().header, {}).value(), "") << "no body at all is none";
}

TEST_P(Codings, ADamagedOneIsAnErrorOrOtherText) {
  for (std::size_t at = 0; at < GetParam().bytes.size(); ++at) {
    std::string bytes = GetParam().bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x55);
    const auto outcome = decode(GetParam().header, {bytes});
    if (!outcome) EXPECT_NE(outcome.error().code, Code::internal);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Matrix, Codings,
    testing::Values(Coding{"Gzip", "gzip", gzip(text())}, Coding{"XGzip", " X-GZIP ", gzip(text())},
                    Coding{"Deflate", "deflate", deflated(text(), 15)},
                    Coding{"RawDeflate", "deflate", deflated(text(), -15)},
                    Coding{"Zstd", "zstd", zstd(text())}, Coding{"Brotli", "br", brotli()},
                    Coding{"Both", "zstd, identity, gzip", gzip(zstd(text()))},
                    Coding{"Three", "gzip,zstd,gzip", gzip(zstd(gzip(text())))}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ContentDecoder, SeveralMembersAndFramesAreOneBody) {
  EXPECT_EQ(decode("gzip", {gzip("one ") + gzip("two")}).value(), "one two");
  EXPECT_EQ(decode("zstd", {zstd("one ") + zstd("two")}).value(), "one two");
}

TEST(ContentDecoder, NoCodingIsNone) {
  for (const auto* header : {"", "identity", " , "})
    EXPECT_FALSE(ContentDecoder::make(header).value().has_value()) << header;
}

TEST(ContentDecoder, UnknownAndTooManyCodingsAreRefused) {
  EXPECT_EQ(ContentDecoder::make("compress").error().code, Code::unsupported);
  EXPECT_EQ(ContentDecoder::make("gzip,gzip,gzip,gzip").error().code, Code::unsupported);
}

TEST(ContentDecoder, ABombIsRefused) {
  const std::string zeros(64 << 20, '\0');
  for (const auto& [header, bytes] :
       {std::pair{"gzip", gzip(zeros)}, std::pair{"zstd", zstd(zeros)},
        std::pair{"gzip, gzip", gzip(gzip(zeros))}}) {
    const auto outcome = decode(header, {bytes});
    ASSERT_FALSE(outcome) << header;
    EXPECT_EQ(outcome.error().code, Code::limit_exceeded) << header;
  }
  const std::string small(1 << 20, '\0');
  EXPECT_EQ(decode("gzip", {gzip(small)})->size(), small.size()) << "a little may be of any ratio";
}

}  // namespace
}  // namespace boxagnts::net
