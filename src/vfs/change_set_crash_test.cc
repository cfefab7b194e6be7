// A program that is killed while it keeps, applies, undoes or recovers, at every step: then the
// change set is opened again, and every file is whole, old or new, as the states say. And random
// trees, changed at random: there and back again, byte for byte.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <random>
#include <set>

#include "vfs/change_set.h"
#include "vfs/change_set_fixture.h"

namespace boxagnts::vfs {
namespace {

// Runs `body` in a child that is killed before its step number `step`; whether it came to its end.
bool finishes_before(int step, const std::function<void(Hook)>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    int left = step;
    body([&](std::string_view) {
      if (--left == 0) ::kill(::getpid(), SIGKILL);
    });
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
  return WIFEXITED(status);
}

// Something of every kind of change, and one that is in the way of one.
class ChangeSetCrash : public testing::Test {
 protected:
  void set_up() {
    target_.emplace();
    const auto& t = *target_;
    spill(t / "changed", "old\n");
    spill(t / "gone", "old\n");
    spill(t / "mode", "old\n");
    spill(t / "merged", "1\n2\n3\n4\n5\n");
    spill(t / "conflict", "old\n");
    spill(t / "to folder", "old\n");
    fs::create_symlink("old", t / "link");
    fs::create_directories(t / "goes/deep");
    spill(t / "goes/deep/file", "old\n");
    fs::create_directory(t / "to file");
    t.copy_anew();
    const auto in_copy = [&](const std::string& path) { return t.copy() + "/" + path; };
    spill(in_copy("changed"), "new\n");
    fs::remove(in_copy("gone"));
    ::chmod(in_copy("mode").c_str(), 0755);
    spill(in_copy("merged"), "1\n2\n3\n4\nnew\n");
    spill(in_copy("conflict"), "new\n");
    fs::remove(in_copy("to folder"));
    fs::create_directory(in_copy("to folder"));
    spill(in_copy("to folder/in"), "new\n");
    fs::remove(in_copy("link"));
    fs::create_symlink("new", in_copy("link"));
    fs::remove_all(in_copy("goes"));
    fs::remove(in_copy("to file"));
    spill(in_copy("to file"), "new\n");
    fs::create_directories(in_copy("comes/deep"));
    spill(in_copy("comes/deep/file"), "new\n");
  }
  void play_person() {
    spill(*target_ / "merged", "person\n2\n3\n4\n5\n");
    spill(*target_ / "conflict", "person\n");
    before_ = snapshot(target_->root());
  }
  Seen wanted(const std::string& path) const {
    if (path == "conflict") return before_.at(path);
    Seen seen = see(target_->copy() + "/" + path);
    if (path == "merged") seen.bytes = "person\n2\n3\n4\nnew\n";
    return seen;
  }

  // Every path is as the state of its change says, and no other is touched.
  void expect_whole(ChangeSet& set) {
    Snapshot now = snapshot(target_->root());
    const auto states = set.states();
    for (std::size_t i = 0; i < states.size(); ++i) {
      const std::string& path = set.changes()[i].path;
      const Seen old = before_.contains(path) ? before_.at(path) : Seen{};
      const Seen want = states[i] == ChangeState::applied ? wanted(path) : old;
      EXPECT_TRUE(see(*target_ / path).like(want))
          << path << ": " << testing::PrintToString(see(*target_ / path)) << " instead of "
          << testing::PrintToString(want);
      now.erase(path);
    }
    for (const auto& [path, seen] : now) {
      if (!path.empty() && seen.kind != "folder") EXPECT_EQ(seen, before_.at(path)) << path;
    }
  }
  static bool all(ChangeSet& set, ChangeState state) {
    const auto states = set.states();
    for (std::size_t i = 0; i < states.size(); ++i)
      if (states[i] != state && set.changes()[i].path != "conflict") return false;
    return true;
  }

