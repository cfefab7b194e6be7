// What a running tool writes, shown to who follows: whole characters, not too often, its end kept.
#include "agent/live_output.h"

#include <gtest/gtest.h>

#include "agent/frames.h"

namespace boxagnts::agent {
namespace {

constexpr base::Milliseconds kEvery = LiveOutput::kEvery;

class LiveOutputTest : public testing::Test {
 protected:
  std::shared_ptr<LiveOutput> begin() {
    return hub_.begin_output({session_, {"run"}, "c1", last_number_}, now_);
  }
  // The next frame's delta after a collection at the time it is due.
  std::optional<core::OutputDelta> next(FrameQueue& queue) {
    now_ += kEvery;
    hub_.collect_output(now_);
    const auto frame = queue.take(last_number_);
    return frame ? std::optional(std::get<core::OutputDelta>(frame->body)) : std::nullopt;
  }

  const core::SessionId session_{"s"};
  std::atomic<std::int64_t> last_number_ = 3;
  base::Steady now_{};
  FrameHub hub_;
};

TEST_F(LiveOutputTest, PiecesAreJoinedAndComeNoMoreOftenThanTheyMay) {
  const auto queue = hub_.subscribe(session_);
  const auto output = begin();
  output->wrote("one ");
  output->wrote("two");
  hub_.collect_output(now_ + kEvery - base::Milliseconds(1));
  EXPECT_FALSE(queue->take(3)) << "a call that ends sooner shows none";
  auto delta = next(*queue);
  ASSERT_TRUE(delta);
  EXPECT_EQ(delta->call_id, "c1");
  EXPECT_EQ(delta->text, "one two");
  output->wrote("three");
  hub_.collect_output(now_ + kEvery - base::Milliseconds(1));
  EXPECT_FALSE(queue->take(3));
  EXPECT_EQ(next(*queue)->text, "three");
  EXPECT_FALSE(next(*queue)) << "nothing new";
}

TEST_F(LiveOutputTest, CharactersAreWholeWhereverTheyWereCutAndWhatIsNoneIsRepaired) {
  const std::string text = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    const auto queue = hub_.subscribe(session_);
    const auto output = begin();
    std::string shown;
    for (const auto& piece : {text.substr(0, cut), text.substr(cut)}) {
      output->wrote(piece);
      if (const auto delta = next(*queue)) {
        EXPECT_FALSE(delta->text.contains("\uFFFD")) << cut;
        shown += delta->text;
      }
    }
    EXPECT_EQ(shown, text) << cut;
    output->wrote("\xff\xc3(");
    EXPECT_EQ(next(*queue)->text, "\uFFFD\uFFFD(");
    hub_.end_output(output);
  }
}

TEST_F(LiveOutputTest, OfWhatNobodyCollectedTheEndIsKept) {
  const auto queue = hub_.subscribe(session_);
  constexpr std::size_t kMax = LiveOutput::kBytesMax;
  struct Row {
    std::vector<std::string> writes;
    std::string text;
    std::uint64_t skipped;
  };
  const Row rows[] = {
      {{std::string(kMax, 'a')}, std::string(kMax, 'a'), 0},
      {{"b", std::string(kMax, 'a')}, std::string(kMax, 'a'), 1},
      {{std::string(kMax, 'a'), "b"}, std::string(kMax - 1, 'a') + "b", 1},
      {{std::string(100, 'b') + std::string(kMax, 'a')}, std::string(kMax, 'a'), 100},
      // The kept end begins in the middle of a character, whose rest goes too.
      {{"\xe2\x82\xac", std::string(kMax - 1, 'a')}, std::string(kMax - 1, 'a'), 3},
  };
  for (const auto& row : rows) {
    const auto output = begin();
    for (const auto& bytes : row.writes) output->wrote(bytes);
    const auto delta = next(*queue);
    ASSERT_TRUE(delta);
    EXPECT_EQ(delta->text, row.text);
    EXPECT_EQ(delta->skipped, row.skipped);
    hub_.end_output(output);
  }
}

TEST_F(LiveOutputTest, WhoComesLateIsShownTheEndAndThenTheRestAndNothingAfterTheCall) {
  const auto output = begin();
  output->wrote("unseen ");
  now_ += kEvery;
  hub_.collect_output(now_);  // nobody follows: it waits
  const auto first = hub_.subscribe(session_);
  EXPECT_EQ(next(*first)->text, "unseen ");
  hub_.ring(session_);  // something else was logged
  const auto all = hub_.subscribe_all();
  auto frames = all->take_all();
  ASSERT_EQ(frames.size(), 1u);
  EXPECT_EQ(std::get<core::OutputDelta>(frames[0].body).text, "unseen ");
  EXPECT_EQ(frames[0].after, 3);
  output->wrote("more");
  EXPECT_EQ(next(*first)->text, "more");
  EXPECT_EQ(std::get<core::OutputDelta>(all->take_all().at(0).body).text, "more");
  output->wrote("too late");
  hub_.end_output(output);
  EXPECT_FALSE(next(*first));
  EXPECT_TRUE(hub_.subscribe_all()->take_all().empty());
}

TEST_F(LiveOutputTest, WhatIsJoinedKeepsItsEndAndCountsWhatIsGone) {
  core::OutputDelta end{"c1", std::string(LiveOutput::kBytesMax, 'a'), 0};
  join_output(end, {"c1", "xyz", 0});
  EXPECT_EQ(end.text, std::string(LiveOutput::kBytesMax - 3, 'a') + "xyz");
  EXPECT_EQ(end.skipped, 3u);
  join_output(end, {"c1", "after a hole", 10});
  EXPECT_EQ(end.text, "after a hole");
  EXPECT_EQ(end.skipped, 3 + LiveOutput::kBytesMax + 10);
}

}  // namespace
}  // namespace boxagnts::agent
