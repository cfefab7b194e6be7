// Images on their way to a model: the wire form, and what is said where one does not go along.
#include "models/images.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "models/openai_chat_codec.h"
#include "models/sight.h"

namespace boxagnts::models {
namespace {

using core::ImageBlock;
using core::TextBlock;
using core::ToolCall;
using core::ToolResult;

Result<std::string> bytes_of(const std::string& id) {
  if (id == "lost") return fail(Code::not_found, "there is no blob lost");
  return "bytes of " + id;
}

std::vector<core::Message> two_results(const std::string& blob = "one") {
  return {{core::Role::user, {TextBlock{"look"}}},
          {core::Role::assistant, {ToolCall{"a", "read", ""}, ToolCall{"b", "t", ""}}},
          {core::Role::user,
           {ToolResult{.call_id = "a", .text = "a.png is a PNG image"},
            ImageBlock{"a", "image/png", blob, 640, 480, 12'345},
            ToolResult{.call_id = "b", .text = "yes"}, TextBlock{"and?"}}}};
}

// The messages behind the calls.
JsonArray sent(Sight sight, const std::vector<core::Message>& said,
               decltype(Request::blob) blob = bytes_of) {
  const Request request{.messages = said, .blob = std::move(blob)};
  const auto body = base::parse_json(encode_chat_request("m", sight, request)).value();
  JsonArray messages = *base::get_array(body, "messages");
  messages.erase(messages.begin(), messages.begin() + 2);
  return messages;
}

// Tool messages are text-only in Chat Completions: the image follows all of them, in a user
// message.
TEST(ChatImages, FollowTheResultsInAUserMessage) {
  EXPECT_EQ(base::to_text(sent(Sight::sees, two_results())),
            R"([{"role":"tool","tool_call_id":"a","content":"a.png is a PNG image"},)"
            R"({"role":"tool","tool_call_id":"b","content":"yes"},)"
            R"({"role":"user","content":[)"
            R"({"type":"text","text":"The image in the result of tool call a:"},)"
            R"({"type":"image_url","image_url":{"url":"data:image/png;base64,Ynl0ZXMgb2Ygb25l"}},)"
            R"({"type":"text","text":"and?"}]}])");
}

// A person's image, without a call: where it stands among the words.
TEST(ChatImages, APersonsImageStandsBehindItsName) {
  const std::vector<core::Message> said = {
      {core::Role::user, {TextBlock{"before"}}},
      {core::Role::assistant, {TextBlock{"yes?"}}},
      {core::Role::user,
       {TextBlock{"compare"}, TextBlock{"[attached image: a.png]"},
        ImageBlock{"", "image/png", "one", 640, 480, 12'345}, TextBlock{"[attached image: b.gif]"},
        ImageBlock{"", "image/gif", "lost", 1, 2, 3}, TextBlock{"thanks"}}}};
  EXPECT_EQ(base::to_text(sent(Sight::sees, said)),
            R"([{"role":"user","content":[)"
            R"({"type":"text","text":"compare\n\n[attached image: a.png]"},)"
            R"({"type":"image_url","image_url":{"url":"data:image/png;base64,Ynl0ZXMgb2Ygb25l"}},)"
            R"({"type":"text","text":"[attached image: b.gif]\n)"
            R"([image 1x2 image/gif 3 bytes; it cannot be shown: there is no blob lost]\n\n)"
            R"(thanks"}]}])");
  EXPECT_EQ(base::to_text(sent(Sight::blind, said)),
            R"([{"role":"user","content":"compare\n\n[attached image: a.png]\n)"
            R"([image 640x480 image/png 12.3 KB; this model cannot see images]\n\n)"
            R"([attached image: b.gif]\n)"
            R"([image 1x2 image/gif 3 bytes; this model cannot see images]\n\nthanks"}])");
}

TEST(ChatImages, ABlindModelIsToldInWords) {
  EXPECT_EQ(base::to_text(sent(Sight::blind, two_results())),
            R"([{"role":"tool","tool_call_id":"a","content":"a.png is a PNG image\n)"
            R"([image 640x480 image/png 12.3 KB; this model cannot see images]"},)"
            R"({"role":"tool","tool_call_id":"b","content":"yes"},)"
            R"({"role":"user","content":"and?"}])");
}

TEST(ChatImages, AnImageThatIsLostIsSaid) {
  EXPECT_TRUE(
      base::to_text(sent(Sight::sees, two_results("lost"))).contains("there is no blob lost"));
  EXPECT_TRUE(base::to_text(sent(Sight::sees, two_results(), nullptr)).contains("it was not kept"));
}

// How many of `count` images of that size go along, and that these are the newest.
std::size_t along(std::size_t count, std::uint64_t bytes) {
  std::vector<core::Message> messages{{core::Role::user, {}}};
  auto& blocks = messages[0].blocks;
  for (std::size_t i = 0; i < count; ++i)
    blocks.emplace_back(ImageBlock{"c", "image/png", "x", 1, 1, bytes});
  const Request request{.messages = messages, .blob = bytes_of};
  const Images images(Sight::sees, request);
  std::size_t shown = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto image = images.show(std::get<ImageBlock>(blocks[i]));
    shown += image.has_value();
    if (!image) EXPECT_EQ(shown, 0u) << "an older one goes along";
    if (!image) EXPECT_TRUE(image.error().contains("read it again")) << image.error();
  }
  return shown;
}

TEST(Images, TheNewestGoAlongWithinBounds) {
  EXPECT_EQ(along(20, 1000), 20u);
  EXPECT_EQ(along(21, 1000), 20u);
  EXPECT_EQ(along(4, 5'000'000), 4u);
  EXPECT_EQ(along(5, 5'000'000), 4u);
}

TEST(Sight, IsToldByTheName) {
  for (const auto* name : {"gpt-4o", "gpt-4o-mini", "gpt-5.1", "o3", "o4-mini-2025-04-16",
                           "llava:13b", "qwen2.5vl:7b", "Qwen/Qwen3-VL-8B-Instruct", "gemma3:12b",
                           "llama3.2-vision", "google/gemini-3-pro", "Pixtral-12B"})
    EXPECT_EQ(sight_of(name), Sight::sees) << name;
  for (const auto* name : {"gpt-3.5-turbo", "o3-mini", "o1-mini", "qwen3:8b", "llama3.3",
                           "gemma3:1b", "deepseek-r1", "vl", "", "vision/qwen3", "proto3"})
    EXPECT_EQ(sight_of(name), Sight::blind) << name;
}

}  // namespace
}  // namespace boxagnts::models
