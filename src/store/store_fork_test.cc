// A session that begins as another one.
#include <unistd.h>

#include <set>

#include "base/json.h"
#include "store/test_folder.h"

namespace boxagnts::store {
namespace {

using core::EventBody;

EventBody call(const std::string& id) {
  return core::AssistantBlock{core::ToolCall{id, "read", "{}"}};
}
EventBody result(const std::string& id) { return core::ToolFinished{{.call_id = id}}; }
EventBody ended() { return core::RunEnded{.outcome = core::Outcome::finished}; }

class StoreFork : public testing::Test {
 protected:
  StoreFork() : store_(Store::open(folder_.state(), clock_).value()) {
    from_ = store_->create_session("the first").value();
  }
  void append(const RunLease& lease, std::vector<EventBody> bodies) {
    for (const auto& body : bodies) {
      clock_.advance(base::Milliseconds(1));
      ASSERT_TRUE(store_->append(lease, std::span(&body, 1)));
    }
  }
  // A run of its own that is over.
  void run_of(std::vector<EventBody> bodies) {
    const auto acquired = store_->acquire(from_).value();
    append(*acquired.lease, std::move(bodies));
  }
  // Where a fork up to an event ends: the number its last event names.
  std::int64_t end_of_fork(std::int64_t last) {
    const auto fork = store_->fork_session(from_, last, "fork");
    EXPECT_TRUE(fork) << (fork ? "" : fork.error().message);
    if (!fork) return -1;
    const auto events = store_->read(*fork, 0, 1'000).value();
    const auto* forked = std::get_if<core::SessionForked>(&events.back().body);
    EXPECT_TRUE(forked);
    if (!forked) return -1;
    EXPECT_EQ(forked->from, from_);
    EXPECT_EQ(events.size(), static_cast<std::size_t>(forked->number) + 1);
    return forked->number;
  }

  TestFolder folder_;
  base::ManualClock clock_;
  std::unique_ptr<Store> store_;
  core::SessionId from_;
};

TEST_F(StoreFork, HasTheSameEventsAtTheSameTimesInRunsOfItsOwn) {
  run_of({core::RunStarted{"m/one"}, core::UserMessage{"hello"}, call("c1"), core::TurnEnded{},
          result("c1"), core::AssistantBlock{core::TextBlock{"done"}}, core::TurnEnded{}, ended()});
  run_of({core::RunStarted{"m/two"}, core::UserMessage{"more"}, core::TurnEnded{}, ended()});
  clock_.advance(base::Milliseconds(1'000));
  const auto fork = store_->fork_session(from_, 0, "again \xff").value();

  const auto theirs = store_->read(from_, 0, 100).value(),
             mine = store_->read(fork, 0, 100).value();
  ASSERT_EQ(mine.size(), theirs.size() + 1);
  std::map<core::RunId, core::RunId> runs;
  for (std::size_t i = 0; i < theirs.size(); ++i) {
    EXPECT_EQ(mine[i].number, theirs[i].number);
    EXPECT_EQ(mine[i].time, theirs[i].time);
    EXPECT_EQ(core::body_to_json(mine[i].body), core::body_to_json(theirs[i].body));
    EXPECT_GT(mine[i].position, theirs.back().position);
    EXPECT_NE(mine[i].run, theirs[i].run);
    EXPECT_EQ(runs.try_emplace(theirs[i].run, mine[i].run).first->second, mine[i].run);
  }
  EXPECT_EQ(runs.size(), 2u);
  EXPECT_EQ(mine.back().time, clock_.now());
  const auto& forked = std::get<core::SessionForked>(mine.back().body);
  EXPECT_EQ(forked.from, from_);
  EXPECT_EQ(forked.number, 12);
  const auto info = store_->session(fork).value();
  EXPECT_EQ(info.title, "again \xef\xbf\xbd");
  EXPECT_EQ(info.events, 13);
  EXPECT_EQ(info.model, "m/two");
  EXPECT_FALSE(info.running);
  EXPECT_EQ(store_->last_position().value(), mine.back().position);
  EXPECT_EQ(store_->read_all(theirs.back().position, 100)->size(), mine.size());
}

TEST_F(StoreFork, GoesOnByItselfAndTheOtherToo) {
  run_of({core::RunStarted{"m"}, core::UserMessage{"hello"}, core::TurnEnded{}, ended()});
  const auto fork = store_->fork_session(from_, 3, "fork").value();
  const auto acquired = store_->acquire(fork).value();
  EXPECT_FALSE(acquired.interrupted);
  append(*acquired.lease, {core::RunStarted{"m"}, core::UserMessage{"other"}});
  run_of({core::RunStarted{"m"}, core::UserMessage{"first"}});
  EXPECT_EQ(store_->session(fork)->events, 6);
  EXPECT_EQ(store_->session(from_)->events, 6);
  const auto again = store_->fork_session(fork, 4, "fork of a fork").value();
  EXPECT_EQ(store_->session(again)->events, 5);
}

TEST_F(StoreFork, StandsWithoutTheOther) {
  run_of({core::RunStarted{"m"}, core::UserMessage{"hello"}, core::TurnEnded{}, ended()});
  const auto blob = store_->put_blob(from_, "the bytes").value();
  const auto fork = store_->fork_session(from_, 0, "fork").value();
  ASSERT_TRUE(store_->delete_session(from_));
  EXPECT_EQ(store_->read(fork, 0, 100)->size(), 5u);
  EXPECT_EQ(store_->blob(blob).value(), "the bytes");
  ASSERT_TRUE(store_->delete_session(fork));
  EXPECT_EQ(code_of(store_->blob(blob)), Code::not_found);
}

// Every place at which a session can be forked, and where the copy must end.
TEST_F(StoreFork, EndsWhereEveryAnswerIsCompleteAndEveryCallHasItsResult) {
  struct Step {
    EventBody body;
    bool complete;
  };
  const std::vector<Step> steps{
      {core::RunStarted{"m"}, false},
      {core::InstructionsLoaded{"AGENTS.md", "workspace", "x"}, false},
      {core::UserMessage{"hello"}, false},
      {core::AssistantBlock{core::TextBlock{"half"}}, false},
      {call("lost"), false},
      {core::TurnRetried{}, false},
      {call("a"), false},
      {call("b"), false},
      {core::TurnEnded{}, false},
      {core::CallDecided{"a", {}}, false},
      {result("b"), false},
      {core::ApprovalAsked{{.id = {"q"}}}, false},
      {core::ApprovalAnswered{{"q"}}, false},
      {result("a"), true},
      {core::ChangesSettled{}, true},
      {core::AssistantBlock{core::ThinkingBlock{"hm", ""}}, false},
      {core::TurnEnded{}, true},
      {ended(), true},
      {core::ChangesSettled{}, true},
      {core::RunStarted{"m"}, false},
      {core::UserMessage{"and now"}, false},
      {core::AssistantBlock{core::TextBlock{"void"}}, false},
      {core::RunEnded{.outcome = core::Outcome::failed}, true},
  };
  std::vector<EventBody> bodies;
  for (const auto& step : steps) bodies.push_back(step.body);
  run_of(bodies);
  std::int64_t complete = 0;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].complete) complete = static_cast<std::int64_t>(i) + 1;
    EXPECT_EQ(end_of_fork(static_cast<std::int64_t>(i) + 1), complete) << "event " << i + 1;
  }
  EXPECT_EQ(end_of_fork(0), complete);
}

TEST_F(StoreFork, OfAKilledRunsTurnLeavesItOut) {
  run_of({core::RunStarted{"m/good"}, core::UserMessage{"one"}, core::TurnEnded{}, ended()});
  run_of({core::RunStarted{"m/killed"}, core::UserMessage{"two"}, call("c"), core::TurnEnded{}});
  EXPECT_EQ(end_of_fork(0), 4);
  EXPECT_EQ(store_->sessions(1, {})->front().model, "m/good") << "the model is the copy's";
}

TEST_F(StoreFork, KnowsWhichOfItsRunsWasKilled) {
  core::RunId killed;
  {
    const auto acquired = store_->acquire(from_).value();
    killed = acquired.lease->run();
    append(*acquired.lease, {core::RunStarted{"m"}, core::UserMessage{"one"}});
  }
  run_of({core::RunEnded{.outcome = core::Outcome::interrupted, .of = killed},
          core::RunStarted{"m"}, core::RunEnded{.outcome = core::Outcome::failed, .of = {"none"}}});
  const auto fork = store_->fork_session(from_, 0, "fork").value();
  const auto events = store_->read(fork, 0, 10).value();
  EXPECT_NE(events[0].run, killed);
  EXPECT_EQ(std::get<core::RunEnded>(events[2].body).of, events[0].run);
  EXPECT_EQ(std::get<core::RunEnded>(events[4].body).of, core::RunId{"none"});
}

TEST_F(StoreFork, HasNoQuestionOpen) {
  run_of({core::RunStarted{"m"}, core::UserMessage{"one"}, call("c"), core::TurnEnded{},
          core::ApprovalAsked{{.id = {"q"}, .waits = false}}, result("c"), ended()});
  const auto fork = store_->fork_session(from_, 0, "fork").value();
  EXPECT_EQ(store_->session(fork)->events, 8);
  EXPECT_EQ(store_->open_questions().value(), (std::vector<OpenQuestion>{{{"q"}, from_, 5}}));
  ASSERT_TRUE(store_->delete_session(fork));
  EXPECT_EQ(store_->open_questions()->size(), 1u);
}

TEST_F(StoreFork, OfALiveSessionIsBusyOnlyInWhatItsRunIsMaking) {
  const auto live = store_->acquire(from_).value();
  append(*live.lease, {core::RunStarted{"m"}, core::UserMessage{"one"}, call("c"),
                       core::TurnEnded{}, result("c"), call("d")});
  for (const std::int64_t last : {0, 6}) {
    const auto fork = store_->fork_session(from_, last, "fork");
    ASSERT_FALSE(fork);
    EXPECT_EQ(fork.error().code, Code::busy);
    EXPECT_TRUE(fork.error().message.contains("fork at 5")) << fork.error().message;
    EXPECT_TRUE(fork.error().message.contains(std::to_string(::getpid())));
  }
  EXPECT_EQ(end_of_fork(5), 5);
  EXPECT_EQ(end_of_fork(4), 0);
  append(*live.lease, {core::TurnEnded{}, result("d")});
  EXPECT_EQ(end_of_fork(0), 8);
}

TEST_F(StoreFork, NeedsASessionAndAnEventOfIt) {
  EXPECT_EQ(code_of(store_->fork_session({"none"}, 0, "fork")), Code::not_found);
  EXPECT_EQ(end_of_fork(0), 0) << "of an empty one";
  run_of({core::RunStarted{"m"}, ended()});
  for (const std::int64_t last : {std::int64_t{-1}, std::int64_t{3}, INT64_MAX}) {
    const auto fork = store_->fork_session(from_, last, "fork");
    ASSERT_FALSE(fork);
    EXPECT_EQ(fork.error().code, Code::invalid_argument);
    EXPECT_TRUE(fork.error().message.contains("has 2 events")) << fork.error().message;
  }
}

// Positions of deleted sessions are never given out again.
TEST_F(StoreFork, TakesPositionsBehindAllThatEverWere) {
  run_of({core::RunStarted{"m"}, ended()});
  const auto other = store_->create_session("other").value();
  {
    const auto acquired = store_->acquire(other).value();
    append(*acquired.lease, {core::UserMessage{"x"}, core::UserMessage{"y"}});
  }
  const auto before = store_->last_position().value();
  ASSERT_TRUE(store_->delete_session(other));
  const auto fork = store_->fork_session(from_, 0, "fork").value();
  EXPECT_EQ(store_->read(fork, 0, 1)->front().position, before + 1);
  EXPECT_EQ(store_->last_position().value(), before + 3);
}

TEST_F(StoreFork, OfADamagedLogFails) {
  run_of({core::RunStarted{"m"}, core::UserMessage{"x"}, ended()});
  Raw(folder_.database()).execute("UPDATE events SET body = '{' WHERE number = 2");
  EXPECT_EQ(code_of(store_->fork_session(from_, 0, "fork")), Code::corrupt);
  EXPECT_EQ(store_->sessions(10, {})->size(), 1u);
}

}  // namespace
}  // namespace boxagnts::store
