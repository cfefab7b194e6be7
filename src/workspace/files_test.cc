// Files as a person works on them: what is expected is found, what is not is left as it is, and
// nothing leads out of the workspace.
#include "workspace/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "workspace/file_watch.h"

namespace boxagnts::workspace {
namespace {

namespace fs = std::filesystem;
using What = Expected::What;

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    char folder[] = "/tmp/files_test.XXXXXX";
    root_ = fs::canonical(::mkdtemp(folder)).string();
    fs::create_directories(root_ + "/ws/docs");
    fs::create_directory(root_ + "/outside");
    put("ws/a.txt", "one");
    put("outside/secret", "key");
    workspace_ =
        open(root_ + "/ws", [this](const std::string&) { return root_ + "/home"; }).value();
    files_ = Files::open(workspace_, clock_).value();
  }
  ~FilesTest() override { fs::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    std::ofstream(root_ + "/" + path) << text;
  }
  std::string get(const std::string& path) {
    std::ifstream in(root_ + "/" + path);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  Result<FileEntry> write(const std::string& path, const std::string& text,
                          Expected expected = {}) {
    auto upload = TRY(files_->begin_write(path, std::move(expected)));
    TRY(upload->write(text));
    return upload->finish();
  }
  std::vector<std::string> names(const std::string& path) {
    std::vector<std::string> out;
    for (const auto& entry : files_->list(path).value()) out.push_back(entry.name);
    return out;
  }
  std::size_t uploads() {
    return static_cast<std::size_t>(std::distance(
        fs::directory_iterator(workspace_.state_folder + "/uploads"), fs::directory_iterator()));
  }

  std::string root_;
  base::SystemClock clock_;
  Workspace workspace_;
  std::unique_ptr<Files> files_;
};

TEST_F(FilesTest, FoldersComeFirstAndTheStateFolderIsNotThere) {
  put("ws/B.txt", "");
  fs::create_symlink("a.txt", root_ + "/ws/link");
  fs::create_symlink("../outside/secret", root_ + "/ws/out");
  EXPECT_EQ(names(""), (std::vector<std::string>{"docs", "B.txt", "a.txt", "link", "out"}));
  const auto entries = files_->list("").value();
  EXPECT_EQ(entries[2].size, 3u);
  EXPECT_TRUE(entries[3].is_link);
  EXPECT_EQ(entries[3].kind, vfs::Kind::file) << "what it leads to";
  EXPECT_EQ(entries[3].version, entries[2].version);
  EXPECT_EQ(entries[4].kind, vfs::Kind::link) << "it leads out: to nothing";
  EXPECT_EQ(files_->list("docs").value().size(), 0u);
  EXPECT_EQ(files_->list("a.txt").error().code, Code::conflict);
  EXPECT_EQ(files_->list("none").error().code, Code::not_found);
}

TEST_F(FilesTest, ANameThatIsNotUtf8IsShownAndCannotBeNamed) {
  put("ws/docs/\xff", "");
  const auto entries = files_->list("docs").value();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].name, "\xef\xbf\xbd");
  EXPECT_FALSE(entries[0].usable);
  EXPECT_EQ(files_->look("docs/\xff").error().code, Code::invalid_argument);
}

TEST_F(FilesTest, AFileIsReadThroughItsDescriptor) {
  const auto opened = files_->open_file("a.txt").value();
  char text[8] = {};
  EXPECT_EQ(::pread(opened.fd.get(), text, sizeof text, 0), 3);
  EXPECT_STREQ(text, "one");
  EXPECT_EQ(opened.entry.version, files_->look("a.txt").value().version);
  EXPECT_EQ(files_->open_file("docs").error().code, Code::conflict);
  ASSERT_EQ(::mkfifo((root_ + "/ws/fifo").c_str(), 0600), 0);
  EXPECT_EQ(files_->open_file("fifo").error().code, Code::unsupported);
}

