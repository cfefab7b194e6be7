// What calls wrote is kept until it is dropped, for its owner alone, within its quota; what a
// killed process left is cleared, what a living one works in is not.
#include "workspace/changes.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <thread>

#include "vfs/host_filesystem.h"
#include "vfs/overlay.h"
#include "workspace/change_events.h"

namespace boxagnts::workspace {
namespace {

namespace fs = std::filesystem;
using core::ChangeSetId;

void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
std::string get(const std::string& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}
unsigned mode_of(const std::string& path) {
  struct stat status{};
  ::lstat(path.c_str(), &status);
  return status.st_mode & 07777;
}
std::set<std::string> names(const std::string& folder) {
  std::set<std::string> found;
  for (const auto& entry : fs::directory_iterator(folder)) found.insert(entry.path().filename());
  return found;
}

// Writes `path` in an overlay over the staging's root, as a call does.
std::vector<vfs::Change> write(const Staging& staging, const std::string& path,
                               const std::string& text) {
  auto lower = vfs::open_host_filesystem(staging.root(), core::Access::read_only, {}).value();
  const auto overlay = vfs::Overlay::open(std::move(lower), {}, staging.folder()).value();
  auto file = overlay->filesystem()->root()->open_file(
      path, {.write = true, .create = true, .truncate = true});
  EXPECT_TRUE((*file)->write_at(std::as_bytes(std::span(text)), 0));
  file->reset();
  return overlay->changes().value();
}

class ChangesTest : public testing::Test {
 protected:
  ChangesTest() {
    char folder[] = "/tmp/changes_test.XXXXXX";
    base_ = fs::canonical(::mkdtemp(folder)).string();
    root_ = base_ + "/ws";
    state_ = root_ + "/.boxagnts";
    fs::create_directories(state_);
    put(root_ + "/a.txt", "one\n");
    changes_ = Changes::open(state_, clock_).value();
  }
  ~ChangesTest() override {
    changes_.reset();
    fs::remove_all(base_);
  }

  // A call's change set, held back; and one that was applied.
  ChangeSetId propose(const std::string& path, const std::string& text) {
    return keep(*changes_, root_, path, text, [](vfs::ChangeSet&) {});
  }
  ChangeSetId keep(const std::string& path, const std::string& text) {
    return keep(*changes_, root_, path, text);
  }
  static ChangeSetId keep(
      Changes& changes, const std::string& root, const std::string& path, const std::string& text,
      const std::function<void(vfs::ChangeSet&)>& then = [](vfs::ChangeSet& set) {
        EXPECT_TRUE(set.apply({}));
      }) {
    auto staging = changes.stage(root).value();
    const auto id = staging.id();
    auto written = write(staging, path, text);
    const auto set = changes.keep(std::move(staging), std::move(written));
    EXPECT_TRUE(set);
    if (set) then(**set);
    return id;
  }
  bool kept(const ChangeSetId& id) { return changes_->open_set(id, root_).has_value(); }
  std::string place(const ChangeSetId& id) const { return state_ + "/changes/" + id.text; }
  std::set<std::string> sets() const {
    auto found = names(state_ + "/changes");
    found.erase(".staging");
    found.erase(".elsewhere");
    found.erase(".sizes");
    return found;
  }

  // Runs `work` in a process of its own up to its first pause, kills it, and calls `meanwhile`
  // before that.
  static void kill_after(
      const std::function<void()>& work, const std::function<void()>& meanwhile = [] {}) {
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      work();
      (void)!::write(ready[1], "x", 1);
      while (true) ::pause();
    }
    char byte;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    meanwhile();
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ::close(ready[0]);
    ::close(ready[1]);
  }

