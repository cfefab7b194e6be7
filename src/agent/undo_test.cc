// What a session changed is taken back and put back, whole and in order; what a person changed
// since is never lost, and the log tells the truth also after a kill.
#include "agent/undo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "agent/session_diff.h"
#include "agent/undo_fixture.h"

namespace boxagnts::agent {
namespace {

using core::ChangesAct;
using core::FileOutcome;
using State = ChangeHistory::State;

class UndoTest : public testing::Test, public UndoFixture {
 protected:
  // A file of nine lines, so that changes at its two ends do not meet.
  static std::string lines(const std::string& first, const std::string& last) {
    return first + "\n2\n3\n4\n5\n6\n7\n8\n" + last + "\n";
  }
  // What became of the files of one set, "outcome" by path from the workspace.
  std::map<std::string, std::string> outcomes(const core::ChangesSettled& settled) const {
    std::map<std::string, std::string> found;
    for (const auto& file : settled.files)
      found[file.path.substr(root().size() + 1)] = core::name_of(file.outcome);
    return found;
  }
  std::vector<core::ChangesSettled> logged() {
    std::vector<core::ChangesSettled> found;
    for (const auto& event : store().read(session(), 0, 1000).value())
      if (const auto* one = std::get_if<core::ChangesSettled>(&event.body)) found.push_back(*one);
    return found;
  }
  State state_of(std::size_t index) { return history().sets().at(index).state; }
  std::string diff() {
    auto text = session_diff(store(), changes(), session());
    EXPECT_TRUE(text) << (text ? "" : text.error().message);
    return text.value_or("");
  }
};

TEST_F(UndoTest, TakesBackWholeAndPutsBackWhole) {
  spill(*this / "changed", "old\n");
  ::chmod((*this / "changed").c_str(), 0751);
  spill(*this / "gone", "old\n");
  fs::create_directories(*this / "folder/deep");
  spill(*this / "folder/deep/in", std::string("\0\xff", 2));
  fs::create_symlink("changed", *this / "link");
  for (const char* path : {"changed", "gone", "folder/deep/in", "folder/deep", "folder", "link"})
    vfs::set_time(*this / path, 1'111'111'111'000'000'000);
  const auto before = snapshot(root());
  call([](Hands& hands) {
    hands.write("changed", "new\n");
    hands.remove("gone");
    hands.rename("folder", "elsewhere");
    hands.remove("link");
    hands.link("link", "elsewhere");
    hands.make_folder("made");
    hands.write("made/empty", "");
  });
  auto after = snapshot(root());
  after.erase("");  // a redo sets the root's own time, as everything new does
  ASSERT_NE(before, after);
  for (int round = 0; round < 3; ++round) {
    const auto undone = undo();
    ASSERT_TRUE(undone);
    EXPECT_FALSE(undone->has_conflicts());
    EXPECT_EQ(differences(snapshot(root()), before), "");
    EXPECT_EQ(state_of(0), State::undone);
    ASSERT_TRUE(redo());
    auto now = snapshot(root());
    now.erase("");
    EXPECT_EQ(differences(now, after), "");
    EXPECT_EQ(state_of(0), State::applied);
  }
  EXPECT_EQ(logged().size(), 7u);
  EXPECT_EQ(logged()[1].act, ChangesAct::undone);
  EXPECT_EQ(logged()[1].by, "test");
  EXPECT_EQ(logged()[2].act, ChangesAct::redone);
}

TEST_F(UndoTest, GoesBackThroughTheCallsAndForthAgain) {
  for (const char* text : {"one\n", "two\n", "three\n", "four\n"})
    call([&](Hands& hands) { hands.write("file", text); });
  EXPECT_EQ(undo(2).value().settled.size(), 2u);
  EXPECT_EQ(slurp(*this / "file"), "two\n");
  EXPECT_EQ(redo().value().settled.size(), 1u);
  EXPECT_EQ(slurp(*this / "file"), "three\n");
  EXPECT_EQ(undo(100).value().settled.size(), 3u) << "as many as there are";
  EXPECT_FALSE(fs::exists(*this / "file"));
  EXPECT_EQ(redo(100).value().settled.size(), 4u);
  EXPECT_EQ(slurp(*this / "file"), "four\n");
}

TEST_F(UndoTest, NothingToDoIsSaid) {
  EXPECT_EQ(undo().error().code, Code::not_found);
  EXPECT_EQ(redo().error().code, Code::not_found);
  const core::SessionId none{"none"};
  EXPECT_EQ(agent::undo(store(), changes(), none, 1, "test").error().code, Code::not_found);
  EXPECT_EQ(session_diff(store(), changes(), none).error().code, Code::not_found);
  EXPECT_EQ(diff(), "");
}

TEST_F(UndoTest, ASessionThatIsInUseIsLeftAlone) {
  call([](Hands& hands) { hands.write("file", "new\n"); });
  const auto lease = std::move(store().acquire(session()).value().lease);
  EXPECT_EQ(undo().error().code, Code::busy);
  EXPECT_EQ(redo().error().code, Code::busy);
  EXPECT_EQ(delete_session(store(), changes(), session()).error().code, Code::busy);
  EXPECT_EQ(slurp(*this / "file"), "new\n");
}

TEST_F(UndoTest, SomethingNewGivesUpWhatWasUndone) {
  call([](Hands& hands) { hands.write("one", "1"); });
  call([](Hands& hands) { hands.write("two", "2"); });
  ASSERT_TRUE(undo());
  call([](Hands& hands) { hands.write("three", "3"); });
  EXPECT_EQ(redo().error().code, Code::not_found);
  ASSERT_TRUE(undo(2));
  EXPECT_FALSE(fs::exists(*this / "one"));
  ASSERT_TRUE(redo(100));
  EXPECT_TRUE(fs::exists(*this / "one"));
  EXPECT_FALSE(fs::exists(*this / "two"));
  EXPECT_TRUE(fs::exists(*this / "three"));
}

// --- what a person changed since -------------------------------------------------------------

TEST_F(UndoTest, WhatAPersonChangedElsewhereInAFileStays) {
  spill(*this / "file", lines("1", "9"));
  call([](Hands& hands) { hands.write("file", lines("agent", "9")); });
  spill(*this / "file", lines("agent", "person"));
  EXPECT_EQ(outcomes(undo().value().settled[0])["file"], "merged");
  EXPECT_EQ(slurp(*this / "file"), lines("1", "person"));
  EXPECT_EQ(outcomes(redo().value().settled[0])["file"], "merged");
  EXPECT_EQ(slurp(*this / "file"), lines("agent", "person"));
}

TEST_F(UndoTest, AConflictIsNamedAndStopsButDoesNotStandInTheWayTwice) {
  call([](Hands& hands) { hands.write("first", "1"); });
  call([](Hands& hands) {
    hands.write("file", "agent\n");
    hands.write("other", "agent\n");
  });
  spill(*this / "file", "person\n");

  const auto one = undo(2).value();
  ASSERT_EQ(one.settled.size(), 1u) << "stops behind it";
  EXPECT_TRUE(one.has_conflicts());
  EXPECT_EQ(outcomes(one.settled[0]),
            (std::map<std::string, std::string>{{"file", "conflict"}, {"other", "applied"}}));
  EXPECT_FALSE(one.settled[0].files[0].reason.empty());
  EXPECT_EQ(slurp(*this / "file"), "person\n");
  EXPECT_FALSE(fs::exists(*this / "other"));
  EXPECT_EQ(state_of(1), State::partly);

  const auto two = undo().value();
  ASSERT_EQ(two.settled.size(), 2u) << "told again, and passed over";
  EXPECT_TRUE(two.has_conflicts());
  EXPECT_FALSE(fs::exists(*this / "first"));
  EXPECT_EQ(slurp(*this / "file"), "person\n");
  EXPECT_EQ(logged().size(), 4u) << "nothing new about the first is logged twice";

  spill(*this / "file", "agent\n");
  EXPECT_FALSE(undo().value().has_conflicts());
  EXPECT_FALSE(fs::exists(*this / "file"));
  EXPECT_EQ(state_of(1), State::undone);
  ASSERT_FALSE(redo(2).value().has_conflicts());
  EXPECT_EQ(slurp(*this / "first") + slurp(*this / "file") + slurp(*this / "other"),
            "1agent\nagent\n");
}

TEST_F(UndoTest, ATryThatMovesNothingDoesNotBringBackWhatWasGivenUp) {
  call([](Hands& hands) {
    hands.write("file", "agent\n");
    hands.write("other", "agent\n");
  });
  spill(*this / "file", "person\n");
  ASSERT_TRUE(undo().value().has_conflicts());
  call([](Hands& hands) { hands.write("new", "1"); });
  ASSERT_TRUE(undo(2).value().has_conflicts());
  ASSERT_TRUE(redo(100));
  EXPECT_TRUE(fs::exists(*this / "new"));
  EXPECT_FALSE(fs::exists(*this / "other"));
}

TEST_F(UndoTest, RedoPutsBackWhatTheUndoTookAndNoMore) {
  auto kept = propose([](Hands& hands) {
    hands.write("wanted", "1");
    hands.write("refused", "2");
  });
  settle(kept, root(), kept.set->apply({{{"wanted", {}}}}).value());
  kept.set.reset();
  ASSERT_TRUE(undo());
  EXPECT_FALSE(fs::exists(*this / "wanted"));
  ASSERT_TRUE(redo());
  EXPECT_TRUE(fs::exists(*this / "wanted"));
  EXPECT_FALSE(fs::exists(*this / "refused"));
}

TEST_F(UndoTest, HunksThatWereNotWantedDoNotComeWithARedo) {
  spill(*this / "file", lines("1", "9"));
  auto kept = propose([](Hands& hands) {
    hands.write("file", lines("wanted", "refused"));
    hands.write("other", "1");
  });
  settle(kept, root(), kept.set->apply({{{"file", {0}}, {"other", {}}}}).value());
  kept.set.reset();
  EXPECT_EQ(slurp(*this / "file"), lines("wanted", "9"));
  ASSERT_TRUE(undo());
  EXPECT_EQ(slurp(*this / "file"), lines("1", "9"));
  ASSERT_TRUE(redo());
  EXPECT_EQ(slurp(*this / "file"), lines("1", "9"));
  EXPECT_TRUE(fs::exists(*this / "other"));
}

TEST_F(UndoTest, WhatIsNoLongerKeptIsSaidOnce) {
  call([](Hands& hands) { hands.write("first", "1"); });
  const auto id = call([](Hands& hands) { hands.write("second", "2"); });
  ASSERT_TRUE(changes().drop(id));
  EXPECT_NE(diff().find("no longer kept"), std::string::npos);
  const auto gone = undo(2).value();
  ASSERT_EQ(gone.settled.size(), 1u);
  EXPECT_EQ(gone.settled[0].act, ChangesAct::dropped);
  EXPECT_TRUE(gone.has_conflicts());
  EXPECT_NE(gone.settled[0].files.at(0).reason.find("no longer kept"), std::string::npos);
  EXPECT_EQ(state_of(1), State::dropped);
  EXPECT_TRUE(fs::exists(*this / "second"));
  ASSERT_FALSE(undo().value().has_conflicts());
  EXPECT_FALSE(fs::exists(*this / "first"));
}

TEST_F(UndoTest, AFolderThatIsNotThereNowForgetsNothing) {
  fs::create_directories(base() + "/mount");
  const auto mount = base() + "/mount";
  call(mount, [](Hands& hands) { hands.write("file", "1"); });
  fs::rename(mount, mount + ".away");
  EXPECT_EQ(undo().error().code, Code::unavailable);
  EXPECT_EQ(state_of(0), State::applied);
  fs::rename(mount + ".away", mount);
  ASSERT_TRUE(undo());
  EXPECT_FALSE(fs::exists(mount + "/file"));
}

TEST_F(UndoTest, AForksPastBelongsToAnotherSession) {
  const auto parents = call([](Hands& hands) { hands.write("file", "1"); });
  append({core::SessionForked{{"parent"}, 2}});
  EXPECT_EQ(undo().error().code, Code::not_found);
  EXPECT_EQ(diff(), "");
  const auto id = call([](Hands& hands) { hands.write("own", "1"); });
  ASSERT_TRUE(delete_session(store(), changes(), session()));
  EXPECT_EQ(changes().open_set(id, root()).error().code, Code::not_found);
  EXPECT_TRUE(changes().open_set(parents, root()));
}

TEST_F(UndoTest, ADeletedSessionTakesItsChangeSetsAlong) {
  const auto one = call([](Hands& hands) { hands.write("file", "1"); });
  const auto two = propose([](Hands& hands) { hands.write("file", "2"); }).id;
  ASSERT_TRUE(undo());
  ASSERT_TRUE(delete_session(store(), changes(), session()));
  EXPECT_EQ(store().session(session()).error().code, Code::not_found);
  for (const auto& id : {one, two})
    EXPECT_EQ(changes().open_set(id, root()).error().code, Code::not_found);
}

// --- killed ----------------------------------------------------------------------------------

// A workspace with one proposal, and acts on it that are killed before a step: before the journal,
// between it and the end. One that comes to its end is killed before its event.
class Killed : public UndoFixture {
 public:
  Killed() {
    spill(*this / "changed", "old\n");
    spill(*this / "gone", "old\n");
    before = snapshot(root());
    id = propose([](Hands& hands) {
           hands.write("changed", "new\n");
           hands.remove("gone");
           hands.make_folder("made");
           hands.write("made/in", "new\n");
         }).id;
  }
  void apply() {
    const auto applied = changes().open_set(id, root()).value()->apply({}).value();
    append({workspace::settled_event(id, root(), ChangesAct::applied, applied, "mode")});
  }
  bool finishes(int step, ChangesAct act) {
    return finishes_before(step, [&](vfs::Hook hook) {
      const auto set = vfs::open_change_set(folder_of(id), root(), std::move(hook)).value();
      (void)(act == ChangesAct::undone ? set->undo({}) : set->apply({}));
    });
  }
  bool is_applied() const {
    return slurp(*this / "changed") == "new\n" && !fs::exists(*this / "gone") &&
           slurp(*this / "made/in") == "new\n";
  }
  bool is_untouched() const { return differences(snapshot(root()), before).empty(); }

