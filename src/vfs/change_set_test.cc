// Change sets as a matrix: what stood there x what shall x what a person did to it meanwhile, for
// apply and for undo; then parts, shapes of folders, and what is refused.
#include "vfs/change_set.h"

#include <gtest/gtest.h>

#include <thread>

#include "vfs/change_set_fixture.h"

namespace boxagnts::vfs {

void PrintTo(Outcome outcome, std::ostream* out) {
  *out << std::array{"applied", "merged", "already", "conflict"}[static_cast<std::size_t>(outcome)];
}

namespace {

using namespace std::string_literals;

std::string numbered(int from, int to) {
  std::string text;
  for (int i = from; i <= to; ++i) text += "line " + std::to_string(i) + "\n";
  return text;
}
std::string with_line(std::string text, int line, const std::string& instead) {
  const std::string old = "line " + std::to_string(line) + "\n";
  return text.replace(text.find(old), old.size(), instead);
}

constexpr std::int64_t kLongAgo = 1'500'000'000'123'456'789;

// The two sides of the changes of the matrix, by kind.
const std::map<std::string, Seen> kOneSide{{"nothing", {}},
                                           {"file", {"file", 0640, kLongAgo, numbered(1, 20)}},
                                           {"folder", {"folder", 0750, kLongAgo, ""}},
                                           {"link", {"link", 0777, kLongAgo, "here"}}};
const std::map<std::string, Seen> kOtherSide{
    {"nothing", {}},
    {"file", {"file", 0755, kLongAgo + 5, with_line(numbered(1, 20), 10, "changed\n")}},
    {"folder", {"folder", 0700, kLongAgo + 5, ""}},
    {"link", {"link", 0777, kLongAgo + 5, "there"}}};

const std::vector<std::string> kDeeds{"leave",   "edit far",  "edit near", "make binary", "remove",
                                      "to link", "to folder", "to file",   "chmod"};

// What a person does; false where it cannot be done to what stands there.
bool play(const std::string& deed, const std::string& path) {
  const Seen seen = see(path);
  if (deed == "leave") return true;
  if (deed.starts_with("edit") || deed == "make binary") {
    if (seen.kind != "file") return false;
    if (deed == "edit far") spill(path, "person\n" + seen.bytes);
    if (deed == "edit near") {
      const std::string mine = seen.bytes.contains("changed\n") ? "changed\n" : "line 10\n";
      std::string bytes = seen.bytes;
      spill(path, bytes.replace(bytes.find(mine), mine.size(), "person\n"));
    }
    if (deed == "make binary") spill(path, "person\0"s + seen.bytes);
    return true;
  }
  if (deed == "chmod") {
    if (seen.kind != "file" && seen.kind != "folder") return false;
    ::chmod(path.c_str(), seen.mode | 0002);
    return true;
  }
  if (deed == "remove" && seen.kind.empty()) return false;
  if ("to " + seen.kind == deed) return false;
  fs::remove(path);
  if (deed == "to link") make(path, {"link", 0777, 0, "person"});
  if (deed == "to folder") make(path, {"folder", 0700, 0, ""});
  if (deed == "to file") make(path, {"file", 0600, 0, "person\n"});
  return true;
}

Outcome wanted(const std::string& from, const std::string& to, const std::string& deed) {
  if (deed == "leave" || deed == "chmod") return Outcome::applied;
  if (deed == "edit far" && to == "file") return Outcome::merged;
  if (deed == "remove" && to == "nothing") return Outcome::already;
  if (deed == "to folder" && to == "folder") return Outcome::already;
  (void)from;
  return Outcome::conflict;
}

// Against `from`, `deed` and then an act towards `to`: what the act must say, and what must stand
// there.
void expect_act(const Target& target, const std::string& from, const std::string& to,
                const std::string& deed, const Seen& goal,
                const std::function<Result<std::vector<Applied>>()>& act) {
  const Seen before_deed = see(target / "x");
  ASSERT_TRUE(play(deed, target / "x"));
  const Seen found = see(target / "x");
  const auto applied = by_path(act());
  ASSERT_EQ(applied.size(), 1u);
  const Outcome outcome = applied.at("x").outcome;
  // A folder that stands there with another mode gets the wanted one, and that is a merge.
  const Outcome want = wanted(from, to, deed);
  EXPECT_EQ(outcome, want) << applied.at("x").reason;
  EXPECT_EQ(applied.at("x").reason.empty(), outcome != Outcome::conflict);
  const Seen after = see(target / "x");
  if (outcome == Outcome::conflict) {
    EXPECT_EQ(after, found);
  } else if (deed == "leave") {
    EXPECT_EQ(after, goal);
  } else if (deed == "chmod" && from == to) {
    EXPECT_EQ(after.bytes, goal.bytes);
    EXPECT_EQ(after.mode, goal.mode | 0002);
  } else if (outcome == Outcome::merged) {
    EXPECT_EQ(after.bytes, "person\n" + goal.bytes);
    EXPECT_EQ(after.mode, goal.mode);
  } else {
    EXPECT_EQ(after.kind, goal.kind);
  }
  (void)before_deed;
}

using Cell = std::tuple<std::string, std::string, std::string>;
class ChangeSetMatrix : public testing::TestWithParam<Cell> {};

TEST_P(ChangeSetMatrix, ApplyAndUndo) {
  const auto& [before, after, deed] = GetParam();
  for (const bool at_undo : {false, true}) {
    Target target;
    make(target / "x", kOneSide.at(before));
    if (before != "nothing") set_time(target / "x", kLongAgo);
    target.copy_anew();
    fs::remove(target.copy() + "/x");
    make(target.copy() + "/x", kOtherSide.at(after));
    if (after != "nothing") set_time(target.copy() + "/x", kLongAgo + 5);
    const auto set = target.keep();
    ASSERT_TRUE(set);
    const Snapshot first = snapshot(target.root());
    if (!at_undo) {
      expect_act(target, before, after, deed, kOtherSide.at(after), [&] { return set->apply({}); });
    } else {
      ASSERT_EQ(by_path(set->apply({})).at("x").outcome, Outcome::applied);
      ASSERT_EQ(see(target / "x"), kOtherSide.at(after));
      ASSERT_EQ(set->states().front(), ChangeState::applied);
      expect_act(target, after, before, deed, kOneSide.at(before), [&] { return set->undo({}); });
    }
    if (at_undo && deed == "leave") {
      EXPECT_EQ(differences(snapshot(target.root()), first), "");
      // And again: redo and undo.
      ASSERT_EQ(by_path(set->apply({})).at("x").outcome, Outcome::applied);
      EXPECT_EQ(see(target / "x"), kOtherSide.at(after));
      ASSERT_EQ(by_path(set->undo({})).at("x").outcome, Outcome::applied);
      EXPECT_EQ(differences(snapshot(target.root()), first), "");
    }
  }
}

std::vector<Cell> cells() {
  std::vector<Cell> all;
  for (const auto& [before, one] : kOneSide)
    for (const auto& [after, other] : kOtherSide)
      for (const auto& deed : kDeeds) {
        if (before == "nothing" && after == "nothing") continue;
        // A cell is there where the deed can be done to both sides; the act then meets it.
        Target target;
        make(target / "a", one);
        make(target / "b", other);
        if (play(deed, target / "a") && play(deed, target / "b"))
          all.emplace_back(before, after, deed);
      }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Cells, ChangeSetMatrix, testing::ValuesIn(cells()), [](const auto& info) {
  std::string name =
      std::get<0>(info.param) + "_" + std::get<1>(info.param) + "_" + std::get<2>(info.param);
  std::ranges::replace(name, ' ', '_');
  return name;
});

// --- parts -----------------------------------------------------------------------------------

// Three hunks, and a person's line between the first and the second.
class ChangeSetHunks : public testing::Test {
 protected:
  ChangeSetHunks() {
    spill(target_ / "x", numbered(1, 60));
    spill(target_ / "y", "y\n");
    target_.copy_anew();
    std::string after = numbered(1, 60);
    for (const int line : {5, 30, 55})
      after = with_line(after, line, "new " + std::to_string(line) + "\n");
    spill(target_.copy() + "/x", after);
    spill(target_.copy() + "/y", "Y\n");
    set_ = target_.keep();
  }
  static Selection of(std::vector<std::uint32_t> hunks) { return {{{"x", std::move(hunks)}}}; }
  static std::string text(std::initializer_list<int> changed) {
    std::string text = numbered(1, 60);
    for (const int line : changed)
      text = with_line(text, line, "new " + std::to_string(line) + "\n");
    return text;
  }
  Outcome act(bool undo, const Selection& what) {
    return by_path(undo ? set_->undo(what) : set_->apply(what)).at("x").outcome;
  }
  std::size_t hunks(Part part) {
    const auto diffs = set_->diff(part);
    for (const auto& diff : *diffs)
      if (diff.path == "x") return diff.hunks.size();
    return 0;
  }

