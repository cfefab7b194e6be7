// read on images: kind x whole, cut off, too many pixels, too many bytes, hostile. What is whole
// becomes an image of the result, byte for byte; the others are named.
#include <boost/json.hpp>

#include "toolbox/guest_result.h"
#include "toolbox/guest_tool_fixture.h"

namespace boxagnts::toolbox {
namespace {

using namespace std::string_literals;

std::string big(std::uint32_t value, int bytes) {
  std::string text;
  while (bytes-- > 0) text += static_cast<char>(value >> 8 * bytes);
  return text;
}
std::string little(std::uint32_t value, int bytes) {
  auto text = big(value, bytes);
  std::ranges::reverse(text);
  return text;
}

// Each with that size in its header, and so many bytes of (unread) pixels.
std::string png(std::uint32_t width, std::uint32_t height, std::size_t pixels = 40) {
  const auto chunk = [](const char* type, const std::string& data) {
    return big(static_cast<std::uint32_t>(data.size()), 4) + type + data + "CRC.";
  };
  return "\x89PNG\r\n\x1a\n" + chunk("IHDR", big(width, 4) + big(height, 4) + "\x08\x06\0\0\0"s) +
         chunk("IDAT", std::string(pixels, 'p')) + chunk("IEND", "");
}
std::string jpeg(std::uint32_t width, std::uint32_t height, std::size_t pixels = 40) {
  const std::string exif(300, 'e');  // an application segment before the frame's
  return "\xff\xd8\xff\xe1"s + big(302, 2) + exif + "\xff\xff\xff\xc2"s + big(17, 2) + "\x08" +
         big(height, 2) + big(width, 2) + std::string(10, 'c') + "\xff\xda"s + big(8, 2) +
         "scans." + std::string(pixels, 'p') + "\xff\xd9"s;
}
std::string gif(std::uint32_t width, std::uint32_t height, std::size_t pixels = 40) {
  return "GIF89a" + little(width, 2) + little(height, 2) + "\0\0\0"s + std::string(pixels, 'p') +
         ";";
}
std::string riff(const std::string& chunks) {
  return "RIFF" + little(static_cast<std::uint32_t>(chunks.size() + 4), 4) + "WEBP" + chunks;
}
std::string webp(std::uint32_t width, std::uint32_t height, std::size_t pixels = 40) {
  return riff("VP8 " + little(static_cast<std::uint32_t>(pixels + 10), 4) + "\0\0\0\x9d\x01\x2a"s +
              little(width, 2) + little(height, 2) + std::string(pixels, 'p'));
}
std::string webp_lossless(std::uint32_t width, std::uint32_t height, std::size_t pixels = 40) {
  return riff("VP8L" + little(static_cast<std::uint32_t>(pixels + 5), 4) + "\x2f" +
              little((width - 1) | (height - 1) << 14, 4) + std::string(pixels, 'p'));
}
std::string webp_extended(std::uint32_t width, std::uint32_t height, std::size_t pixels = 40) {
  return riff("VP8X" + little(10, 4) + "\0\0\0\0"s + little(width - 1, 3) + little(height - 1, 3) +
              std::string(pixels, 'p'));
}

struct Kind {
  const char* name;
  std::string (*make)(std::uint32_t width, std::uint32_t height, std::size_t pixels);
  const char* media_type;
  const char* called;
};

class ReadImages : public GuestToolTest, public testing::WithParamInterface<Kind> {
 protected:
  ReadImages() {
    context_.keep = [this](std::string_view bytes) {
      kept_.emplace_back(bytes);
      return Result<std::string>("blob" + std::to_string(kept_.size()));
    };
  }
  tools::ToolOutput read(const std::string& content) {
    put("image", content);
    return call("read", {{"file_path", "image"}});
  }
  void expect_named(const std::string& content, const std::string& says) {
    const auto output = read(content);
    EXPECT_EQ(output.status, core::ResultStatus::ok);
    EXPECT_TRUE(output.images.empty()) << output.text;
    EXPECT_TRUE(kept_.empty());
    expect_has(output.text, says);
    EXPECT_LT(output.text.size(), 150u);
  }
  std::vector<std::string> kept_;
};

TEST_P(ReadImages, WholeOnesAreShown) {
  const auto content = GetParam().make(640, 480, 40);
  const auto output = read(content);
  EXPECT_EQ(output.text, "image is "s + GetParam().called + ", 640x480 pixels, " +
                             std::to_string(content.size()) + " bytes");
  ASSERT_EQ(output.images.size(), 1u);
  EXPECT_EQ(output.images[0],
            (core::ImageBlock{"", GetParam().media_type, "blob1", 640, 480, content.size()}));
  EXPECT_EQ(kept_, std::vector{content});
}

// Parts are parsed before anything of them is shown; text is shown as it comes.
TEST_P(ReadImages, AreNotShownWhileTheyAreRead) {
  put("image", GetParam().make(640, 480, 40));
  put("text", "a line\n");
  for (const auto* name : {"image", "text"}) {
    tools::TestExecution execution(grant_, context_, shared_->clock);
    const auto output = execution.run(tool("read"), {{"file_path", name}});
    ASSERT_TRUE(output);
    EXPECT_EQ(execution.control.written, name == "text"s ? output->text : "");
  }
}

TEST_P(ReadImages, LargeOnesGoThroughWhole) {
  const auto content = GetParam().make(8000, 8000, 4'900'000);
  const auto output = read(content);
  ASSERT_EQ(output.images.size(), 1u) << output.text;
  EXPECT_EQ(kept_.at(0), content);
}

TEST_P(ReadImages, CutOffOnesAreNamed) {
  const auto content = GetParam().make(640, 480, 2'000'000);
  expect_named(content.substr(0, content.size() - 100), "it is damaged or cut off");
  for (const std::size_t size : {12, 16, 20, 24, 29, 33, 40})
    expect_named(content.substr(0, size) + std::string(1, '\0'), "is damaged or cut off");
}

TEST_P(ReadImages, TooManyPixelsAreNamed) {
  expect_named(GetParam().make(8001, 10, 40), ", 8001x10 pixels, ");
  expect_named(GetParam().make(10, 8001, 40), "of more than 5 MB or 8000 pixels a side");
}

TEST_P(ReadImages, TooManyBytesAreNamed) {
  expect_named(GetParam().make(640, 480, 5'000'000), ", 640x480 pixels, 5.0 MB (");
  grant_.limits.memory_bytes = 2 << 20;
  expect_named(GetParam().make(640, 480, 30'000'000), "are not shown");
}

// Damage, or very many where the header holds the size less one.
TEST_P(ReadImages, NoPixelsAreNamed) {
  expect_named(GetParam().make(0, 480, 40), "not shown");
  expect_named(GetParam().make(640, 0, 40), "not shown");
}

TEST_P(ReadImages, WhereNothingIsKeptTheSentenceStays) {
  context_.keep = nullptr;
  const auto output = read(GetParam().make(640, 480, 40));
  EXPECT_TRUE(output.images.empty());
  expect_has(output.text, "640x480 pixels");
}

TEST_P(ReadImages, AStoreThatRefusesIsTold) {
  context_.keep = [](std::string_view) { return Result<std::string>(fail(Code::busy, "full")); };
  put("image", GetParam().make(640, 480, 40));
  const auto output = execute(tool("read"), {{"file_path", "image"}});
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().message, "full");
}

// Every length field at its worst: nothing loops, nothing reads past the end.
TEST_P(ReadImages, EveryByteMayBeWrong) {
  const auto content = GetParam().make(640, 480, 40);
  for (std::size_t at = 12; at < std::min<std::size_t>(content.size(), 60); ++at)
    for (const char wrong : {'\0', '\x01', '\x7f', '\xff'}) {
      auto damaged = content;
      damaged[at] = wrong;
      EXPECT_EQ(read(damaged).status, core::ResultStatus::ok) << at;
    }
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, ReadImages,
    testing::Values(Kind{"Png", png, "image/png", "a PNG image"},
                    Kind{"Jpeg", jpeg, "image/jpeg", "a JPEG image"},
                    Kind{"Gif", gif, "image/gif", "a GIF image"},
                    Kind{"Webp", webp, "image/webp", "a WebP image"},
                    Kind{"WebpLossless", webp_lossless, "image/webp", "a WebP image"},
                    Kind{"WebpExtended", webp_extended, "image/webp", "a WebP image"}),
    [](const auto& info) { return std::string(info.param.name); });

// --- a guest's parts, as the host takes them
// ---------------------------------------------------------

std::string image_part(std::string_view bytes, const std::string& type = "image/png",
                       const std::string& size = R"("width":1,"height":1)") {
  return R"({"type":"image","media_type":")" + type + R"(",)" + size + R"(,"bytes":)" +
         std::to_string(bytes.size()) + "}\n" + std::string(bytes);
}

TEST(GuestResult, PartsStandInOrder) {
  const auto output = "\0"s + R"({"type":"text","bytes":3})" + "\na\nb" + image_part(png(1, 1)) +
                      R"({"type":"text","bytes":0})" + "\n" + R"({"type":"program","name":"x"})" +
                      "\n";
  ASSERT_TRUE(has_parts(output));
  const auto parsed = parse_parts(output);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->text, "a\nb");
  ASSERT_EQ(parsed->images.size(), 1u);
  EXPECT_EQ(parsed->images[0].bytes, png(1, 1));
  EXPECT_EQ(parsed->program, "x");
  EXPECT_FALSE(has_parts("text"));
  EXPECT_FALSE(has_parts(""));
  EXPECT_TRUE(parse_parts("\0"s)->text.empty());
}