  core::ChangeSetId id;
  Snapshot before;
};

TEST(UndoKilled, TheLogTellsWhatIsInTheFiles) {
  int steps = 0;
  for (const auto act : {ChangesAct::applied, ChangesAct::undone, ChangesAct::redone})
    for (int step = 1, finished = 0; !finished; ++step, ++steps) {
      Killed test;
      if (act != ChangesAct::applied) test.apply();
      if (act == ChangesAct::redone) ASSERT_TRUE(test.undo());
      const State was = test.history().sets().at(0).state;
      finished = test.finishes(step, act);

      const auto settled = settle_interrupted(test.history(), test.changes()).value();
      ASSERT_LE(settled.size(), 1u);
      for (const auto& one : settled) {
        EXPECT_EQ(one.act, act);
        EXPECT_EQ(one.by, "interrupted");
        EXPECT_EQ(one.files.size(), 4u) << "folders too";
        test.append({one});
      }
      const auto set = test.history().sets().at(0);
      EXPECT_EQ(set.state == State::applied, test.is_applied());
      EXPECT_EQ(set.state != State::applied, test.is_untouched());
      EXPECT_EQ(set.state == was, settled.empty());
      if (finished) EXPECT_NE(set.state, was) << "the act was done, and is told";
      ASSERT_TRUE(settle_interrupted(test.history(), test.changes()).value().empty()) << "once";
      if (testing::Test::HasFailure()) FAIL() << core::name_of(act) << ", killed at step " << step;
    }
  EXPECT_GT(steps, 30);
}

TEST(UndoKilled, UndoAndRedoGoOnFromWhatIsThere) {
  for (const auto act : {ChangesAct::applied, ChangesAct::undone, ChangesAct::redone})
    for (int step = 1, finished = 0; !finished; ++step) {
      Killed test;
      if (act != ChangesAct::applied) test.apply();
      if (act == ChangesAct::redone) ASSERT_TRUE(test.undo());
      finished = test.finishes(step, act);
      const auto undone = test.undo();
      EXPECT_TRUE(undone || undone.error().code == Code::not_found);
      EXPECT_TRUE(test.is_untouched());
      const bool ever = test.history().sets().at(0).was_applied;
      EXPECT_EQ(test.redo().has_value(), ever);
      EXPECT_EQ(test.is_applied(), ever);
      if (testing::Test::HasFailure()) FAIL() << core::name_of(act) << ", killed at step " << step;
    }
}

TEST(UndoKilled, AConflictOfTheKilledActIsTold) {
  std::ptrdiff_t told = 0;
  for (int step = 1, finished = 0; !finished; ++step) {
    Killed test;
    test.apply();
    spill(test / "changed", "person\n");
    finished = test.finishes(step, ChangesAct::undone);
    for (auto& one : settle_interrupted(test.history(), test.changes()).value()) {
      told += std::ranges::count(one.files, FileOutcome::conflict, &core::SettledFile::outcome);
      test.append({std::move(one)});
    }
    EXPECT_EQ(slurp(test / "changed"), "person\n");
    const auto set = test.history().sets().at(0);
    EXPECT_EQ(set.applied.contains(test / "gone"), !fs::exists(test / "gone"));
    EXPECT_TRUE(set.applied.contains(test / "changed"));
  }
  EXPECT_GT(told, 0);
}

TEST(UndoKilled, AProposalThatIsGoneIsDropped) {
  Killed test;
  ASSERT_TRUE(test.changes().drop(test.id));
  const auto settled = settle_interrupted(test.history(), test.changes()).value();
  ASSERT_EQ(settled.size(), 1u);
  EXPECT_EQ(settled[0].act, ChangesAct::dropped);
}

TEST(UndoKilled, WhatSomebodyWorksOnOrIsDamagedIsLeftAlone) {
  Killed test;
  {
    const auto open = test.changes().open_set(test.id, test.root()).value();
    EXPECT_TRUE(settle_interrupted(test.history(), test.changes()).value().empty());
  }
  spill(test.folder_of(test.id) + "/manifest.json", "{");
  EXPECT_TRUE(settle_interrupted(test.history(), test.changes()).value().empty());
}

// --- what is shown ---------------------------------------------------------------------------

TEST_F(UndoTest, OneDifferenceOfWhatSeveralCallsDid) {
  spill(*this / "file", lines("1", "9"));
  spill(*this / "same", "old\n");
  call([](Hands& hands) {
    hands.write("file", lines("one", "9"));
    hands.write("came and went", "x\n");
    hands.write("same", "new\n");
  });
  call([](Hands& hands) {
    hands.write("file", lines("two", "9"));
    hands.remove("came and went");
    hands.write("same", "old\n");
  });
  EXPECT_EQ(diff(),
            "diff --git a/file b/file\n--- a/file\n+++ b/file\n@@ -1,4 +1,4 @@\n-1\n+two\n 2\n"
            " 3\n 4\n");
  ASSERT_TRUE(undo());
  EXPECT_NE(diff().find("+one\n"), std::string::npos) << "what is in the files";
  EXPECT_NE(diff().find("came and went"), std::string::npos);
  ASSERT_TRUE(undo());
  EXPECT_EQ(diff(), "");
}

TEST_F(UndoTest, WhatAPersonDidInBetweenIsNotShown) {
  spill(*this / "file", lines("1", "9"));
  call([](Hands& hands) { hands.write("file", lines("one", "9")); });
  spill(*this / "file", lines("one", "person"));
  call([](Hands& hands) { hands.write("file", lines("two", "person")); });
  const auto text = diff();
  EXPECT_EQ(text.find("+person"), std::string::npos) << text;
  EXPECT_NE(text.find("-1\n+one\n"), std::string::npos) << text;
  EXPECT_NE(text.find("-one\n+two\n"), std::string::npos) << text;
}

TEST_F(UndoTest, RenamesBinaryFilesAndOtherFoldersAreTold) {
  spill(*this / "from", "some text\n");
  call([](Hands& hands) { hands.rename("from", "half way"); });
  call([](Hands& hands) {
    hands.rename("half way", "to");
    hands.write("binary", std::string("\0", 1));
  });
  EXPECT_NE(diff().find("rename from from\nrename to to\n"), std::string::npos) << diff();
  EXPECT_NE(diff().find("Binary files /dev/null and b/binary differ"), std::string::npos);
  EXPECT_EQ(diff().find("Changes below"), std::string::npos) << "one folder needs no name";
  fs::create_directories(base() + "/mount");
  call(base() + "/mount", [](Hands& hands) { hands.write("there", "x\n"); });
  EXPECT_NE(diff().find("Changes below " + base() + "/mount:\n"), std::string::npos) << diff();
}

TEST_F(UndoTest, TheDiffIsWhatPatchUndoes) {
  spill(*this / "file", lines("1", "9"));
  spill(*this / "gone", "old\n");
  const auto before = snapshot(root());
  call([](Hands& hands) {
    hands.write("file", lines("1", "agent"));
    hands.remove("gone");
    hands.write("new", "new\n");
  });
  call([](Hands& hands) { hands.write("file", lines("agent", "agent")); });
  spill(base() + "/diff", diff());
  const std::string patch = "patch -R -s -p1 -d " + root() + " < " + base() + "/diff";
  if (std::system("patch --version > /dev/null 2>&1") != 0) GTEST_SKIP() << "there is no patch(1)";
  ASSERT_EQ(std::system(patch.c_str()), 0) << diff();
  for (const auto& [path, seen] : before)
    if (seen.kind == "file") EXPECT_EQ(slurp(*this / path), seen.bytes) << path;
  EXPECT_FALSE(fs::exists(*this / "new"));
}

}  // namespace
}  // namespace boxagnts::agent
