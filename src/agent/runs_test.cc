// The loop's invariants, each against a model that misbehaves on cue.
#include <latch>
#include <set>

#include "agent/frames.h"
#include "agent/runs_fixture.h"
#include "agent/undo_fixture.h"

namespace boxagnts::agent {
namespace {

using namespace std::chrono_literals;

TEST_F(RunsTest, AnAnswerWithoutCallsFinishesTheRun) {
  const auto events = run({says("hello")});
  EXPECT_EQ(ended(events).outcome, Outcome::finished);
  EXPECT_EQ(ended(events).turns, 1);
  EXPECT_EQ(ended(events).usage.input_tokens, 10);
  EXPECT_EQ(kind_of(events[0].body), "run_started");
  EXPECT_EQ(kind_of(events[1].body), "user_message");
  for (std::size_t i = 0; i < events.size(); ++i) EXPECT_EQ(events[i].number, std::int64_t(i + 1));
}

TEST_F(RunsTest, CallsRunAndTheirResultsGoBackToTheModel) {
  const auto events = run({calls({{"c1", "look", "{}"}, {"c2", "look", "{}"}}), says("done")});
  EXPECT_EQ(all<core::ToolFinished>(events).size(), 2u);
  EXPECT_EQ(all<core::CallDecided>(events).size(), 2u);
  EXPECT_EQ(script_.last_messages.size(), 3u);
  EXPECT_EQ(ended(events).usage.output_tokens, 10);
}

TEST_F(RunsTest, ARunKeepsTheToolsItBeganWith) {
  tools::Registry others;
  const auto none = tools::CallPipeline::make(others, clock_).value();
  set_ = fixed_set();
  const auto exchange = [&](const models::Request& request, const models::OnPiece& on_piece,
                            std::stop_token stop) {
    EXPECT_FALSE(request.tools->empty());
    set_ = tools::fixed_tools(others, *none)();
    return calls({{"c1", "look", "{}"}})(request, on_piece, stop);
  };
  const auto first = run({exchange, says("done")});
  ASSERT_EQ(all<core::ToolFinished>(first).size(), 1u);
  EXPECT_EQ(all<core::ToolFinished>(first)[0].result.text, "seen");
  const auto next = [&](const models::Request& request, const models::OnPiece& on_piece,
                        std::stop_token stop) {
    EXPECT_TRUE(request.tools->empty());
    return calls({{"c2", "look", "{}"}})(request, on_piece, stop);
  };
  const auto second = run({next, says("done")});
  ASSERT_EQ(all<core::ToolFinished>(second).size(), 1u);
  EXPECT_EQ(all<core::ToolFinished>(second)[0].result.status, ResultStatus::invalid);
}

// Calls that only read meet inside their tool: each waits there until the other has come.
TEST_F(RunsTest, NeighbouringReadsRunSideBySideAndTheirResultsComeInOrder) {
  std::latch both(2);
  add("meet", core::Level::read_only, [&](const Json& arguments, const auto&) {
    both.arrive_and_wait();
    return output(base::to_text(arguments));
  });
  runs_.reset();
  pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
  runs_ = make_runs();
  const auto events = run(
      {calls({{"c1", "meet", R"({"n":1})"}, {"c2", "meet", R"({"n":2})"}, {"c3", "look", "{}"}}),
       says("done")});
  EXPECT_EQ(results_of(events), (std::vector<std::string>{"c1", "c2", "c3"}));
}

// A call that writes sees all that came before it finished, and nothing after it begun.
TEST_F(RunsTest, AWriteIsABarrierBetweenReads) {
  std::mutex mutex;
  std::vector<std::string> order;
  const auto note = [&](const char* what) {
    const std::lock_guard lock(mutex);
    order.emplace_back(what);
  };
  add("read", core::Level::read_only, [&](const Json&, const auto&) {
    note("begin");
    note("end");
    return output("r");
  });
  add("put", core::Level::write, [&](const Json&, const auto&) {
    note("write");
    return output("w");
  });
  runs_.reset();
  pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
  runs_ = make_runs();
  const auto events = run({calls({{"c1", "read", "{}"},
                                  {"c2", "read", "{}"},
                                  {"c3", "put", "{}"},
                                  {"c4", "read", "{}"},
                                  {"c5", "read", "{}"}}),
                           says("done")});
  EXPECT_EQ(results_of(events), (std::vector<std::string>{"c1", "c2", "c3", "c4", "c5"}));
  ASSERT_EQ(order.size(), 9u);
  EXPECT_EQ(order[4], "write");
}

TEST_F(RunsTest, TheTurnCapBinds) {
  request_.turns_max = 3;
  const auto events = run({calls({{"c1", "look", "{}"}})});
  EXPECT_EQ(ended(events).outcome, Outcome::turn_limit);
  EXPECT_EQ(script_.asked, 3u);
  EXPECT_EQ(all<core::ToolFinished>(events).size(), 3u) << "every call has its result";
}

struct BadCall {
  const char* tool;
  const char* arguments;
  const char* said;
};
class RunsBadCall : public RunsTest, public testing::WithParamInterface<BadCall> {};
TEST_P(RunsBadCall, RunsNothingAndGoesBackToTheModel) {
  const auto events = run({calls({{"c1", GetParam().tool, GetParam().arguments}}), says("sorry")});
  const auto results = all<core::ToolFinished>(events);
  ASSERT_EQ(results.size(), 1u);
  EXPECT_EQ(results[0].result.status, ResultStatus::invalid);
  EXPECT_TRUE(results[0].result.text.contains(GetParam().said)) << results[0].result.text;
  EXPECT_EQ(changes_, 0);
  EXPECT_EQ(ended(events).outcome, Outcome::finished);
}
INSTANTIATE_TEST_SUITE_P(Matrix, RunsBadCall,
                         testing::Values(BadCall{"change", "{\"a\":", "no JSON"},
                                         BadCall{"change", "[1]", "object"},
                                         BadCall{"chnge", "{}", "change"}));

TEST_F(RunsTest, ACutAnswerIsAskedForAgainAndNeverASuccess) {
  const auto events = run({fails(Code::unavailable), says("whole")});
  ASSERT_EQ(all<core::TurnRetried>(events).size(), 1u);
  const auto blocks = all<core::AssistantBlock>(events);
  ASSERT_EQ(blocks.size(), 1u);
  EXPECT_EQ(std::get<core::TextBlock>(blocks[0].block).text, "whole");
  EXPECT_EQ(ended(events).outcome, Outcome::finished);
}

TEST_F(RunsTest, RetriesEndAndTheRunFailsWithTheReason) {
  settings_.retry.attempts_max = 2;
  runs_ = make_runs();
  const auto events = run({fails(Code::busy)});
  EXPECT_EQ(all<core::TurnRetried>(events).size(), 2u);
  EXPECT_EQ(script_.asked, 3u);
  EXPECT_EQ(ended(events).outcome, Outcome::failed);
  EXPECT_EQ(ended(events).error.message, "the stream was cut");
}

TEST_F(RunsTest, RetryAfterIsHonoured) {
  const auto events = run({fails(Code::busy, 7'000), says("ok")});
  ASSERT_EQ(all<core::TurnRetried>(events).size(), 1u);
  EXPECT_GE(all<core::TurnRetried>(events)[0].delay_ms, 7'000);
}

class RunsPermanent : public RunsTest, public testing::WithParamInterface<Code> {};
TEST_P(RunsPermanent, ErrorsAreNotTriedAgain) {
  const auto events = run({fails(GetParam())});
  EXPECT_EQ(script_.asked, 1u);
  EXPECT_EQ(ended(events).outcome, Outcome::failed);
  EXPECT_EQ(ended(events).error.code, GetParam());
}
INSTANTIATE_TEST_SUITE_P(Codes, RunsPermanent,
                         testing::Values(Code::invalid_argument, Code::permission_denied,
                                         Code::not_found, Code::unsupported));

TEST_F(RunsTest, AnAnswerAtTheTokenLimitGoesOnButNotForEver) {
  auto events = run({is_cut_at_its_token_limit(), says("the end")});
  EXPECT_EQ(ended(events).outcome, Outcome::finished);
  EXPECT_EQ(all<core::UserMessage>(events).size(), 2u);
  events = run({is_cut_at_its_token_limit()});
  EXPECT_EQ(ended(events).outcome, Outcome::failed);
  EXPECT_EQ(script_.asked, 4u);
}

TEST_F(RunsTest, AnOversizeResultIsKeptWholeAndShownByHeadAndTail) {
  const auto events = run({calls({{"c1", "big", "{}"}}), says("ok")});
  const auto result = all<core::ToolFinished>(events).at(0).result;
  EXPECT_LT(result.text.size(), 11'000u);
  EXPECT_TRUE(result.text.starts_with("HEAD"));
  EXPECT_TRUE(result.text.ends_with("TAIL"));
  EXPECT_EQ(result.total_bytes, 100'008u);
  EXPECT_EQ(store_->blob(result.blob).value().size(), 100'008u);
}

TEST_F(RunsTest, ARunKeepsNoMoreThanItMay) {
  settings_.kept_bytes_max = 150'000;
  runs_ = make_runs();
  const auto events = run({calls({{"c1", "big", "{}"}}), calls({{"c2", "big", "{}"}}), says("ok")});
  const auto results = all<core::ToolFinished>(events);
  EXPECT_FALSE(results.at(0).result.blob.empty());
  EXPECT_EQ(results.at(1).result.blob, "");
  EXPECT_EQ(results.at(1).result.status, ResultStatus::ok);
  EXPECT_TRUE(results.at(1).result.text.contains("not kept")) << results.at(1).result.text.size();
  EXPECT_TRUE(results.at(1).result.text.ends_with("TAIL"));
  EXPECT_EQ(ended(events).outcome, Outcome::finished);
}

// The log names the blob; the model's client gets the image behind its result, and its bytes.
TEST_F(RunsTest, AnImageIsKeptAndGoesToTheModel) {
  add("photo", core::Level::read_only, [](const Json&, const tools::Execution& execution) {
    core::ImageBlock image{.media_type = "image/png", .width = 2, .height = 3, .bytes = 5};
    image.blob = execution.context.keep("bytes").value();
    return Result<tools::ToolOutput>(tools::ToolOutput{ResultStatus::ok, "a photo", {image}});
  });
  pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
  runs_ = make_runs();
  std::string seen;
  const auto look = [&](const models::Request& request, const auto&, auto) {
    const auto& blocks = request.messages.back().blocks;
    if (const auto* image = blocks.size() < 2 ? nullptr : std::get_if<core::ImageBlock>(&blocks[1]))
      seen = core::describe(*image) + ": " + request.blob(image->blob).value();
    return says("ok")(request, [](const auto&) {}, std::stop_token());
  };
  const auto events = run({calls({{"c1", "photo", "{}"}}), look});
  EXPECT_EQ(seen, "image 2x3 image/png 5 bytes: bytes");
  const auto images = all<core::ToolFinished>(events).at(0).images;
  ASSERT_EQ(images.size(), 1u);
  EXPECT_EQ(images[0].call_id, "c1");
  EXPECT_EQ(store_->blob(images[0].blob).value(), "bytes");
}

// --- cancel: wherever the run is, it ends, and every call has its result
// ---------------------------------

TEST_F(RunsTest, CancelInsideAStream) {
  const auto started =
      start({[](const auto&, const auto& on_piece, auto stop) -> Result<models::Answer> {
        on_piece(models::TextPiece{"beginning"});
        std::mutex mutex;
        std::condition_variable_any never;
        std::unique_lock lock(mutex);
        never.wait(lock, stop, [] { return false; });
        return fail(Code::cancelled, "stopped");
      }});
  const auto events = follow(started, [&](const Tail::Item& item) {
    if (std::holds_alternative<core::Frame>(item)) EXPECT_TRUE(runs_->cancel(started.run));
  });
  EXPECT_EQ(ended(events).outcome, Outcome::cancelled);
}

TEST_F(RunsTest, WhatACancelledAnswerHadSaidIsKept) {
  const auto hear = [](std::string text) -> Step {
    return [=](const auto&, const auto& on_piece, auto stop) -> Result<models::Answer> {
      on_piece(models::ThinkingPiece{"hm"});
      if (!text.empty()) on_piece(models::TextPiece{text});
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      never.wait(lock, stop, [] { return false; });
      return fail(Code::cancelled, "stopped");
    };
  };
  const auto cancelled = [&](std::vector<Step> steps, std::string_view last) {
    const auto started = start(std::move(steps));
    return follow(started, [&](const Tail::Item& item) {
      const auto* frame = std::get_if<core::Frame>(&item);
      if (!frame) return;
      const auto* text = std::get_if<core::TextDelta>(&frame->body);
      const auto* thinking = std::get_if<core::ThinkingDelta>(&frame->body);
      if ((text && text->text == last) || (thinking && thinking->text == last))
        (void)runs_->cancel(started.run);
    });
  };
  auto events = cancelled({hear("beginning")}, "beginning");
  ASSERT_EQ(all<core::AssistantBlock>(events).size(), 1u) << "the text, not the thinking";
  EXPECT_EQ(std::get<core::TextBlock>(all<core::AssistantBlock>(events)[0].block).text,
            "beginning");
  ASSERT_EQ(all<core::TurnEnded>(events).size(), 1u);
  EXPECT_EQ(all<core::TurnEnded>(events)[0].reason, core::StopReason::cancelled);
  EXPECT_EQ(ended(events).turns, 1);
  request_.session = events[0].session;
  follow(start({says("on")}));
  ASSERT_EQ(script_.last_messages.size(), 3u) << "and the model is shown it";
  EXPECT_EQ(std::get<core::TextBlock>(script_.last_messages[1].blocks.at(0)).text, "beginning");

  request_.session.reset();
  events = cancelled({hear("")}, "hm");
  EXPECT_TRUE(all<core::TurnEnded>(events).empty()) << "nothing was said";
  events = cancelled({fails(Code::unavailable), hear("")}, "hm");
  EXPECT_TRUE(all<core::AssistantBlock>(events).empty()) << "a lost attempt is void";
}

TEST_F(RunsTest, CancelInsideATool) {
  const auto started = start({calls({{"c1", "wait", "{}"}, {"c2", "change", "{}"}})});
  const auto events = follow(started, [&](const Tail::Item& item) {
    const auto* frame = std::get_if<core::Frame>(&item);
    if (frame && std::holds_alternative<core::ToolBegun>(frame->body))
      (void)runs_->cancel(started.run);
  });
  const auto results = all<core::ToolFinished>(events);
  ASSERT_EQ(results.size(), 2u);
  for (const auto& finished : results) EXPECT_EQ(finished.result.status, ResultStatus::cancelled);
  EXPECT_EQ(changes_, 0);
  EXPECT_EQ(ended(events).outcome, Outcome::cancelled);
}

TEST_F(RunsTest, CancelWhileAQuestionWaits) {
  request_.mode = core::Mode::ask;
  request_.attended = true;
  const auto started = start({calls({{"c1", "change", "{}"}})});
  const auto events = follow(started, [&](const Tail::Item& item) {
    const auto* event = std::get_if<core::Event>(&item);
    if (event && std::holds_alternative<core::ApprovalAsked>(event->body))
      EXPECT_TRUE(runs_->cancel(started.run));
  });
  EXPECT_EQ(all<core::ToolFinished>(events).at(0).result.status, ResultStatus::cancelled);
  EXPECT_EQ(ended(events).outcome, Outcome::cancelled);
  EXPECT_EQ(written(), "");
}

TEST_F(RunsTest, DestroyingRunsEndsThem) {
  const auto started = start({calls({{"c1", "wait", "{}"}})});
  waiting_.wait(0);
  runs_.reset();
  const auto events = store_->read(started.session, 0, 100).value();
  EXPECT_EQ(ended(events).outcome, Outcome::cancelled);
  EXPECT_EQ(all<core::ToolFinished>(events).size(), 1u);
}

// --- questions
// -----------------------------------------------------------------------------------------

TEST_F(RunsTest, YesAppliesNoDropsForThisRunAsksOnceAndAlwaysIsWrittenDown) {
  request_.mode = core::Mode::ask;
  request_.attended = true;
  struct Case {
    core::Answer answer;
    int questions;
    const char* content;
    int rules = 0;
  };
  for (const Case expected :
       {Case{core::Answer::yes, 2, "2"}, Case{core::Answer::no, 2, ""},
        Case{core::Answer::for_this_run, 1, "2"}, Case{core::Answer::always, 1, "2", 1},
        Case{core::Answer::no, 0, "2"}}) {  // the rule stands
    changes_ = 0;
    std::filesystem::remove(workspace_ + "/out/f");
    const auto started =
        start({calls({{"c1", "change", "{}"}}), calls({{"c2", "change", "{}"}}), says("ok")});
    const auto events = follow(started, [&](const Tail::Item& item) {
      const auto* event = std::get_if<core::Event>(&item);
      const auto* asked = event ? std::get_if<core::ApprovalAsked>(&event->body) : nullptr;
      if (!asked) return;
      EXPECT_EQ(asked->approval.files, std::vector<std::string>{workspace_ + "/out/f"});
      EXPECT_EQ(asked->approval.always, "write " + workspace_ + "/out");
      EXPECT_TRUE(runs_->answer(asked->approval.id, {expected.answer}, "test"));
      EXPECT_FALSE(runs_->answer(asked->approval.id, {expected.answer}, "test"))
          << "answered twice";
    });
    EXPECT_EQ(all<core::ApprovalAnswered>(events).size(),
              static_cast<std::size_t>(expected.questions));
    EXPECT_EQ(all<core::RuleAdded>(events).size(), static_cast<std::size_t>(expected.rules));
    EXPECT_EQ(written(), expected.content);
    EXPECT_EQ(ended(events).outcome, Outcome::finished);
  }
}

TEST_F(RunsTest, WithNobodyThereAQuestionIsQueuedAndTheModelIsTold) {
  request_.mode = core::Mode::ask;
  const auto events = run({calls({{"c1", "change", "{}"}}), says("ok")});
  const auto result = all<core::ToolFinished>(events).at(0).result;
  EXPECT_EQ(result.status, ResultStatus::denied);
  EXPECT_TRUE(result.text.contains("nobody is there")) << result.text;
  const auto asked = all<core::ApprovalAsked>(events).at(0).approval;
  EXPECT_FALSE(asked.waits);
  EXPECT_TRUE(result.text.contains(asked.id.text)) << result.text;
  EXPECT_TRUE(all<core::ApprovalAnswered>(events).empty()) << "it stands";
  EXPECT_EQ(written(), "");
}

// --- answers that nobody waited for

TEST_F(RunsTest, ALateYesAppliesALateNoDropsAndBothAreSaidOnce) {
  request_.mode = core::Mode::ask;
  for (const auto& [answer, content] : {std::pair{core::Answer::yes, "1"},
                                        {core::Answer::no, ""},
                                        {core::Answer::for_this_run, "1"},
                                        {core::Answer::always, "1"}}) {
    changes_ = 0;
    std::filesystem::remove(workspace_ + "/out/f");
    const auto started = start({calls({{"c1", "change", "{}"}}), says("ok")});
    const auto asked = all<core::ApprovalAsked>(follow(started)).at(0).approval;
    EXPECT_EQ(written(), "");
    ASSERT_EQ(store_->open_questions().value().size(), 1u);
    EXPECT_TRUE(runs_->answer(asked.id, {answer}, "late"));
    EXPECT_EQ(written(), content) << core::name_of(answer);
    EXPECT_EQ(runs_->answer(asked.id, {answer}, "late").error().code, Code::not_found);
    const auto events = store_->read(started.session, 0, 1000).value();
    EXPECT_EQ(all<core::ApprovalAnswered>(events).at(0).by, "late");
    EXPECT_EQ(all<core::ChangesSettled>(events).at(0).act,
              answer == core::Answer::no ? core::ChangesAct::dropped : core::ChangesAct::applied);
    EXPECT_EQ(all<core::RuleAdded>(events).size(), answer == core::Answer::always ? 1u : 0u);
  }
}

TEST_F(RunsTest, ALateAnswerComesWhileTheRunGoesOn) {
  request_.mode = core::Mode::ask;
  const auto started =
      start({calls({{"c1", "change", "{}"}}), calls({{"c2", "wait", "{}"}}), says("ok")});
  waiting_.wait(0);
  const auto question = store_->open_questions().value().at(0);
  EXPECT_TRUE(runs_->answer(question.id, {core::Answer::yes}, "late"));
  EXPECT_EQ(written(), "1");
  EXPECT_TRUE(runs_->cancel(started.run));
  const auto events = follow(started);
  for (const auto& event : events) EXPECT_EQ(event.run, started.run) << "one run's log";
  EXPECT_EQ(all<core::ChangesSettled>(events).size(), 1u);
}

TEST_F(RunsTest, ALateAnswerAfterItsTimeIsANo) {
  request_.mode = core::Mode::ask;
  settings_.question_time = std::chrono::seconds(5);
  runs_ = make_runs();
  const auto started = start({calls({{"c1", "change", "{}"}}), says("ok")});
  const auto asked = all<core::ApprovalAsked>(follow(started)).at(0).approval;
  clock_.advance(std::chrono::seconds(6));
  EXPECT_EQ(runs_->answer(asked.id, {core::Answer::yes}, "late").error().code, Code::conflict);
  EXPECT_EQ(written(), "");
  const auto events = store_->read(started.session, 0, 1000).value();
  EXPECT_EQ(all<core::ApprovalAnswered>(events).at(0).by, "expired");
  EXPECT_EQ(all<core::ChangesSettled>(events).at(0).act, core::ChangesAct::dropped);
}

TEST_F(RunsTest, ChangesThatAreNoLongerKeptCannotBeSaidYesTo) {
  request_.mode = core::Mode::ask;
  const auto started = start({calls({{"c1", "change", "{}"}}), says("ok")});
  const auto asked = all<core::ApprovalAsked>(follow(started)).at(0).approval;
  ASSERT_TRUE(kept_changes_->drop(asked.changes));
  EXPECT_EQ(runs_->answer(asked.id, {core::Answer::yes}, "late").error().code, Code::not_found);
  EXPECT_EQ(store_->open_questions().value().size(), 1u) << "it can still be said no to";
  EXPECT_TRUE(runs_->answer(asked.id, {core::Answer::no}, "late"));
}

TEST_F(RunsTest, AQuestionThatNobodyAnswersInTimeIsANo) {
  request_.mode = core::Mode::ask;
  request_.attended = true;
  settings_.question_time = std::chrono::milliseconds(1);
  runs_ = make_runs();
  const auto events = run({calls({{"c1", "change", "{}"}}), says("ok")});
  EXPECT_EQ(all<core::ToolFinished>(events).at(0).result.status, ResultStatus::denied);
  EXPECT_EQ(all<core::ApprovalAnswered>(events).at(0).by, "expired");
  EXPECT_EQ(all<core::ChangesSettled>(events).at(0).act, core::ChangesAct::dropped);
  EXPECT_EQ(written(), "");
}

TEST_F(RunsTest, ADecisionIsInTheLogBeforeItsEffect) {
  std::int64_t logged_before = 0;
  core::SessionId session;
  add("peek", core::Level::write, [&](const Json&, const auto&) {
    for (const auto& event : std::vector(store_->read(session, 0, 100).value()))
      logged_before += std::holds_alternative<core::CallDecided>(event.body);
    return output("ok");
  });
  pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
  runs_ = make_runs();
  session = store_->create_session("s").value();
  request_.session = session;
  const auto events = run({calls({{"c1", "peek", "{}"}}), says("ok")});
  EXPECT_EQ(logged_before, 1) << base::to_text(core::to_json(events.at(4)));
}

// --- sessions
// -------------------------------------------------------------------------------------------

TEST_F(RunsTest, ASessionGoesOnAndTheModelSeesItAll) {
  const auto first = start({says("one")});
  follow(first);
  request_.session = first.session;
  const auto second = start({says("two")});
  follow(second);
  EXPECT_EQ(second.session, first.session);
  ASSERT_EQ(script_.last_messages.size(), 3u);
}

TEST_F(RunsTest, ASessionOfALiveRunIsBusyAndOthersAreNot) {
  const auto started = start({calls({{"c1", "wait", "{}"}})});
  RunRequest again = request_;
  again.session = started.session;
  const auto refused = runs_->start(again);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::busy);
  EXPECT_TRUE(runs_->start(request_)) << "another session runs beside it";
}

TEST_F(RunsTest, BadStartsAreRefusedBeforeAnythingIsStored) {
  request_.model = "none";
  EXPECT_EQ(runs_->start(request_).error().code, Code::invalid_argument);
  EXPECT_TRUE(store_->sessions(10, {}).value().empty());
  request_.model = "test/script";
  request_.session = core::SessionId{"nosuch"};
  EXPECT_EQ(runs_->start(request_).error().code, Code::not_found);
  EXPECT_EQ(runs_->cancel({"nosuch"}).error().code, Code::not_found);
  EXPECT_EQ(runs_->answer({"nosuch"}, {core::Answer::yes}, "t").error().code, Code::not_found);
}

TEST_F(RunsTest, ARunThatCannotBeginLeavesNothingOpen) {
  settings_.runs_max = 1;
  runs_ = make_runs();
  const auto first = start({calls({{"c1", "wait", "{}"}})});
  const auto second = runs_->start(request_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::busy);
  EXPECT_EQ(store_->sessions(10, {}).value().size(), 1u) << "nothing is stored";
  EXPECT_TRUE(runs_->cancel(first.run));
  follow(first);
  follow(start({says("there is room again")}));

  settings_.limits.stack_bytes = 1ull << 46;  // no thread has that
  runs_ = make_runs();
  request_.session = first.session;
  ASSERT_FALSE(runs_->start(request_));
  const auto events = store_->read(first.session, 0, 100).value();
  EXPECT_EQ(all<core::RunStarted>(events).size(), all<core::RunEnded>(events).size());
  EXPECT_EQ(ended(events).outcome, Outcome::failed);
}

TEST_F(RunsTest, ARunThatLosesItsLogTellsWhoFollows) {
  char folder[] = "/tmp/runs_test.XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  store_ = store::Store::open(folder, clock_).value();
  core::SessionId session;
  std::unique_ptr<store::RunLease> thief;
  add("lose", core::Level::read_only, [&](const Json&, const auto&) {
    for (const auto& lock : std::filesystem::directory_iterator(std::string(folder) + "/runs"))
      std::filesystem::remove(lock.path());  // somebody tidied up
    thief = store_->acquire(session).value().lease;
    return output("ok");
  });
  pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
  runs_ = make_runs();
  session = store_->create_session("s").value();
  request_.session = session;
  const auto tail = runs_->tail(session, 0).value();
  start({calls({{"c1", "lose", "{}"}})});
  std::int64_t last = 0;
  while (true) {
    const auto item = tail->next({}, std::chrono::steady_clock::now() + 20s);
    if (!item) {
      EXPECT_EQ(item.error().code, Code::conflict);
      break;
    }
    ASSERT_TRUE(*item) << "nobody was told";
    if (const auto* event = std::get_if<core::Event>(&**item)) last = event->number;
  }
  EXPECT_EQ(last, 4) << "what is in the log came first";
  thief.reset();
  const auto ends = all<core::RunEnded>(run({says("hi")}));
  ASSERT_EQ(ends.size(), 2u) << "the next run closes it";
  EXPECT_EQ(ends[0].outcome, Outcome::interrupted);
  runs_.reset();
  std::filesystem::remove_all(folder);
}

TEST_F(RunsTest, AKilledRunsOpenCallsAreClosedBeforeTheSessionGoesOn) {
  const auto session = store_->create_session("s").value();
  {
    const auto killed = store_->acquire(session).value();
    const core::EventBody bodies[]{
        core::RunStarted{},
        core::UserMessage{"first"},
        core::AssistantBlock{core::ToolCall{"c1", "look", "{}"}},
        core::AssistantBlock{core::ToolCall{"c2", "change", "{}"}},
        core::TurnEnded{},
        core::ToolFinished{{.call_id = "c1"}},
        core::ApprovalAsked{{.id = {"q"}, .call_id = "c2"}},
        core::ApprovalAsked{{.id = {"p"}, .call_id = "c0", .kind = core::QuestionKind::plan}}};
    ASSERT_TRUE(store_->append(*killed.lease, bodies));
  }
  request_.session = session;
  const auto events = run({says("I see")});
  const auto closed = all<core::ToolFinished>(events);
  ASSERT_EQ(closed.size(), 1u);
  EXPECT_EQ(closed[0].result.call_id, "c2");
  EXPECT_EQ(closed[0].result.status, ResultStatus::cancelled);
  EXPECT_TRUE(closed[0].result.text.contains("interrupted"));
  EXPECT_TRUE(closed[0].result.text.contains("(q) still stands")) << closed[0].result.text;
  ASSERT_EQ(all<core::ApprovalAnswered>(events).size(), 1u) << "what is asked of a call stands";
  EXPECT_EQ(all<core::ApprovalAnswered>(events)[0].id.text, "p");
  EXPECT_EQ(all<core::ApprovalAnswered>(events)[0].by, "interrupted");
  ASSERT_EQ(all<core::RunEnded>(events).size(), 2u);
  EXPECT_EQ(all<core::RunEnded>(events)[0].outcome, Outcome::interrupted);
  EXPECT_EQ(ended(events).outcome, Outcome::finished);
}

TEST_F(RunsTest, WhatAKilledRunHadAppliedIsToldByTheNext) {
  const auto session = store_->create_session("s").value();
  core::ChangeSetId id;
  {
    const auto killed = store_->acquire(session).value();
    auto staging = kept_changes_->stage(workspace_).value();
    id = staging.id();
    auto lower = vfs::open_host_filesystem(workspace_, core::Access::read_only, {}).value();
    const auto overlay = vfs::Overlay::open(std::move(lower), {}, staging.folder()).value();
    Hands(overlay->filesystem()->root()).write("out/f", "new");
    const auto set = kept_changes_->keep(std::move(staging), overlay->changes().value()).value();
    const core::EventBody bodies[]{core::RunStarted{},
                                   core::ChangesKept{id, "c1", workspace_, {}, ""}};
    ASSERT_TRUE(store_->append(*killed.lease, bodies));
    ASSERT_TRUE(set->apply({}));  // and no event of it
  }
  request_.session = session;
  const auto settled = all<core::ChangesSettled>(run({says("I see")}));
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_EQ(settled[0].id, id);
  EXPECT_EQ(settled[0].act, core::ChangesAct::applied);
  EXPECT_EQ(settled[0].by, "interrupted");
  ASSERT_EQ(settled[0].files.size(), 1u);
  EXPECT_EQ(settled[0].files[0].path, workspace_ + "/out/f");
}

TEST_F(RunsTest, ARunThatDiedBeforeItsFirstEventOrAfterItsLastIsNotEndedAgain) {
  char folder[] = "/tmp/runs_test.XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string locks = std::string(folder) + "/runs";
  store_ = store::Store::open(folder, clock_).value();
  runs_ = make_runs();
  for (const bool spoke : {false, true}) {
    const auto session = store_->create_session("s").value();
    auto dead = store_->acquire(session).value();
    if (spoke) {
      const core::EventBody bodies[]{core::RunStarted{}, core::UserMessage{"x"}, core::RunEnded{}};
      ASSERT_TRUE(store_->append(*dead.lease, bodies));
    }
    for (const auto& lock : std::filesystem::directory_iterator(locks))
      std::filesystem::remove(lock.path());  // as the kernel lets go of a dead process's
    request_.session = session;
    const auto ends = all<core::RunEnded>(run({says("hi")}));
    EXPECT_EQ(ends.size(), 1u);
    EXPECT_EQ(ends.at(0).outcome, Outcome::finished);
  }
  runs_.reset();
  std::filesystem::remove_all(folder);
}

// --- tail
// -----------------------------------------------------------------------------------------------

TEST_F(RunsTest, FramesComeBeforeTheEventTheyBecomeAndALateReaderGetsEveryEvent) {
  const auto started = start({says("hello"), says("never")});
  std::string order;
  follow(started, [&](const Tail::Item& item) {
    if (const auto* frame = std::get_if<core::Frame>(&item))
      order += std::holds_alternative<core::TextDelta>(frame->body) ? "f" : "";
    else if (std::holds_alternative<core::AssistantBlock>(std::get<core::Event>(item).body))
      order += "B";
  });
  EXPECT_TRUE(order == "fB" || order == "B") << order;  // a reader that came late sees no frame
  const auto late = runs_->tail(started.session, 2).value();
  std::int64_t expected = 3;
  while (auto item = late->next({}, std::chrono::steady_clock::now()).value())
    EXPECT_EQ(std::get<core::Event>(*item).number, expected++);
  EXPECT_EQ(expected, started.after + 6)
      << "run_started, user_message, block, turn_ended, run_ended";
}

// The tool ends when its output has been seen.
TEST_F(RunsTest, WhatARunningToolWritesIsSeenBeforeItsResult) {
  std::latch seen(1);
  add("talk", core::Level::read_only, [&](const Json&, const tools::Execution& execution) {
    execution.control.wrote("half \xe2\x82");
    execution.control.wrote("\xac");
    seen.wait();
    return output("half \xe2\x82\xac and the rest");
  });
  pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
  runs_ = make_runs();
  std::vector<std::string> order;
  const auto events =
      follow(start({calls({{"c1", "talk", "{}"}}), says("ok")}), [&](const Tail::Item& item) {
        const auto* frame = std::get_if<core::Frame>(&item);
        const auto* delta = frame ? std::get_if<core::OutputDelta>(&frame->body) : nullptr;
        if (delta) {
          order.push_back(delta->call_id + ": " + delta->text);
          seen.count_down();
        } else if (!frame &&
                   std::holds_alternative<core::ToolFinished>(std::get<core::Event>(item).body)) {
          order.push_back("finished");
        }
      });
  EXPECT_EQ(order, (std::vector<std::string>{"c1: half \xe2\x82\xac", "finished"}));
  EXPECT_EQ(ended(events).outcome, Outcome::finished);
}

TEST(FrameQueue, ASlowReaderLosesTheOldestAndNothingGrows) {
  FrameQueue queue;
  for (std::int64_t i = 0; i < 5000; ++i)
    queue.push({.after = 0, .body = core::TextDelta{std::to_string(i)}});
  std::size_t count = 0;
  std::string first;
  while (const auto frame = queue.take(0)) {
    if (count++ == 0) first = std::get<core::TextDelta>(frame->body).text;
  }
  EXPECT_EQ(count, FrameQueue::kFramesMax);
  EXPECT_EQ(first, std::to_string(5000 - FrameQueue::kFramesMax));
}

TEST(FrameQueue, WhatAnEventHasOvertakenIsDroppedAndWhatIsAheadWaits) {
  FrameQueue queue;
  queue.push({.after = 1, .body = core::TextDelta{"old"}});
  queue.push({.after = 3, .body = core::TextDelta{"ahead"}});
  EXPECT_FALSE(queue.take(2).has_value());
  EXPECT_TRUE(queue.take(3).has_value());
}

// --- all sessions at once ------------------------------------------------------------------------

TEST_F(RunsTest, WhoFollowsAllSessionsGetsTheFramesOfEach) {
  const auto queue = runs_->frames();
  for (int i = 0; i < 2; ++i) (void)follow(start({says("hello")}));
  std::set<core::SessionId> sessions;
  for (const auto& frame : queue->take_all()) {
    EXPECT_EQ(std::get<core::TextDelta>(frame.body).text, "hello");
    sessions.insert(frame.session);
  }
  EXPECT_EQ(sessions.size(), 2u);
  EXPECT_TRUE(queue->take_all().empty());
}

TEST_F(RunsTest, WhoFollowsAllSessionsBeginsWithWhatIsBeingMade) {
  FrameHub hub;
  const core::SessionId one{"one"}, two{"two"};
  hub.publish({one, {"r"}, 2, core::TextDelta{"a"}});
  hub.publish({two, {"q"}, 2, core::TextDelta{"b"}});
  hub.ring(two);
  const auto queue = hub.subscribe_all();
  hub.publish({two, {"q"}, 3, core::TextDelta{"c"}});
  std::string text;
  for (const auto& frame : queue->take_all()) text += std::get<core::TextDelta>(frame.body).text;
  EXPECT_EQ(text, "ac");
}

TEST_F(RunsTest, LiveRunsAreThoseThatHaveNotEnded) {
  EXPECT_TRUE(runs_->live().empty());
  const auto started = start({calls({{"c1", "wait", "{}"}}), says("done")});
  const auto live = runs_->live();
  ASSERT_EQ(live.size(), 1u);
  EXPECT_EQ(live[0].run, started.run);
  EXPECT_EQ(live[0].session, started.session);
  EXPECT_EQ(live[0].model, "test/script");
  ASSERT_TRUE(runs_->cancel(started.run));
  (void)follow(started);
  EXPECT_TRUE(runs_->live().empty());
}

}  // namespace
}  // namespace boxagnts::agent
