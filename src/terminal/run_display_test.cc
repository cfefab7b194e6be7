// What a person sees of a run, line by line, and that nothing in it can steer the terminal.
#include "terminal/run_display.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace boxagnts::terminal {
namespace {

using core::AssistantBlock;
using core::TextBlock;
using core::TextDelta;
using core::ToolCall;

class DisplayTest : public testing::Test {
 protected:
  DisplayTest() {
    EXPECT_EQ(::pipe(ends_), 0);
    display_ = make_text_display(ends_[1], Style::plain, 60);
  }
  void event(core::EventBody body) {
    display_->show(core::Event{.time = time_ += 1000, .body = std::move(body)});
  }
  void frame(const char* text) { display_->show(core::Frame{.body = TextDelta{text}}); }
  std::string shown() {
    ::close(ends_[1]);
    return base::read_all(ends_[0]).value();
  }
  ~DisplayTest() override { ::close(ends_[0]); }
  int ends_[2];
  base::Timestamp time_ = 1'000'000;
  std::unique_ptr<RunDisplay> display_;
};

TEST_F(DisplayTest, ARunReadsLikeThis) {
  event(core::RunStarted{"scripted/x", core::Mode::edits, 9});
  event(core::UserMessage{"do\nit"});
  frame("I ");
  frame("look.");
  event(AssistantBlock{TextBlock{"I look."}});
  event(AssistantBlock{ToolCall{"c1", "read", R"({"limit":3,"file_path":"a/b.txt"})"}});
  event(core::TurnEnded{});
  event(core::ToolFinished{{.call_id = "c1", .text = "1\n2\n3\n", .duration_us = 312}});
  event(core::RunEnded{.outcome = core::Outcome::finished, .turns = 1, .usage = {12, 3, 0, 0}});
  EXPECT_EQ(shown(),
            "scripted/x, mode edits\n> do it\nI look.\n● read a/b.txt\n  └ 3 lines  (312 µs)\n\n"
            "finished: 1 turn, 12 tokens in, 3 out, 6.0 ms\n");
}

TEST_F(DisplayTest, TextIsShownOnceWhetherFramesCameOrNot) {
  frame("hel");
  event(AssistantBlock{TextBlock{"hello"}});  // the rest is added
  event(AssistantBlock{TextBlock{"world"}});  // no frame at all
  frame("lost the beginn");
  event(AssistantBlock{TextBlock{"whole text"}});
  EXPECT_EQ(shown(),
            "hello\nworld\nlost the beginn\n  … shown anew, a part was lost:\nwhole text\n");
}

TEST_F(DisplayTest, ALineThatIsCompleteGetsNoSecondEnd) {
  frame("a\n");
  event(AssistantBlock{TextBlock{"a\n"}});
  event(AssistantBlock{TextBlock{""}});
  event(AssistantBlock{TextBlock{"b"}});
  EXPECT_EQ(shown(), "a\nb\n");
}

TEST_F(DisplayTest, ACallIsToldByWhatItIsAbout) {
  for (const auto* arguments :
       {R"({"content":"the text","file_path":"a.md"})", R"({"old":"x","pattern":"*.h"})",
        R"({"n":1,"word":"first string"})", R"({"n":1})", "[1]", R"({"file_path":7,"to":"b"})"}) {
    event(AssistantBlock{ToolCall{"c", "t", arguments}});
    event(core::ToolFinished{{.call_id = "c", .text = "ok"}});
  }
  EXPECT_EQ(shown(),
            "● t a.md\n  └ ok\n● t *.h\n  └ ok\n● t first string\n  └ ok\n● t\n  └ ok\n"
            "● t\n  └ ok\n● t b\n  └ ok\n");
}

// A pipe that another process made non-blocking: nothing is lost when it is full.
TEST(JsonDisplay, AFullPipeIsWaitedFor) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_NONBLOCK), 0);
  const base::UniqueFd reads(ends[0]);
  const std::string text(200'000, 'x');
  std::string got;
  {
    std::jthread reader([&] {
      char part[4096];
      while (true) {
        pollfd wanted{ends[0], POLLIN, 0};
        ::poll(&wanted, 1, -1);
        const ssize_t count = ::read(ends[0], part, sizeof part);
        if (count == 0) return;
        if (count > 0) got.append(part, static_cast<std::size_t>(count));
      }
    });
    make_json_display(ends[1])->show(core::Frame{.body = TextDelta{text}});
    ::close(ends[1]);
  }
  EXPECT_TRUE(got.contains(text));
  EXPECT_TRUE(got.ends_with("}\n"));
}

TEST_F(DisplayTest, FailuresRetriesAndQuestionsAreSaid) {
  frame("half");
  event(core::TurnRetried{1, 500, {Code::unavailable, "cut"}});
  event(core::ApprovalAsked{{.id = {"a"}, .question = "Write x?"}});
  event(core::ApprovalAnswered{{"a"}, {}, "terminal"});
  event(AssistantBlock{ToolCall{"c", "write", "{bad"}});
  event(core::TurnEnded{});
  event(core::ToolFinished{
      {.call_id = "c", .status = core::ResultStatus::denied, .text = "no\nmore"}});
  event(core::RunEnded{.outcome = core::Outcome::turn_limit,
                       .turns = 2,
                       .error = {Code::limit_exceeded, "too many"}});
  EXPECT_EQ(
      shown(),
      "half\n  … cut; trying again in 500 ms\n? Write x?\n  answered no (terminal)\n● write {bad\n"
      "  ✗ denied: no\n\ntoo many\nturn limit: 2 turns, 0 tokens in, 0 out\n");
}

