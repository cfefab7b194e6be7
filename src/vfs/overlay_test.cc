// What an overlay promises beyond behaving like a copy (overlay_model_test.cc): what it reports,
// what it keeps, its limits, masks, and what happens when somebody changes the folder below.
#include "vfs/overlay.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/hash.h"
#include "base/thread.h"
#include "vfs/beneath.h"
#include "vfs/change_set.h"
#include "vfs/name_space.h"

namespace boxagnts::vfs {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

constexpr OpenFlags kRead{.read = true};
constexpr OpenFlags kWrite{.read = true, .write = true};
constexpr OpenFlags kCreate{.read = true, .write = true, .create = true};

class OverlayTest : public testing::Test {
 protected:
  OverlayTest() {
    char folder[] = "/tmp/vfs_overlay.XXXXXX";
    root_ = ::mkdtemp(folder);
    ws_ = root_ + "/ws";
    fs::create_directories(ws_ + "/src/deep");
    fs::create_directory(root_ + "/state");
    put("a.txt", "alpha");
    put("src/one.cc", "one");
    put("src/deep/two.cc", "two");
    fs::create_symlink("a.txt", ws_ + "/link");
    open();
  }
  ~OverlayTest() override { fs::remove_all(root_); }

  void put(const std::string& path, const std::string& text) {
    std::ofstream(ws_ + "/" + path, std::ios::binary) << text;
  }
  void open(OverlayOptions options = {}, std::vector<std::string> hidden = {}) {
    const auto masks = Masks::parse(hidden).value();
    state_ = root_ + "/state" + std::to_string(++opened_);
    fs::create_directory(state_);
    overlay_ = Overlay::open(open_host_filesystem(ws_, core::Access::read_only, masks).value(),
                             masks, state_, options)
                   .value();
    top_ = overlay_->filesystem()->root();
  }
  std::shared_ptr<File> file(std::string_view path, OpenFlags flags = kRead) {
    auto opened = top_->open_plain(path, flags);
    EXPECT_TRUE(opened && opened->file) << path << ": " << (opened ? 0 : opened.error());
    return opened ? opened->file : nullptr;
  }
  std::shared_ptr<Directory> folder(std::string_view path) {
    return top_->open_plain(path, {.read = true, .directory = true}).value().directory;
  }
  void write(std::string_view path, std::string_view text) {
    const auto into = file(path, {.read = true, .write = true, .create = true, .truncate = true});
    ASSERT_EQ(into->write_at(bytes(text), 0), text.size());
  }
  static std::string text_of(File& file) {
    std::string text(1 << 16, '\0');
    text.resize(file.read_at(std::as_writable_bytes(std::span(text)), 0).value());
    return text;
  }
  static std::string names(Directory& folder) {
    std::string text;
    for (const auto& entry : std::vector(folder.list().value())) text += entry.name + " ";
    return text;
  }
  // "-path" gone, "+path" new, "~path" changed.
  std::string changed() {
    std::string text;
    const auto changes = overlay_->changes().value();
    for (const auto& change : changes)
      text += (!change.after ? "-" : !change.before ? "+" : "~") + change.path + " ";
    return text;
  }
  Change change(const std::string& path) {
    const auto changes = overlay_->changes().value();
    for (const auto& one : changes)
      if (one.path == path) return one;
    ADD_FAILURE() << path << " is no change";
    return {};
  }
  std::int64_t modified_ns(const std::string& path) const {
    struct stat status;
    return ::stat((ws_ + "/" + path).c_str(), &status) == 0 ? to_stat(status).modified_ns : 0;
  }
  std::size_t files_kept() const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(state_))
      count += !entry.is_directory();
    return count;
  }

  std::string root_, ws_, state_;
  int opened_ = 0;
  std::unique_ptr<Overlay> overlay_;
  std::shared_ptr<Directory> top_;
};