  std::string base_, root_, state_;
  base::SystemClock clock_;
  std::unique_ptr<Changes> changes_;
};

TEST_F(ChangesTest, AStagingIsEmptyOursAloneAndGoesWithItsOwner) {
  std::string folder;
  {
    const auto staging = changes_->stage(root_).value();
    folder = staging.folder();
    EXPECT_EQ(folder, place(staging.id()));
    EXPECT_EQ(staging.root(), root_);
    EXPECT_TRUE(fs::is_empty(folder));
    EXPECT_EQ(mode_of(folder), 0700u);
    EXPECT_EQ(mode_of(state_ + "/changes"), 0700u);
    put(folder + "/17", "in the making");
  }
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_TRUE(fs::is_empty(state_ + "/changes/.staging"));
  EXPECT_EQ(changes_->stage(root_ + "/none").error().code, Code::not_found);
}

TEST_F(ChangesTest, WhatIsKeptCanBeAppliedAndTakenBackLater) {
  const auto id = propose("a.txt", "two\n");
  EXPECT_EQ(get(root_ + "/a.txt"), "one\n");
  changes_ = Changes::open(state_, clock_).value();
  auto set = changes_->open_set(id, root_).value();
  EXPECT_EQ(set->apply({}).value()[0].outcome, vfs::Outcome::applied);
  EXPECT_EQ(get(root_ + "/a.txt"), "two\n");
  EXPECT_EQ(changes_->open_set(id, root_).error().code, Code::busy) << "somebody works on it";
  EXPECT_EQ(changes_->drop(id).error().code, Code::busy);
  set.reset();
  set = changes_->open_set(id, root_).value();
  EXPECT_EQ(set->undo({}).value()[0].outcome, vfs::Outcome::applied);
  EXPECT_EQ(get(root_ + "/a.txt"), "one\n");
}

TEST_F(ChangesTest, WhatNoChangeNamesIsNotKept) {
  auto staging = changes_->stage(root_).value();
  const std::string folder = staging.folder();
  auto written = write(staging, "b.txt", "new");
  put(folder + "/99", "written and removed again");
  put(folder + "/base/99", "its base");
  const std::string content = written.at(0).after->content;
  ASSERT_TRUE(changes_->keep(std::move(staging), std::move(written)));
  EXPECT_TRUE(fs::exists(folder + "/" + content));
  EXPECT_FALSE(fs::exists(folder + "/99"));
  EXPECT_FALSE(fs::exists(folder + "/base/99"));
}

TEST_F(ChangesTest, WhatCannotBeKeptLeavesNothing) {
  auto staging = changes_->stage(root_).value();
  const std::string folder = staging.folder();
  EXPECT_EQ(changes_->keep(std::move(staging), {{.path = "../out", .before = {}, .after = {}}})
                .error()
                .code,
            Code::permission_denied);
  EXPECT_FALSE(fs::exists(folder));
  EXPECT_TRUE(fs::is_empty(state_ + "/changes/.staging"));
}

TEST_F(ChangesTest, WhatWasDroppedIsNoLongerKept) {
  const auto id = keep("a.txt", "two\n");
  ASSERT_TRUE(changes_->drop(id));
  EXPECT_FALSE(fs::exists(place(id)));
  EXPECT_EQ(changes_->drop(id).error().code, Code::not_found);
  const auto gone = changes_->open_set(id, root_);
  EXPECT_EQ(gone.error().code, Code::not_found);
  EXPECT_NE(gone.error().message.find("no longer kept"), std::string::npos);
}

TEST_F(ChangesTest, AnIdLeadsNowhereElse) {
  fs::create_directories(root_ + "/victim");
  put(root_ + "/victim/manifest.json", "{}");
  for (const char* text : {"../../victim", "..", ".", "", ".staging", "a/b"}) {
    EXPECT_EQ(changes_->open_set(ChangeSetId{text}, root_).error().code, Code::invalid_argument);
    EXPECT_EQ(changes_->drop(ChangeSetId{text}).error().code, Code::invalid_argument);
  }
  EXPECT_TRUE(fs::exists(root_ + "/victim/manifest.json"));
}

TEST_F(ChangesTest, LinksAreNotFollowed) {
  const auto id = keep("a.txt", "two\n");
  fs::rename(place(id), base_ + "/moved");
  fs::create_directory_symlink(base_ + "/moved", place(id));
  EXPECT_EQ(changes_->open_set(id, root_).error().code, Code::invalid_argument);
  EXPECT_EQ(changes_->drop(id).error().code, Code::invalid_argument);
  fs::rename(state_ + "/changes", base_ + "/all");
  fs::create_directory_symlink(base_ + "/all", state_ + "/changes");
  EXPECT_EQ(changes_->stage(root_).error().code, Code::invalid_argument);
  EXPECT_EQ(Changes::open(state_, clock_).error().code, Code::invalid_argument);
  EXPECT_TRUE(fs::exists(base_ + "/moved/manifest.json"));
}

TEST_F(ChangesTest, EventsTellEveryPathOfIt) {
  put(root_ + "/b.txt", "same\nold\n");
  put(root_ + "/from", "moved\n");
  auto staging = changes_->stage(root_).value();
  auto lower = vfs::open_host_filesystem(root_, core::Access::read_only, {}).value();
  const auto overlay = vfs::Overlay::open(std::move(lower), {}, staging.folder()).value();
  {
    const auto folder = overlay->filesystem()->root();
    const std::string text = "same\nnew\nnewer\n", name = "\xff";
    (void)(*folder->open_file("b.txt", {.write = true, .truncate = true}))
        ->write_at(std::as_bytes(std::span(text)), 0);
    (void)folder->remove_file("a.txt");
    (void)folder->make_directory(name);
    (void)folder->rename_entry("from", *folder, "to");
  }
  const auto id = staging.id();
  const auto set = changes_->keep(std::move(staging), overlay->changes().value()).value();
  const auto told = file_changes(root_, set->diff(vfs::Part::proposed).value());
  using Kind = core::FileChangeKind;
  EXPECT_EQ(told,
            (std::vector<core::FileChange>{{root_ + "/a.txt", Kind::removed, 0, 1, false},
                                           {root_ + "/b.txt", Kind::changed, 2, 1, false},
                                           {root_ + "/from", Kind::removed, 0, 0, false},
                                           {root_ + "/to", Kind::added, 0, 0, false},
                                           {root_ + "/\xef\xbf\xbd", Kind::added, 0, 0, false}}));
  put(root_ + "/b.txt", "same\nperson\n");
  const auto event =
      settled_event(id, root_, core::ChangesAct::applied, set->apply({}).value(), "mode");
  ASSERT_EQ(event.files.size(), 5u);
  EXPECT_EQ(event.files[1].path, root_ + "/b.txt");
  EXPECT_EQ(event.files[1].outcome, core::FileOutcome::conflict);
  EXPECT_FALSE(event.files[1].reason.empty());
  EXPECT_EQ(event.files[4].path, told[4].path);
  EXPECT_EQ(event.files[4].outcome, core::FileOutcome::applied);
}

// --- processes -------------------------------------------------------------------------------

TEST_F(ChangesTest, WhatAKilledProcessStagedIsClearedAndALivingOnesIsNot) {
  kill_after(
      [&] {
        static auto staging = changes_->stage(root_).value();
        put(staging.folder() + "/1", "half");
      },
      [&] {
        ASSERT_TRUE(Changes::open(state_, clock_));
        EXPECT_EQ(sets().size(), 1u) << "its process lives";
      });
  const auto mine = changes_->stage(root_).value();
  EXPECT_EQ(sets().size(), 2u);
  ASSERT_TRUE(Changes::open(state_, clock_));
  EXPECT_EQ(sets(), std::set{mine.id().text});
  EXPECT_EQ(names(state_ + "/changes/.staging"), std::set{mine.id().text});
}

TEST_F(ChangesTest, WhatAKilledProcessHadKeptIsKept) {
  kill_after([&] {  // between the manifest and the end of its note
    static auto staging = changes_->stage(root_).value();
    auto written = write(staging, "a.txt", "two\n");
    (void)vfs::ChangeSet::keep(staging.folder(), root_, std::move(written));
  });
  changes_ = Changes::open(state_, clock_).value();
  ASSERT_EQ(sets().size(), 1u);
  EXPECT_TRUE(fs::is_empty(state_ + "/changes/.staging"));
  EXPECT_TRUE(kept(ChangeSetId{*sets().begin()}));
}

TEST_F(ChangesTest, ANoteLeadsToNothingButAStaging) {
  fs::create_directories(root_ + "/victim");
  const auto id = ChangeSetId::make(clock_.now());
  const std::string note = state_ + "/changes/.staging/" + id.text;
  put(note, root_ + "/victim");
  ASSERT_TRUE(Changes::open(state_, clock_));
  EXPECT_TRUE(fs::exists(root_ + "/victim"));
  EXPECT_FALSE(fs::exists(note));
}

TEST_F(ChangesTest, WhatAKilledDropLeftGoesWithTheNextLook) {
  const auto id = keep("a.txt", "two\n"), stays = keep("b.txt", "new");
  fs::remove(place(id) + "/manifest.json");
  fs::remove(state_ + "/changes/.sizes");
  changes_ = Changes::open(state_, clock_).value();
  const auto staging = changes_->stage(root_).value();  // has no manifest either
  ASSERT_TRUE(changes_->make_room());
  EXPECT_EQ(sets(), (std::set{stays.text, staging.id().text}));
}

TEST_F(ChangesTest, ManyThreadsKeepAtOnce) {
  constexpr int kThreads = 4, kEach = 8;
  changes_ = Changes::open(state_, clock_, {.sets_max = 8}).value();
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < kThreads; ++i)
      threads.emplace_back([&, i] {
        for (int j = 0; j < kEach; ++j) {
          keep(*changes_, root_, "f" + std::to_string(i), std::to_string(j));
          EXPECT_TRUE(changes_->make_room());
          EXPECT_TRUE(Changes::open(state_, clock_)) << "clears nothing of the others";
        }
      });
  }
  EXPECT_TRUE(fs::is_empty(state_ + "/changes/.staging"));
  ASSERT_TRUE(changes_->make_room());
  EXPECT_LE(sets().size(), 8u);
  EXPECT_GE(sets().size(), 1u);
}

