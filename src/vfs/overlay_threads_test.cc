// An overlay under many threads: what TSan watches, and what must hold whatever the order.
#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "vfs/overlay.h"

namespace boxagnts::vfs {
namespace {

namespace fs = std::filesystem;

constexpr int kThreads = 4, kRounds = 150;
constexpr OpenFlags kWrite{.read = true, .write = true, .create = true};

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

class OverlayThreads : public testing::Test {
 protected:
  OverlayThreads() {
    char folder[] = "/tmp/vfs_threads.XXXXXX";
    root_ = ::mkdtemp(folder);
    fs::create_directories(root_ + "/ws/in/deep");
    fs::create_directory(root_ + "/state");
    for (const auto* path : {"/ws/shared", "/ws/in/own0", "/ws/in/own1", "/ws/in/own2",
                             "/ws/in/own3", "/ws/in/deep/far"})
      std::ofstream(root_ + path) << std::string(100, 'o');
    overlay_ =
        Overlay::open(open_host_filesystem(root_ + "/ws", core::Access::read_only, {}).value(), {},
                      root_ + "/state")
            .value();
    top_ = overlay_->filesystem()->root();
  }
  ~OverlayThreads() override { fs::remove_all(root_); }

  template <class Work>
  static void run(Work work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back([&work, i] { work(i); });
    for (auto& thread : threads) thread.join();
  }
  std::uint64_t size_of(std::string_view path) { return top_->stat_plain(path)->size; }

  std::string root_;
  std::unique_ptr<Overlay> overlay_;
  std::shared_ptr<Directory> top_;
};

TEST_F(OverlayThreads, AppendsAndReadsOfSameAndOwnFilesLoseNothing) {
  run([this](int i) {
    const std::string own = "in/own" + std::to_string(i);
    for (int n = 0; n < kRounds; ++n) {
      const auto shared = top_->open_plain("shared", {.read = true, .write = true}).value().file;
      const auto reader = top_->open_plain("shared", {.read = true}).value().file;
      ASSERT_TRUE(shared->append(bytes("0123456789")));
      std::byte buffer[64];
      ASSERT_EQ(reader->read_at(buffer, 0), 64u);
      ASSERT_GE(reader->stat()->size, 110u) << "a write that is done is seen";
      ASSERT_TRUE(top_->open_plain(own, {.read = true, .write = true})->file->append(bytes("x")));
    }
  });
  EXPECT_EQ(size_of("shared"), 100u + 10 * kThreads * kRounds);
  for (int i = 0; i < kThreads; ++i)
    EXPECT_EQ(size_of("in/own" + std::to_string(i)), 100u + kRounds);
  EXPECT_EQ(overlay_->changes()->size(), 1u + kThreads);
}

TEST_F(OverlayThreads, NamesStayWholeWhileFoldersMove) {
  std::atomic<int> found = 0, made = 0, removed = 0;
  const auto folder = top_->open_directory("in").value();  // before the first thread renames it
  run([&](int i) {
    const std::string mine = "file" + std::to_string(i);
    for (int n = 0; n < kRounds; ++n) {
      if (i == 0) {
        ASSERT_TRUE(top_->rename_entry(n % 2 ? "moved" : "in", *top_, n % 2 ? "in" : "moved"));
        ASSERT_TRUE(folder->list());
      } else {
        // Under one of its two names, or in between.
        for (const auto* path : {"in/deep/far", "moved/deep/far"}) {
          const auto opened = top_->open_plain(path, {.read = true});
          ASSERT_TRUE(opened || opened.error() == ENOENT) << opened.error();
          if (opened) ++found;
        }
        // Through what is open it is always there.
        ASSERT_TRUE(folder->open_plain("deep/far", {.read = true}));
        ASSERT_TRUE(folder->open_file(mine, kWrite));
        ++made;
        ASSERT_TRUE(folder->hard_link(mine, *top_, mine));
        ASSERT_TRUE(top_->remove_file(mine));
        ASSERT_TRUE(folder->remove_file(mine));
        ++removed;
        ASSERT_TRUE(folder->set_entry_times("own" + std::to_string(i), {.modified_ns = n + 1}));
      }
    }
  });
  EXPECT_EQ(made, removed);
  EXPECT_GT(found, 0);
  const auto changes = overlay_->changes().value();
  EXPECT_EQ(changes.size(), std::size_t{kThreads - 1}) << "three times were set";
}

TEST_F(OverlayThreads, OneOfManyMakesAFileAndAllGetIt) {
  for (int n = 0; n < kRounds / 5; ++n) {
    const std::string name = "new" + std::to_string(n);
    std::atomic<int> makers = 0;
    run([&](int) {
      if (top_->open_file(name, {.write = true, .create = true, .exclusive = true})) ++makers;
      ASSERT_TRUE(top_->open_file(name, kWrite)->get()->append(bytes("x")));
    });
    EXPECT_EQ(makers, 1);
    EXPECT_EQ(size_of(name), std::uint64_t{kThreads});
  }
}

}  // namespace
}  // namespace boxagnts::vfs
