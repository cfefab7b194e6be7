// The feed against readers that are slow, leave and come back: no event is missing or comes twice.
#include "gateway/feed.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>

#include "base/json.h"
#include "base/text.h"
#include "gateway/test_stream.h"

namespace boxagnts::gateway {
namespace {

// One server-sent event, as a client reads it.
struct Message {
  std::int64_t id = -1;
  std::string name;
  Json data;
};

Message parse(const std::string& bytes) {
  Message message;
  for (const auto line : base::split(bytes, '\n')) {
    if (line.starts_with("id: ")) message.id = std::stoll(std::string(line.substr(4)));
    if (line.starts_with("event: ")) message.name = line.substr(7);
    if (line.starts_with("data: ")) message.data = base::parse_json(line.substr(6)).value();
  }
  return message;
}

class FeedTest : public testing::Test {
 protected:
  struct Writer {
    core::SessionId session;
    std::unique_ptr<store::RunLease> lease;
    std::int64_t number = 0;
  };
  Writer writer() {
    const auto session = store_->create_session("s").value();
    return {session, std::move(store_->acquire(session).value().lease)};
  }
  void append(Writer& writer, const std::string& text = "x") {
    const core::EventBody body = core::UserMessage{text};
    writer.number = store_->append(*writer.lease, std::span(&body, 1)).value().back().number;
    runs_.hub.ring(writer.session);
  }
  void delta(const Writer& writer, const std::string& text) {
    runs_.hub.publish({writer.session, writer.lease->run(), writer.number, core::TextDelta{text}});
  }
  std::shared_ptr<TestStream> attach(const Feed::Wish& wish,
                                     std::size_t bytes_max = std::size_t{64} << 20) {
    auto stream = std::make_shared<TestStream>(bytes_max);
    EXPECT_TRUE(feed_->subscribe(wish, feed_->place_of(wish).value(), stream));
    EXPECT_EQ(parse(*stream->next()).name, "attached");
    return stream;
  }
  // The next that is no heartbeat.
  static Message next(TestStream& stream) {
    while (const auto bytes = stream.next())
      if (*bytes != ":\n\n") return parse(*bytes);
    return {};
  }
  // Of a delta; or of a snapshot, which is what came between attaching and being live.
  static std::string text_of(const Message& message) {
    std::string text(base::get_string(message.data, "text").value_or(""));
    if (const auto* frames = base::get_array(message.data, "frames"))
      for (const auto& frame : *frames) text += base::get_string(frame, "text").value_or("");
    return text;
  }