  Target target_;
  std::unique_ptr<ChangeSet> set_;
};

TEST_F(ChangeSetHunks, OneAfterTheOtherThereAndBack) {
  const Seen first = see(target_ / "x");
  EXPECT_EQ(act(false, of({1})), Outcome::applied);
  EXPECT_EQ(slurp(target_ / "x"), text({30}));
  EXPECT_EQ(set_->states()[0], ChangeState::partly);
  EXPECT_EQ(set_->states()[1], ChangeState::proposed);
  EXPECT_EQ(hunks(Part::proposed), 2u);
  EXPECT_EQ(hunks(Part::applied), 1u);
  set_.reset();
  set_ = target_.open();
  EXPECT_EQ(act(false, of({0})), Outcome::applied);
  EXPECT_EQ(slurp(target_ / "x"), text({5, 30}));
  EXPECT_EQ(act(true, of({1})), Outcome::applied);
  EXPECT_EQ(slurp(target_ / "x"), text({5}));
  EXPECT_EQ(act(false, of({})), Outcome::applied);
  EXPECT_EQ(slurp(target_ / "x"), text({5, 30, 55}));
  EXPECT_EQ(set_->states()[0], ChangeState::applied);
  EXPECT_EQ(act(true, of({0, 2})), Outcome::applied);
  EXPECT_EQ(slurp(target_ / "x"), text({30}));
  EXPECT_EQ(act(true, of({0})), Outcome::applied);
  EXPECT_EQ(see(target_ / "x"), first);
  EXPECT_EQ(slurp(target_ / "y"), "y\n");
}

TEST_F(ChangeSetHunks, APersonsLinesStayThroughAll) {
  EXPECT_EQ(act(false, of({0})), Outcome::applied);
  spill(target_ / "x", with_line(slurp(target_ / "x"), 15, "person\n"));
  const auto with_person = [](std::string text) {
    return with_line(std::move(text), 15, "person\n");
  };
  EXPECT_EQ(act(false, of({1})), Outcome::merged);
  EXPECT_EQ(slurp(target_ / "x"), with_person(text({5, 55})));
  EXPECT_EQ(act(true, of({0})), Outcome::merged);
  EXPECT_EQ(slurp(target_ / "x"), with_person(text({55})));
  EXPECT_EQ(act(true, of({})), Outcome::merged);
  EXPECT_EQ(slurp(target_ / "x"), with_person(text({})));
  EXPECT_EQ(act(false, of({})), Outcome::merged);
  EXPECT_EQ(slurp(target_ / "x"), with_person(text({5, 30, 55})));
  // Untouched since: back to exactly what stood there before.
  EXPECT_EQ(act(true, of({})), Outcome::applied);
  EXPECT_EQ(slurp(target_ / "x"), with_person(text({})));
}

TEST_F(ChangeSetHunks, AConflictInOneHunkLeavesTheOthersPossible) {
  spill(target_ / "x", with_line(slurp(target_ / "x"), 30, "person\n"));
  EXPECT_EQ(act(false, of({})), Outcome::conflict);
  EXPECT_EQ(act(false, of({1})), Outcome::conflict);
  EXPECT_EQ(act(false, of({0, 2})), Outcome::merged);
  EXPECT_EQ(slurp(target_ / "x"), with_line(text({5, 55}), 30, "person\n"));
  EXPECT_EQ(set_->states()[0], ChangeState::partly);
}

TEST_F(ChangeSetHunks, WhatIsNotThereIsRefused) {
  EXPECT_EQ(set_->apply(of({3})).error().code, Code::invalid_argument);
  EXPECT_EQ(set_->undo({{{"z", {}}}}).error().code, Code::invalid_argument);
  EXPECT_EQ(act(true, of({})), Outcome::already);
  EXPECT_EQ(slurp(target_ / "x"), numbered(1, 60));
}

TEST(ChangeSet, DiffsNameRenamesBinariesAndKinds) {
  Target target;
  spill(target / "old name", "same\n");
  spill(target / "binary", "a\0b"s);
  spill(target / "to link", "a\n");
  target.copy_anew();
  fs::create_directory(target.copy() + "/dir");
  fs::rename(target.copy() + "/old name", target.copy() + "/dir/new");
  spill(target.copy() + "/binary", "a\0c"s);
  fs::remove(target.copy() + "/to link");
  fs::create_symlink("there", target.copy() + "/to link");
  const auto set = target.keep();
  const auto diffs = *set->diff(Part::proposed);
  EXPECT_EQ(to_unified(diffs),
            "diff --git a/binary b/binary\nBinary files a/binary and b/binary differ\n"
            "diff --git \"a/old name\" b/dir/new\nsimilarity index 100%\n"
            "rename from \"old name\"\nrename to dir/new\n"
            "diff --git \"a/to link\" \"b/to link\"\ndeleted file mode 100644\n"
            "--- \"a/to link\"\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a\n"
            "diff --git \"a/to link\" \"b/to link\"\nnew file mode 120000\n"
            "--- /dev/null\n+++ \"b/to link\"\n@@ -0,0 +1,1 @@\n+there\n"
            "\\ No newline at end of file\n");
  EXPECT_TRUE(set->diff(Part::applied)->empty());
}

// --- folders ---------------------------------------------------------------------------------

TEST(ChangeSet, AFileBringsItsFoldersAndAFolderWithOthersFilesStays) {
  Target target;
  fs::create_directories(target / "going/deep");
  spill(target / "going/deep/mine", "1");
  spill(target / "going/other", "1");
  target.copy_anew();
  fs::remove_all(target.copy() + "/going");
  fs::create_directories(target.copy() + "/coming/deep");
  spill(target.copy() + "/coming/deep/a", "1");
  spill(target.copy() + "/coming/b", "1");
  const auto set = target.keep();
  const Snapshot first = snapshot(target.root());

  auto applied = by_path(set->apply({{{"coming/deep/a", {}}}}));
  EXPECT_EQ(applied.size(), 3u);
  EXPECT_EQ(slurp(target / "coming/deep/a"), "1");
  EXPECT_FALSE(fs::exists(target / "coming/b"));
  applied = by_path(set->undo({{{"coming", {}}}}));
  EXPECT_EQ(applied.at("coming").outcome, Outcome::conflict);
  EXPECT_EQ(applied.at("coming").reason, "the folder holds deep, which is not part of this");
  by_path(set->undo({}));
  EXPECT_EQ(differences(snapshot(target.root()), first), "");

  spill(target / "going/deep/person", "person");
  applied = by_path(set->apply({}));
  EXPECT_EQ(applied.at("going/deep/mine").outcome, Outcome::applied);
  EXPECT_EQ(applied.at("going/deep").outcome, Outcome::conflict);
  EXPECT_EQ(applied.at("going").outcome, Outcome::conflict);
  EXPECT_EQ(slurp(target / "going/deep/person"), "person");
  EXPECT_FALSE(fs::exists(target / "going/other"));
  fs::remove(target / "going/deep/person");
  applied = by_path(set->apply({}));
  EXPECT_FALSE(fs::exists(target / "going"));
  by_path(set->undo({}));
  EXPECT_EQ(slurp(target / "going/deep/mine"), "1");
}

TEST(ChangeSet, WhatBecomesAFolderWithThingsInItAndBack) {
  Target target;
  spill(target / "a", "file");
  fs::create_directory(target / "b");
  spill(target / "b/in", "in");
  target.copy_anew();
  fs::remove(target.copy() + "/a");
  fs::create_directory(target.copy() + "/a");
  ::chmod((target.copy() + "/a").c_str(), 0555);
  spill(target.copy() + "/a/in", "in");
  fs::remove_all(target.copy() + "/b");
  spill(target.copy() + "/b", "file");
  const auto set = target.keep();
  const Snapshot first = snapshot(target.root());
  by_path(set->apply({}));
  Snapshot after = snapshot(target.root()), wanted = snapshot(target.copy());
  after.erase(""), wanted.erase("");
  EXPECT_EQ(differences(after, wanted), "");
  by_path(set->undo({}));
  EXPECT_EQ(differences(snapshot(target.root()), first), "");
}

// --- what is refused -------------------------------------------------------------------------

Code code_of_keeping(const Change& change) {
  Target target;
  spill(target / "x", "x");
  fs::create_directories(target.set() + "/new");
  spill(target.set() + "/new/1", "1");
  spill(target / "secret", "1");
  const auto kept = ChangeSet::keep(target.set(), target.root(), {change});
  return kept ? Code::internal : kept.error().code;
}

TEST(ChangeSetRefuses, HostilePaths) {
  const Version file{.size = 1, .content = "new/1"};
  EXPECT_EQ(code_of_keeping({"y", std::nullopt, file}), Code::internal) << "an honest one is kept";
  for (const auto& path :
       {"/etc/passwd"s, ""s, "a//b"s, "a/"s, "../x"s, "a/../../x"s, "."s, "a/./b"s, "a\0b"s,
        ".boxagnts/state.db"s, ".BoxAgnts"s, "a/.BOXAGNTS/x"s})
    EXPECT_EQ(code_of_keeping({path, std::nullopt, file}), Code::permission_denied) << path;
}

TEST(ChangeSetRefuses, ContentsOutsideItsFolder) {
  for (const auto& content :
       {"../../secret"s, "/etc/passwd"s, "new/../../../secret"s, "new/1\0"s}) {
    const Version file{.size = 1, .content = content};
    EXPECT_EQ(code_of_keeping({"y", std::nullopt, file}), Code::permission_denied) << content;
  }
}

TEST(ChangeSetRefuses, WhatIsNoChange) {
  const Version file{.size = 1, .content = "new/1"};
  EXPECT_EQ(code_of_keeping({"y", std::nullopt, std::nullopt}), Code::invalid_argument);
  EXPECT_EQ(code_of_keeping({"y", std::nullopt, Version{}}), Code::invalid_argument);
  EXPECT_EQ(code_of_keeping({"y", std::nullopt, Version{.kind = Kind::other}}),
            Code::invalid_argument);
  EXPECT_EQ(code_of_keeping({"y", std::nullopt, Version{.kind = Kind::link}}),
            Code::invalid_argument);
  EXPECT_EQ(code_of_keeping({"y", std::nullopt, Version{.content = "new/2"}}),
            Code::invalid_argument);
  Target target;
  fs::create_directories(target.set() + "/new");
  spill(target.set() + "/new/1", "1");
  const auto twice = ChangeSet::keep(target.set(), target.root(),
                                     {{"y", std::nullopt, file}, {"y", std::nullopt, file}});
  EXPECT_EQ(twice.error().code, Code::invalid_argument);
}

// A folder that became a link leads to another folder, in the target or out of it.
TEST(ChangeSetRefuses, FoldersThatBecameLinks) {
  for (const bool outside : {false, true}) {
    Target target;
    fs::create_directories(target / "dir");
    spill(target / "dir/x", "x");
    target.copy_anew();
    spill(target.copy() + "/dir/x", "changed");
    spill(target.copy() + "/dir/new", "new");
    const auto set = target.keep();
    const std::string elsewhere = outside ? target.outside() + "/dir" : target / "elsewhere";
    fs::rename(target / "dir", elsewhere);
    fs::create_symlink(elsewhere, target / "dir");
    if (!outside) {
      fs::remove(target / "dir");
      fs::create_symlink("elsewhere", target / "dir");
    }
    const auto applied = by_path(set->apply({}));
    EXPECT_EQ(applied.at("dir/x").outcome, Outcome::conflict);
    EXPECT_EQ(applied.at("dir/x").reason, "a folder on the way to it is a link");
    EXPECT_EQ(applied.at("dir/new").outcome, Outcome::conflict);
    EXPECT_EQ(slurp(elsewhere + "/x"), "x");
    EXPECT_FALSE(fs::exists(elsewhere + "/new"));
  }
}

TEST(ChangeSetRefuses, TwoAtATime) {
  Target target;
  spill(target.copy() + "/x", "x");
  auto set = target.keep();
  EXPECT_EQ(ChangeSet::open(target.set(), target.root()).error().code, Code::busy);
  set.reset();
  EXPECT_TRUE(ChangeSet::open(target.set(), target.root()));
}

TEST(ChangeSetRefuses, DamagedAndHostileManifests) {
  Target target;
  spill(target / "x", "1");
  target.copy_anew();
  spill(target.copy() + "/x", "x");
  target.keep();
  const std::string manifest = target.set() + "/manifest.json", sound = slurp(manifest);
  const auto code = [&](const std::string& text) {
    spill(manifest, text);
    const auto opened = ChangeSet::open(target.set(), target.root());
    return opened ? Code::internal : opened.error().code;
  };
  EXPECT_EQ(code(sound), Code::internal);
  for (std::size_t size = 0; size < sound.size(); size += 7)
    EXPECT_EQ(code(sound.substr(0, size)), Code::corrupt) << size;
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = sound;
    return text.replace(text.find(from), from.size(), to);
  };
  for (const std::string path : {"../x", "/x", ".boxagnts/x", "a%00b", "a%0", "%zz"})
    EXPECT_EQ(code(with("\"path\":\"x\"", "\"path\":\"" + path + "\"")), Code::corrupt) << path;
  EXPECT_EQ(code(with("\"new/1\"", "\"../new/1\"")), Code::corrupt);
  EXPECT_EQ(code(with("\"file\"", "\"other\"")), Code::corrupt);
  EXPECT_EQ(code(with("\"format\":1", "\"format\":2")), Code::corrupt);
  fs::remove(manifest);
  EXPECT_EQ(ChangeSet::open(target.set(), target.root()).error().code, Code::not_found);
}

// What keep() takes open() reads, before and after every act.
TEST(ChangeSetRefuses, MoreThanItCouldReadAgain) {
  const auto links = [](int count) {
    std::vector<Change> changes;
    for (int i = 0; i < count; ++i)  // which JSON holds at three bytes a byte
      changes.push_back({"link" + std::to_string(i), std::nullopt,
                         Version{.kind = Kind::link, .link_target = std::string(4095, '\xff')}});
    return changes;
  };
  constexpr std::size_t kBytesMax = 256 << 10;
  Target target;
  fs::create_directories(target.set());
  const auto keep = [&](int count) {
    return keep_change_set(target.set(), target.root(), links(count), [](auto) {}, kBytesMax);
  };
  const auto refused = keep(11);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::limit_exceeded);
  EXPECT_FALSE(fs::exists(target.set() + "/manifest.json"));
  auto set = keep(9).value();
  const auto applied = set->apply({});
  ASSERT_FALSE(applied);
  EXPECT_EQ(applied.error().code, Code::limit_exceeded);
  EXPECT_FALSE(fs::is_symlink(target / "link0")) << "nothing was touched";
  EXPECT_EQ(by_path(set->apply({{{"link0", {}}}})).at("link0").outcome, Outcome::applied);
  set.reset();
  set = open_change_set(target.set(), target.root(), [](auto) {}, kBytesMax).value();
  EXPECT_EQ(set->states().front(), ChangeState::applied);
}

