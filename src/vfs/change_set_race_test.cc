// A person who writes while a change set is applied, and a program that is killed while it applies:
// at every step, nothing of the person's is lost and every file is whole, old or new.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <random>

#include "base/file.h"
#include "base/thread.h"
#include "vfs/change_set.h"
#include "vfs/change_set_fixture.h"

namespace boxagnts::vfs {
namespace {

// --- a person in between ---------------------------------------------------------------------

constexpr std::string_view kTheirs = "what the person wrote\n";

// Plays `deed` on `path`; `held` is the file as the person opened it before.
void play(const std::string& deed, const std::string& path, int held) {
  if (deed == "append") std::ofstream(path, std::ios::app) << kTheirs;
  if (deed == "append to what was open")
    ASSERT_GT(::write(held, kTheirs.data(), kTheirs.size()), 0);
  if (deed == "replace") {
    spill(path + ".new", std::string(kTheirs));
    fs::rename(path + ".new", path);
  }
  if (deed == "remove") fs::remove(path);
  if (deed == "make a link of it") {
    fs::remove(path);
    fs::create_symlink("elsewhere", path);
  }
}

using Cell = std::tuple<std::string, std::string, std::string>;  // change, step, deed
class ChangeSetRace : public testing::TestWithParam<Cell> {};

TEST_P(ChangeSetRace, NothingOfThePersonsIsLost) {
  const auto& [change, step, deed] = GetParam();
  Target target;
  const std::string path = target / "x";
  if (change != "create") spill(path, "base\n");
  target.copy_anew();
  fs::remove(target.copy() + "/x");
  if (change != "remove") spill(target.copy() + "/x", "changed\n");
  const base::UniqueFd held(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  int times = 0;
  const auto set = target.keep([&](std::string_view doing) {
    if (doing == step && times++ == 0) play(deed, path, held.get());
  });
  const auto applied = by_path(set->apply({})).at("x");
  ASSERT_GT(times, 0) << "the step was not met";
  const Seen seen = see(path);
  const bool wrote = deed != "remove" && deed != "make a link of it";
  if (wrote) {
    EXPECT_TRUE((seen.bytes + target.all_of_old()).contains(kTheirs));
    // What they wrote into the file that stood there is where they wrote it.
    if (step != "verify" && applied.outcome == Outcome::conflict)
      EXPECT_TRUE(seen.bytes.contains(kTheirs)) << applied.reason;
  }
  if (deed == "make a link of it") EXPECT_EQ(seen.bytes, "elsewhere");
  // Before the files changed places everything they do is a conflict; after, it is about ours.
  if (step != "verify") EXPECT_EQ(applied.outcome, Outcome::conflict);
  EXPECT_EQ(set->states()[0],
            applied.outcome == Outcome::conflict ? ChangeState::proposed : ChangeState::applied);
  // A second try meets a quiet file and takes nothing away either.
  (void)set->apply({});
  if (wrote) EXPECT_TRUE((slurp(path) + target.all_of_old()).contains(kTheirs));
}

std::vector<Cell> race_cells() {
  const std::vector<std::string> deeds{"append", "append to what was open", "replace", "remove",
                                       "make a link of it"};
  std::vector<Cell> all;
  for (const auto& deed : deeds) {
    all.emplace_back("replace", "exchange", deed);
    all.emplace_back("replace", "verify", deed);
    if (deed == "remove") continue;  // then it is as wanted, or was not there
    all.emplace_back("remove", "remove", deed);
    if (deed == "replace" || deed == "append" || deed == "make a link of it")
      all.emplace_back("create", "create", deed);
  }
  return all;
}
INSTANTIATE_TEST_SUITE_P(Cells, ChangeSetRace, testing::ValuesIn(race_cells()),
                         [](const auto& info) {
                           std::string name = std::get<0>(info.param) + "_at_" +
                                              std::get<1>(info.param) + "_" +
                                              std::get<2>(info.param);
                           std::ranges::replace(name, ' ', '_');
                           return name;
                         });

// Theirs came out, is given back, and just then they replace the file again.
TEST(ChangeSetRaces, ThePersonIsFasterTwice) {
  for (const std::string step : {"verify", "give back"}) {
    Target target;
    const std::string path = target / "x";
    spill(path, "base\n");
    target.copy_anew();
    spill(target.copy() + "/x", "changed\n");
    const auto set = target.keep([&](std::string_view doing) {
      if (doing == "exchange") spill(path, "first of theirs\n");
      if (doing == step) {
        spill(path + ".new", "second of theirs\n");
        fs::rename(path + ".new", path);
      }
    });
    const auto applied = by_path(set->apply({})).at("x");
    EXPECT_EQ(applied.outcome, Outcome::conflict);
    EXPECT_TRUE(applied.reason.contains("one of the versions is old/")) << applied.reason;
    EXPECT_EQ(slurp(path), "second of theirs\n");
    EXPECT_TRUE(target.all_of_old().contains("first of theirs\n"));
    // An editor that read the first, while it stood there, saves over the second.
    if (step == "give back") {
      spill(path + ".new", "first of theirs\nand more\n");
      fs::rename(path + ".new", path);
      EXPECT_TRUE(target.all_of_old().contains("second of theirs\n"));
    }
  }
}

// Who held open what was there before writes to it as it moves back, and then saves what they read
// at the path before.
TEST(ChangeSetRaces, WhatIsWrittenAsItMovesBackIsKept) {
  Target target;
  const std::string path = target / "x";
  spill(path, "base\n");
  target.copy_anew();
  spill(target.copy() + "/x", "changed\n");
  const base::UniqueFd held(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
  bool writes = false;
  const auto set = target.keep([&](std::string_view doing) {
    if (writes && doing == "let in")
      ASSERT_GT(::write(held.get(), kTheirs.data(), kTheirs.size()), 0);
  });
  EXPECT_EQ(by_path(set->apply({})).at("x").outcome, Outcome::applied);
  writes = true;
  (void)set->undo({});
  spill(path + ".new", "changed\nand more\n");
  fs::rename(path + ".new", path);
  EXPECT_TRUE(target.all_of_old().contains(kTheirs));
  // Where nobody wrote, nothing but what came out is left there.
  Target quiet;
  spill(quiet / "x", "base\n");
  quiet.copy_anew();
  spill(quiet.copy() + "/x", "changed\n");
  const auto calm = quiet.keep();
  (void)calm->apply({});
  (void)calm->undo({});
  EXPECT_EQ(quiet.all_of_old(), "changed\n");
  EXPECT_EQ(fs::hard_link_count(quiet / "x"), 1u);
}

// What was removed is not what was judged, and something new stands there already.
TEST(ChangeSetRaces, RemovedAndMadeAnew) {
  Target target;
  const std::string path = target / "x";
  spill(path, "base\n");
  target.copy_anew();
  fs::remove(target.copy() + "/x");
  const auto set = target.keep([&](std::string_view doing) {
    if (doing == "remove") spill(path, "first of theirs\n");
    if (doing == "give back") spill(path, "second of theirs\n");
  });
  const auto applied = by_path(set->apply({})).at("x");
  EXPECT_EQ(applied.outcome, Outcome::conflict);
  EXPECT_TRUE(applied.reason.contains("what was removed is old/")) << applied.reason;
  EXPECT_EQ(slurp(path), "second of theirs\n");
  EXPECT_TRUE(target.all_of_old().contains("first of theirs\n"));
}

// A person at work in a loop, appending and saving as editors do, through a thousand acts.
TEST(ChangeSetRaces, AThousandActsAndAPerson) {
  Target target;
  const std::string path = target / "x";
  std::string text;
  for (int i = 0; i < 40; ++i) text += "base " + std::to_string(i) + "\n";
  spill(path, text);
  target.copy_anew();
  spill(target.copy() + "/x", "ours\n" + text);
  const auto set = target.keep();
  std::atomic<bool> stop = false;
  std::atomic<int> written = 0;
  auto person = base::Thread::start("person", 256 << 10, [&] {
    for (int line = 0; !stop; ++line) {
      const std::string mine = "person " + std::to_string(line) + ".\n";
      if (line % 3 == 0) {  // an editor: read, change, save beside, rename over
        const std::string saved = slurp(path) + mine;
        if (saved.size() == mine.size()) continue;
        spill(path + "~", saved);
        fs::rename(path + "~", path);
      } else {
        const base::UniqueFd fd(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
        ASSERT_EQ(::write(fd.get(), mine.data(), mine.size()), ssize_t(mine.size()));
      }
      written = line + 1;
      if (line % 50 == 49) {  // not too long a file: start over, keeping what was there
        // By one descriptor: at the path another file may stand a moment later.
        const base::UniqueFd fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
        spill(target.set() + "/old/kept-" + std::to_string(line),
              *base::read_all(fd.get(), 1 << 20));
        ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(text.size())), 0);
      }
    }
  });
  ASSERT_TRUE(person);
  std::map<Outcome, int> outcomes;
  for (int act = 0; act < 1'000; ++act)
    ++outcomes[by_path(act % 2 ? set->undo({}) : set->apply({})).at("x").outcome];
  stop = true;
  person->join();
  EXPECT_GT(written.load(), 0);
  const std::string all = slurp(path) + target.all_of_old();
  for (int line = 0; line < written; ++line)
    EXPECT_TRUE(all.contains("person " + std::to_string(line) + ".\n")) << line;
  std::cout << written << " lines; ";
  for (const auto& [outcome, count] : outcomes)
    std::cout << count << " of outcome " << static_cast<int>(outcome) << "; ";
  std::cout << "\n";
}

}  // namespace
}  // namespace boxagnts::vfs