// --- quota -----------------------------------------------------------------------------------

TEST_F(ChangesTest, TheOldestGoWhenThereAreTooMany) {
  changes_ = Changes::open(state_, clock_, {.sets_max = 8}).value();
  std::vector<ChangeSetId> ids;
  const auto one_more = [&] {
    ids.push_back(keep("a.txt", std::to_string(ids.size())));
    const auto now = clock_.now() / 1000;
    while (clock_.now() / 1000 == now) std::this_thread::yield();  // ids sort by millisecond
  };
  for (int i = 0; i < 8; ++i) one_more();
  EXPECT_EQ(sets().size(), 8u);
  one_more();
  EXPECT_EQ(sets().size(), 7u) << "a little below, so that the next has room";
  EXPECT_FALSE(kept(ids[0]));
  EXPECT_FALSE(kept(ids[1]));
  EXPECT_TRUE(kept(ids[2]));
}

TEST_F(ChangesTest, TheOldestGoWhenTheyAreTooLarge) {
  put(root_ + "/large", std::string(200'000, 'a'));
  changes_ = Changes::open(state_, clock_, {.bytes_max = 2'000'000}).value();
  std::size_t most = 0;
  for (int i = 0; i < 12; ++i) {
    // The new content, the base for merges, and what comes out: 600 kB each.
    keep("large", std::string(200'000, static_cast<char>('b' + i)));
    most = std::max(most, sets().size());
  }
  EXPECT_EQ(most, 3u);
}

TEST_F(ChangesTest, WhatIsAskedAboutAndWhatIsWorkedOnStays) {
  const auto asked = propose("b.txt", "1"), old = propose("b.txt", "2");
  const auto open = keep("a.txt", "2"), other = keep("a.txt", "3");
  constexpr auto kAskedFor = std::chrono::hours(Changes::kAskedFor);
  const std::string manifest = place(old) + "/manifest.json";
  fs::last_write_time(manifest, fs::last_write_time(manifest) - kAskedFor - std::chrono::hours(1));
  changes_ = Changes::open(state_, clock_, {.sets_max = 1}).value();
  {
    const auto set = changes_->open_set(open, root_).value();
    ASSERT_TRUE(changes_->make_room());
  }
  EXPECT_TRUE(kept(asked)) << "somebody may still say yes";
  EXPECT_FALSE(kept(old)) << "nobody did";
  EXPECT_TRUE(kept(open));
  EXPECT_FALSE(kept(other));
}

TEST_F(ChangesTest, WhatOtherProcessesKeptIsCountedInTime) {
  changes_ = Changes::open(state_, clock_, {.sets_max = 8}).value();
  ASSERT_TRUE(changes_->make_room());
  const auto other = Changes::open(state_, clock_).value();
  for (int i = 0; i < 20; ++i) keep(*other, root_, "a.txt", std::to_string(i));
  for (int i = 0; i < Changes::kLookEvery; ++i) ASSERT_TRUE(changes_->make_room());
  EXPECT_EQ(sets().size(), 7u);
}

TEST_F(ChangesTest, SizesAreWrittenDownAndWhatIsNotIsMeasured) {
  const std::string sizes = state_ + "/changes/.sizes";
  put(root_ + "/large", std::string(200'000, 'a'));
  for (int i = 0; i < 4; ++i) propose("large", std::string(200'000, 'b'));
  const auto noted = get(sizes);
  EXPECT_EQ(std::ranges::count(noted, '\n'), 4);
  for (const std::string& spoiled :
       {noted, std::string(), "x y\n\n1 2 3\n" + noted.substr(0, 30)}) {
    put(sizes, spoiled);
    changes_ = Changes::open(state_, clock_, {.bytes_max = 1'500'000}).value();
    ASSERT_TRUE(changes_->make_room());
    EXPECT_EQ(sets().size(), 4u) << "these are asked about";
    const auto may_go = keep("a.txt", spoiled);
    ASSERT_TRUE(changes_->make_room());
    EXPECT_FALSE(kept(may_go)) << "it is known to be full: " << spoiled;
  }
  // What is gone does not stay in the book for ever.
  std::string old;
  for (int i = 0; i < 200; ++i) old += ChangeSetId::make(clock_.now()).text + " 1\n";
  put(sizes, old + noted);
  changes_ = Changes::open(state_, clock_).value();
  ASSERT_TRUE(changes_->make_room());
  const auto anew = get(sizes);
  EXPECT_EQ(std::ranges::count(anew, '\n'), 4);
}

// --- other file systems ----------------------------------------------------------------------

class ElsewhereTest : public ChangesTest {
 protected:
  // A folder on another file system than the state folder's: nothing but memory, where there is
  // one, else the test is skipped.
  void SetUp() override {
    struct stat here{}, there{};
    if (::stat("/dev/shm", &there) != 0 || ::access("/dev/shm", W_OK) != 0)
      GTEST_SKIP() << "there is no /dev/shm to write to";
    ::stat(base_.c_str(), &here);
    if (here.st_dev == there.st_dev) GTEST_SKIP() << "/tmp and /dev/shm are on one file system";
    char folder[] = "/dev/shm/changes_test.XXXXXX";
    mount_ = ::mkdtemp(folder);
    put(mount_ + "/a.txt", "one\n");
  }
  void TearDown() override {
    if (!mount_.empty()) fs::remove_all(mount_);
  }
  std::string own() const { return mount_ + "/.boxagnts"; }

  std::string mount_;
};

TEST_F(ElsewhereTest, AMountHoldsItsOwnChangeSets) {
  const auto id = keep(*changes_, mount_, "a.txt", "two\n", [](vfs::ChangeSet&) {});
  EXPECT_EQ(names(own() + "/changes"), std::set{id.text});
  EXPECT_TRUE(sets().empty());
  EXPECT_EQ(mode_of(own()), 0700u);
  EXPECT_EQ(mode_of(own() + "/changes"), 0700u);
  EXPECT_TRUE(fs::exists(own() + "/.gitignore"));
  changes_ = Changes::open(state_, clock_).value();
  {
    const auto set = changes_->open_set(id, mount_).value();
    EXPECT_EQ(set->apply({}).value()[0].outcome, vfs::Outcome::applied);
    EXPECT_EQ(get(mount_ + "/a.txt"), "two\n");
    EXPECT_EQ(set->undo({}).value()[0].outcome, vfs::Outcome::applied);
    EXPECT_EQ(get(mount_ + "/a.txt"), "one\n");
  }
  ASSERT_TRUE(changes_->drop(id));
  EXPECT_TRUE(fs::is_empty(own() + "/changes"));
  EXPECT_TRUE(fs::is_empty(state_ + "/changes/.elsewhere"));
}

TEST_F(ElsewhereTest, TheQuotaCountsThemAndAnothersWorkspaceIsLeftAlone) {
  fs::create_directory(base_ + "/other");
  const auto other = Changes::open(base_ + "/other", clock_).value();
  const auto anothers = keep(*other, mount_, "a.txt", "theirs");
  for (int i = 0; i < 5; ++i) keep(*changes_, mount_, "a.txt", std::to_string(i));
  changes_ = Changes::open(state_, clock_, {.sets_max = 2}).value();
  ASSERT_TRUE(changes_->make_room());
  EXPECT_EQ(names(own() + "/changes").size(), 3u) << "two of ours, one of theirs";
  EXPECT_TRUE(other->open_set(anothers, mount_));
}

TEST_F(ElsewhereTest, WhatAKilledProcessLeftThereIsCleared) {
  kill_after([&] {
    static auto staging = changes_->stage(mount_).value();
    put(staging.folder() + "/1", "half");
  });
  kill_after([&] {
    static auto staging = changes_->stage(mount_).value();
    (void)vfs::ChangeSet::keep(staging.folder(), mount_, write(staging, "a.txt", "two\n"));
  });
  EXPECT_EQ(names(own() + "/changes").size(), 2u);
  changes_ = Changes::open(state_, clock_).value();
  const auto left = names(own() + "/changes");
  ASSERT_EQ(left.size(), 1u);
  EXPECT_TRUE(changes_->open_set(ChangeSetId{*left.begin()}, mount_));
  EXPECT_TRUE(changes_->drop(ChangeSetId{*left.begin()})) << "its note is still there";
  EXPECT_TRUE(fs::is_empty(state_ + "/changes/.staging"));
}

TEST_F(ElsewhereTest, AMountThatIsNotThereKeepsItsNotes) {
  const auto id = keep(*changes_, mount_, "a.txt", "two\n");
  fs::rename(mount_, mount_ + ".away");
  changes_ = Changes::open(state_, clock_, {.sets_max = 0}).value();
  EXPECT_EQ(changes_->open_set(id, mount_).error().code, Code::unavailable);
  fs::create_directory(mount_);
  EXPECT_EQ(changes_->open_set(id, mount_).error().code, Code::unavailable) << "not mounted";
  fs::remove(mount_);
  ASSERT_TRUE(changes_->make_room());
  fs::rename(mount_ + ".away", mount_);
  changes_ = Changes::open(state_, clock_, {.sets_max = 0}).value();
  ASSERT_TRUE(changes_->make_room());
  EXPECT_TRUE(fs::is_empty(own() + "/changes"));
}

TEST_F(ElsewhereTest, ALinkInPlaceOfItsStateFolderIsRefused) {
  fs::create_directory(base_ + "/bait");
  fs::create_directory_symlink(base_ + "/bait", own());
  EXPECT_EQ(changes_->stage(mount_).error().code, Code::invalid_argument);
  EXPECT_TRUE(fs::is_empty(base_ + "/bait"));
  fs::remove(own());
  const auto id = keep(*changes_, mount_, "a.txt", "two\n");
  fs::rename(own(), mount_ + "/moved");
  fs::create_directory_symlink("moved", own());
  EXPECT_EQ(changes_->open_set(id, mount_).error().code, Code::invalid_argument);
}

// One file system, but mounted twice: files cannot be moved between the two either.
TEST_F(ChangesTest, AFolderMountedASecondTimeHoldsItsOwn) {
  const std::string source = base_ + "/source", mount = base_ + "/mount";
  fs::create_directories(source);
  fs::create_directories(mount);
  put(source + "/a.txt", "one\n");
  if (::mount(source.c_str(), mount.c_str(), nullptr, MS_BIND, nullptr) != 0)
    GTEST_SKIP() << "only root can mount a folder";
  const auto id = keep(*changes_, mount, "a.txt", "two\n", [](vfs::ChangeSet&) {});
  auto set = changes_->open_set(id, mount);
  const auto applied = set ? set.value()->apply({}) : std::unexpected(set.error());
  set = std::unexpected(Error{});
  const bool there = fs::exists(source + "/.boxagnts/changes/" + id.text);
  ASSERT_EQ(::umount2(mount.c_str(), MNT_DETACH), 0);
  EXPECT_TRUE(there);
  ASSERT_TRUE(applied);
  EXPECT_EQ(applied->at(0).outcome, vfs::Outcome::applied) << applied->at(0).reason;
  EXPECT_EQ(get(source + "/a.txt"), "two\n");
}

// As root nothing is read-only but what is mounted so.
TEST_F(ChangesTest, AReadOnlyMountIsStagedInTheStateFolder) {
  const std::string mount = base_ + "/mount";
  fs::create_directories(mount);
  if (::mount("none", mount.c_str(), "tmpfs", MS_RDONLY, "size=64k") != 0)
    GTEST_SKIP() << "only root can mount a file system";
  const auto staging = changes_->stage(mount);
  ASSERT_EQ(::umount2(mount.c_str(), MNT_DETACH), 0);
  ASSERT_TRUE(staging);
  EXPECT_EQ(staging->folder(), place(staging->id()));
}

}  // namespace
}  // namespace boxagnts::workspace