TEST(ChangeSet, ADamagedOneCanBeDropped) {
  for (const std::string damaged : {"manifest.json", "journal.json"}) {
    Target target;
    spill(target.copy() + "/x", "x");
    auto set = target.keep();
    EXPECT_EQ(drop_change_set(target.set()).error().code, Code::busy);
    set.reset();
    spill(target.set() + "/" + damaged, "{");
    const auto opened = ChangeSet::open(target.set(), target.root());
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Code::corrupt);
    EXPECT_TRUE(drop_change_set(target.set()));
    EXPECT_FALSE(fs::exists(target.set()));
    EXPECT_EQ(drop_change_set(target.set()).error().code, Code::not_found);
  }
}

TEST(ChangeSet, ThreeWhoDropItAtOnceDoNotMeet) {
  Target target;
  for (int round = 0; round < 300; ++round) {
    spill(target.copy() + "/x", std::to_string(round));
    by_path(target.keep()->apply({}));
    std::vector<Result<void>> dropped(3);
    {
      std::vector<std::jthread> threads;
      for (auto& one : dropped) threads.emplace_back([&] { one = drop_change_set(target.set()); });
    }
    EXPECT_TRUE(dropped[0] || dropped[1] || dropped[2]);
    for (const auto& one : dropped)
      if (!one)
        EXPECT_TRUE(one.error().code == Code::busy || one.error().code == Code::not_found)
            << one.error().message;
    EXPECT_FALSE(fs::exists(target.set()));
  }
}

