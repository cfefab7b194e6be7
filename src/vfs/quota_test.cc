// The quota of a host mount: net growth is bounded whatever the way it grows, and room comes back
// when it is free again, not before.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "vfs/host_filesystem.h"

namespace boxagnts::vfs {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

class HostQuota : public testing::Test {
 protected:
  HostQuota() {
    char folder[] = "/tmp/vfs_quota.XXXXXX";
    root_ = ::mkdtemp(folder);
    std::ofstream(root_ + "/old") << std::string(500, 'o');
    mount({.bytes_max = 1000, .entries_max = 5});
  }
  ~HostQuota() override { std::filesystem::remove_all(root_); }
  void mount(Quota quota) {
    top_ = open_host_filesystem(root_, core::Access::read_write, {}, quota).value()->root();
  }
  std::shared_ptr<File> open(std::string_view name,
                             OpenFlags flags = {.read = true, .write = true, .create = true}) {
    return top_->open_file(name, flags).value();
  }
  // How many bytes can still be added, found by adding them; they are given back.
  std::uint64_t room() {
    const auto probe = open("old", {.read = true, .write = true});
    const std::uint64_t size = probe->stat()->size;
    std::uint64_t low = 0, high = 1 << 20;
    while (low < high) {
      const auto middle = (low + high + 1) / 2;
      if (probe->resize(size + middle))
        low = middle;
      else
        high = middle - 1;
    }
    EXPECT_TRUE(probe->resize(size));
    return low;
  }

  std::string root_;
  std::shared_ptr<Directory> top_;
};

TEST_F(HostQuota, EveryWayToGrowIsCounted) {
  const auto file = open("f");
  EXPECT_EQ(file->write_at(bytes(std::string(400, 'w')), 0), 400u);
  EXPECT_EQ(file->write_at(bytes(std::string(400, 'x')), 0), 400u) << "written over: no growth";
  EXPECT_EQ(room(), 600u);
  EXPECT_EQ(file->append(bytes(std::string(300, 'a'))), 700u);
  ASSERT_TRUE(file->resize(1000));
  EXPECT_EQ(room(), 0u);
  EXPECT_EQ(file->append(bytes("x")).error(), ENOSPC);
  EXPECT_EQ(file->write_at(bytes("x"), 1000).error(), ENOSPC);
  EXPECT_EQ(file->write_at(bytes("x"), 1'000'000).error(), ENOSPC) << "a hole counts";
  EXPECT_EQ(file->resize(1001).error(), ENOSPC);
  EXPECT_EQ(file->stat()->size, 1000u);
  EXPECT_EQ(file->write_at(bytes("still"), 0), 5u);
}

TEST_F(HostQuota, ShrinkingAndRemovingGiveBack) {
  auto file = open("f");
  ASSERT_TRUE(file->resize(1000));
  ASSERT_TRUE(file->resize(400));
  EXPECT_EQ(room(), 600u);
  open("f", {.read = true, .write = true, .truncate = true});
  EXPECT_EQ(room(), 1000u);
  ASSERT_TRUE(file->resize(700));
  ASSERT_TRUE(top_->remove_file("f"));
  EXPECT_EQ(room(), 300u) << "still open";
  file.reset();
  EXPECT_EQ(room(), 1000u);
}

TEST_F(HostQuota, AFileThatIsReplacedGivesBackItsSize) {
  ASSERT_TRUE(open("a")->resize(400));
  ASSERT_TRUE(open("b")->resize(500));
  ASSERT_TRUE(top_->rename_entry("b", *top_, "a"));
  EXPECT_EQ(room(), 500u);
}

TEST_F(HostQuota, WithAnotherNameNothingIsGivenBack) {
  ASSERT_TRUE(open("a")->resize(400));
  ASSERT_TRUE(top_->hard_link("a", *top_, "b"));
  ASSERT_TRUE(top_->rename_entry("a", *top_, "b")) << "two names of one file: both stay";
  EXPECT_EQ(room(), 600u);
  ASSERT_TRUE(top_->remove_file("a"));
  EXPECT_EQ(room(), 600u);
  ASSERT_TRUE(top_->remove_file("b"));
  EXPECT_EQ(room(), 1000u);
}

TEST_F(HostQuota, RemovingWhatStoodThereBuysNoRoomBeyondTheBound) {
  ASSERT_TRUE(top_->remove_file("old"));
  open("old");
  EXPECT_EQ(room(), 1000u);
}

TEST_F(HostQuota, EntriesAreCountedWhateverTheyAre) {
  open("1");
  ASSERT_TRUE(top_->make_directory("2"));
  ASSERT_TRUE(top_->make_link("3", "x"));
  ASSERT_TRUE(top_->hard_link("1", *top_, "4"));
  EXPECT_EQ(top_->make_directory("2").error(), EEXIST) << "what fails takes nothing";
  open("5");
  open("5");
  EXPECT_EQ(top_->open_file("6", {.write = true, .create = true}).error(), ENOSPC);
  EXPECT_EQ(top_->make_directory("6").error(), ENOSPC);
  EXPECT_EQ(top_->make_link("6", "x").error(), ENOSPC);
  EXPECT_EQ(top_->hard_link("1", *top_, "6").error(), ENOSPC);
  ASSERT_TRUE(top_->remove_directory("2"));
  ASSERT_TRUE(top_->make_link("6", "x"));
}

TEST_F(HostQuota, HoldsUnderManyThreads) {
  mount({.bytes_max = 10'000});
  std::vector<std::thread> threads;
  std::atomic<int> written = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      const auto shared = open("shared"), own = open("own" + std::to_string(i));
      for (int n = 0; n < 200; ++n) {
        if (shared->append(bytes("0123456789"))) ++written;
        if (own->append(bytes("0123456789"))) ++written;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(written, 1000);
  std::uint64_t total = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root_)) total += entry.file_size();
  EXPECT_EQ(total, 10'500u);
}

}  // namespace
}  // namespace boxagnts::vfs
