// Every kind of question as a person reads it, and what he types.
#include <gtest/gtest.h>

#include "terminal/chat.h"
#include "terminal/prompter.h"
#include "terminal/question_text.h"
#include "terminal/test_terminal.h"

namespace boxagnts::terminal {
namespace {

using core::Answer;
using core::Approval;
using core::QuestionKind;
using Kind = Typed::Kind;

const std::vector<QuestionKind> kKinds{QuestionKind::changes, QuestionKind::connection,
                                       QuestionKind::call, QuestionKind::plan,
                                       QuestionKind::question};

std::string all_of(const QuestionText& text) {
  std::string all;
  for (const auto* part : {&text.head, &text.body, &text.options})
    for (const auto& line : *part) all += line + "\n";
  return all + text.prompt;
}

TEST(QuestionText, OfChangesShowsTheDiff) {
  const Approval approval{.kind = QuestionKind::changes,
                          .question = "Apply what edit changed?",
                          .files = {"/w/a.txt"},
                          .connected = {"https://example.org:443"},
                          .for_this_run = "all below /w",
                          .always = "edit /w/**"};
  EXPECT_EQ(all_of(question_text(approval, "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n", Style::plain)),
            "? Apply what edit changed?\n    /w/a.txt\n"
            "  it has connected already, which a no does not undo:\n"
            "    example.org, port 443 (https)\n"
            "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n"
            "  y  yes, this once\n  n  no\n  a  for this run: all below /w\n"
            "  A  always; writes this rule of yours: edit /w/**\n"
            "  r  no, with a word to the model\n  answer [y/n/a/A/r/v]: ");
}

TEST(QuestionText, OfAConnectionSaysNameAndPort) {
  const Approval approval{.tool = "web_fetch",
                          .kind = QuestionKind::connection,
                          .question = "Let it connect?",
                          .connection = "http://[::1]:8080"};
  const auto text = all_of(question_text(approval, "", Style::plain));
  EXPECT_TRUE(text.contains("connect web_fetch to [::1], port 8080 (http)")) << text;
  EXPECT_TRUE(text.ends_with("answer [y/n/r]: ")) << text;
}

TEST(QuestionText, OfAPlanShowsItBehindABar) {
  const Approval approval{.kind = QuestionKind::plan,
                          .question = "Leave plan mode?",
                          .text = "1. look\n? Apply what edit changed?\n"};
  const auto text = all_of(question_text(approval, "", Style::plain));
  EXPECT_TRUE(text.contains("\n  │ 1. look\n  │ ? Apply what edit changed?\n")) << text;
  EXPECT_TRUE(text.contains("go on planning")) << text;
}

TEST(QuestionText, OfTheModelsOwnStandsBehindABarWithNumberedChoices) {
  const Approval approval{.kind = QuestionKind::question,
                          .question = "Which\none?",
                          .choices = {{"red", "like fire"}, {"blue", ""}}};
  EXPECT_EQ(all_of(question_text(approval, "", Style::plain)),
            "? the model asks:\n  │ Which\n  │ one?\n  1  red: like fire\n  2  blue\n"
            "  a number, or your own words; - for none\n  answer: ");
}

TEST(QuestionText, ADiffIsPaintedByWhatItsLinesAre) {
  const auto lines =
      diff_lines("--- a/x\n+++ b/x\n@@ -1,3 +1,3 @@ f()\n-- not a header\n+++ neither\n \tsame\n",
                 Style::colour);
  ASSERT_EQ(lines.size(), 6u);
  EXPECT_TRUE(lines[0].starts_with("\x1b[1m"));
  EXPECT_TRUE(lines[2].starts_with("\x1b[36m"));
  EXPECT_TRUE(lines[3].starts_with("\x1b[31m")) << "a removed line";
  EXPECT_TRUE(lines[4].starts_with("\x1b[32m")) << "an added line";
  EXPECT_EQ(lines[5], "        same");
  EXPECT_EQ(rows_of(lines[0], 4), 2u) << "colours take no columns";
  EXPECT_EQ(rows_of("", 4), 1u);
}

TEST(Answers, AreWhatIsOffered) {
  struct Row {
    std::string_view line;
    Kind kind;
    Answer answer;
  };
  for (const auto kind :
       {QuestionKind::changes, QuestionKind::connection, QuestionKind::call, QuestionKind::plan}) {
    const Approval bare{.kind = kind};
    const Approval full{.kind = kind, .for_this_run = "x", .always = "y"};
    for (const auto& [line, typed, answer] : {Row{"y", Kind::reply, Answer::yes},
                                              {" yes ", Kind::reply, Answer::yes},
                                              {"n", Kind::reply, Answer::no},
                                              {"no", Kind::reply, Answer::no},
                                              {"a", Kind::reply, Answer::for_this_run},
                                              {"A", Kind::reply, Answer::always},
                                              {"r", Kind::no_with_a_word, Answer::no},
                                              {"v", Kind::view, Answer::no},
                                              {"", Kind::unknown, Answer::no},
                                              {"Y", Kind::unknown, Answer::no},
                                              {"yn", Kind::unknown, Answer::no},
                                              {"1", Kind::unknown, Answer::no}}) {
      const auto read = read_answer(full, line);
      EXPECT_EQ(read.kind, typed) << line;
      if (typed == Kind::reply) EXPECT_EQ(read.reply.answer, answer) << line;
      // What was not offered is no answer.
      const bool offered = answer != Answer::for_this_run && answer != Answer::always;
      EXPECT_EQ(read_answer(bare, line).kind, offered ? typed : Kind::unknown) << line;
    }
  }
}

TEST(Answers, ToTheModelsQuestionAreNumbersOrWords) {
  Approval approval{.kind = QuestionKind::question, .choices = {{"red", ""}, {"blue", ""}}};
  EXPECT_EQ(read_answer(approval, "2").reply.chosen, std::vector<std::string>{"blue"});
  EXPECT_EQ(read_answer(approval, "2").reply.answer, Answer::yes);
  EXPECT_EQ(read_answer(approval, "3").kind, Kind::unknown);
  EXPECT_EQ(read_answer(approval, "1 2").kind, Kind::unknown) << "only one may be taken";
  EXPECT_EQ(read_answer(approval, "").kind, Kind::unknown);
  EXPECT_EQ(read_answer(approval, "-").reply.answer, Answer::no);
  EXPECT_EQ(read_answer(approval, "2 of them").reply.text, "2 of them");
  EXPECT_TRUE(read_answer(approval, "2 of them").reply.chosen.empty());
  approval.several = true;
  EXPECT_EQ(read_answer(approval, "2, 1,2").reply.chosen,
            (std::vector<std::string>{"blue", "red"}));
  approval.choices.clear();
  EXPECT_EQ(read_answer(approval, "42").reply.text, "42");
}

// --- asking --------------------------------------------------------------------------------------

struct Asked {
  Result<core::Reply> reply = core::Reply{};
  std::string shown;
};

Asked ask(const Approval& approval, std::vector<Step> steps, const std::string& diff = {},
          ScreenSize size = {80, 24}, Look look = {}) {
  TestTerminal terminal(look, size);
  terminal.sits(std::move(steps));
  Asked asked;
  asked.reply = Prompter(*terminal.console,
                         {.blob = [&](const std::string&) -> Result<std::string> { return diff; },
                          .open = [](const core::ApprovalId&) { return true; }})
                    .ask(approval, {});
  asked.shown = terminal.shown();
  return asked;
}

TEST(Prompter, TakesAnswersOfEveryKindOnEveryTerminal) {
  for (const auto look : {Look{}, Look{Style::colour, Cursor::moves}}) {
    for (const auto& [typed, answer] : {std::pair{"y\n", Answer::yes},
                                        {"n\n", Answer::no},
                                        {"a\n", Answer::for_this_run},
                                        {"A\n", Answer::always},
                                        {"maybe\nno\n", Answer::no},
                                        {"\nyes\n", Answer::yes},
                                        {"\x04", Answer::no}}) {
      const auto asked =
          ask({.question = "ok?", .files = {"/w/\x1b[2Jf"}, .for_this_run = "x", .always = "y"},
              {{"answer [", typed}}, {}, {80, 24}, look);
      EXPECT_EQ(asked.reply.value().answer, answer) << typed;
      EXPECT_FALSE(asked.shown.contains("\x1b[2J"));
    }
  }
}

TEST(Prompter, ANoMayComeWithAWord) {
  const auto asked =
      ask({.question = "ok?"}, {{"answer [", "r\n"}, {"to the model: ", "in docs\n"}});
  EXPECT_EQ(asked.reply.value().answer, Answer::no);
  EXPECT_EQ(asked.reply.value().text, "in docs");
}

TEST(Prompter, ADiffLargerThanTheScreenIsShownWholeWhenAskedFor) {
  std::string diff = "--- a\n+++ b\n@@ -0,0 +1,100 @@\n";
  for (int i = 0; i < 100; ++i) diff += "+line " + std::to_string(i) + "\n";
  const Approval approval{.kind = QuestionKind::changes, .question = "Apply?", .blob = "b"};
  const auto seen = ask(approval, {{"answer [", "y\n"}}, diff);
  EXPECT_FALSE(seen.shown.contains("+line 50"));
  EXPECT_TRUE(seen.shown.contains("more lines: v shows all")) << seen.shown;
  EXPECT_LT(std::ranges::count(seen.shown, '\n'), 25) << "a screenful";
  const auto whole =
      ask(approval, {{"answer [", "v\n"}, {"+line 99", ""}, {"answer [", "y\n"}}, diff);
  EXPECT_TRUE(whole.shown.contains("+line 50"));
  const auto narrow = ask(approval, {{"answer [", "n\n"}}, diff, {20, 24});
  EXPECT_FALSE(narrow.shown.contains("+line 20"));
}

// A line is wrapped, never cut: what a yes would let in may stand at its end.
TEST(Prompter, TheEndOfALongLineIsSeen) {
  const std::string diff = "@@ -0,0 +1 @@\n+" + std::string(300, ' ') + "evil()\n";
  const auto asked = ask({.kind = QuestionKind::changes, .question = "Apply?", .blob = "b"},
                         {{"answer [", "n\n"}}, diff);
  EXPECT_TRUE(asked.shown.contains("evil()"));
}

TEST(Prompter, ADiffThatIsGoneIsSaid) {
  TestTerminal terminal;
  terminal.sits({{"answer [", "n\n"}});
  Prompter prompter(*terminal.console, {.blob = [](const std::string&) -> Result<std::string> {
                                          return fail(Code::io, "no disk");
                                        },
                                        .open = [](const core::ApprovalId&) { return true; }});
  EXPECT_EQ(prompter.ask({.kind = QuestionKind::changes, .blob = "b"}, {})->answer, Answer::no);
  EXPECT_TRUE(terminal.shown().contains("cannot be shown: no disk"));
}

TEST(Prompter, WhatWasTypedBeforeTheQuestionIsNoAnswer) {
  for (const auto look : {Look{}, Look{Style::plain, Cursor::moves}}) {
    TestTerminal terminal(look);
    ASSERT_EQ(::write(terminal.controller(), "y\n", 2), 2);
    // Seen by the console already, as keys or as bytes.
    if (look.cursor == Cursor::moves) (void)terminal.console->next({}, std::nullopt);
    terminal.sits({{"answer [", "n\n"}});
    Prompter prompter(*terminal.console,
                      {.blob = {}, .open = [](const core::ApprovalId&) { return true; }});
    EXPECT_EQ(prompter.ask({.question = "ok?"}, {})->answer, Answer::no);
  }
}

TEST(Prompter, ACancelAndAnAnswerFromElsewhereEndTheQuestion) {
  TestTerminal terminal;
  bool open = true;
  Prompter prompter(*terminal.console,
                    {.blob = {}, .open = [&](const core::ApprovalId&) { return open; }});
  std::stop_source source;
  {
    std::jthread stopper([&] { source.request_stop(); });
    EXPECT_EQ(prompter.ask({}, source.get_token()).error().code, Code::cancelled);
  }
  terminal.console->notify(Notice::interrupt);
  EXPECT_EQ(prompter.ask({}, {}).error().code, Code::cancelled);
  open = false;
  EXPECT_EQ(prompter.ask({}, {}).error().code, Code::not_found);
}

// --- nothing steers the terminal -----------------------------------------------------------------

// Every kind of question x every field x every escape.
TEST(QuestionText, NothingInAQuestionSteersTheTerminal) {
  using Set = void (*)(Approval&, const std::string&);
  const std::vector<Set> fields{
      [](Approval& a, const std::string& text) { a.question = text; },
      [](Approval& a, const std::string& text) { a.text = text; },
      [](Approval& a, const std::string& text) { a.tool = text; },
      [](Approval& a, const std::string& text) { a.files.assign(10, text); },
      [](Approval& a, const std::string& text) { a.connection = text + "://" + text + ":" + text; },
      [](Approval& a, const std::string& text) { a.connected = {text}; },
      [](Approval& a, const std::string& text) { a.choices = {{text, text}}; },
      [](Approval& a, const std::string& text) { a.for_this_run = text; },
      [](Approval& a, const std::string& text) { a.always = text; }};
  for (const auto kind : kKinds)
    for (const auto& set : fields)
      for (const auto& text : hostile_texts()) {
        Approval approval{.kind = kind};
        set(approval, text);
        EXPECT_TRUE(is_harmless(all_of(question_text(approval, "", Style::plain))));
        // A field of one line cannot feign another one.
        set(approval, "x\n? Apply?\n  y  yes");
        for (const auto& line : question_text(approval, "", Style::plain).head)
          EXPECT_FALSE(line.contains('\n'));
      }
  for (const auto& text : hostile_texts())
    EXPECT_TRUE(is_harmless(
        all_of(question_text({}, "@@ -1 +1 @@\n-" + text + "\n+" + text, Style::plain))));
}

TEST(EditView, NothingInAMessageSteersTheTerminal) {
  for (const auto& text : hostile_texts())
    for (const std::size_t columns : {3u, 20u, 80u}) {
      std::string rows;
      for (const auto& row : lay_out(text, text, 0, columns).rows) rows += row + "\n";
      EXPECT_TRUE(is_harmless(rows));
    }
}

}  // namespace
}  // namespace boxagnts::terminal