TEST(ChangeSet, WhatAKilledDropLeftCanBeDropped) {
  for (const bool locked : {true, false}) {
    Target target;
    spill(target.copy() + "/x", "x");
    target.keep();
    fs::remove(target.set() + "/manifest.json");
    if (!locked) fs::remove(target.set() + "/lock");
    EXPECT_EQ(ChangeSet::open(target.set(), target.root()).error().code, Code::not_found);
    EXPECT_TRUE(drop_change_set(target.set()));
    EXPECT_FALSE(fs::exists(target.set()));
  }
}

TEST(ChangeSet, DropRemovesAllOfIt) {
  Target target;
  spill(target.copy() + "/x", "x");
  const auto set = target.keep();
  by_path(set->apply({}));
  EXPECT_TRUE(set->drop());
  EXPECT_FALSE(fs::exists(target.set()));
  EXPECT_EQ(slurp(target / "x"), "x");
}

TEST(ChangeSet, WhetherItWasEverActedOn) {
  Target target;
  spill(target.copy() + "/x", "x");
  const auto set = target.keep();
  EXPECT_FALSE(was_ever_acted_on(target.set()).value());
  spill(target.set() + "/journal.json", "{}");
  EXPECT_TRUE(was_ever_acted_on(target.set()).value()) << "it has begun";
  fs::remove(target.set() + "/journal.json");
  by_path(set->apply({}));
  EXPECT_TRUE(was_ever_acted_on(target.set()).value());
  by_path(set->undo({}));
  EXPECT_TRUE(was_ever_acted_on(target.set()).value());
  spill(target.set() + "/manifest.json", "{");
  EXPECT_EQ(was_ever_acted_on(target.set()).error().code, Code::corrupt);
  EXPECT_TRUE(set->drop());
  EXPECT_EQ(was_ever_acted_on(target.set()).error().code, Code::not_found);
}

TEST(ChangeSet, ATimeThatGoesBackIsToldAsAnAct) {
  Target target;
  spill(target / "x", "x");
  target.copy_anew();
  vfs::set_time(target.copy() + "/x", 1'000'000'000'000'000'000);
  const Seen before = see(target / "x");
  const auto set = target.keep();
  EXPECT_EQ(by_path(set->apply({}))["x"].outcome, Outcome::applied);
  EXPECT_EQ(see(target / "x").modified_ns, 1'000'000'000'000'000'000);
  EXPECT_EQ(by_path(set->undo({}))["x"].outcome, Outcome::applied);
  EXPECT_EQ(see(target / "x"), before);
}

TEST(ChangeSet, NamesThatAreNoUtf8) {
  Target target;
  const std::string name = "100%\xff\n";
  spill(target.copy() + "/" + name, "x");
  target.keep();
  const auto set = target.open();
  by_path(set->apply({}));
  EXPECT_EQ(slurp(target / name), "x");
  by_path(set->undo({}));
  EXPECT_FALSE(fs::exists(target / name));
}

}  // namespace
}  // namespace boxagnts::vfs
