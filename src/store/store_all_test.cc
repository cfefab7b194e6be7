// The log seen from outside a session: by position, in pages of sessions, by run.
#include <unistd.h>

#include <random>
#include <set>

#include "store/test_folder.h"

namespace boxagnts::store {
namespace {

class StoreAll : public testing::Test {
 protected:
  std::unique_ptr<Store> open() { return Store::open(folder_.state(), clock_).value(); }

  TestFolder folder_;
  base::ManualClock clock_;
};

// Appends a few events to sessions in a random order; {position, session, number} of each.
struct Written {
  std::int64_t position;
  core::SessionId session;
  std::int64_t number;
  auto operator<=>(const Written&) const = default;
};
std::vector<Written> write_some(Store& store, std::mt19937& random) {
  std::vector<std::unique_ptr<RunLease>> leases;
  for (int i = 0; i < 4; ++i) {
    const auto session = store.create_session("s").value();
    leases.push_back(std::move(store.acquire(session).value().lease));
  }
  std::vector<Written> written;
  for (int i = 0; i < 40; ++i) {
    const auto& lease = *leases[random() % leases.size()];
    const std::vector<core::EventBody> bodies(1 + random() % 3, core::UserMessage{"x"});
    const auto appended = store.append(lease, bodies);
    EXPECT_TRUE(appended);
    for (const auto& event : *appended)
      written.push_back({event.position, event.session, event.number});
  }
  return written;
}

TEST_F(StoreAll, PagesByPositionHoldEveryEventOnceInOrder) {
  std::mt19937 random(7);
  for (const auto& store : {open(), Store::open_in_memory(clock_).value()}) {
    const auto written = write_some(*store, random);
    std::vector<Written> read;
    for (std::int64_t after = 0;;) {
      const auto page = store->read_all(after, 1 + random() % 7).value();
      if (page.empty()) break;
      for (const auto& event : page) read.push_back({event.position, event.session, event.number});
      after = page.back().position;
    }
    EXPECT_EQ(read, written);
    EXPECT_EQ(store->last_position().value(), written.back().position);
  }
}

TEST_F(StoreAll, ADeletedSessionLeavesAHoleAndTheLastPositionStays) {
  const auto store = open();
  EXPECT_EQ(store->last_position().value(), 0);
  EXPECT_TRUE(store->read_all(-5, 10).value().empty());
  std::mt19937 random(1);
  auto written = write_some(*store, random);
  const auto gone = written.back().session;
  const auto last = written.back().position;
  ASSERT_TRUE(store->delete_session(gone));
  std::erase_if(written, [&](const auto& one) { return one.session == gone; });
  const auto read = store->read_all(0, 1'000).value();
  ASSERT_EQ(read.size(), written.size());
  for (std::size_t i = 0; i < read.size(); ++i) EXPECT_EQ(read[i].position, written[i].position);
  EXPECT_EQ(store->last_position().value(), last);
}

TEST_F(StoreAll, APositionIsFoundAgainInItsSession) {
  const auto store = open();
  std::mt19937 random(3);
  const auto written = write_some(*store, random);
  for (std::int64_t position = -1; position <= written.back().position + 1; ++position) {
    std::map<core::SessionId, std::int64_t> expected;
    for (const auto& one : written) {
      expected.try_emplace(one.session, 0);
      if (one.position <= position) expected[one.session] = one.number;
    }
    for (const auto& [session, number] : expected)
      EXPECT_EQ(store->number_at(session, position).value(), number) << position;
  }
  EXPECT_EQ(code_of(store->number_at({"none"}, 1)), Code::not_found);
  const auto empty = store->create_session("s").value();
  EXPECT_EQ(store->number_at(empty, 5).value(), 0);
}

TEST_F(StoreAll, AMissingEventIsNotSteppedOver) {
  const auto store = open();
  std::mt19937 random(5);
  const auto written = write_some(*store, random);
  Raw(folder_.database()).execute("DELETE FROM events WHERE number = 6");
  int met = 0;
  for (const auto& one : written)
    met += code_of(store->number_at(one.session, one.position)) == Code::corrupt ? 1 : 0;
  EXPECT_GT(met, 0);
}

TEST_F(StoreAll, PagesOfSessionsHoldEachOnceAlsoWhereTimesAreTheSame) {
  const auto store = open();
  std::set<std::string> made;
  for (int i = 0; i < 23; ++i) {
    if (i % 5 == 0) clock_.advance(base::Milliseconds(1));
    made.insert(store->create_session("s").value().text);
  }
  std::set<std::string> seen;
  std::optional<SessionCursor> behind;
  for (std::size_t pages = 0;; ++pages) {
    ASSERT_LT(pages, 10u);
    const auto page = store->sessions(4, behind).value();
    if (page.empty()) break;
    for (const auto& session : page) EXPECT_TRUE(seen.insert(session.id.text).second);
    behind = SessionCursor{page.back().updated, page.back().id};
  }
  EXPECT_EQ(seen, made);
}

TEST_F(StoreAll, ARenamedSessionKeepsItsPlaceAndItsEvents) {
  const auto store = open();
  const auto session = store->create_session("before").value();
  const auto updated = store->session(session)->updated;
  clock_.advance(base::Milliseconds(5));
  ASSERT_TRUE(store->change_session(session, {.title = "after \xff", .tags = {}}));
  EXPECT_EQ(store->session(session)->title, "after \xef\xbf\xbd");
  EXPECT_EQ(store->session(session)->updated, updated);
  EXPECT_EQ(code_of(store->change_session({"none"}, {.title = "x", .tags = {}})), Code::not_found);
}

TEST_F(StoreAll, LiveRunsAreThoseOfAllProcessesAndEndWithTheirLease) {
  const auto store = open(), other = open();
  const auto first = store->create_session("a").value(),
             second = store->create_session("b").value();
  auto mine = store->acquire(first).value(), theirs = other->acquire(second).value();
  const auto runs = store->live_runs().value();
  ASSERT_EQ(runs.size(), 2u);
  EXPECT_EQ(runs[0].id, mine.lease->run());
  EXPECT_EQ(runs[1].session, second);
  EXPECT_EQ(runs[1].owner_pid, ::getpid());
  const auto id = theirs.lease->run();
  EXPECT_TRUE(store->run(id)->live);
  theirs.lease.reset();
  EXPECT_FALSE(store->run(id)->live);
  EXPECT_EQ(store->run(id)->session, second);
  EXPECT_EQ(store->live_runs()->size(), 1u);
  EXPECT_EQ(code_of(store->run({"none"})), Code::not_found);
}

}  // namespace
}  // namespace boxagnts::store