  std::optional<Target> target_;
  Snapshot before_;
};

TEST_F(ChangeSetCrash, KilledWhileItIsKept) {
  for (int step = 1, finished = 0; !finished; ++step) {
    set_up();
    finished = finishes_before(step, [&](Hook hook) {
      (void)keep_change_set(target_->set(), target_->root(), target_->changes(), hook);
    });
    const auto opened = ChangeSet::open(target_->set(), target_->root());
    if (finished)
      EXPECT_TRUE(opened);
    else
      EXPECT_EQ(opened.error().code, Code::not_found);
  }
}

TEST_F(ChangeSetCrash, KilledAtEveryStepOfApplyAndOfUndo) {
  int steps = 0;
  for (const bool undo : {false, true}) {
    for (int step = 1, finished = 0; !finished; ++step) {
      set_up();
      target_->keep();
      play_person();
      if (undo) by_path(target_->open()->apply({}));
      finished = finishes_before(step, [&](Hook hook) {
        auto set = target_->open(hook);
        (void)(undo ? set->undo({}) : set->apply({}));
      });
      auto set = target_->open();
      ASSERT_TRUE(set);
      expect_whole(*set);
      // All or nothing: an act that had begun was finished, and says so.
      const bool untouched = all(*set, undo ? ChangeState::applied : ChangeState::proposed);
      EXPECT_TRUE(untouched || all(*set, undo ? ChangeState::proposed : ChangeState::applied));
      if (!untouched && !set->finished().empty())
        EXPECT_EQ(set->finished().size(), set->changes().size() - (undo ? 1 : 0));
      // And the way on is open: there, back, and as it was.
      if (untouched && !finished) by_path(undo ? set->undo({}) : set->apply({}));
      expect_whole(*set);
      by_path(set->undo({}));
      EXPECT_EQ(differences(snapshot(target_->root()), before_), "") << "killed at step " << step;
      ++steps;
      if (HasFailure()) FAIL() << "step " << step << (undo ? " of undo" : " of apply");
    }
  }
  EXPECT_GT(steps, 60);
}

TEST_F(ChangeSetCrash, KilledAgainAtEveryStepOfTheRecovery) {
  for (const bool undo : {false, true}) {
    for (int first = 12; first < 60; first += 9) {
      for (int second = 1, finished = 0; !finished; second += 2) {
        set_up();
        target_->keep();
        play_person();
        if (undo) by_path(target_->open()->apply({}));
        finishes_before(first, [&](Hook hook) {
          auto set = target_->open(hook);
          (void)(undo ? set->undo({}) : set->apply({}));
        });
        finished = finishes_before(second, [&](Hook hook) { (void)target_->open(hook); });
        auto set = target_->open();
        ASSERT_TRUE(set);
        expect_whole(*set);
        by_path(set->undo({}));
        EXPECT_EQ(differences(snapshot(target_->root()), before_), "");
        if (HasFailure()) FAIL() << "steps " << first << ", " << second;
      }
    }
  }
}

// The disk is full from the first act's last record on, until the second act begins.
void set_disk_full(bool full) {
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit limit;
  ::getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = full ? 0 : limit.rlim_max;
  ::setrlimit(RLIMIT_FSIZE, &limit);
}

TEST_F(ChangeSetCrash, KilledInTheActThatFollowsOneThatFailed) {
  const Selection first{{{"changed", {}}, {"mode", {}}, {"comes/deep/file", {}}}};
  const Selection second{{{"gone", {}}, {"merged", {}}, {"to file", {}}}};
  for (const bool undo : {false, true}) {
    for (int step = 1, finished = 0; !finished; ++step) {
      set_up();
      target_->keep();
      play_person();
      if (undo) by_path(target_->open()->apply({}));
      finished = finishes_before(step, [&](Hook hook) {
        bool failing = true;
        auto set = target_->open([&](std::string_view doing) {
          if (failing && doing == "write /manifest.json") set_disk_full(true);
          if (!failing) hook(doing);
        });
        const bool failed = !(undo ? set->undo(first) : set->apply(first));
        set_disk_full(failing = false);
        const auto acted = undo ? set->undo(second) : set->apply(second);
        const auto end = undo ? ChangeState::proposed : ChangeState::applied;
        const bool all = std::ranges::count(set->states(), end) >= 6;
        if (!failed || !acted || !all) ::_exit(1);
      });
      auto set = target_->open();
      ASSERT_TRUE(set);
      expect_whole(*set);
      by_path(set->undo({}));
      EXPECT_EQ(differences(snapshot(target_->root()), before_), "");
      if (HasFailure()) FAIL() << "step " << step << (undo ? " of undo" : " of apply");
    }
  }
}

// --- random trees ----------------------------------------------------------------------------

class Gardener {
 public:
  explicit Gardener(unsigned seed) : random_(seed) {}
  unsigned below(unsigned end) { return random_() % end; }

