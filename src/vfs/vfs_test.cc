// The file systems behave alike: the same calls on both, and what each alone promises.
#include <gtest/gtest.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <random>

#include "base/file.h"
#include "vfs/host_filesystem.h"
#include "vfs/memory_filesystem.h"
#include "vfs/name_space.h"
#include "vfs/overlay.h"

namespace boxagnts::vfs {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

std::string content_of(File& file) {
  std::string text(4096, '\0');
  text.resize(file.read_at(std::as_writable_bytes(std::span(text)), 0).value());
  return text;
}

enum class Which { host, memory, overlay };

std::unique_ptr<Overlay> overlay_on(const std::string& root) {
  std::filesystem::create_directories(root + "/lower");
  std::filesystem::create_directories(root + "/state");
  return Overlay::open(open_host_filesystem(root + "/lower", core::Access::read_only, {}).value(),
                       {}, root + "/state")
      .value();
}

class Filesystems : public testing::TestWithParam<Which> {
 protected:
  Filesystems() {
    char folder[] = "/tmp/vfs_test.XXXXXX";
    root_ = ::mkdtemp(folder);
    switch (GetParam()) {
      case Which::host:
        fs_ = open_host_filesystem(root_, core::Access::read_write, {}).value();
        break;
      case Which::memory: fs_ = make_memory_filesystem(clock_, 1 << 20); break;
      case Which::overlay: fs_ = overlay_on(root_)->filesystem();
    }
    top_ = fs_->root();
  }
  ~Filesystems() override { std::filesystem::remove_all(root_); }

  std::shared_ptr<File> make(std::string_view name, std::string_view content = "") {
    auto file = top_->open_file(name, {.read = true, .write = true, .create = true}).value();
    EXPECT_EQ(file->write_at(bytes(content), 0), content.size());
    return file;
  }

