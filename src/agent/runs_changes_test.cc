// What a run changed, from its log to its undo.
#include "agent/runs_fixture.h"
#include "agent/undo.h"

namespace boxagnts::agent {
namespace {

// A name that is no text: one that UTF-8 does not know, told repaired.
class UnusualNames : public RunsTest {
 protected:
  UnusualNames() {
    std::filesystem::create_directories(folder_of_it());
    add("odd", core::Level::write, [this](const Json&, const auto& execution) {
      write_file(*execution.files, odd_, "odd");
      return output("written");
    });
    pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
    runs_ = make_runs();
  }
  std::string folder_of_it() const { return workspace_ + "/out/\xfe"; }
  void expect_undo_and_redo(const core::SessionId& session) {
    EXPECT_TRUE(std::filesystem::exists(odd_));
    runs_->let_end(session);
    const auto undone = undo(*store_, *kept_changes_, session, 1, "test");
    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_FALSE(undone->has_conflicts());
    EXPECT_FALSE(std::filesystem::exists(odd_));
    const auto redone = redo(*store_, *kept_changes_, session, 1, "test");
    ASSERT_TRUE(redone) << redone.error().message;
    EXPECT_TRUE(std::filesystem::exists(odd_));
  }

  const std::string odd_ = folder_of_it() + "/f\xff";
  const std::string told_ = workspace_ + "/out/\uFFFD/f\uFFFD";
};

TEST_F(UnusualNames, AreUndone) {
  request_.mode = core::Mode::edits;
  const auto started = start({calls({{"c1", "odd", "{}"}}), says("ok")});
  const auto events = follow(started);
  EXPECT_EQ(all<core::ChangesKept>(events).at(0).files.at(0).path, told_);
  EXPECT_EQ(all<core::ChangesSettled>(events).at(0).files.at(0).path, told_);
  expect_undo_and_redo(started.session);
}

TEST_F(UnusualNames, AreUndoneAfterALateYesAndNoRuleIsMadeOfThem) {
  request_.mode = core::Mode::ask;
  const auto started = start({calls({{"c1", "odd", "{}"}}), says("ok")});
  const auto asked = all<core::ApprovalAsked>(follow(started)).at(0).approval;
  EXPECT_EQ(asked.files, std::vector<std::string>{told_});
  EXPECT_EQ(asked.always, "") << "a rule is text";
  EXPECT_TRUE(runs_->answer(asked.id, {core::Answer::always}, "late"));
  expect_undo_and_redo(started.session);
}

// A person who has said no five times in a row is asked nothing more by that run.
class Refusals : public RunsTest {
 protected:
  Refusals() {
    request_.mode = core::Mode::ask;
    request_.attended = true;
  }
  // A call that asks, for each of the answers and once more.
  struct Played {
    std::vector<core::Event> events;
    std::size_t asked = 0;  // of a person
  };
  Played play(std::vector<core::Answer> answers) {
    std::vector<Step> steps;
    for (std::size_t i = 0; i <= answers.size(); ++i)
      steps.push_back(calls({{"c" + std::to_string(i), "change", "{}"}}));
    steps.push_back(says("ok"));
    Played played;
    played.events = follow(start(std::move(steps)), [&](const Tail::Item& item) {
      const auto* event = std::get_if<core::Event>(&item);
      const auto* asked = event ? std::get_if<core::ApprovalAsked>(&event->body) : nullptr;
      if (!asked || !asked->approval.waits) return;
      const auto answer = played.asked < answers.size() ? answers[played.asked] : core::Answer::yes;
      ++played.asked;
      EXPECT_TRUE(runs_->answer(asked->approval.id, {answer}, "test"));
    });
    EXPECT_EQ(ended(played.events).outcome, Outcome::finished);
    EXPECT_TRUE(store_->open_questions().value().empty());
    return played;
  }
};

TEST_F(Refusals, FiveInARowAreTheLast) {
  using core::Answer;
  const auto played = play(std::vector(5, Answer::no));
  EXPECT_EQ(played.asked, 5u);
  const auto asked = all<core::ApprovalAsked>(played.events);
  ASSERT_EQ(asked.size(), 6u);
  EXPECT_FALSE(asked[5].approval.waits);
  const auto answered = all<core::ApprovalAnswered>(played.events).at(5);
  EXPECT_EQ(answered.id, asked[5].approval.id);
  EXPECT_EQ(answered.by, "refusals");
  EXPECT_EQ(answered.reply.answer, Answer::no);
  const auto result = all<core::ToolFinished>(played.events).at(5).result;
  EXPECT_EQ(result.status, ResultStatus::denied);
  EXPECT_TRUE(result.text.contains("no yes to the last 5 questions")) << result.text;
  EXPECT_EQ(all<core::ChangesSettled>(played.events).at(5).act, core::ChangesAct::dropped);
  EXPECT_EQ(written(), "");
  EXPECT_EQ(play({Answer::no}).asked, 2u) << "the next run asks again";
}

TEST_F(Refusals, AYesBeginsAnew) {
  using core::Answer;
  std::vector answers(4, Answer::no);
  answers.push_back(Answer::yes);
  answers.insert(answers.end(), 4, Answer::no);
  EXPECT_EQ(play(answers).asked, 10u);
  EXPECT_EQ(written(), "10");
}

TEST_F(Refusals, WhatIsNotAnsweredInTimeIsOne) {
  settings_.question_time = std::chrono::milliseconds(1);
  runs_ = make_runs();
  std::vector<Step> steps;
  for (int i = 0; i < 6; ++i) steps.push_back(calls({{"c" + std::to_string(i), "change", "{}"}}));
  steps.push_back(says("ok"));
  const auto events = run(std::move(steps));
  const auto answered = all<core::ApprovalAnswered>(events);
  ASSERT_EQ(answered.size(), 6u);
  EXPECT_EQ(answered[4].by, "expired");
  EXPECT_EQ(answered[5].by, "refusals");
}

}  // namespace
}  // namespace boxagnts::agent