  std::string random_path(const std::string& root) {
    std::vector<std::string> folders{root};
    for (const auto& entry : fs::recursive_directory_iterator(root))
      if (entry.is_directory() && !entry.is_symlink() &&
          !entry.path().string().contains(".boxagnts"))
        folders.push_back(entry.path());
    return folders[below(static_cast<unsigned>(folders.size()))] + "/" +
           std::string(1, static_cast<char>('a' + below(6)));
  }
  std::string random_bytes() {
    std::string bytes;
    for (unsigned lines = below(30); lines > 0; --lines)
      bytes += "line " + std::to_string(below(8)) + (below(9) ? "\n" : "\r\n");
    if (below(5) == 0) bytes += '\0';
    return bytes;
  }
  void change(const std::string& root) {
    const std::string path = random_path(root);
    const bool there = fs::symlink_status(path).type() != fs::file_type::not_found;
    switch (below(9)) {
      case 0:
      case 1:
        if (!there || fs::is_regular_file(fs::symlink_status(path))) spill(path, random_bytes());
        break;
      case 2: fs::remove_all(path); break;
      case 3:
      case 4:
        if (!there) fs::create_directory(path);
        break;
      case 5:
        if (!there) fs::create_symlink("to " + std::to_string(below(9)), path);
        break;
      case 6:
        if (there && !fs::is_symlink(path)) ::chmod(path.c_str(), 0700 | below(0100));
        break;
      case 7:
        if (there) set_time(path, 1'000'000'000'000'000'000 + below(1'000'000));
        break;
      case 8: {
        const std::string to = random_path(root);
        std::error_code error;
        fs::rename(path, to, error);
      }
    }
  }

 private:
  std::mt19937 random_;
};

TEST(ChangeSetRandom, ThereAndBackAgain) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    Gardener gardener(seed);
    Target target;
    for (int i = 0; i < 60; ++i) gardener.change(target.root());
    target.copy_anew();
    for (unsigned i = 0, count = 1 + gardener.below(60); i < count; ++i)
      gardener.change(target.copy());
    const auto set = target.keep();
    ASSERT_TRUE(set);
    const Snapshot first = snapshot(target.root());
    Snapshot wanted = snapshot(target.copy());
    std::set<std::string> changed;
    for (const auto& change : set->changes()) changed.insert(change.path);
    for (int round = 0; round < 2; ++round) {
      for (const auto& [path, applied] : by_path(set->apply({})))
        ASSERT_EQ(applied.outcome, Outcome::applied) << path << ": " << applied.reason;
      Snapshot now = snapshot(target.root());
      // A file that is exchanged touches its folder, one that is written in place does not.
      for (auto& [path, seen] : now)
        if (seen.kind == "folder" && !changed.contains(path) && wanted.contains(path))
          seen.modified_ns = wanted.at(path).modified_ns;
      ASSERT_EQ(differences(now, wanted), "") << "seed " << seed;
      for (const auto& [path, applied] : by_path(set->undo({})))
        ASSERT_NE(applied.outcome, Outcome::conflict) << path << ": " << applied.reason;
      ASSERT_EQ(differences(snapshot(target.root()), first), "") << "seed " << seed;
    }
  }
}

// Parts in any order: whatever could not be done alone is done in the end by doing all.
TEST(ChangeSetRandom, PartsInAnyOrder) {
  for (unsigned seed = 1; seed <= 40; ++seed) {
    Gardener gardener(seed);
    Target target;
    for (int i = 0; i < 40; ++i) gardener.change(target.root());
    target.copy_anew();
    for (int i = 0; i < 40; ++i) gardener.change(target.copy());
    auto set = target.keep();
    ASSERT_TRUE(set);
    if (set->changes().empty()) continue;
    const Snapshot first = snapshot(target.root()), wanted = snapshot(target.copy());
    const auto expect_like = [&](const Snapshot& other) {
      const Snapshot now = snapshot(target.root());
      ASSERT_EQ(now.size(), other.size()) << "seed " << seed;
      for (const auto& [path, seen] : now)
        ASSERT_TRUE(other.contains(path) && seen.like(other.at(path))) << path << ", seed " << seed;
    };
    for (int i = 0; i < 12; ++i) {
      Selection::File one{set->changes()[gardener.below(unsigned(set->changes().size()))].path, {}};
      const bool undo = gardener.below(2) == 0;
      for (const auto& diff : *set->diff(undo ? Part::applied : Part::proposed))
        if (diff.path == one.path && diff.before && diff.after && diff.before->kind == Kind::file &&
            diff.after->kind == Kind::file && !diff.hunks.empty() && gardener.below(2))
          one.hunks = {gardener.below(unsigned(diff.hunks.size()))};
      by_path(undo ? set->undo({{one}}) : set->apply({{one}}));
      if (gardener.below(4) == 0) {
        set.reset();
        set = target.open();
      }
    }
    by_path(set->apply({}));
    by_path(set->apply({}));  // a folder that held what was to go in the same act
    expect_like(wanted);
    by_path(set->undo({}));
    by_path(set->undo({}));
    expect_like(first);
  }
}

}  // namespace
}  // namespace boxagnts::vfs