TEST_F(DisplayTest, AnImageHasALineOfItsOwn) {
  event(AssistantBlock{ToolCall{"c", "read", R"({"file_path":"a.png"})"}});
  event(core::ToolFinished{{.call_id = "c", .text = "a.png is a PNG image"},
                           {{"c", "image/png", "b", 640, 480, 12'345}}});
  EXPECT_EQ(shown(),
            "● read a.png\n  └ a.png is a PNG image\n  ▣ image 640x480 image/png 12.3 KB\n");
}

TEST_F(DisplayTest, NothingSteersTheTerminal) {
  const std::string hostile =
      "\x1b]0;pwned\x07\x1b[2J\r\x9b"
      "31m\u202e";
  event(core::RunStarted{hostile, core::Mode::ask, 1});
  event(core::UserMessage{hostile});
  display_->show(core::Frame{.body = TextDelta{hostile}});
  event(AssistantBlock{TextBlock{hostile}});
  event(AssistantBlock{ToolCall{"c", hostile, "{\"p\":\"\\u001b[31m\"}"}});
  event(AssistantBlock{ToolCall{"d", hostile, hostile}});
  event(core::ToolFinished{{.call_id = "c", .text = hostile}, {{"c", hostile, hostile, 1, 1, 1}}});
  event(
      core::ToolFinished{{.call_id = "d", .status = core::ResultStatus::failed, .text = hostile}});
  event(core::TurnRetried{1, 1, {Code::busy, hostile}});
  event(core::ApprovalAsked{{.question = hostile}});
  event(core::ApprovalAnswered{{"x"}, {}, hostile});
  event(core::RunEnded{.outcome = core::Outcome::failed, .error = {Code::internal, hostile}});
  for (const unsigned char c : shown())
    EXPECT_TRUE(c == '\n' || (c >= 0x20 && c != 0x7f)) << static_cast<int>(c);
}

// A person who reads the whole question first.
void type_when_asked(int controller, const char* typed, std::string& shown) {
  while (!shown.contains("for this run: ")) {
    char part[256];
    const ssize_t got = ::read(controller, part, sizeof part);
    if (got <= 0) return;
    shown.append(part, static_cast<std::size_t>(got));
  }
  EXPECT_GT(::write(controller, typed, std::strlen(typed)), 0);
}

TEST(Prompter, TakesYesNoAllAndAsksAgain) {
  for (const auto& [typed, answer] : {std::pair{"y\n", core::Answer::yes},
                                      {"maybe\nno\n", core::Answer::no},
                                      {"a\n", core::Answer::for_this_run},
                                      {"\nyes\n", core::Answer::yes},
                                      {"\x04", core::Answer::no}}) {
    int controller, terminal;
    ASSERT_EQ(::openpty(&controller, &terminal, nullptr, nullptr, nullptr), 0);
    const base::UniqueFd closes(controller);
    std::string shown;
    std::jthread person([&] { type_when_asked(controller, typed, shown); });
    auto prompter = Prompter::on(base::UniqueFd(terminal));
    EXPECT_EQ(prompter.ask({.question = "ok?", .files = {"/w/\x1b[2Jf"}}, {}).value().answer,
              answer)
        << typed;
    person.join();
    EXPECT_FALSE(shown.contains('\x1b'));
  }
}

TEST(Prompter, WhatWasTypedBeforeTheQuestionIsNoAnswer) {
  int controller, terminal;
  ASSERT_EQ(::openpty(&controller, &terminal, nullptr, nullptr, nullptr), 0);
  const base::UniqueFd closes(controller);
  ASSERT_EQ(::write(controller, "y\n", 2), 2);
  pollfd arrived{terminal, POLLIN, 0};
  ASSERT_EQ(::poll(&arrived, 1, -1), 1);
  std::string shown;
  std::jthread person([&] { type_when_asked(controller, "n\n", shown); });
  auto prompter = Prompter::on(base::UniqueFd(terminal));
  EXPECT_EQ(prompter.ask({.question = "ok?"}, {}).value().answer, core::Answer::no);
}

TEST(Prompter, AStopEndsTheQuestion) {
  int controller, terminal;
  ASSERT_EQ(::openpty(&controller, &terminal, nullptr, nullptr, nullptr), 0);
  const base::UniqueFd closes(controller);
  auto prompter = Prompter::on(base::UniqueFd(terminal));
  std::stop_source source;
  std::jthread stopper([&] { source.request_stop(); });
  EXPECT_EQ(prompter.ask({.question = "?"}, source.get_token()).error().code, Code::cancelled);
}

}  // namespace
}  // namespace boxagnts::terminal
