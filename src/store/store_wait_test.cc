// Waiting: nobody is missed, nobody is woken for nothing, whoever appends and whoever stops
// waiting.
#include <atomic>
#include <thread>
#include <vector>

#include "store/bell.h"
#include "store/test_folder.h"

namespace boxagnts::store {
namespace {

class StoreWait : public testing::Test {
 protected:
  std::unique_ptr<Store> open() { return Store::open(folder_.state(), clock_).value(); }

  TestFolder folder_;
  base::ManualClock clock_;
};

TEST_F(StoreWait, OneAppendWakesAllWhoWaitForIt) {
  for (const auto& store : {open(), Store::open_in_memory(clock_).value()}) {
    const auto session = store->create_session("s").value();
    const auto acquired = store->acquire(session).value();
    std::atomic<int> woken = 0;
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < 50; ++i)
        threads.emplace_back(
            [&] { woken += store->wait(session, 0, {}, base::kNever).value() ? 1 : 0; });
      ASSERT_TRUE(append_text(*store, *acquired.lease, "x"));
    }
    EXPECT_EQ(woken, 50);
  }
}

TEST_F(StoreWait, AReaderMissesNoEventOfAnotherStore) {
  const auto store = open(), other = open();
  const auto session = store->create_session("s").value();
  constexpr std::int64_t kEvents = 300;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 4; ++i)
    readers.emplace_back([&, i] {
      Store& mine = i % 2 ? *store : *other;
      std::int64_t seen = 0;
      while (seen < kEvents) {
        ASSERT_TRUE(mine.wait(session, seen, {}, base::kNever).value());
        const auto events = mine.read(session, seen, 64).value();
        for (const auto& event : events) ASSERT_EQ(event.number, ++seen);
      }
    });
  const auto acquired = other->acquire(session).value();
  for (int i = 0; i < kEvents; ++i) ASSERT_TRUE(append_text(*other, *acquired.lease, "x"));
}

// One waiter looks for other processes on behalf of all; when it leaves, another has to.
TEST_F(StoreWait, WhenTheOneWhoLooksLeavesAnotherLooks) {
  const auto store = open(), other = open();
  const auto session = store->create_session("s").value();
  const auto acquired = other->acquire(session).value();
  for (int round = 0; round < 3; ++round) {
    std::stop_source stop;
    std::jthread leaves(
        [&] { EXPECT_FALSE(store->wait(session, 1'000, stop.get_token(), base::kNever).value()); });
    std::jthread stays(
        [&, round] { EXPECT_TRUE(store->wait(session, round, {}, base::kNever).value()); });
    stop.request_stop();
    leaves.join();
    ASSERT_TRUE(append_text(*other, *acquired.lease, "x"));
  }
}

TEST_F(StoreWait, ADeletedSessionEndsTheWaitHereAndElsewhere) {
  const auto store = open(), other = open();
  for (auto* waiting : {store.get(), other.get()}) {
    const auto session = store->create_session("s").value();
    std::jthread waiter([&] {
      const auto waited = waiting->wait(session, 0, {}, base::kNever);
      ASSERT_FALSE(waited);
      EXPECT_EQ(waited.error().code, Code::not_found);
    });
    ASSERT_TRUE(store->delete_session(session));
  }
}

TEST(Bell, OnlyThoseWhoseEventHasComeAreWoken) {
  Bell bell(std::nullopt);
  Bell::Waiter first(bell, "a", 0), later(bell, "a", 5), elsewhere(bell, "b", 0);
  bell.ring("a", 3);
  const auto past = std::chrono::steady_clock::now();
  EXPECT_EQ(first.wait({}, base::kNever), Wake::rung);
  EXPECT_EQ(later.wait({}, past), Wake::ended);
  EXPECT_EQ(elsewhere.wait({}, past), Wake::ended);
  bell.ring("a", 6);
  EXPECT_EQ(later.wait({}, base::kNever), Wake::rung);
  EXPECT_EQ(bell.awaited().size(), 2u);
}

TEST(Bell, OneOfThoseWhoWaitIsToldToLook) {
  Bell bell(base::Milliseconds(1));
  Bell::Waiter waiter(bell, "a", 0);
  EXPECT_EQ(waiter.wait({}, base::kNever), Wake::look);
  std::stop_source stopped;
  stopped.request_stop();
  EXPECT_EQ(waiter.wait(stopped.get_token(), base::kNever), Wake::ended);
}

}  // namespace
}  // namespace boxagnts::store
