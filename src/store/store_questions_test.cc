// Questions without an answer, as the log knows them.
#include "store/schema.h"
#include "store/test_folder.h"

namespace boxagnts::store {
namespace {

using core::EventBody;

EventBody asked(const std::string& id) {
  return core::ApprovalAsked{{.id = {id}, .call_id = "c", .tool = "write", .question = "Write?"}};
}
EventBody answered(const std::string& id) {
  return core::ApprovalAnswered{{id}, {core::Answer::yes}, "terminal"};
}

class StoreQuestions : public testing::Test {
 protected:
  std::unique_ptr<Store> open() { return Store::open(folder_.state(), clock_).value(); }
  static std::vector<OpenQuestion> questions(Store& store) {
    return store.open_questions().value();
  }
  static auto say(Store& store, const RunLease& lease, std::vector<EventBody> bodies) {
    return store.append(lease, bodies);
  }

  TestFolder folder_;
  base::ManualClock clock_;
};

TEST_F(StoreQuestions, AreOpenFromTheirEventToTheirAnswersOldestFirst) {
  for (const auto& store : {open(), Store::open_in_memory(clock_).value()}) {
    const auto first = store->create_session("a").value(),
               second = store->create_session("b").value();
    const auto one = store->acquire(first).value(), two = store->acquire(second).value();
    ASSERT_TRUE(say(*store, *one.lease, {core::UserMessage{"x"}, asked("q1")}));
    ASSERT_TRUE(say(*store, *two.lease, {asked("q2")}));
    ASSERT_TRUE(say(*store, *one.lease, {asked("q3"), asked("q4"), answered("q4")}));
    const std::vector<OpenQuestion> three{
        {{"q1"}, first, 2}, {{"q2"}, second, 1}, {{"q3"}, first, 3}};
    EXPECT_EQ(questions(*store), three);
    EXPECT_EQ(store->open_question({"q2"}).value(), three[1]);
    ASSERT_TRUE(say(*store, *one.lease, {answered("q1")}));
    EXPECT_EQ(code_of(store->open_question({"q1"})), Code::not_found);
    EXPECT_EQ(code_of(store->open_question({"none\nat all"})), Code::not_found);
    EXPECT_EQ(questions(*store), (std::vector<OpenQuestion>{three[1], three[2]}));
  }
}

TEST_F(StoreQuestions, StayOpenWhenTheirProcessIsGone) {
  core::SessionId session;
  {
    const auto store = open();
    session = store->create_session("a").value();
    const auto one = store->acquire(session).value();
    ASSERT_TRUE(say(*store, *one.lease, {asked("q1"), asked("q2"), answered("q1")}));
  }
  EXPECT_EQ(questions(*open()), (std::vector<OpenQuestion>{{{"q2"}, session, 2}}));
}

TEST_F(StoreQuestions, AreNotAnsweredByAnotherSession) {
  const auto store = open();
  const auto one = store->acquire(store->create_session("a").value()).value(),
             two = store->acquire(store->create_session("b").value()).value();
  ASSERT_TRUE(say(*store, *one.lease, {asked("q1")}));
  ASSERT_TRUE(say(*store, *two.lease, {answered("q1")}));
  EXPECT_EQ(questions(*store).size(), 1u);
}

TEST_F(StoreQuestions, OpenAndCloseOnlyWithTheEventThatSaysSo) {
  const auto store = open();
  const auto session = store->create_session("a").value();
  auto old = store->acquire(session).value();
  ASSERT_TRUE(say(*store, *old.lease, {asked("q1")}));
  Raw(folder_.database()).execute("UPDATE runs SET state = 'interrupted'");
  EXPECT_EQ(code_of(say(*store, *old.lease, {answered("q1"), asked("q2")})), Code::conflict);
  EXPECT_EQ(questions(*store), (std::vector<OpenQuestion>{{{"q1"}, session, 1}}));
}

// An id is a question's own: appended twice, nothing of the second is stored.
TEST_F(StoreQuestions, AreAskedOnce) {
  const auto store = open();
  const auto session = store->create_session("a").value();
  const auto one = store->acquire(session).value();
  ASSERT_TRUE(say(*store, *one.lease, {asked("q1")}));
  EXPECT_FALSE(say(*store, *one.lease, {core::UserMessage{"x"}, asked("q1")}));
  EXPECT_EQ(store->session(session)->events, 1);
  EXPECT_TRUE(say(*store, *one.lease, {answered("q1")}));
}

TEST_F(StoreQuestions, GoWithTheirSessionAndNoOther) {
  const auto store = open();
  const auto first = store->create_session("a").value(),
             second = store->create_session("b").value();
  {
    const auto one = store->acquire(first).value(), two = store->acquire(second).value();
    ASSERT_TRUE(say(*store, *one.lease, {asked("q1")}));
    ASSERT_TRUE(say(*store, *two.lease, {asked("q2")}));
  }
  ASSERT_TRUE(store->delete_session(first));
  EXPECT_EQ(questions(*store), (std::vector<OpenQuestion>{{{"q2"}, second, 1}}));
}

// --- files of version 1 ------------------------------------------------------------------------

// As the first version wrote them: two sessions, one question answered, one of each left open, an
// answer that came to the wrong session, a message that quotes a question, and an event that makes
// no sense.
constexpr Sql kVersion1Rows = R"sql(
INSERT INTO sessions VALUES (1,'s1','a',1,1,6,1,1,''), (2,'s2','b',1,1,3,1,2,'');
INSERT INTO runs VALUES (1,'r1',1,1,'ended',7,1,2), (2,'r2',2,1,'ended',7,1,2);
CREATE TEMP TABLE rest AS SELECT '","call_id":"c","tool":"write","level":"write",' ||
  '"question":"q","files":["/w/x"],"blob":""}' AS text;
INSERT INTO events SELECT position, session, number, session, 1, head || iif(asks, text, '')
FROM rest, (SELECT column1 AS position, column2 AS session, column3 AS number, column4 AS asks,
  column5 AS head FROM (VALUES
 (1,1,1,0,'{"v":1,"kind":"user_message","text":"{\"v\":1,\"kind\":\"approval_asked\","}'),
 (2,1,2,1,'{"v":1,"kind":"approval_asked","approval":"done'),
 (3,2,1,1,'{"v":1,"kind":"approval_asked","approval":"theirs'),
 (4,1,3,0,'{"v":1,"kind":"approval_answered","approval":"done","answer":"no","by":"terminal"}'),
 (5,1,4,1,'{"v":1,"kind":"approval_asked","approval":"mine'),
 (6,2,2,0,'{"v":1,"kind":"approval_answered","approval":"mine","answer":"yes","by":"terminal"}'),
 (7,1,5,0,'{"v":1,"kind":"approval_asked","approval":"cut'),
 (8,1,6,0,'{"v":1,"kind":"approval_asked","approval":7}'),
 (9,2,3,0,'{"v":1,"kind":"approval_asked","approval":"theirs"}')));
)sql";

TEST_F(StoreQuestions, OfVersion1AreFoundInItsLog) {
  std::filesystem::create_directory(folder_.state());
  {
    Raw raw(folder_.database());
    raw.execute("PRAGMA journal_mode=WAL");
    ASSERT_TRUE(migrate(*raw.connection, raw.health, migrations().first(1)));
    raw.execute(kVersion1Rows);
  }
  const auto store = open();
  EXPECT_EQ(questions(*store),
            (std::vector<OpenQuestion>{{{"theirs"}, {"s2"}, 1}, {{"mine"}, {"s1"}, 4}}));
  EXPECT_EQ(store->read({"s1"}, 0, 4)->size(), 4u);
  const auto taken = store->acquire({"s1"}).value();
  ASSERT_TRUE(say(*store, *taken.lease, {answered("mine")}));
  EXPECT_EQ(questions(*store).size(), 1u);
}

}  // namespace
}  // namespace boxagnts::store