TEST_F(OverlayTest, TellsWhatChangedAndKeepsBothSides) {
  write("a.txt", "ALPHA!");
  write("new.txt", "fresh");
  ASSERT_TRUE(top_->make_directory("made"));
  ASSERT_TRUE(top_->remove_file("link"));
  ASSERT_TRUE(folder("src")->remove_file("one.cc"));
  EXPECT_EQ(changed(), "~a.txt -link +made +new.txt -src/one.cc ");
  const Change edit = change("a.txt");
  EXPECT_EQ(slurp(state_ + "/" + edit.before->content), "alpha");
  EXPECT_EQ(slurp(state_ + "/" + edit.after->content), "ALPHA!");
  EXPECT_EQ(edit.before->content_hash, base::blake2b_hex("alpha"));
  EXPECT_EQ(edit.after->content_hash, base::blake2b_hex("ALPHA!"));
  struct stat status;
  ASSERT_EQ(::stat((ws_ + "/a.txt").c_str(), &status), 0);
  EXPECT_EQ(edit.before->inode, status.st_ino);
  EXPECT_EQ(edit.before->size, 5u);
  EXPECT_EQ(change("link").before->link_target, "a.txt");
  EXPECT_EQ(slurp(state_ + "/" + change("src/one.cc").before->content), "one");
  EXPECT_EQ(slurp(ws_ + "/a.txt"), "alpha");
}

TEST_F(OverlayTest, WhatIsTheSameAgainIsNoChange) {
  file("a.txt", kWrite);
  EXPECT_EQ(files_kept(), 0u) << "opened for writing and never written";
  write("a.txt", "other");
  write("a.txt", "alpha");
  write("temporary", "x");
  ASSERT_TRUE(top_->remove_file("temporary"));
  ASSERT_TRUE(top_->rename_entry("src", *top_, "moved"));
  ASSERT_TRUE(top_->rename_entry("moved", *top_, "src"));
  ASSERT_TRUE(folder("src")->remove_file("one.cc"));
  write("src/one.cc", "one");
  EXPECT_EQ(changed(), "");
}