  base::ManualClock clock_;
  std::string root_;
  std::shared_ptr<Filesystem> fs_;
  std::shared_ptr<Directory> top_;
};

TEST_P(Filesystems, FilesAreWrittenReadResizedAndAppended) {
  const auto file = make("f", "hello");
  EXPECT_EQ(content_of(*file), "hello");
  EXPECT_EQ(file->write_at(bytes("J"), 0), 1u);
  EXPECT_EQ(file->append(bytes("!!")), 7u);
  EXPECT_EQ(content_of(*file), "Jello!!");
  ASSERT_TRUE(file->resize(2));
  EXPECT_EQ(content_of(*file), "Je");
  ASSERT_TRUE(file->resize(4));
  EXPECT_EQ(content_of(*file), std::string("Je\0\0", 4));
  EXPECT_EQ(file->read_at(std::span<std::byte>(), 0), 0u);
  EXPECT_TRUE(file->sync());
  EXPECT_EQ(file->stat()->kind, Kind::file);
  EXPECT_EQ(
      content_of(*top_->open_file("f", {.read = true, .write = true, .truncate = true}).value()),
      "");
}

TEST_P(Filesystems, OpenFlagsMeanWhatTheySay) {
  EXPECT_EQ(top_->open_file("f", {.read = true}).error(), ENOENT);
  make("f", "x");
  EXPECT_EQ(top_->open_file("f", {.write = true, .create = true, .exclusive = true}).error(),
            EEXIST);
  ASSERT_TRUE(top_->make_directory("d"));
  EXPECT_EQ(top_->open_file("d", {.read = true, .write = true}).error(), EISDIR);
  EXPECT_EQ(top_->open_directory("f").error(), ENOTDIR);
  EXPECT_EQ(top_->open_directory("none").error(), ENOENT);
  ASSERT_TRUE(top_->make_link("l", "f"));
  EXPECT_EQ(top_->open_file("l", {.read = true}).error(), ELOOP);
  EXPECT_EQ(top_->open_directory("l").error(), ELOOP);
}

TEST_P(Filesystems, DirectoriesAreMadeListedAndRemoved) {
  ASSERT_TRUE(top_->make_directory("d"));
  EXPECT_EQ(top_->make_directory("d").error(), EEXIST);
  make("b");
  make("a");
  ASSERT_TRUE(top_->make_link("c", "a"));
  std::string names;
  for (const auto& entry : std::vector(top_->list().value()))
    names += entry.name + (entry.kind == Kind::directory ? "/ "
                           : entry.kind == Kind::link    ? "@ "
                                                         : " ");
  EXPECT_EQ(names, "a b c@ d/ ");
  const auto d = top_->open_directory("d").value();
  ASSERT_TRUE(d->open_file("x", {.write = true, .create = true}));
  EXPECT_EQ(top_->remove_directory("d").error(), ENOTEMPTY);
  EXPECT_EQ(top_->remove_file("d").error(), EISDIR);
  EXPECT_EQ(top_->remove_directory("a").error(), ENOTDIR);
  ASSERT_TRUE(d->remove_file("x"));
  ASSERT_TRUE(top_->remove_directory("d"));
  EXPECT_EQ(d->make_directory("late").error(), ENOENT) << "the directory is gone";
  EXPECT_EQ(top_->remove_file("none").error(), ENOENT);
}

TEST_P(Filesystems, LinksAreReadAndNeverFollowed) {
  ASSERT_TRUE(top_->make_link("l", "../../etc/passwd"));
  EXPECT_EQ(top_->read_link("l"), "../../etc/passwd");
  EXPECT_EQ(top_->stat_entry("l")->kind, Kind::link);
  make("f");
  EXPECT_EQ(top_->read_link("f").error(), EINVAL);
  EXPECT_EQ(top_->make_link("f", "x").error(), EEXIST);
}

TEST_P(Filesystems, RenameFollowsPosix) {
  make("a", "A");
  make("b", "B");
  ASSERT_TRUE(top_->make_directory("d"));
  ASSERT_TRUE(top_->make_directory("e"));
  const auto d = top_->open_directory("d").value();
  ASSERT_TRUE(top_->rename_entry("a", *top_, "b"));
  EXPECT_EQ(content_of(*top_->open_file("b", {.read = true}).value()), "A");
  EXPECT_EQ(top_->rename_entry("b", *top_, "d").error(), EISDIR);
  EXPECT_EQ(top_->rename_entry("d", *top_, "b").error(), ENOTDIR);
  EXPECT_EQ(top_->rename_entry("none", *top_, "x").error(), ENOENT);
  ASSERT_TRUE(top_->rename_entry("b", *d, "b2"));
  EXPECT_EQ(top_->rename_entry("e", *top_, "d").error(), ENOTEMPTY);
  EXPECT_EQ(top_->rename_entry("d", *d, "inside").error(), EINVAL);
  ASSERT_TRUE(top_->rename_entry("e", *d, "e2"));
  EXPECT_EQ(d->list()->size(), 2u);
}

TEST_P(Filesystems, HardLinksShareTheFile) {
  const auto file = make("a", "one");
  ASSERT_TRUE(top_->hard_link("a", *top_, "b"));
  EXPECT_EQ(file->stat()->links, 2u);
  ASSERT_TRUE(top_->remove_file("a"));
  EXPECT_EQ(content_of(*top_->open_file("b", {.read = true}).value()), "one");
  EXPECT_EQ(top_->hard_link("none", *top_, "c").error(), ENOENT);
  EXPECT_EQ(top_->hard_link("b", *top_, "b").error(), EEXIST);
}

TEST_P(Filesystems, TimesAreSetToTheNanosecond) {
  const auto file = make("f");
  ASSERT_TRUE(file->set_times({.accessed_ns = 1'000'000'001, .modified_ns = 2'000'000'002}));
  EXPECT_EQ(file->stat()->accessed_ns, 1'000'000'001);
  ASSERT_TRUE(top_->set_entry_times("f", {.modified_ns = 3'000'000'003}));
  EXPECT_EQ(file->stat()->modified_ns, 3'000'000'003);
  EXPECT_EQ(file->stat()->accessed_ns, 1'000'000'001) << "what is not given stays";
}

TEST_P(Filesystems, OtherFilesystemsAreAnotherDevice) {
  const auto other = make_memory_filesystem(clock_, 100)->root();
  make("f");
  EXPECT_EQ(top_->rename_entry("f", *other, "f").error(), EXDEV);
  EXPECT_EQ(top_->hard_link("f", *other, "f").error(), EXDEV);
}

INSTANTIATE_TEST_SUITE_P(All, Filesystems,
                         testing::Values(Which::host, Which::memory, Which::overlay),
                         [](const auto& info) {
                           return info.param == Which::host     ? "Host"
                                  : info.param == Which::memory ? "Memory"
                                                                : "Overlay";
                         });

// Any sequence of calls gives the same answers on both.
TEST(FilesystemsAgree, OnRandomSequences) {
  char folder[] = "/tmp/vfs_agree.XXXXXX";
  const std::string root = ::mkdtemp(folder);
  base::ManualClock clock;
  for (unsigned seed = 0; seed < 30; ++seed) {
    const std::string run_root = root + "/" + std::to_string(seed);
    std::filesystem::create_directory(run_root);
    const std::shared_ptr<Directory> tops[]{
        open_host_filesystem(run_root, core::Access::read_write, {}).value()->root(),
        make_memory_filesystem(clock, 1 << 20)->root()};
    std::mt19937 random(seed);
    std::string trace;
    for (int step = 0; step < 150; ++step) {
      const auto name = [&] { return std::string(1, static_cast<char>('a' + random() % 5)); };
      const auto in = name(), from = name(), to = name();
      const unsigned operation = random() % 8;
      std::string outcome[2];
      for (int i = 0; i < 2; ++i) {
        // Half of the time inside a folder, where there is one.
        auto directory = tops[i];
        if (step % 2)
          if (auto inner = tops[i]->open_directory(in)) directory = *inner;
        const auto say = [&](const auto& result) {
          return result ? std::string("ok") : std::to_string(result.error());
        };
        switch (operation) {
          case 0: outcome[i] = say(directory->make_directory(from)); break;
          case 1: outcome[i] = say(directory->make_link(from, to)); break;
          case 2: outcome[i] = say(directory->remove_file(from)); break;
          case 3: outcome[i] = say(directory->remove_directory(from)); break;
          case 4: outcome[i] = say(directory->rename_entry(from, *tops[i], to)); break;
          case 5: {
            auto file = directory->open_file(from, {.read = true, .write = true, .create = true});
            outcome[i] = say(file);
            if (file) outcome[i] += std::to_string((*file)->append(bytes(to)).value());
            break;
          }
          case 6: {
            const auto stat = directory->stat_entry(from);
            outcome[i] = say(stat);
            if (stat && stat->kind != Kind::directory) outcome[i] += std::to_string(stat->size);
            break;
          }
          default:
            for (const auto& entry : std::vector(directory->list().value()))
              outcome[i] += entry.name + std::to_string(static_cast<int>(entry.kind)) + " ";
        }
      }
      trace += std::to_string(operation) + in + from + to + (step % 2 ? "' " : " ");
      ASSERT_EQ(outcome[0], outcome[1]) << "seed " << seed << " after " << trace;
    }
  }
  std::filesystem::remove_all(root);
}

TEST(MemoryFilesystem, BytesAreBoundedAndGivenBack) {
  base::ManualClock clock;
  const auto top = make_memory_filesystem(clock, 1000)->root();
  auto file = top->open_file("f", {.write = true, .create = true}).value();
  EXPECT_TRUE(file->resize(1000));
  EXPECT_EQ(file->resize(1001).error(), ENOSPC);
  EXPECT_EQ(file->write_at(bytes("x"), UINT64_MAX).error(), EFBIG);
  EXPECT_EQ(top->make_link("l", "target").error(), ENOSPC);
  ASSERT_TRUE(top->remove_file("f"));
  EXPECT_EQ(top->open_file("g", {.write = true, .create = true}).value()->resize(1).error(), ENOSPC)
      << "still open";
  file.reset();
  EXPECT_TRUE(top->open_file("g", {.write = true, .create = true}).value()->resize(1000));
}

TEST(HostFilesystem, BadRootsAreSentences) {
  EXPECT_EQ(open_host_filesystem("/nonexistent", core::Access::read_only, {}).error().code,
            Code::not_found);
  const auto file = open_host_filesystem("/etc/hostname", core::Access::read_only, {});
  EXPECT_EQ(file.error().message, "/etc/hostname is not a folder");
}

class NestedMounts : public testing::Test {
 protected:
  base::ManualClock clock_;
  std::shared_ptr<Filesystem> outer_ = make_memory_filesystem(clock_, 1 << 20);
  std::shared_ptr<Filesystem> inner_ = make_memory_filesystem(clock_, 1 << 20);
  std::shared_ptr<const NameSpace> name_space_ =
      NameSpace::make({{"/home/ws", outer_}, {"/home/ws/a/inner", inner_}}).value();
  static std::string names(Directory& directory) {
    std::string text;
    for (const auto& entry : std::vector(directory.list().value())) text += entry.name + " ";
    return text;
  }
};

TEST_F(NestedMounts, AreSeenWhereTheyStandAndHideWhatIsBelow) {
  const auto top = outer_->root();
  ASSERT_TRUE(top->make_directory("a"));
  ASSERT_TRUE(top->open_directory("a").value()->make_directory("inner"));
  ASSERT_TRUE(top->open_directory("a").value()->make_directory("own"));
  ASSERT_TRUE(inner_->root()->make_directory("in"));
  EXPECT_EQ(names(*name_space_->root().directory), "home ");
  EXPECT_EQ(names(*name_space_->at("/home/ws/a")->directory), "inner own ");
  EXPECT_EQ(names(*name_space_->at("/home/ws/a/inner")->directory), "in ");
  EXPECT_EQ(name_space_->at("/home/ws/a/inner/..")->path, "/home/ws/a");
  EXPECT_EQ(name_space_->at("/..")->path, "/");
  EXPECT_EQ(name_space_->at("/etc").error(), ENOENT);
}

TEST_F(NestedMounts, CannotBeRemovedRenamedOrReplaced) {
  const auto ws = name_space_->at("/home/ws").value();
  const auto a = name_space_->resolve(ws, "a/inner", Follow::no).value();
  EXPECT_EQ(a.name, "inner");
  Directory& parent = *a.parent.directory;
  EXPECT_EQ(parent.remove_directory("inner").error(), EBUSY);
  EXPECT_EQ(parent.rename_entry("inner", parent, "elsewhere").error(), EBUSY);
  EXPECT_EQ(parent.make_directory("inner").error(), EEXIST);
  EXPECT_EQ(parent.remove_file("inner").error(), EISDIR);
  ASSERT_TRUE(outer_->root()->make_directory("b"));
  EXPECT_EQ(ws.directory->rename_entry("b", parent, "inner").error(), EXDEV)
      << "nothing stands below the mount point";
}

TEST_F(NestedMounts, FoldersOnTheWayAreSyntheticAndReadOnly) {
  const auto root = name_space_->root();
  EXPECT_EQ(root.directory->make_directory("x").error(), EROFS);
  EXPECT_EQ(root.directory->open_file("x", {.write = true, .create = true}).error(), EROFS);
  EXPECT_EQ(root.directory->stat()->mode, 0555u);
  EXPECT_EQ(root.directory->set_times({.modified_ns = 1}).error(), EROFS);
}

TEST_F(NestedMounts, LengthsAreBoundedWhateverTheFileSystemThinks) {
  const auto ws = name_space_->at("/home/ws").value();
  const std::string name(300, 'n');
  EXPECT_EQ(name_space_->stat(ws, name, Follow::yes).error(), ENAMETOOLONG);
  std::string path;
  for (int i = 0; i < 2500; ++i) path += "./";
  EXPECT_EQ(name_space_->resolve(ws, path, Follow::yes).error(), ENAMETOOLONG);
  ASSERT_TRUE(outer_->root()->make_link("long", path));
  EXPECT_EQ(name_space_->stat(ws, "long", Follow::yes).error(), ENAMETOOLONG);
}

// However a path begins, it leads to the same: "./" before a name changes nothing.
TEST_F(NestedMounts, DotSlashBeforeANameChangesNothing) {
  ASSERT_TRUE(outer_->root()->make_directory("a"));
  ASSERT_TRUE(inner_->root()->open_file("f", {.write = true, .create = true}));
  const auto ws = name_space_->at("/home/ws").value();
  for (const auto* before : {"", "./", "././", ".//", "./././"}) {
    const auto path = std::string(before) + "a/inner/f";
    const auto stat = name_space_->stat(ws, path, Follow::no);
    ASSERT_TRUE(stat) << path;
    EXPECT_EQ(stat->kind, Kind::file) << path;
    EXPECT_TRUE(name_space_->open(ws, path, Follow::no, {.read = true})) << path;
    EXPECT_EQ(name_space_->stat(ws, std::string(before) + "none", Follow::no).error(), ENOENT);
    EXPECT_EQ(name_space_->stat(ws, std::string(before) + "../x", Follow::no).error(), EPERM);
  }
  for (const auto* path : {".", "./", "./."})
    EXPECT_EQ(name_space_->stat(ws, path, Follow::no).value().kind, Kind::directory) << path;
}

TEST(NameSpace, AMountMayBeTheRoot) {
  base::ManualClock clock;
  const auto root = make_memory_filesystem(clock, 100), inner = make_memory_filesystem(clock, 100);
  ASSERT_TRUE(root->root()->make_directory("a"));
  ASSERT_TRUE(root->root()->make_link("link", "/a/f"));
  ASSERT_TRUE(inner->root()->make_directory("in"));
  for (const bool nested : {false, true}) {
    std::vector<Mount> mounts{{"/", root}};
    if (nested) mounts.push_back({"/a/inner", inner});
    const auto name_space = NameSpace::make(mounts).value();
    const auto top = name_space->root();
    EXPECT_EQ(name_space->at("/").value().path, "/");
    EXPECT_EQ(name_space->at("/a").value().path, "/a");
    for (const auto* path : {"/a/f", "a/f", "../a/f", "/link"})
      EXPECT_TRUE(name_space->open(top, path, Follow::yes, {.write = true, .create = true}))
          << path;
    EXPECT_EQ(name_space->stat(top, "/a/inner/in", Follow::no).has_value(), nested);
    EXPECT_EQ(top.directory->list()->size(), 2u);
    if (nested) EXPECT_EQ(top.directory->rename_entry("a", *top.directory, "b").error(), EBUSY);
  }
  EXPECT_FALSE(NameSpace::make({{"/", root}, {"/", inner}}));
}

TEST(NameSpace, APathIsBoundedHoweverItIsReached) {
  base::ManualClock clock;
  const auto fs = make_memory_filesystem(clock, 100);
  const auto name_space = NameSpace::make({{"/m", fs}}).value();
  const std::string name(255, 'n');
  Place place = name_space->at("/m").value();
  int depth = 0;
  while (true) {
    const auto leaf = name_space->resolve(place, name, Follow::no);
    if (!leaf) {
      EXPECT_EQ(leaf.error(), ENAMETOOLONG);
      break;
    }
    ASSERT_TRUE(leaf->parent.directory->make_directory(leaf->name));
    place = *name_space->open(place, name, Follow::no, {.directory = true})->directory;
    ASSERT_LT(++depth, 16);
  }
  EXPECT_EQ(depth, 15);
  EXPECT_EQ(name_space->open(place, name, Follow::no, {.create = true}).error(), ENAMETOOLONG);
  EXPECT_EQ(name_space->stat(place, name, Follow::no).error(), ENAMETOOLONG);
}

TEST(NameSpace, SyntheticFoldersAreNumberedTheSameInEveryRun) {
  base::ManualClock clock;
  const auto number = [&] {
    const auto name_space = NameSpace::make({{"/a/b", make_memory_filesystem(clock, 1)},
                                             {"/c/d", make_memory_filesystem(clock, 1)}})
                                .value();
    const auto root = name_space->root();
    const auto entries = root.directory->list().value();
    return std::tuple(root.directory->stat()->inode, entries[0].inode, entries[1].inode);
  };
  EXPECT_EQ(number(), std::tuple(1, 2, 4));
  EXPECT_EQ(number(), number());
}

class HostFiles : public testing::Test {
 protected:
  HostFiles() {
    char folder[] = "/tmp/vfs_host.XXXXXX";
    path_ = ::mkdtemp(folder);
  }
  ~HostFiles() override { std::filesystem::remove_all(path_); }
  std::shared_ptr<Directory> root() {
    return open_host_filesystem(path_, core::Access::read_write, {}).value()->root();
  }
  mode_t mode_of(const std::string& name) {
    struct stat status;
    EXPECT_EQ(::stat((path_ + name).c_str(), &status), 0);
    return status.st_mode & 0777;
  }
  std::string path_;
};

TEST_F(HostFiles, AFileMadeHereTakesOverTheModeOfWhatItReplaces) {
  constexpr mode_t kMadeHere = 0;
  const auto top = root();
  const auto make = [&](const std::string& name, mode_t mode) {
    if (mode == kMadeHere) {
      ASSERT_TRUE(top->open_file(name, {.write = true, .create = true}));
      return;
    }
    std::ofstream(path_ + "/" + name) << name;
    ::chmod((path_ + "/" + name).c_str(), mode);
  };
  int number = 0;
  for (const auto& [source, replaced, wanted] :
       {std::tuple<mode_t, mode_t, mode_t>{kMadeHere, 0755, 0755},
        {kMadeHere, 0600, 0600},
        {0600, 0644, 0600},
        {0755, 0644, 0755},
        {0644, 0755, 0644}}) {
    const std::string from = "new" + std::to_string(++number), to = "old" + std::to_string(number);
    make(from, source);
    make(to, replaced);
    ASSERT_TRUE(top->rename_entry(from, *top, to));
    EXPECT_EQ(mode_of("/" + to), wanted) << std::oct << source << " over " << replaced;
  }
  make("new", kMadeHere);
  std::filesystem::create_directory(path_ + "/folder");
  const auto before = mode_of("/new");
  EXPECT_FALSE(top->rename_entry("new", *top, "folder"));
  EXPECT_EQ(mode_of("/new"), before) << "what is not done changes nothing";
}

// Opening a FIFO to read and closing it again would end its writer.
TEST_F(HostFiles, AFifoIsNotEvenOpened) {
  const std::string fifo = path_ + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  const base::UniqueFd watch(::inotify_init1(IN_NONBLOCK));
  ASSERT_GE(::inotify_add_watch(watch.get(), fifo.c_str(), IN_OPEN), 0);
  for (const OpenFlags flags : {OpenFlags{.read = true}, OpenFlags{.write = true},
                                OpenFlags{.read = true, .write = true, .create = true}})
    EXPECT_EQ(root()->open_plain("fifo", flags).error(), ENXIO);
  char event[256];
  EXPECT_EQ(::read(watch.get(), event, sizeof event), -1) << "it was opened";
}

TEST_F(HostFiles, TheKernelsOwnStateIsNoFile) {
  if (!std::filesystem::exists("/proc/self/mem")) GTEST_SKIP() << "/proc is not mounted";
  EXPECT_EQ(open_host_filesystem("/proc", core::Access::read_only, {}).error().code,
            Code::permission_denied);
  const auto top = open_host_filesystem("/", core::Access::read_only, {}).value()->root();
  EXPECT_EQ(top->open_plain("proc/self/mem", {.read = true}).error(), ELOOP) << "self is a link";
  const std::string own = "proc/" + std::to_string(::getpid());
  EXPECT_EQ(top->open_plain(own + "/mem", {.read = true}).error(), ENXIO);
  EXPECT_EQ(top->open_plain(own, {.read = true, .directory = true}).error(), ENXIO);
  EXPECT_EQ(top->open_directory("proc").error(), ENXIO);
}

TEST(NameSpace, MountsAtImpossiblePlacesAreRefused) {
  base::ManualClock clock;
  const auto fs = make_memory_filesystem(clock, 100);
  for (const auto* path : {"", "relative", "/a/../b", "/a//b", "/a/"})
    EXPECT_FALSE(NameSpace::make({{path, fs}})) << path;
  EXPECT_FALSE(NameSpace::make({{"/a", fs}, {"/a", fs}}));
}

TEST(Masks, HideTheStateFolderEverywhereAndGlobsWithAllBelow) {
  const auto masks = Masks::parse({"secrets", "**/.env*"}).value();
  for (const auto* hidden : {".boxagnts", ".BoxAgnts", "a/.boxagnts", ".boxagnts/state.db",
                             "secrets", "secrets/deep/key", ".env", "a/b/.env.local", ".env/x"})
    EXPECT_TRUE(masks.hides(hidden)) << hidden;
  for (const auto* seen : {"", "a", ".boxagnts2", "boxagnts", "a/secrets", "env", "x.env"})
    EXPECT_FALSE(masks.hides(seen)) << seen;
}

// (mask, from, to, whether a rename is let through)
using Move = std::tuple<const char*, const char*, const char*, bool>;
enum class By { rename_entry, move_entry };
class MaskedMove : public testing::TestWithParam<std::tuple<Move, By>> {};
TEST_P(MaskedMove, AFolderMovesOnlyWhereTheSameIsHidden) {
  const auto& [mask, from, to, allowed] = std::get<Move>(GetParam());
  char folder[] = "/tmp/vfs_mask.XXXXXX";
  const std::string root = ::mkdtemp(folder);
  for (const auto* name : {"conf", "other", "deep/conf", "deep/other", ".ssh"})
    std::filesystem::create_directories(root + "/" + name);
  std::filesystem::create_directory(root + "/conf/sub");
  const auto name_space =
      NameSpace::make(
          {{"/m", open_host_filesystem(root, core::Access::read_write, Masks::parse({mask}).value())
                      .value()}})
          .value();
  const auto start = name_space->at("/m").value();
  const auto source = name_space->resolve(start, from, Follow::no).value();
  const auto target = name_space->resolve(start, to, Follow::no).value();
  Directory &folder_of_source = *source.parent.directory,
            &folder_of_target = *target.parent.directory;
  const auto moved =
      std::get<By>(GetParam()) == By::rename_entry
          ? folder_of_source.rename_entry(source.name, folder_of_target, target.name)
          : move_entry(folder_of_source, source.name, folder_of_target, target.name, Replace::yes);
  if (allowed)
    EXPECT_TRUE(moved) << ::strerror(moved.error());
  else
    EXPECT_EQ(moved.error(), EACCES);
  EXPECT_EQ(std::filesystem::exists(root + "/" + from), !allowed);
  std::filesystem::remove_all(root);
}
INSTANTIATE_TEST_SUITE_P(
    Table, MaskedMove,
    testing::Combine(
        testing::Values(Move{"conf/key", "conf", "new", false},  // would show what is hidden in it
                        Move{"new/key", "other", "new", false},  // would make what may not be made
                        Move{"conf/key", "other", "new", true}, Move{"**/key", "conf", "new", true},
                        Move{"**/.ssh/id", ".ssh", "new", false},
                        Move{"**/.ssh/id", "other", "deep/.ssh", false},
                        Move{"**/conf/sub/key", "conf", "new", false},
                        Move{"**/conf/sub/key", "conf/sub", "other/sub", false},
                        Move{"**/conf/sub/key", "conf", "deep/conf", true},
                        Move{"deep/*/key", "deep/conf", "deep/new", true},
                        Move{"deep/*/key", "deep/conf", "new", false},
                        Move{"{conf,new}/key", "conf", "new", true}),
        testing::Values(By::rename_entry, By::move_entry)));

TEST(MoveEntry, BetweenMountsByTheRulesOfBoth) {
  char folder[] = "/tmp/vfs_move.XXXXXX";
  const std::string root = ::mkdtemp(folder);
  for (const auto* name : {"a", "b"}) std::filesystem::create_directory(root + "/" + name);
  std::ofstream(root + "/a/x") << "x";
  std::ofstream(root + "/b/y") << "y";
  const auto top = [&](const char* name, core::Access access, Quota quota = {}) {
    return open_host_filesystem(root + "/" + name, access, {}, quota).value()->root();
  };
  const auto a = top("a", core::Access::read_write), b = top("b", core::Access::read_write);
  EXPECT_EQ(move_entry(*a, "x", *b, "y", Replace::no).error(), EEXIST);
  EXPECT_EQ(move_entry(*a, "none", *b, "z", Replace::yes).error(), ENOENT);
  EXPECT_EQ(move_entry(*a, "x", *b, ".boxagnts", Replace::yes).error(), EACCES);
  EXPECT_EQ(move_entry(*top("a", core::Access::read_only), "x", *b, "z", Replace::no).error(),
            EROFS);
  EXPECT_EQ(move_entry(*a, "x", *top("b", core::Access::read_only), "z", Replace::no).error(),
            EROFS);
  const Quota quota{.bytes_max = 1 << 20};
  EXPECT_EQ(
      move_entry(*a, "x", *top("b", core::Access::read_write, quota), "z", Replace::no).error(),
      EXDEV);
  base::ManualClock clock;
  EXPECT_EQ(move_entry(*a, "x", *make_memory_filesystem(clock, 1 << 20)->root(), "z", Replace::no)
                .error(),
            EXDEV);
  EXPECT_TRUE(move_entry(*a, "x", *b, "z", Replace::no));
  EXPECT_TRUE(move_entry(*b, "z", *b, "y", Replace::yes));
  EXPECT_FALSE(std::filesystem::exists(root + "/a/x"));
  EXPECT_EQ(std::filesystem::file_size(root + "/b/y"), 1u);
  EXPECT_FALSE(std::filesystem::exists(root + "/b/z"));
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace boxagnts::vfs
