// What a person sees of a run, line by line, and that nothing in it can steer the terminal.
#include "terminal/run_display.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <thread>
#include <variant>

#include "base/file.h"
#include "base/text.h"
#include "terminal/test_terminal.h"

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
    display_ = make_text_display(ends_[1], {.columns = [] { return 60; }});
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

// --- in a chat -----------------------------------------------------------------------------------

std::string shown_in_chat(const std::vector<std::variant<core::Event, core::Frame>>& items,
                          std::size_t columns = 40) {
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const base::UniqueFd reads(ends[0]);
  {
    const base::UniqueFd writes(ends[1]);
    const auto display =
        make_text_display(ends[1], {.columns = [=] { return columns; },
                                    .occasion = DisplayOptions::Occasion::chat,
                                    .questions = DisplayOptions::Questions::asked_here});
    for (const auto& item : items)
      std::visit([&](const auto& shown) { display->show(shown); }, item);
  }
  return base::read_all(reads.get()).value();
}
core::Event of(core::EventBody body) { return {.body = std::move(body)}; }
core::Frame thought(std::string text) { return {.body = core::ThinkingDelta{std::move(text)}}; }

TEST(ChatDisplay, SaysOnlyWhatThePersonDoesNotKnow) {
  EXPECT_EQ(
      shown_in_chat({of(core::RunStarted{"m", core::Mode::ask, 1}), of(core::UserMessage{"hi"}),
                     of(core::ApprovalAsked{{.question = "ok?"}}),
                     of(AssistantBlock{TextBlock{"hello"}}),
                     of(core::RunEnded{.outcome = core::Outcome::finished, .turns = 1})}),
      "hello\nfinished: 1 turn, 0 tokens in, 0 out\n");
}

TEST(ChatDisplay, AThoughtIsOneRow) {
  EXPECT_EQ(shown_in_chat({thought("I should\nlook "), thought("first"),
                           of(AssistantBlock{core::ThinkingBlock{"I should\nlook first", ""}}),
                           of(AssistantBlock{TextBlock{"Looking."}})}),
            "∴ I should look first\nLooking.\n");
  const std::string long_thought(500, 'x');
  const auto shown = shown_in_chat(
      {thought(long_thought), thought("more"), core::Frame{.body = TextDelta{"Now."}}});
  EXPECT_TRUE(shown.starts_with("∴ xxx"));
  EXPECT_TRUE(shown.contains("…\nNow.")) << shown;
  EXPECT_LT(base::display_width(shown.substr(0, shown.find('\n'))), 40u);
  // Streamed, and then as blocks: each once.
  EXPECT_EQ(shown_in_chat({thought("one"), core::Frame{.body = TextDelta{"First."}}, thought("two"),
                           core::Frame{.body = TextDelta{"Second."}},
                           of(AssistantBlock{core::ThinkingBlock{"one", ""}}),
                           of(AssistantBlock{TextBlock{"First."}}),
                           of(AssistantBlock{core::ThinkingBlock{"two", ""}}),
                           of(AssistantBlock{TextBlock{"Second."}}), of(core::TurnEnded{})}),
            "∴ one\nFirst.\n∴ two\nSecond.\n");
  // An answer that was lost and is made again.
  EXPECT_EQ(shown_in_chat({thought("one"), of(core::TurnRetried{1, 1, {Code::busy, "cut"}}),
                           of(AssistantBlock{core::ThinkingBlock{"anew", ""}})}),
            "∴ one\n  … cut; trying again in 1 ms\n∴ anew\n");
  // Frames that did not come.
  EXPECT_EQ(shown_in_chat({of(AssistantBlock{core::ThinkingBlock{"quick", ""}})}), "∴ quick\n");
}

// Every place of a run that others write x every escape.
TEST(ChatDisplay, NothingInARunSteersTheTerminal) {
  for (const auto& text : hostile_texts()) {
    const std::vector<std::variant<core::Event, core::Frame>> places{
        thought(text),
        core::Frame{.body = TextDelta{text}},
        of(AssistantBlock{TextBlock{text}}),
        of(AssistantBlock{core::ThinkingBlock{text, text}}),
        of(AssistantBlock{ToolCall{"c", text, "{}"}}),
        of(AssistantBlock{ToolCall{"d", "t", text}}),
        of(core::ToolFinished{{.call_id = "c", .text = text}, {{"c", text, text, 1, 1, 1}}}),
        of(core::ToolFinished{
            {.call_id = "d", .status = core::ResultStatus::failed, .text = text}}),
        of(core::TurnRetried{1, 1, {Code::busy, text}}),
        of(core::ApprovalAsked{{.question = text, .waits = false}}),
        of(core::ApprovalAnswered{{"a"}, {.text = text, .chosen = {text}}, text}),
        of(core::ChangesKept{{"k"}, text, text, {{text, core::FileChangeKind::added, 1, 1}}, text}),
        of(core::ChangesSettled{
            {"k"}, core::ChangesAct::undone, {{text, core::FileOutcome::conflict, text}}, text}),
        of(core::RuleAdded{text, text}),
        of(core::ModeChanged{core::Mode::plan, text, text}),
        of(core::InstructionsLoaded{text, text, text}),
        of(core::SkillUsed{text, text, {text}}),
        of(core::TodosSet{{{text, core::TodoStatus::pending}}}),
        of(core::BriefSent{text, text, {{text, 1, text}}}),
        of(core::SessionForked{{text}, 1}),
        of(core::RunEnded{.outcome = core::Outcome::failed, .error = {Code::internal, text}})};
    for (std::size_t i = 0; i < places.size(); ++i)
      EXPECT_TRUE(is_harmless(shown_in_chat({places[i]}))) << "place " << i;
    EXPECT_TRUE(is_harmless(shown_in_chat(places, 20)));
  }
}

}  // namespace
}  // namespace boxagnts::terminal