TEST_F(OverlayTest, TimesThatSomebodySetAreAChange) {
  ASSERT_TRUE(top_->set_entry_times("a.txt", {.accessed_ns = 5, .modified_ns = std::nullopt}));
  EXPECT_EQ(changed(), "");
  ASSERT_TRUE(top_->set_entry_times("a.txt", {.modified_ns = 1'000'000'000}));
  ASSERT_TRUE(top_->set_entry_times("src", {.modified_ns = 2'000'000'000}));
  ASSERT_TRUE(top_->set_entry_times("link", {.modified_ns = 3'000'000'000}));
  EXPECT_EQ(changed(), "~a.txt ~link ~src ");
  EXPECT_EQ(change("src").after->modified_ns, 2'000'000'000);
  EXPECT_EQ(file("a.txt")->stat()->modified_ns, 1'000'000'000);
}

TEST_F(OverlayTest, SettingTimesCopiesNothing) {
  open({.bytes_max = 1, .base_bytes_max = 4});
  const auto reader = file("a.txt");
  ASSERT_TRUE(reader->set_times({.modified_ns = 7}));
  ASSERT_TRUE(folder("src")->set_entry_times("one.cc", {.modified_ns = 8}));
  EXPECT_EQ(reader->stat()->modified_ns, 7);
  EXPECT_EQ(files_kept(), 0u);
  const Change large = change("a.txt"), small = change("src/one.cc");
  EXPECT_EQ(large.after->content, "") << "too large to be kept, and the same on both sides";
  EXPECT_EQ(large.after->content_hash, base::blake2b_hex("alpha"));
  EXPECT_EQ(small.after->content_hash, base::blake2b_hex("one"));
  EXPECT_EQ(changed(), "~a.txt ~src/one.cc ");
  const auto set = ChangeSet::keep(state_, ws_, overlay_->changes().value());
  ASSERT_TRUE(set) << set.error().message;
  ASSERT_TRUE((*set)->apply({}));
  EXPECT_EQ(modified_ns("a.txt"), 7);
  EXPECT_EQ(modified_ns("src/one.cc"), 8);
  EXPECT_EQ(slurp(ws_ + "/a.txt"), "alpha");
}

TEST_F(OverlayTest, TimesThatWereSetGoWithTheFile) {
  const auto writer = file("a.txt", kWrite);
  ASSERT_TRUE(writer->set_times({.accessed_ns = 5, .modified_ns = 7}));
  ASSERT_TRUE(top_->rename_entry("a.txt", *top_, "b.txt"));
  EXPECT_EQ(change("b.txt").after->modified_ns, 7);
  ASSERT_EQ(writer->append(bytes("!")), 6u);
  EXPECT_EQ(writer->stat()->accessed_ns, 5);
  EXPECT_GT(writer->stat()->modified_ns, 7) << "it is written since";
  ASSERT_TRUE(writer->set_times({.modified_ns = 9}));
  EXPECT_EQ(writer->stat()->modified_ns, 9);
}

// Its data, not its size, is what a large sparse file costs; also where the state is on another
// file system, if there is one.
TEST_F(OverlayTest, HolesStayHolesWhenAFileIsCopied) {
  constexpr std::uint64_t kSize = 256u << 20, kMiddle = 100u << 20;
  for (const std::string& state :
       {root_ + "/holes", "/dev/shm/vfs" + fs::path(root_).extension().string()}) {
    if (!fs::exists(fs::path(state).parent_path())) continue;
    fs::create_directory(state);
    put("sparse", "");
    fs::resize_file(ws_ + "/sparse", kSize);
    std::fstream(ws_ + "/sparse", std::ios::in | std::ios::out).seekp(kMiddle) << "middle";
    const auto overlay =
        Overlay::open(open_host_filesystem(ws_, core::Access::read_only, {}).value(), {}, state)
            .value();
    const auto sparse = overlay->filesystem()->root()->open_file("sparse", kWrite).value();
    ASSERT_EQ(sparse->write_at(bytes("x"), 5), 1u);
    EXPECT_EQ(sparse->stat()->size, kSize);
    std::string text(10, '-');
    ASSERT_EQ(sparse->read_at(std::as_writable_bytes(std::span(text)), kMiddle - 2), 10u);
    EXPECT_EQ(text, std::string("\0\0middle\0\0", 10));
    struct stat status;
    ASSERT_EQ(::stat((state + "/1").c_str(), &status), 0);
    EXPECT_LT(status.st_blocks * 512, 1 << 20);
    fs::remove_all(state);
  }
}

TEST_F(OverlayTest, AFileThatReplacesAnotherKeepsItsMode) {
  ::chmod((ws_ + "/src/one.cc").c_str(), 0755);
  write("tmp", "new text");
  ASSERT_TRUE(top_->rename_entry("tmp", *folder("src"), "one.cc"));
  EXPECT_EQ(folder("src")->stat_entry("one.cc")->mode, 0755u);
  const Change edit = change("src/one.cc");
  EXPECT_EQ(edit.before->mode, edit.after->mode);
  EXPECT_EQ(slurp(state_ + "/" + edit.before->content), "one") << "replaced: its base is kept";
}

TEST_F(OverlayTest, AFileFromBelowKeepsItsOwnModeWhereverItGoes) {
  ::chmod((ws_ + "/a.txt").c_str(), 0600);
  ASSERT_TRUE(top_->rename_entry("a.txt", *folder("src"), "one.cc"));
  EXPECT_EQ(folder("src")->stat_entry("one.cc")->mode, 0600u) << "for whom only may read it";
  const auto writer = folder("src")->open_file("one.cc", kWrite).value();
  ASSERT_EQ(writer->append(bytes("!")), 6u);
  ASSERT_TRUE(folder("src")->rename_entry("one.cc", *folder("src/deep"), "two.cc"));
  EXPECT_EQ(change("src/deep/two.cc").after->mode, 0600u);
}

TEST_F(OverlayTest, AFolderIsMovedWithoutCopyingAndToldWhole) {
  open({.bytes_max = 6, .entries_max = 8});
  ASSERT_TRUE(top_->rename_entry("src", *top_, "lib"));
  EXPECT_EQ(files_kept(), 0u);
  EXPECT_EQ(text_of(*file("lib/deep/two.cc")), "two");
  EXPECT_EQ(top_->open_plain("src/deep/two.cc", kRead).error(), ENOENT);
  EXPECT_EQ(changed(),
            "+lib +lib/deep +lib/deep/two.cc +lib/one.cc -src -src/deep -src/deep/two.cc "
            "-src/one.cc ");
  const Change there = change("lib/one.cc"), gone = change("src/one.cc");
  EXPECT_EQ(slurp(state_ + "/" + there.after->content), "one");
  EXPECT_EQ(there.after->content, gone.before->content) << "kept once";
}

TEST_F(OverlayTest, AReaderSeesWhatAnotherDescriptorWrites) {
  const auto reader = file("src/one.cc"), writer = file("src/one.cc", kWrite);
  const auto before = reader->stat().value();
  EXPECT_EQ(writer->append(bytes("more")), 7u);
  EXPECT_EQ(text_of(*reader), "onemore");
  EXPECT_EQ(reader->stat()->size, 7u);
  EXPECT_EQ(reader->stat()->inode, before.inode);
  EXPECT_EQ(reader->stat()->device, before.device);
  EXPECT_EQ(slurp(ws_ + "/src/one.cc"), "one");
  EXPECT_EQ(reader->write_at(bytes("x"), 0).error(), EBADF);
}

TEST_F(OverlayTest, ARemovedFileLivesWhileItIsOpenAndItsRoomComesBack) {
  open({.bytes_max = 10});
  auto one = file("a.txt", kWrite);
  ASSERT_TRUE(top_->remove_file("a.txt"));
  EXPECT_EQ(text_of(*one), "alpha");
  EXPECT_EQ(one->append(bytes("12345")), 10u);
  EXPECT_EQ(one->stat()->links, 0u);
  EXPECT_EQ(file("b", kCreate)->write_at(bytes("x"), 0).error(), ENOSPC);
  one.reset();
  EXPECT_EQ(file("b", kCreate)->write_at(bytes("1234567890"), 0), 10u);
  EXPECT_EQ(changed(), "-a.txt +b ");
}

TEST_F(OverlayTest, BytesAndEntriesAreBounded) {
  open({.bytes_max = 8, .entries_max = 4});
  const auto one = file("src/one.cc", kWrite);  // src and one.cc: two entries, three bytes
  EXPECT_EQ(one->write_at(bytes("123456789"), 0).error(), ENOSPC);
  EXPECT_EQ(one->write_at(bytes("12345678"), 0), 8u);
  EXPECT_EQ(file("a.txt", kWrite)->write_at(bytes("x"), 0).error(), ENOSPC) << "its copy";
  ASSERT_TRUE(one->resize(1));
  EXPECT_EQ(file("a.txt", kWrite)->write_at(bytes("x"), 0), 1u);
  ASSERT_TRUE(top_->make_directory("d"));
  EXPECT_EQ(top_->make_directory("e").error(), ENOSPC);
  EXPECT_EQ(top_->make_link("e", "x").error(), ENOSPC);
  EXPECT_EQ(top_->open_file("e", kCreate).error(), ENOSPC);
  EXPECT_EQ(top_->remove_file("link").error(), ENOSPC) << "what is gone is an entry, too";
  ASSERT_TRUE(top_->remove_directory("d"));
  ASSERT_TRUE(top_->remove_file("link"));
  EXPECT_EQ(changed(), "~a.txt -link ~src/one.cc ");
}

TEST_F(OverlayTest, OfLargeFilesOnlyTheIdentityIsKept) {
  open({.base_bytes_max = 4});
  write("a.txt", "x");
  ASSERT_TRUE(folder("src")->remove_file("one.cc"));
  EXPECT_EQ(change("a.txt").before->content, "");
  EXPECT_EQ(change("a.txt").before->content_hash, "");
  EXPECT_EQ(change("a.txt").before->size, 5u);
  EXPECT_NE(change("src/one.cc").before->content, "");
  write("a.txt", "alpha");
  EXPECT_EQ(changed(), "-src/one.cc ") << "compared with what is below";
  write("a.txt", "alphb");
  EXPECT_EQ(changed(), "~a.txt -src/one.cc ");
}

TEST_F(OverlayTest, WhatIsMovedCountsOnceAndIsRefusedWhereItIsMoved) {
  open({.bytes_max = 5});
  write("new", "");
  EXPECT_EQ(top_->rename_entry("src", *top_, "lib").error(), ENOSPC) << "six bytes";
  ASSERT_TRUE(top_->rename_entry("a.txt", *folder("src"), "b"));
  EXPECT_EQ(folder("src")->hard_link("one.cc", *top_, "x").error(), ENOSPC);
  ASSERT_TRUE(folder("src")->rename_entry("b", *top_, "c"));
  EXPECT_EQ(file("new", kWrite)->append(bytes("x")).error(), ENOSPC);
  EXPECT_EQ(changed(), "-a.txt +c +new ");
  open({.bytes_max = 6, .entries_max = 7});
  EXPECT_EQ(top_->rename_entry("src", *top_, "lib").error(), ENOSPC) << "eight entries";
  write("new", "123456");
  EXPECT_EQ(changed(), "+new ") << "nothing of what was refused is counted";
  open({.bytes_max = 6});
  ASSERT_TRUE(folder("src")->rename_entry("deep", *top_, "deep"));
  ASSERT_TRUE(top_->rename_entry("src", *top_, "lib"));
  ASSERT_TRUE(folder("lib")->rename_entry("one.cc", *folder("deep"), "one"));
  ASSERT_TRUE(top_->rename_entry("deep", *folder("lib"), "deeper"));
  EXPECT_EQ(changed(),
            "+lib +lib/deeper +lib/deeper/one +lib/deeper/two.cc -src -src/deep -src/deep/two.cc "
            "-src/one.cc ");
}

TEST_F(OverlayTest, WhatCannotBeKeptInTheEndStaysAndNothingElseIsLost) {
  ASSERT_TRUE(top_->rename_entry("src", *top_, "lib"));
  write("new", "text");
  fs::remove(state_ + "/base");
  std::ofstream(state_ + "/base") << "where bases would be";
  EXPECT_EQ(changed(), "+lib +lib/deep +new ") << "src stays, with all that is in it";
}

TEST_F(OverlayTest, HardLinksAreOneFile) {
  ASSERT_TRUE(top_->hard_link("a.txt", *folder("src"), "again"));
  EXPECT_EQ(file("src/again")->stat()->links, 2u);
  ASSERT_EQ(file("src/again", kWrite)->append(bytes("!")), 6u);
  EXPECT_EQ(text_of(*file("a.txt")), "alpha!");
  EXPECT_EQ(changed(), "~a.txt +src/again ");
  EXPECT_EQ(change("a.txt").after->content, change("src/again").after->content);
}

// --- the person works below meanwhile ---

TEST_F(OverlayTest, TheBaseIsWhatStoodThereWhenItWasFirstChanged) {
  write("a.txt", "ours");
  put("a.txt", "theirs");
  const Change edit = change("a.txt");
  EXPECT_EQ(slurp(state_ + "/" + edit.before->content), "alpha");
  EXPECT_EQ(edit.before->size, 5u);
}

TEST_F(OverlayTest, NothingBelowLeadsOutWhateverItBecomes) {
  fs::create_directory(root_ + "/out");
  std::ofstream(root_ + "/out/two.cc") << "SECRET";
  const auto src = folder("src"), deep = folder("src/deep");
  ASSERT_TRUE(top_->rename_entry("src", *top_, "lib"));
  fs::remove_all(ws_ + "/src/deep");
  fs::create_symlink("../../out", ws_ + "/src/deep");
  const auto name_space = NameSpace::make({{"/ws", overlay_->filesystem()}}).value();
  const auto ws = name_space->at("/ws").value();
  EXPECT_EQ(name_space->open(ws, "lib/deep/two.cc", Follow::yes, kRead).error(), EPERM);
  EXPECT_EQ(deep->open_file("two.cc", kRead).error(), ENOENT);
  fs::remove_all(ws_ + "/src");
  fs::create_symlink("../out", ws_ + "/src");
  EXPECT_FALSE(src->open_file("two.cc", kRead));
  EXPECT_FALSE(top_->open_plain("lib/two.cc", kRead));
  (void)names(*src);
  EXPECT_TRUE(overlay_->changes());
}

TEST_F(OverlayTest, WhatVanishesBelowIsNoCrash) {
  const auto src = folder("src");
  const auto one = file("src/one.cc", kWrite), other = file("src/deep/two.cc");
  fs::remove_all(ws_ + "/src");
  std::ofstream(ws_ + "/src") << "a file now";
  EXPECT_EQ(one->append(bytes("!")), 4u) << "it was open";
  EXPECT_EQ(text_of(*other), "two");
  EXPECT_TRUE(src->make_directory("d"));
  EXPECT_FALSE(src->open_file("none", kRead));
  EXPECT_TRUE(src->rename_entry("d", *top_, "d"));
  (void)names(*top_);
  EXPECT_TRUE(overlay_->changes());
}

TEST_F(OverlayTest, AFileThatIsWrittenWhileItIsCopiedIsNoError) {
  // The person's write is as likely before as after each of our copies; neither may fail.
  std::ofstream below(ws_ + "/a.txt", std::ios::app);
  for (int i = 0; i < 50; ++i) {
    open();
    below << 'x' << std::flush;
    ASSERT_TRUE(file("a.txt", kWrite)->append(bytes("!")));
    below << 'y' << std::flush;
    EXPECT_EQ(change("a.txt").after->size, change("a.txt").before->size + 1);
  }
}

// --- masks ---

TEST_F(OverlayTest, MasksHoldOnThePathThatTheGuestSees) {
  put("src/key", "SECRET");
  fs::create_directory(ws_ + "/src/.boxagnts");
  open({}, {"lib/key", "conf/key"});
  EXPECT_EQ(text_of(*file("src/key")), "SECRET") << "not masked here";
  const auto src = folder("src");
  ASSERT_TRUE(top_->rename_entry("src", *top_, "lib"));
  EXPECT_EQ(top_->open_plain("lib/key", kRead).error(), ENOENT);
  EXPECT_EQ(top_->stat_plain("lib/key").error(), ENOENT);
  EXPECT_EQ(src->open_file("key", kRead).error(), ENOENT);
  EXPECT_EQ(src->stat_entry("key").error(), ENOENT);
  EXPECT_EQ(src->remove_file("key").error(), ENOENT);
  EXPECT_EQ(src->open_file("key", kCreate).error(), EACCES);
  EXPECT_EQ(top_->open_plain("lib/key", kCreate).error(), EACCES);
  EXPECT_EQ(src->make_directory("key").error(), EACCES);
  EXPECT_EQ(src->make_link("key", "x").error(), EACCES);
  EXPECT_EQ(src->rename_entry("one.cc", *src, "key").error(), EACCES);
  EXPECT_EQ(src->hard_link("one.cc", *src, "key").error(), EACCES);
  EXPECT_EQ(src->rename_entry("key", *src, "seen").error(), ENOENT);
  EXPECT_EQ(src->hard_link("key", *src, "seen").error(), ENOENT);
  EXPECT_EQ(src->set_entry_times("key", {.modified_ns = 1}).error(), ENOENT);
  EXPECT_EQ(src->read_link("key").error(), ENOENT);
  EXPECT_EQ(names(*src), "deep one.cc ");
  EXPECT_EQ(top_->rename_entry("lib", *top_, "x").error(), EACCES) << "from under its mask";
}

TEST_F(OverlayTest, AFolderStaysWhereItsMaskHolds) {
  fs::create_directory(ws_ + "/src/.ssh");
  put("src/.ssh/id", "SECRET");
  open({}, {"**/.ssh/id"});
  const auto src = folder("src");
  EXPECT_EQ(src->rename_entry(".ssh", *src, "seen").error(), EACCES);
  ASSERT_TRUE(src->rename_entry(".ssh", *top_, ".ssh"));
  EXPECT_EQ(top_->stat_plain(".ssh/id").error(), ENOENT);
  ASSERT_TRUE(top_->rename_entry("src", *top_, "lib"));
}

// As a file is replaced: written beside it, under another name, and moved there.
TEST_F(OverlayTest, AFileMovesToANameThatAMaskShows) {
  put(".env.example", "old");
  open({}, {"**/.env.*", "!**/.env.example"});
  write("new", "new");
  EXPECT_EQ(top_->rename_entry("new", *top_, ".env.local").error(), EACCES);
  ASSERT_TRUE(top_->rename_entry("new", *top_, ".env.example"));
  EXPECT_EQ(text_of(*file(".env.example")), "new");
  EXPECT_EQ(changed(), "~.env.example ");
}

TEST_F(OverlayTest, NothingHiddenIsEverAChange) {
  put("src/key", "SECRET");
  open({}, {"lib/key"});
  ASSERT_TRUE(top_->rename_entry("src", *top_, "lib"));
  const std::string all = changed();
  EXPECT_EQ(all.find("+lib/key"), all.npos) << all;
}

TEST_F(OverlayTest, AFolderThatHoldsSomethingHiddenIsNotEmpty) {
  fs::create_directories(ws_ + "/box/.boxagnts");
  EXPECT_EQ(names(*folder("box")), "");
  EXPECT_EQ(top_->remove_directory("box").error(), ENOTEMPTY);
  ASSERT_TRUE(top_->make_directory("made"));
  EXPECT_EQ(top_->rename_entry("made", *top_, "box").error(), ENOTEMPTY);
  ASSERT_TRUE(top_->rename_entry("box", *top_, "moved"));
  EXPECT_EQ(changed(), "+made +moved ") << "box itself stays: what is hidden in it does";
}

TEST_F(OverlayTest, SpecialFilesStayAsTheyAre) {
  ASSERT_EQ(::mkfifo((ws_ + "/src/fifo").c_str(), 0666), 0);
  const auto src = folder("src");
  for (const int error :
       {src->open_file("fifo", kWrite).error(), src->open_file("fifo", kRead).error(),
        src->remove_file("fifo").error(), src->rename_entry("fifo", *top_, "x").error(),
        src->hard_link("fifo", *top_, "x").error(),
        src->set_entry_times("fifo", {.modified_ns = 1}).error(),
        src->rename_entry("one.cc", *src, "fifo").error()})
    EXPECT_EQ(error, ENXIO);
  ASSERT_TRUE(top_->rename_entry("src", *top_, "lib"));
  EXPECT_EQ(changed(),
            "+lib +lib/deep +lib/deep/two.cc +lib/one.cc -src/deep -src/deep/two.cc "
            "-src/one.cc ");
}

// --- odd ends ---

TEST_F(OverlayTest, DepthIsNoProblemForASmallStack) {
  auto thread = base::Thread::start("deep", 256 << 10, [this] {
    auto at = top_;
    for (int i = 0; i < 2048; ++i) {
      ASSERT_TRUE(at->make_directory("d"));
      at = at->open_directory("d").value();
    }
    ASSERT_TRUE(top_->rename_entry("d", *top_, "ee"));
    EXPECT_TRUE(overlay_->changes());
    at.reset();
    top_.reset();
    overlay_.reset();
  });
  thread.value().join();
}

// Whatever way it gets there: by descriptors no path is ever spelled out.
TEST_F(OverlayTest, NothingStandsDeeperThanAPathReaches) {
  const std::string step(199, 'd');
  const auto dig = [&](std::shared_ptr<Directory> at, int steps) {
    for (int i = 0; i < steps; ++i) {
      EXPECT_TRUE(at->make_directory(step));
      at = at->open_directory(step).value();
    }
    return at;
  };
  std::string below = ws_ + "/below";
  for (int i = 0; i < 10; ++i) below += "/" + step;
  fs::create_directories(below);
  ASSERT_TRUE(top_->make_directory("made"));
  dig(folder("made"), 10);
  const auto end = dig(top_, 20);  // 3,999 bytes
  const std::string fits(96, 'x'), longer = fits + "x";
  EXPECT_EQ(end->make_directory(longer).error(), ENAMETOOLONG);
  EXPECT_EQ(end->make_link(longer, "x").error(), ENAMETOOLONG);
  EXPECT_EQ(end->open_file(longer, kCreate).error(), ENAMETOOLONG);
  EXPECT_EQ(end->open_plain(longer, kCreate).error(), ENAMETOOLONG);
  EXPECT_EQ(top_->hard_link("a.txt", *end, longer).error(), ENAMETOOLONG);
  EXPECT_EQ(top_->rename_entry("a.txt", *end, longer).error(), ENAMETOOLONG);
  EXPECT_TRUE(top_->rename_entry("a.txt", *end, fits));
  const auto down = [&](int steps) {
    auto at = top_;
    for (int i = 0; i < steps; ++i) at = at->open_directory(step).value();
    return at;
  };
  for (const std::string deep : {"made", "below"}) {  // with 2,000 bytes below it
    EXPECT_EQ(top_->rename_entry(deep, *down(11), deep).error(), ENAMETOOLONG) << deep;
    EXPECT_TRUE(top_->rename_entry(deep, *down(10), deep)) << deep;
    EXPECT_EQ(down(10)->rename_entry(deep, *down(11), deep).error(), ENAMETOOLONG) << deep;
    EXPECT_TRUE(down(10)->rename_entry(deep, *top_, deep)) << deep;
  }
}

TEST_F(OverlayTest, OverlaysAreDevicesOfTheirOwn) {
  const auto first = top_;
  const auto overlay = std::move(overlay_);
  open();
  EXPECT_EQ(first->rename_entry("a.txt", *top_, "b").error(), EXDEV);
  EXPECT_EQ(first->hard_link("a.txt", *top_, "b").error(), EXDEV);
  EXPECT_FALSE(Overlay::open(nullptr, {}, root_ + "/none"));
}

// Works as a user who owns nothing below, where the tests run as root.
class OverlayAsNobodyTest : public OverlayTest {
 protected:
  static constexpr uid_t kNobody = 65534;
  ~OverlayAsNobodyTest() override {
    if (was_root_) EXPECT_EQ(::seteuid(0), 0);
    ::chmod((ws_ + "/src/deep").c_str(), 0755);
  }
  void begin() {
    ::chmod(root_.c_str(), 0755);
    if (::geteuid() == 0) {
      was_root_ = true;
      ASSERT_EQ(::chown(root_.c_str(), kNobody, kNobody), 0);
      ASSERT_EQ(::seteuid(kNobody), 0);
    }
    open();
  }
  bool was_root_ = false;
};

TEST_F(OverlayAsNobodyTest, AFolderThatCannotBeReadIsNotEmpty) {
  ::chmod((ws_ + "/src/deep").c_str(), 0);
  begin();
  const auto src = folder("src");
  EXPECT_EQ(src->remove_directory("deep").error(), EACCES);
  ASSERT_TRUE(top_->make_directory("made"));
  EXPECT_EQ(top_->rename_entry("made", *src, "deep").error(), EACCES);
  EXPECT_EQ(src->rename_entry("deep", *top_, "deep").error(), EACCES);
  ASSERT_TRUE(src->set_entry_times("deep", {.modified_ns = 1}));
  EXPECT_EQ(src->open_directory("deep").error(), EACCES) << "nor looks it so";
  EXPECT_EQ(changed(), "+made ~src/deep ");
}

TEST_F(OverlayAsNobodyTest, WhatCannotBeReadCannotBeMovedAndTheRestIsTold) {
  ::chmod((ws_ + "/src/one.cc").c_str(), 0);
  begin();
  const auto src = folder("src");
  EXPECT_EQ(top_->rename_entry("src", *top_, "lib").error(), EACCES);
  EXPECT_EQ(src->rename_entry("one.cc", *src, "two").error(), EACCES);
  EXPECT_EQ(src->hard_link("one.cc", *src, "two").error(), EACCES);
  EXPECT_TRUE(src->rename_entry("deep", *top_, "deep"));
  write("new", "text");
  ASSERT_TRUE(src->remove_file("one.cc"));
  EXPECT_EQ(changed(), "+deep +deep/two.cc +new -src/deep -src/deep/two.cc -src/one.cc ");
}

// Runs as nobody where the tests run as root: root may write anything.
TEST_F(OverlayTest, WhatIsReadOnlyInACopyIsReadOnlyHere) {
  ::chmod((ws_ + "/a.txt").c_str(), 0444);
  ::chmod((ws_ + "/src").c_str(), 0555);
  ::chmod(root_.c_str(), 0755);
  ::chmod((root_ + "/state").c_str(), 0777);
  const pid_t child = ::fork();
  if (child == 0) {
    if (::geteuid() == 0 && (::setegid(65534) != 0 || ::seteuid(65534) != 0)) ::_exit(9);
    auto overlay = Overlay::open(open_host_filesystem(ws_, core::Access::read_only, {}).value(), {},
                                 root_ + "/state")
                       .value();
    const auto top = overlay->filesystem()->root();
    const auto src = top->open_directory("src").value();
    const bool right =
        top->open_file("a.txt", kRead) && top->open_file("a.txt", kWrite).error() == EACCES &&
        top->open_plain("src/new", kCreate).error() == EACCES &&
        src->make_directory("d").error() == EACCES && src->make_link("d", "x").error() == EACCES &&
        src->remove_file("one.cc").error() == EACCES &&
        src->rename_entry("one.cc", *top, "x").error() == EACCES &&
        top->hard_link("a.txt", *src, "x").error() == EACCES && top->make_directory("d") &&
        top->open_file("new", kCreate) &&
        src->open_file("one.cc", kWrite).value()->append(bytes("!")) == 4u;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
  ::chmod((ws_ + "/src").c_str(), 0755);
}

}  // namespace
}  // namespace boxagnts::vfs
