// What may be attached to a run, and what becomes of it: in the log, for the model, in a fork.
#include "agent/attachments.h"

#include "agent/runs_fixture.h"

namespace boxagnts::agent {
namespace {

using namespace std::string_literals;

// A whole PNG of that size, with so many bytes of (unread) pixels.
std::string png(unsigned char width, std::size_t pixels = 4) {
  const auto big = [](std::size_t value) {
    std::string text;
    for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(value >> shift);
    return text;
  };
  return "\x89PNG\r\n\x1a\n"s + big(13) + "IHDR" + big(width) + big(2) + "\x08\x06\0\0\0CRC."s +
         big(pixels) + "IDAT" + std::string(pixels, 'p') + "CRC." + big(0) + "IEND" + "CRC.";
}

TEST(Attachments, AreTextOrImagesByTheirOwnBytes) {
  const Attachment all[] = {{"a.txt", "docs/a.txt", "gr\xc3\xbc\xc3\x9f\n"},
                            {"no.png", "", "text all the same"},
                            {"empty", "", ""},
                            {"shot", "", png(3)}};
  const auto files = judge_attachments(all).value();
  ASSERT_EQ(files.size(), 4u);
  EXPECT_EQ(files[0], (core::AttachedFile{"a.txt", "docs/a.txt", "text/plain", 7, "", 0, 0}));
  EXPECT_EQ(files[1].media_type, "text/plain");
  EXPECT_EQ(files[2].bytes, 0u);
  EXPECT_EQ(files[3], (core::AttachedFile{"shot", "", "image/png", png(3).size(), "", 3, 2}));
}

TEST(Attachments, WhatIsRefusedIsNamedWithTheReason) {
  const struct {
    std::string bytes;
    const char* says;
  } rows[] = {{"\xff\xfe", "\"x\" cannot be attached: it is neither text (UTF-8) nor a PNG"},
              {"a\0b"s, "neither text"},
              {"%PDF-1.7\n\xff", "name its path in the prompt"},
              {png(3).substr(0, 40), "damaged or cut off"},
              {png(0), "damaged or cut off"},
              {png(3, 5'000'000), "models take at most 5.0 MB"}};
  for (const auto& row : rows) {
    const Attachment one{"x", "", row.bytes};
    const auto files = judge_attachments(std::span(&one, 1));
    ASSERT_FALSE(files) << row.says;
    EXPECT_EQ(files.error().code, Code::invalid_argument);
    EXPECT_TRUE(files.error().message.contains(row.says)) << files.error().message;
  }
  auto wide = png(3);
  wide[18] = '\x20';  // 8195 pixels
  const Attachment one{"x", "", wide};
  EXPECT_TRUE(judge_attachments(std::span(&one, 1)).error().message.contains("8000 a side"));
}

TEST(Attachments, AreSoManyAndSoLargeAtMost) {
  std::vector<Attachment> many(kAttachmentsMax, {"a", "", "x"});
  EXPECT_TRUE(judge_attachments(many));
  many.push_back({"a", "", "x"});
  EXPECT_TRUE(judge_attachments(many).error().message.contains("at most 20 attachments"));
  std::vector<Attachment> large(2, {"a", "", std::string(kAttachedBytesMax / 2, 'x')});
  EXPECT_TRUE(judge_attachments(large));
  large[0].bytes += 'x';
  EXPECT_TRUE(judge_attachments(large).error().message.contains("at most 20.0 MB"));
}

class AttachedRuns : public RunsTest {
 protected:
  // Every block of the first user message.
  std::vector<core::Block> first_blocks() const { return script_.last_messages.at(0).blocks; }
};

TEST_F(AttachedRuns, TheLogNamesThemAndTheModelIsGivenThem) {
  request_.attachments = {{"a.txt", "docs/a.txt", "what it says\n"}, {"shot.png", "", png(3)}};
  const auto started = start({says("seen")});
  const auto events = follow(started);
  const auto message = all<core::UserMessage>(events).at(0);
  EXPECT_EQ(message.text, "please");
  ASSERT_EQ(message.attachments.size(), 2u);
  EXPECT_EQ(message.attachments[0].path, "docs/a.txt");
  EXPECT_EQ(store_->blob(started.session, message.attachments[0].blob).value(), "what it says\n");
  EXPECT_EQ(store_->blob(started.session, message.attachments[1].blob).value(), png(3));
  const auto blocks = first_blocks();
  ASSERT_EQ(blocks.size(), 4u);
  EXPECT_EQ(std::get<core::TextBlock>(blocks[1]).text,
            "[attached file: docs/a.txt, 13 bytes]\nwhat it says\n[end of docs/a.txt]");
  EXPECT_EQ(std::get<core::TextBlock>(blocks[2]).text, "[attached image: shot.png]");
  EXPECT_EQ(std::get<core::ImageBlock>(blocks[3]),
            (core::ImageBlock{"", "image/png", message.attachments[1].blob, 3, 2, png(3).size()}));

  // The next run of the session, and a fork after the session is gone, have them too.
  request_.session = started.session;
  request_.attachments.clear();
  const auto again = follow(start({says("still")}));
  EXPECT_TRUE(all<core::UserMessage>(again).at(0).attachments.empty());
  EXPECT_EQ(first_blocks(), blocks);
  const auto fork = store_->fork_session(started.session, 0, "fork").value();
  runs_->let_end(started.session);
  ASSERT_TRUE(store_->delete_session(started.session));
  request_.session = fork;
  follow(start({says("there")}));
  EXPECT_EQ(first_blocks(), blocks);
  EXPECT_EQ(store_->blob(fork, message.attachments[1].blob).value(), png(3));
  ASSERT_TRUE((runs_->let_end(fork), store_->delete_session(fork)));
  EXPECT_EQ(store_->blob(message.attachments[1].blob).error().code, Code::not_found);
}

TEST_F(AttachedRuns, ALongTextIsShownByHeadAndTail) {
  request_.attachments = {{"long.txt", "", "HEAD" + std::string(50'000, 'x') + "TAIL"}};
  const auto events = run({says("seen")});
  const auto text = std::get<core::TextBlock>(first_blocks().at(1)).text;
  EXPECT_LT(text.size(), 11'000u);
  EXPECT_TRUE(text.starts_with("[attached file: long.txt, 50.0 KB]\nHEAD")) << text.substr(0, 80);
  EXPECT_TRUE(text.ends_with("TAIL\n[end of long.txt]"));
  const auto blob = all<core::UserMessage>(events).at(0).attachments.at(0).blob;
  EXPECT_TRUE(text.contains("read_result with id " + blob));
}

TEST_F(AttachedRuns, WhatIsRefusedLeavesNothingBehind) {
  request_.model = "test/script";
  request_.prompt = "please";
  request_.attachments = {{"x", "", "\xff"}};
  EXPECT_EQ(runs_->start(request_).error().code, Code::invalid_argument);
  EXPECT_TRUE(store_->sessions(10, {}).value().empty());
}

TEST_F(AttachedRuns, AFileOfThisMachineIsReadByItsName) {
  std::ofstream(workspace_ + "/note.txt") << "hello";
  const auto read = read_attachment(workspace_ + "/note.txt").value();
  EXPECT_EQ(read.name, "note.txt");
  EXPECT_EQ(read.path, "");
  EXPECT_EQ(read.bytes, "hello");
  EXPECT_EQ(read_attachment(workspace_ + "/none").error().code, Code::not_found);
  EXPECT_EQ(read_attachment(workspace_).error().code, Code::invalid_argument);
  ASSERT_EQ(::mkfifo((workspace_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_attachment(workspace_ + "/pipe").error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace boxagnts::agent