TEST_F(FilesTest, AWriteIsSeenWholeOrNotAtAll) {
  ASSERT_EQ(::chmod((root_ + "/ws/a.txt").c_str(), 0755), 0);
  auto upload = files_->begin_write("a.txt", {}).value();
  ASSERT_TRUE(upload->write("tw"));
  EXPECT_EQ(get("ws/a.txt"), "one");
  EXPECT_EQ(names(""), (std::vector<std::string>{"docs", "a.txt"}));
  ASSERT_TRUE(upload->write("o"));
  const auto entry = upload->finish().value();
  EXPECT_EQ(get("ws/a.txt"), "two");
  EXPECT_EQ(entry.size, 3u);
  struct stat status;
  ASSERT_EQ(::stat((root_ + "/ws/a.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0755u) << "it hands on its permissions";
  upload = files_->begin_write("docs/new", {}).value();
  ASSERT_TRUE(upload->write("x"));
  upload.reset();
  EXPECT_FALSE(fs::exists(root_ + "/ws/docs/new"));
  EXPECT_EQ(uploads(), 0u) << "an upload that was given up leaves nothing";
}

TEST_F(FilesTest, AWriteSaysWhatItExpects) {
  EXPECT_EQ(write("a.txt", "x", {What::nothing, ""}).error().code, Code::conflict);
  const auto first = write("b.txt", "1", {What::nothing, ""}).value();
  const auto second = write("b.txt", "2", {What::version, first.version}).value();
  EXPECT_NE(first.version, second.version);
  EXPECT_EQ(write("b.txt", "3", {What::version, first.version}).error().code, Code::conflict);
  EXPECT_EQ(write("gone", "3", {What::version, first.version}).error().code, Code::conflict);
  EXPECT_EQ(get("ws/b.txt"), "2");
  EXPECT_FALSE(write("docs", "x")) << "a folder stands there";
  EXPECT_EQ(write("none/x", "x").error().code, Code::not_found);
  EXPECT_EQ(uploads(), 0u);
}

TEST_F(FilesTest, WhatChangesWhileAWriteIsUnderWayIsNotOverwritten) {
  const auto version = files_->look("a.txt").value().version;
  auto upload = files_->begin_write("a.txt", {What::version, version}).value();
  ASSERT_TRUE(upload->write("mine"));
  put("ws/a.txt", "theirs, meanwhile");
  EXPECT_EQ(upload->finish().error().code, Code::conflict);
  auto fresh = files_->begin_write("fresh", {What::nothing, ""}).value();
  put("ws/fresh", "theirs");
  EXPECT_EQ(fresh->finish().error().code, Code::conflict);
  EXPECT_EQ(get("ws/a.txt"), "theirs, meanwhile");
  EXPECT_EQ(get("ws/fresh"), "theirs");
}

TEST_F(FilesTest, MovesOverNothing) {
  put("ws/b.txt", "two");
  EXPECT_EQ(files_->move("a.txt", "b.txt", {}).error().code, Code::conflict);
  EXPECT_EQ(get("ws/b.txt"), "two");
  const auto version = files_->look("b.txt").value().version;
  EXPECT_TRUE(files_->move("a.txt", "b.txt", {What::version, version})) << "unless it is meant";
  EXPECT_EQ(get("ws/b.txt"), "one");
  EXPECT_EQ(files_->move("b.txt", "docs/c.txt", {}).value().name, "c.txt");
  EXPECT_EQ(files_->move("docs", "docs/in", {}).error().code, Code::invalid_argument);
  EXPECT_EQ(files_->move("gone", "x", {}).error().code, Code::not_found);
  EXPECT_EQ(files_->move("", "x", {}).error().code, Code::invalid_argument);
}

TEST_F(FilesTest, FoldersAreMade) {
  EXPECT_EQ(files_->make_folder("docs/new").value().kind, vfs::Kind::directory);
  EXPECT_EQ(files_->make_folder("docs/new").error().code, Code::conflict);
  EXPECT_EQ(files_->make_folder("none/new").error().code, Code::not_found);
}

TEST_F(FilesTest, WhatIsDeletedComesBack) {
  fs::create_directories(root_ + "/ws/docs/deep");
  put("ws/docs/deep/x", "kept");
  const auto file = files_->remove("a.txt").value();
  const auto folder = files_->remove("docs/deep").value();
  EXPECT_EQ(names(""), (std::vector<std::string>{"docs"}));
  const auto bin = files_->bin().value();
  ASSERT_EQ(bin.size(), 2u);
  EXPECT_EQ(bin[0].path, "docs/deep") << "newest first";
  EXPECT_EQ(bin[0].kind, vfs::Kind::directory);
  ASSERT_TRUE(files_->remove("docs"));
  ASSERT_TRUE(files_->restore(folder.id));
  EXPECT_EQ(get("ws/docs/deep/x"), "kept") << "with the folder above it";
  put("ws/a.txt", "another");
  EXPECT_EQ(files_->restore(file.id).error().code, Code::conflict);
  EXPECT_EQ(get("ws/a.txt"), "another");
  ASSERT_TRUE(files_->purge(file.id));
  EXPECT_EQ(files_->restore(file.id).error().code, Code::not_found);
  EXPECT_EQ(files_->purge(file.id).error().code, Code::not_found);
  EXPECT_EQ(files_->remove("").error().code, Code::invalid_argument);
  EXPECT_EQ(files_->remove("none").error().code, Code::not_found);
  EXPECT_EQ(files_->bin().value().size(), 1u) << "what could not be deleted is not in it";
}

TEST_F(FilesTest, TheBinIsInTheOrderOfDeleting) {
  base::ManualClock clock;
  const auto files = Files::open(workspace_, clock).value();
  std::vector<std::string> paths;
  for (int i = 0; i < 20; ++i) {
    paths.insert(paths.begin(), "f" + std::to_string(i));
    put("ws/" + paths.front(), "x");
  }
  for (auto path = paths.rbegin(); path != paths.rend(); ++path) {
    ASSERT_TRUE(files->remove(*path));
    if (path - paths.rbegin() == 9) clock.advance(base::Milliseconds(1));
  }
  std::vector<std::string> newer;
  for (const auto& entry : files->bin().value()) newer.push_back(entry.path);
  ASSERT_EQ(newer.size(), 20u);
  std::ranges::sort(newer.begin(), newer.begin() + 10);
  std::vector<std::string> wanted(paths.begin(), paths.begin() + 10);
  std::ranges::sort(wanted);
  EXPECT_EQ(std::vector<std::string>(newer.begin(), newer.begin() + 10), wanted)
      << "what was deleted a millisecond later comes first";
}

TEST_F(FilesTest, ADeletedLinkIsTheLink) {
  fs::create_symlink("../outside", root_ + "/ws/out");
  const auto entry = files_->remove("out").value();
  EXPECT_EQ(entry.kind, vfs::Kind::link);
  ASSERT_TRUE(files_->purge(entry.id));
  EXPECT_EQ(get("outside/secret"), "key");
}

// Way in x operation: none reaches outside, and nothing out there or in the state folder changes.
TEST_F(FilesTest, NothingLeadsOut) {
  fs::create_symlink("../outside", root_ + "/ws/out");
  fs::create_symlink(root_ + "/outside", root_ + "/ws/absolute");
  fs::create_symlink(".boxagnts", root_ + "/ws/state");
  const std::string database = workspace_.state_folder + "/state.db";
  std::ofstream(database) << "log";
  const std::vector<std::string> ways{"../outside",
                                      "docs/../../outside",
                                      root_ + "/outside",
                                      "/outside",
                                      "./../outside",
                                      "out",
                                      "absolute",
                                      "docs//../out",
                                      ".boxagnts",
                                      "state",
                                      ".BoxAgnts",
                                      "..",
                                      std::string("docs\0/../../outside", 20)};
  for (const auto& way : ways) {
    SCOPED_TRACE(way);
    for (const auto& leaf : {way + "/secret", way + "/state.db", way + "/new"}) {
      EXPECT_FALSE(files_->look(leaf));
      EXPECT_FALSE(files_->open_file(leaf));
      EXPECT_FALSE(write(leaf, "evil"));
      EXPECT_FALSE(files_->make_folder(leaf));
      EXPECT_FALSE(files_->move("a.txt", leaf, {}));
      EXPECT_FALSE(files_->move(leaf, "stolen", {}));
      EXPECT_FALSE(files_->remove(leaf));
    }
    EXPECT_FALSE(files_->list(way));
    EXPECT_FALSE(files_->host_folder(way));
  }
  EXPECT_EQ(get("outside/secret"), "key");
  EXPECT_EQ(std::distance(fs::directory_iterator(root_ + "/outside"), fs::directory_iterator()), 1);
  EXPECT_EQ(fs::file_size(database), 3u);
  EXPECT_EQ(get("ws/a.txt"), "one");
}

TEST_F(FilesTest, PathsAreNamesWithOneSlashBetween) {
  for (const auto* path : {"docs/../a.txt", "./a.txt", "docs//x", "docs/", "/a.txt", "docs/."})
    EXPECT_EQ(files_->look(path).error().code, Code::invalid_argument) << path;
}

TEST_F(FilesTest, ANameThatIsTooLongIsNotThere) {
  for (const auto& path : {std::string(256, 'x'), "docs/" + std::string(300, 'x')}) {
    EXPECT_EQ(files_->look(path).error().code, Code::not_found);
    EXPECT_EQ(write(path, "x").error().code, Code::not_found);
    EXPECT_EQ(files_->list(path).error().code, Code::not_found);
  }
}

TEST_F(FilesTest, AbandonedUploadsGoAndYoungOnesStay) {
  const std::string uploads = workspace_.state_folder + "/uploads/";
  std::ofstream(uploads + "old") << "x";
  std::ofstream(uploads + "young") << "x";
  fs::last_write_time(uploads + "old", fs::file_time_type::clock::now() - std::chrono::hours(48));
  const auto other = Files::open(workspace_, clock_).value();
  EXPECT_FALSE(fs::exists(uploads + "old"));
  EXPECT_TRUE(fs::exists(uploads + "young"));
}

class WatchTest : public FilesTest {
 protected:
  WatchTest()
      : watch_(FileWatch::start([this](const std::string& folder) {
                 const std::lock_guard lock(mutex_);
                 changed_.insert(folder);
                 told_.notify_all();
               }).value()) {}
  // Waits until the folder was told, and forgets it.
  bool told(const std::string& folder) {
    std::unique_lock lock(mutex_);
    const bool is =
        told_.wait_for(lock, std::chrono::seconds(20), [&] { return changed_.contains(folder); });
    changed_.clear();
    return is;
  }
  std::mutex mutex_;
  std::condition_variable told_;
  std::set<std::string> changed_;
  std::unique_ptr<FileWatch> watch_;
};

TEST_F(WatchTest, TellsWhichFolderChanged) {
  const std::string top = root_ + "/ws", docs = root_ + "/ws/docs";
  ASSERT_TRUE(watch_->add(top));
  ASSERT_TRUE(watch_->add(docs));
  put("ws/docs/x", "1");
  EXPECT_TRUE(told(docs));
  ASSERT_TRUE(write("new", "x"));
  EXPECT_TRUE(told(top)) << "a file that moves to its place";
  fs::remove(docs + "/x");
  EXPECT_TRUE(told(docs));
  EXPECT_FALSE(watch_->add(root_ + "/none"));
  EXPECT_FALSE(watch_->add(top + "/a.txt"));
}

TEST_F(WatchTest, AFolderIsWatchedAsOftenAsItWasAdded) {
  const std::string top = root_ + "/ws", docs = root_ + "/ws/docs";
  ASSERT_TRUE(watch_->add(docs));
  ASSERT_TRUE(watch_->add(docs));
  ASSERT_TRUE(watch_->add(top));
  watch_->remove(docs);
  put("ws/docs/x", "1");
  EXPECT_TRUE(told(docs));
  watch_->remove(docs);
  put("ws/docs/y", "1");
  put("ws/y", "1");
  EXPECT_TRUE(told(top));
  const std::lock_guard lock(mutex_);
  EXPECT_FALSE(changed_.contains(docs)) << "events come in order: it would have been told before";
}

TEST_F(FilesTest, CopiesAreWholeAndOverNothing) {
  ::chmod((root_ + "/ws/a.txt").c_str(), 0751);
  EXPECT_EQ(files_->copy("a.txt", "docs/b.txt", {}).value().size, 3u);
  EXPECT_EQ(get("ws/docs/b.txt"), "one");
  EXPECT_EQ(get("ws/a.txt"), "one");
  struct stat status{};
  ASSERT_EQ(::stat((root_ + "/ws/docs/b.txt").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0751u);
  EXPECT_EQ(files_->copy("a.txt", "docs/b.txt", {}).error().code, Code::conflict);
  EXPECT_EQ(files_->copy("a.txt", "a.txt", {}).error().code, Code::conflict);
  EXPECT_EQ(files_->copy("none", "x", {}).error().code, Code::not_found);
  EXPECT_EQ(files_->copy("a.txt", "none/x", {}).error().code, Code::not_found);
  EXPECT_EQ(files_->copy("../outside/secret", "x", {}).error().code, Code::invalid_argument);
  EXPECT_EQ(files_->copy(".boxagnts", "x", {}).error().code, Code::not_found);
  EXPECT_EQ(files_->copy("", "x", {}).error().code, Code::invalid_argument);
  EXPECT_EQ(uploads(), 0u);
}

TEST_F(FilesTest, AFolderIsCopiedWithAllThatIsInIt) {
  fs::create_directories(root_ + "/ws/docs/deep/er");
  put("ws/docs/deep/c.txt", std::string(600'000, 'c'));
  put("ws/docs/\xff", "odd");
  fs::create_symlink("../outside/secret", root_ + "/ws/docs/out");
  EXPECT_EQ(files_->copy("docs", "docs/deep/er/docs", {}).value().kind, vfs::Kind::directory)
      << "also into itself: as it was before";
  const std::string copy = "ws/docs/deep/er/docs";
  EXPECT_EQ(get(copy + "/deep/c.txt"), std::string(600'000, 'c'));
  EXPECT_EQ(get(copy + "/\xff"), "odd");
  EXPECT_EQ(fs::read_symlink(root_ + "/" + copy + "/out"), "../outside/secret") << "a link as one";
  EXPECT_TRUE(fs::is_empty(root_ + "/" + copy + "/deep/er"));
}

TEST_F(FilesTest, ACopyThatFailsLeavesNothing) {
  fs::create_directory(root_ + "/ws/odd");
  put("ws/odd/a", "a");
  ASSERT_EQ(::mkfifo((root_ + "/ws/odd/pipe").c_str(), 0600), 0);
  const auto refused = files_->copy("odd", "copy", {}).error();
  EXPECT_EQ(refused.code, Code::unsupported);
  EXPECT_TRUE(refused.message.contains("\"odd/pipe\"")) << refused.message;
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(files_->copy("docs", "copy", stop.get_token()).error().code, Code::cancelled);
  EXPECT_FALSE(fs::exists(root_ + "/ws/copy"));
  EXPECT_EQ(uploads(), 0u);
}

}  // namespace
}  // namespace boxagnts::workspace