TEST(GuestResult, WhatIsNoneIsRefusedWithOneSentence) {
  const auto big_image = png(1, 1, 5'000'000);
  std::string many;
  for (int i = 0; i < 21; ++i) many += image_part(png(1, 1));
  const std::pair<std::string, const char*> cases[] = {
      {"no json\n", "no JSON object"},
      {"[1]\n", "no JSON object"},
      {R"({"type":"text","bytes":3})", "no JSON object"},
      {R"({"type":"sound","bytes":0})"
       "\n",
       "neither text nor image"},
      {R"({"type":"text","bytes":4})"
       "\nabc",
       "longer than what is there"},
      {R"({"type":"text","bytes":-1})"
       "\nabc",
       "longer than what is there"},
      {R"({"type":"text"})"
       "\nabc",
       "longer than what is there"},
      {image_part("<svg>", "image/svg+xml"), "none of PNG"},
      {image_part(gif(1, 1)), "none of PNG"},
      {image_part("", "image/webp"), "none of PNG"},
      {image_part(png(1, 1), "image/png", R"("width":0,"height":1)"), "width must be"},
      {image_part(png(1, 1), "image/png", R"("width":1,"height":8001)"), "height must be"},
      {image_part(png(1, 1), "image/png", R"("width":1)"), "height must be"},
      {image_part(big_image), "more than 5000000 bytes"},
      {many, "more than 20 images"},
  };
  for (const auto& [parts, says] : cases) {
    const auto parsed = parse_parts("\0"s + parts);
    ASSERT_FALSE(parsed) << says;
    expect_has(parsed.error().message, says);
  }
}

}  // namespace
}  // namespace boxagnts::toolbox