  base::ManualClock clock_;
  std::unique_ptr<store::Store> store_ = store::Store::open_in_memory(clock_).value();
  TestRuns runs_;
  std::unique_ptr<Feed> feed_ = std::make_unique<Feed>(*store_, runs_, clock_);
};

TEST_F(FeedTest, AReplayIsFollowedByWhatComesLive) {
  auto one = writer();
  for (int i = 0; i < 600; ++i) append(one);
  const auto stream = attach({{}, 0});
  for (int i = 0; i < 10; ++i) append(one);
  for (std::int64_t position = 1; position <= 610; ++position)
    ASSERT_EQ(next(*stream).id, position);
}

TEST_F(FeedTest, WithoutAPositionItBeginsNow) {
  auto one = writer();
  append(one);
  const auto stream = attach({});
  append(one);
  EXPECT_EQ(next(*stream).id, 2);
}

TEST_F(FeedTest, OneSessionHearsNothingOfOthers) {
  auto one = writer(), two = writer();
  append(one);
  append(two);
  const auto stream = attach({one.session, 0});
  append(two);
  delta(two, "not for you");
  append(one);
  EXPECT_EQ(next(*stream).id, 1);
  EXPECT_EQ(next(*stream).id, 4);
}

TEST_F(FeedTest, UnknownSessionsAndPositionsOfAnotherLogAreRefused) {
  EXPECT_EQ(feed_->place_of({core::SessionId{"none"}, 0}).error().code, Code::not_found);
  EXPECT_EQ(feed_->place_of({{}, 7}).error().code, Code::conflict);
}

TEST_F(FeedTest, WhoAttachesLateGetsASnapshotThenTheRest) {
  auto one = writer();
  append(one);
  const auto first = attach({});
  delta(one, "Hel");
  EXPECT_EQ(text_of(next(*first)), "Hel");
  delta(one, "lo");
  EXPECT_EQ(text_of(next(*first)), "lo");
  const auto late = attach({one.session, {}});
  const auto snapshot = next(*late);
  EXPECT_EQ(base::get_string(snapshot.data, "kind"), "snapshot");
  EXPECT_EQ(base::get_int(snapshot.data, "after"), 1);
  const auto* frames = base::get_array(snapshot.data, "frames");
  ASSERT_TRUE(frames && frames->size() == 1);
  EXPECT_EQ(base::get_string((*frames)[0], "text"), "Hello");
  delta(one, "!");
  EXPECT_EQ(text_of(next(*late)), "!");
  append(one);
  EXPECT_EQ(next(*late).id, 2);
  const auto after = attach({});
  append(one);
  EXPECT_EQ(next(*after).id, 3) << "what is made is no longer being made";
}

TEST_F(FeedTest, AnAnnouncementReachesEverybodyAndIsNoEvent) {
  auto one = writer();
  feed_->announce("tools", JsonObject{});  // nobody is there
  const auto all = attach({});
  const auto of_session = attach({one.session, {}});
  feed_->announce("tools", JsonObject{});
  for (const auto& stream : {all, of_session}) {
    const auto message = next(*stream);
    EXPECT_EQ(message.name, "tools");
    EXPECT_EQ(message.id, -1);
    EXPECT_EQ(base::to_text(message.data), "{}");
  }
  append(one);
  EXPECT_EQ(next(*all).id, 1);
}

TEST_F(FeedTest, AFrameThatAnEventHasOvertakenIsDropped) {
  auto one = writer();
  append(one);
  const auto stream = attach({});
  append(one);
  EXPECT_EQ(next(*stream).id, 2);
  one.number = 1;
  delta(one, "late");
  one.number = 2;
  delta(one, "timely");
  EXPECT_EQ(text_of(next(*stream)), "timely");
}

TEST_F(FeedTest, FramesAfterTheEndOfARunAreDropped) {
  auto one = writer();
  append(one);
  const auto stream = attach({});
  delta(one, "a");
  EXPECT_EQ(text_of(next(*stream)), "a");
  const core::EventBody end = core::RunEnded{core::Outcome::finished};
  ASSERT_TRUE(store_->append(*one.lease, std::span(&end, 1)));
  runs_.hub.ring(one.session);
  EXPECT_EQ(next(*stream).id, 2);
  delta(one, "from before the end");
  append(one);
  EXPECT_EQ(next(*stream).id, 3);
}

// What a running tool writes counts until its own call's end, whatever else is logged.
TEST_F(FeedTest, TheOutputOfARunningToolIsShownUntilItsCallEnds) {
  auto one = writer();
  const auto stream = attach({});
  append(one);
  EXPECT_EQ(next(*stream).id, 1);  // from here on it is live
  std::atomic<std::int64_t> last = one.number;
  const auto call = [&] {
    return runs_.hub.begin_output({one.session, one.lease->run(), "c1", last}, base::Steady{});
  };
  auto output = call();
  output->wrote("first ");
  auto shown = next(*stream);
  EXPECT_EQ(base::get_string(shown.data, "kind"), "tool_output");
  EXPECT_EQ(base::get_string(shown.data, "call_id"), "c1");
  EXPECT_EQ(text_of(shown), "first ");
  output->wrote("second");
  EXPECT_EQ(text_of(next(*stream)), "second");
  append(one);
  EXPECT_EQ(next(*stream).id, 2);

  const auto late = attach({one.session, {}});
  const auto snapshot = next(*late);
  EXPECT_EQ(base::get_string(snapshot.data, "kind"), "snapshot");
  EXPECT_EQ(base::get_int(snapshot.data, "after"), 2);
  EXPECT_EQ(text_of(snapshot), "first second");

  // A piece on its way while the call's end is logged comes too late.
  const core::EventBody finished = core::ToolFinished{{.call_id = "c1"}};
  ASSERT_TRUE(store_->append(*one.lease, std::span(&finished, 1)));
  output->wrote("too late");
  runs_.hub.ring(one.session);
  EXPECT_EQ(next(*stream).id, 3);
  runs_.hub.end_output(output);
  last = 3;
  output = call();
  output->wrote("the next of that id");
  EXPECT_EQ(text_of(next(*stream)), "the next of that id");
  const auto later = attach({one.session, {}});
  EXPECT_EQ(text_of(next(*later)), "the next of that id");
}

TEST_F(FeedTest, WhatIsAnnouncedComesToEverybodyAlsoWhoWasBehind) {
  auto one = writer();
  append(one, std::string(5'000, 'x'));
  const auto slow = attach({{}, 0}, 2'000), other = attach({writer().session, {}});
  EXPECT_EQ(next(*slow).id, 1);
  feed_->announce("session", JsonObject{{"id", "s1"}});
  feed_->announce("session", JsonObject{{"id", "s2"}});
  for (const auto& stream : {slow, other})
    for (const auto* id : {"s1", "s2"}) {
      const auto told = next(*stream);
      EXPECT_EQ(told.name, "session");
      EXPECT_EQ(told.id, -1);
      EXPECT_EQ(base::get_string(told.data, "id"), id);
    }
}

TEST_F(FeedTest, ASlowReaderIsBoundedAndHarmsNobody) {
  auto one = writer();
  const auto slow = attach({}, 10'000);
  const auto quick = attach({});
  constexpr int kEvents = 500;
  for (int i = 1; i <= kEvents; ++i) {
    append(one, std::string(200, 'x'));
    ASSERT_EQ(next(*quick).id, i);
  }
  EXPECT_LT(slow->waiting_bytes(), 11'000u);
  for (int i = 1; i <= kEvents; ++i) ASSERT_EQ(next(*slow).id, i);
  append(one);
  EXPECT_EQ(next(*slow).id, kEvents + 1);
}

TEST_F(FeedTest, AReaderWhoWasTooSlowForFramesGetsASnapshot) {
  auto one = writer();
  append(one);
  const auto slow = attach({}, 2'000), quick = attach({});
  std::string whole;
  for (int i = 0; i < 100; ++i) {
    delta(one, "piece ");
    whole += "piece ";
    ASSERT_EQ(text_of(next(*quick)), "piece ");
  }
  std::string shown;
  while (shown.size() < whole.size()) {
    const auto message = next(*slow);
    if (base::get_string(message.data, "kind") == "snapshot") shown.clear();
    shown += text_of(message);
  }
  EXPECT_EQ(shown, whole);
}

TEST_F(FeedTest, ADeletedSessionEndsItsReplay) {
  auto one = writer();
  append(one);
  Feed::Wish wish{one.session, 0};
  const auto after = feed_->place_of(wish).value();
  one.lease.reset();
  ASSERT_TRUE(store_->delete_session(one.session));
  const auto stream = std::make_shared<TestStream>();
  ASSERT_TRUE(feed_->subscribe(wish, after, stream));
  EXPECT_TRUE(stream->next());
  EXPECT_FALSE(stream->next());
}

TEST_F(FeedTest, AQuietStreamBeats) {
  const auto stream = attach({});
  auto one = writer();
  append(one);
  EXPECT_EQ(next(*stream).id, 1);
  clock_.advance(Feed::kBeatEvery);
  EXPECT_EQ(*stream->next(), ":\n\n");
}

TEST_F(FeedTest, TheEndOfTheFeedClosesItsStreams) {
  const auto stream = attach({});
  feed_.reset();
  EXPECT_FALSE(stream->next());
  stream->hang_up();  // the stream may still tell
}

TEST_F(FeedTest, ThereIsABoundOnStreams) {
  std::vector<std::shared_ptr<TestStream>> streams;
  for (std::size_t i = 0; i < Feed::kSubscribersMax; ++i) {
    streams.push_back(std::make_shared<TestStream>());
    ASSERT_TRUE(feed_->subscribe({}, 0, streams.back()));
  }
  const auto one_more = feed_->subscribe({}, 0, std::make_shared<TestStream>());
  ASSERT_FALSE(one_more);
  EXPECT_EQ(one_more.error().code, Code::busy);
  auto one = writer();
  append(one);
  for (const auto& stream : streams) {
    (void)stream->next();
    ASSERT_EQ(parse(*stream->next()).id, 1);
  }
}

// Several readers of one log: each slow in its own way, hanging up now and then and coming back
// with the last id it saw.
class FeedSeeds : public FeedTest, public testing::WithParamInterface<unsigned> {
 protected:
  // Every position read, over all reconnects.
  std::vector<std::int64_t> read_to(std::int64_t last,
                                    const std::optional<core::SessionId>& session, unsigned seed) {
    std::mt19937 random(seed);
    std::vector<std::int64_t> seen;
    std::int64_t after = 0;
    while (after < last) {
      const auto stream = std::make_shared<TestStream>(random() % 2 ? 300 : 100'000);
      EXPECT_TRUE(feed_->subscribe({session, after}, after, stream));
      for (unsigned left = 1 + random() % 40; left > 0 && after < last; --left) {
        const auto message = parse(*stream->next());
        if (message.id < 0 || message.name == "attached") continue;
        seen.push_back(message.id);
        after = message.id;
      }
      stream->hang_up();
    }
    return seen;
  }
};

TEST_P(FeedSeeds, NoEventIsMissingOrComesTwice) {
  constexpr unsigned kSeedsInOne = 50;
  for (unsigned seed = GetParam() * kSeedsInOne; seed < (GetParam() + 1) * kSeedsInOne; ++seed) {
    std::mt19937 random(seed);
    auto one = writer(), two = writer();
    const auto before = store_->last_position().value();
    constexpr int kEvents = 60;
    std::vector<std::int64_t> of_one;
    std::vector<bool> plan;
    for (int i = 0; i < kEvents; ++i) {
      plan.push_back(i + 1 == kEvents || random() % 2);
      if (plan.back()) of_one.push_back(before + i + 1);
    }
    std::vector<std::int64_t> all(static_cast<std::size_t>(before + kEvents));
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::int64_t>(i) + 1;
    std::jthread writing([&] {
      for (const bool first : plan) {
        auto& who = first ? one : two;
        if (random() % 2) delta(who, "piece");
        append(who);
      }
    });
    std::vector<std::int64_t> seen[3];
    {
      std::jthread a([&] { seen[0] = read_to(before + kEvents, {}, seed * 3); });
      std::jthread b([&] { seen[1] = read_to(before + kEvents, {}, seed * 3 + 1); });
      std::jthread c([&] { seen[2] = read_to(before + kEvents, one.session, seed * 3 + 2); });
    }
    writing.join();
    ASSERT_EQ(seen[0], all) << "seed " << seed;
    ASSERT_EQ(seen[1], all) << "seed " << seed;
    ASSERT_EQ(seen[2], of_one) << "seed " << seed;
    // Each seed has a log of its own.
    feed_.reset();
    one.lease.reset();
    two.lease.reset();
    store_ = store::Store::open_in_memory(clock_).value();
    feed_ = std::make_unique<Feed>(*store_, runs_, clock_);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, FeedSeeds, testing::Range(0u, 20u));

TEST_F(FeedTest, AnAnnouncementReachesEverybodyOnceAlsoThoseWhoWereBehind) {
  auto one = writer();
  const auto quick = attach({});
  const auto slow = attach({}, 0);  // full after one piece
  append(one, "first");
  EXPECT_EQ(next(*quick).name, "");  // an event; the slow one holds it unread
  append(one, "second");
  EXPECT_EQ(next(*quick).name, "");
  for (int i = 0; i < 3; ++i) feed_->announce("settings");
  feed_->announce("session", JsonObject{{"id", "x"}});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(next(*quick).name, "settings");
  const auto told = next(*quick);
  EXPECT_EQ(told.name, "session");
  EXPECT_EQ(told.id, -1);
  EXPECT_EQ(base::to_text(told.data), R"({"id":"x"})");
  append(one, "third");
  EXPECT_EQ(next(*quick).name, "");
  // What was said twice while it was behind is said once; no event is missing.
  std::vector<std::string> names;
  std::int64_t events = 0;
  while (names.size() < 2 || events < 3) {
    const auto message = next(*slow);
    if (message.name.empty())
      ++events;
    else if (message.name != "frame")
      names.push_back(message.name);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"settings", "session"}));
}

}  // namespace
}  // namespace boxagnts::gateway
