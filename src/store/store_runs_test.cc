// Every kind of event comes back; who owns a session, and what is left when an owner is killed.
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/json.h"
#include "store/test_folder.h"

namespace boxagnts::store {
namespace {

using core::EventBody;
using namespace std::string_literals;

std::vector<EventBody> one_of_each_kind() {
  const Error error{Code::unavailable, "gone", "errno 111", 1500};
  return {core::RunStarted{"scripted/x", core::Mode::edits, 50},
          core::UserMessage{"nul \0, quote \", newline \n, é"s},
          core::AssistantBlock{core::TextBlock{std::string(200'000, 'x')}},
          core::AssistantBlock{core::ThinkingBlock{"hm", "sig"}},
          core::AssistantBlock{core::ToolCall{"c1", "read", "{not json"}},
          core::TurnEnded{core::StopReason::tool_use, {10, 20, 5, 7}, 1234},
          core::CallDecided{"c1", {core::Verdict::ask, core::Level::write, "rule", "why"}},
          core::ApprovalAsked{{.id = {"a1"},
                               .call_id = "c1",
                               .tool = "write",
                               .level = core::Level::write,
                               .question = "Write?",
                               .files = {"/w/x"},
                               .blob = "b"}},
          core::ApprovalAnswered{{"a1"}, {core::Answer::for_this_run}, "terminal"},
          core::ToolFinished{{"c1", core::ResultStatus::failed, "no", "b1", 70'000, 55}},
          core::TurnRetried{2, 750, error},
          core::RunEnded{core::Outcome::interrupted, 3, {}, error, {"other"}}};
}

// A lease as anybody could make one up.
class MadeUpLease final : public RunLease {
 public:
  MadeUpLease(core::SessionId session, core::RunId run, std::int64_t epoch)
      : session_(std::move(session)), run_(std::move(run)), epoch_(epoch) {}
  const core::SessionId& session() const override { return session_; }
  const core::RunId& run() const override { return run_; }
  std::int64_t epoch() const override { return epoch_; }

 private:
  core::SessionId session_;
  core::RunId run_;
  std::int64_t epoch_;
};

TEST(StoreRuns, EveryKindOfEventComesBackAsItWas) {
  const TestFolder folder;
  base::ManualClock clock;
  const auto bodies = one_of_each_kind();
  core::SessionId session;
  {
    const auto store = Store::open(folder.state(), clock).value();
    session = store->create_session("s").value();
    const auto acquired = store->acquire(session).value();
    clock.advance(base::Milliseconds(5));
    const auto appended = store->append(*acquired.lease, bodies).value();
    ASSERT_EQ(appended.size(), bodies.size());
    EXPECT_EQ(appended[0].time, clock.now());
  }
  const auto store = Store::open(folder.state(), clock).value();
  const auto events = store->read(session, 0, 100).value();
  ASSERT_EQ(events.size(), bodies.size());
  for (std::size_t i = 0; i < bodies.size(); ++i) {
    EXPECT_EQ(base::to_text(core::body_to_json(events[i].body)),
              base::to_text(core::body_to_json(bodies[i])));
    EXPECT_EQ(events[i].time, clock.now());
    EXPECT_EQ(events[i].number, static_cast<std::int64_t>(i) + 1);
  }
  EXPECT_EQ(store->session(session)->model, "scripted/x");
  EXPECT_EQ(store->session(session)->updated, clock.now());
}

TEST(StoreRuns, OnlyTheLeaseOfTheLiveRunAppends) {
  base::ManualClock clock;
  const auto store = Store::open_in_memory(clock).value();
  const auto session = store->create_session("s").value();
  auto acquired = store->acquire(session).value();
  const auto run = acquired.lease->run();
  const auto epoch = acquired.lease->epoch();
  const auto said = [&](const MadeUpLease& lease) {
    const auto appended = append_text(*store, lease, "x");
    return appended ? std::string("stored") : std::string(base::info(appended.error().code).name);
  };
  EXPECT_EQ(said({session, run, epoch}), "stored");
  EXPECT_EQ(said({session, run, epoch - 1}), "conflict");
  EXPECT_EQ(said({session, run, epoch + 1}), "conflict");
  EXPECT_EQ(said({session, {"another"}, epoch}), "conflict");
  EXPECT_EQ(said({{"no-session"}, run, epoch}), "conflict");
  acquired.lease.reset();
  EXPECT_EQ(said({session, run, epoch}), "conflict") << "the run has ended";
  const auto next = store->acquire(session).value();
  EXPECT_FALSE(next.interrupted);
  EXPECT_GT(next.lease->epoch(), epoch);
  EXPECT_EQ(said({session, run, epoch}), "conflict");
  EXPECT_EQ(store->read(session, 0, 10)->size(), 1u);
}

TEST(StoreRuns, AFailedAppendStoresNothingOfItsBatch) {
  const TestFolder folder;
  base::ManualClock clock;
  const auto store = Store::open(folder.state(), clock).value();
  const auto session = store->create_session("s").value();
  const auto acquired = store->acquire(session).value();
  Raw(folder.database())
      .execute(
          "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN new.number = 2 "
          "BEGIN SELECT raise(ABORT, 'no'); END");
  const std::vector<EventBody> bodies(3, core::UserMessage{"x"});
  EXPECT_FALSE(store->append(*acquired.lease, bodies));
  EXPECT_TRUE(store->read(session, 0, 10)->empty());
  Raw(folder.database()).execute("DROP TRIGGER refuse");
  EXPECT_EQ(store->append(*acquired.lease, bodies).value().back().number, 3);
  EXPECT_TRUE(store->append(*acquired.lease, {})->empty());
}

TEST(StoreRuns, AnotherStoresRunIsBusyAndShownAsRunning) {
  const TestFolder folder;
  base::ManualClock clock;
  const auto store = Store::open(folder.state(), clock).value();
  const auto other = Store::open(folder.state(), clock).value();
  const auto session = store->create_session("s").value();
  auto acquired = store->acquire(session).value();
  const auto busy = other->acquire(session);
  ASSERT_FALSE(busy);
  EXPECT_EQ(busy.error().code, Code::busy);
  EXPECT_TRUE(busy.error().message.contains(acquired.lease->run().text)) << busy.error().message;
  EXPECT_TRUE(busy.error().message.contains(std::to_string(::getpid()))) << busy.error().message;
  EXPECT_TRUE(other->session(session)->running);
  EXPECT_EQ(code_of(other->delete_session(session)), Code::busy);
  acquired.lease.reset();
  EXPECT_FALSE(other->session(session)->running);
  EXPECT_TRUE(other->delete_session(session));
}

// The child says each number that was acknowledged; after kill -9 all of those are there.
TEST(StoreRuns, WhatAKilledOwnerWasToldIsStored) {
  for (int acknowledged_before_kill : {1, 17, 400}) {
    const TestFolder folder;
    base::SystemClock clock;
    const auto session = Store::open(folder.state(), clock).value()->create_session("s").value();
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      ::close(ends[0]);  // once the parent is gone, writing ends this process
      const auto store = Store::open(folder.state(), clock).value();
      const auto acquired = store->acquire(session).value();
      (void)!::write(ends[1], acquired.lease->run().text.data(), 26);
      const EventBody body = core::UserMessage{"x"};
      while (true) {
        const auto number = store->append(*acquired.lease, std::span(&body, 1)).value()[0].number;
        (void)!::write(ends[1], &number, sizeof number);
      }
    }
    ::close(ends[1]);
    std::string run(26, ' ');
    ASSERT_EQ(::read(ends[0], run.data(), 26), 26);
    std::int64_t acknowledged = 0;
    while (acknowledged < acknowledged_before_kill)
      ASSERT_EQ(::read(ends[0], &acknowledged, sizeof acknowledged), 8);
    ::kill(child, SIGKILL);
    while (::read(ends[0], &acknowledged, sizeof acknowledged) == 8) continue;
    ::waitpid(child, nullptr, 0);
    ::close(ends[0]);

    const auto store = Store::open(folder.state(), clock).value();
    EXPECT_FALSE(store->session(session)->running);
    const auto acquired = store->acquire(session).value();
    EXPECT_EQ(acquired.interrupted, core::RunId{run});
    const auto events = store->read(session, 0, 1'000'000).value();
    EXPECT_GE(static_cast<std::int64_t>(events.size()), acknowledged);
    EXPECT_LE(static_cast<std::int64_t>(events.size()), acknowledged + 1);
    EXPECT_FALSE(std::filesystem::exists(folder.state() + "/runs/" + run + ".lock"));
  }
}

TEST(StoreRuns, ADeadOwnersSessionCanBeDeleted) {
  const TestFolder folder;
  base::SystemClock clock;
  const auto session = Store::open(folder.state(), clock).value()->create_session("s").value();
  const pid_t child = ::fork();
  if (child == 0) {
    const auto store = Store::open(folder.state(), clock).value();
    const auto acquired = store->acquire(session);
    ::_exit(acquired ? 0 : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  const auto store = Store::open(folder.state(), clock).value();
  EXPECT_TRUE(store->delete_session(session));
  EXPECT_TRUE(std::filesystem::is_empty(folder.state() + "/runs"));
}

TEST(StoreRuns, OutsidersIdsAndTitlesAreTextOnly) {
  base::ManualClock clock;
  const auto store = Store::open_in_memory(clock).value();
  for (const char* id : {"", "' OR 1=1 --", "../../etc/passwd", "\x1b[2J"}) {
    EXPECT_EQ(code_of(store->session({id})), Code::not_found);
    EXPECT_EQ(code_of(store->acquire({id})), Code::not_found);
    EXPECT_EQ(code_of(store->blob(id)), Code::not_found);
  }
  EXPECT_FALSE(store->session({"\x1b[2J"}).error().message.contains('\x1b'));
  const auto session = store->create_session("it's \xff \"x\"").value();
  EXPECT_EQ(store->session(session)->title, "it's \xef\xbf\xbd \"x\"");
  EXPECT_TRUE(core::SessionId::parse(session.text));
}

TEST(StoreRuns, BlobsAreWholeWhateverTheirBytes) {
  const TestFolder folder;
  base::ManualClock clock;
  const auto store = Store::open(folder.state(), clock).value();
  const auto session = store->create_session("s").value();
  std::string large(3'000'000, '\0');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7);
  for (const std::string& bytes : {std::string(), std::string("\0\xff", 2), large}) {
    const auto id = store->put_blob(session, bytes).value();
    EXPECT_EQ(store->put_blob(session, bytes).value(), id);
    EXPECT_TRUE(store->blob(id).value() == bytes);
  }
}

}  // namespace
}  // namespace boxagnts::store
