// For any sequence of calls, undo, redo, kills in the middle of them and edits of a person, the
// workspace is what it was plus what is applied, nothing is half done, and no edit of the person is
// lost. Each act is judged path by path, from what stood there before and after it: by rules of
// this file, not by those of the program.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <random>
#include <set>
#include <sstream>

#include "agent/undo.h"
#include "agent/undo_fixture.h"

namespace boxagnts::agent {
namespace {

using core::ChangesAct;
using core::FileOutcome;
using vfs::Seen;

constexpr unsigned kSlots = 4;

// A text of some lines that change and others between them that never do, so that what a merge has
// to give is plain: slot by slot.
using Slots = std::array<std::string, kSlots>;
std::string text_of(const Slots& slots) {
  std::string text;
  for (unsigned i = 0; i < kSlots; ++i) {
    text += "slot " + std::to_string(i) + ": " + slots[i] + "\n";
    for (unsigned j = 0; j < 3; ++j) text += "between " + std::to_string(i * 3 + j) + "\n";
  }
  return text;
}
std::optional<Slots> slots_of(const std::string& text) {
  Slots slots;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("slot ") && line.size() >= 8 && line[5] - '0' < int{kSlots})
      slots[static_cast<std::size_t>(line[5] - '0')] = line.substr(8);
  if (text_of(slots) != text) return std::nullopt;
  return slots;
}

// What a three-way merge of slots gives; nothing where two changed the same one.
std::optional<Slots> merge(const Slots& base, const Slots& ours, const Slots& theirs) {
  Slots merged;
  for (unsigned i = 0; i < kSlots; ++i) {
    if (ours[i] == base[i] || ours[i] == theirs[i])
      merged[i] = theirs[i];
    else if (theirs[i] == base[i])
      merged[i] = ours[i];
    else
      return std::nullopt;
  }
  return merged;
}

Seen at(const Snapshot& all, const std::string& path) {
  const auto found = all.find(path);
  return found == all.end() ? Seen{} : found->second;
}
std::string parent_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}
// But for a folder's time, which is everybody's, and that of a link.
bool is_same(const Seen& a, const Seen& b) {
  return a.like(b) && (a.kind != "file" || a.modified_ns == b.modified_ns);
}
bool same_bytes(const Seen& a, const Seen& b) { return a.kind == b.kind && a.bytes == b.bytes; }
std::uint32_t merged_mode(const Seen& from, const Seen& to, const Seen& found) {
  if (from.kind != to.kind || found.kind != to.kind) return to.mode;
  const std::uint32_t changed = from.mode ^ to.mode;
  return (to.mode & changed) | (found.mode & ~changed);
}

// What an overlay shows, as snapshot() shows a folder.
void look(vfs::Directory& folder, const std::string& prefix, Snapshot& all) {
  for (const auto& entry : folder.list().value()) {
    const auto stat = folder.stat_entry(entry.name).value();
    Seen seen{.mode = stat.mode, .modified_ns = stat.modified_ns};
    const std::string path = prefix + entry.name;
    if (stat.kind == vfs::Kind::directory) {
      seen.kind = "folder";
      look(**folder.open_directory(entry.name), path + "/", all);
    } else if (stat.kind == vfs::Kind::link) {
      seen = {"link", 0777, stat.modified_ns, folder.read_link(entry.name).value()};
    } else {
      seen.kind = "file";
      seen.bytes.resize(stat.size);
      const auto file = folder.open_file(entry.name, {.read = true}).value();
      EXPECT_EQ(file->read_at(std::as_writable_bytes(std::span(seen.bytes)), 0), stat.size);
    }
    all[path] = seen;
  }
}

// What the test knows of one change set.
struct Known {
  core::ChangeSetId id;
  struct Change {
    Seen from, to;  // what the call saw, and what it left
    bool applied = false, undone = false;
    // Of the act that put it into the files: what stood there before and after.
    std::optional<std::pair<Seen, Seen>> put;
  };
  std::map<std::string, Change> changes;
  bool ordered = false;       // was ever applied
  std::size_t undone_at = 0;  // how many were applied for the first time by then
  bool any_applied() const {
    return std::ranges::any_of(changes, [](const auto& one) { return one.second.applied; });
  }
  bool any_undone() const {
    return std::ranges::any_of(changes, [](const auto& one) { return one.second.undone; });
  }
};

class Play {
 public:
  explicit Play(unsigned seed) : random_(seed) {
    // One in three without a person: there everything must be exact.
    person_ = seed % 3 != 0;
    for (int i = 0; i < 6; ++i) person_edits(world_);
    base_ = snapshot(world_.root());
    person_edited_ = false;
  }

  void play(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); ++i) step();
    if (testing::Test::HasFailure() || person_edited_) return;
    (void)world_.undo(1000);
    const auto now = snapshot(world_.root());
    for (const auto& [path, seen] : base_) EXPECT_PRED2(is_same, at(now, path), seen) << path;
    for (const auto& [path, seen] : now) EXPECT_TRUE(base_.contains(path)) << path;
  }
  const std::string& trace() const { return trace_; }
  unsigned acts() const { return acts_; }
  unsigned kills() const { return kills_; }
  unsigned conflicts() const { return conflicts_; }
  unsigned merges() const { return merges_; }

 private:
  unsigned any(unsigned below) { return static_cast<unsigned>(random_() % below); }
  bool one_in(unsigned n) { return any(n) == 0; }
  void tell(const std::string& what) { trace_ += what + "\n"; }

  void step() {
    switch (any(12)) {
      case 0:
      case 1:
      case 2: return call();
      case 3:
      case 4:
      case 5: return act(ChangesAct::undone);
      case 6:
      case 7: return act(ChangesAct::redone);
      case 8: return kill_in(one_in(2) ? ChangesAct::undone : ChangesAct::redone);
      default:
        if (person_) person_edits(world_);
    }
  }

  // --- who writes ---

  std::string some_path() {
    if (one_in(2)) return "a";  // where they meet
    static constexpr std::array kPaths{"a",
                                       "b",
                                       "c",
                                       "d",
                                       "d/a",
                                       "d/b",
                                       "d/e",
                                       "d/e/a",
                                       "d/e/f/g/h",
                                       "x",
                                       "x/y",
                                       "x/y/z",
                                       "deep/1/2/3/4/5/6/7/8/9/file"};
    return kPaths[any(kPaths.size())];
  }
  std::string some_bytes(const std::string& old) {
    const auto slots = slots_of(old);
    if (!slots || one_in(12)) {
      if (one_in(8)) return "";
      if (one_in(8)) return std::string("\0\xff", 2) + std::to_string(any(50));
      Slots fresh;
      for (auto& slot : fresh) slot = "v" + std::to_string(any(3));
      return text_of(fresh);
    }
    Slots changed = *slots;
    changed[any(kSlots)] = one_in(3) ? "v" + std::to_string(any(3)) : std::to_string(++token_);
    return text_of(changed);
  }

  void call_writes(Hands& hands) {
    const std::string path = some_path(), other = some_path();
    switch (any(14)) {
      case 0: return hands.remove(path);
      case 1: return hands.make_folder(path);
      case 2: return hands.rename(path, other);
      case 3: return hands.link(path, other);
      case 4: return hands.set_time(path, 1'000'000'000'000'000'000 + any(1000));
      case 5: {
        for (auto slash = path.find('/'); slash != std::string::npos;
             slash = path.find('/', slash + 1))
          hands.make_folder(path.substr(0, slash));
        return hands.write(path, some_bytes(""));
      }
      default: return hands.write(path, some_bytes(hands.read(path)));
    }
  }

  void person_edits(const UndoFixture& world) {
    const std::string path = some_path(), whole = world / path;
    const Seen seen = see(whole);
    std::error_code error;
    person_edited_ = true;
    switch (any(12)) {
      case 0: fs::remove_all(whole, error); break;
      case 1: fs::create_directories(whole, error); break;
      case 2: fs::rename(whole, world / some_path(), error); break;
      case 3:
        if (seen.kind.empty()) fs::create_symlink(some_path(), whole, error);
        break;
      case 4: {
        static constexpr std::array<unsigned, 5> kModes{0600, 0640, 0644, 0700, 0755};
        if (seen.kind == "file") ::chmod(whole.c_str(), kModes[any(kModes.size())]);
        break;
      }
      default:
        fs::create_directories(fs::path(whole).parent_path(), error);
        if (seen.kind != "link") spill(whole, some_bytes(seen.bytes));
    }
    tell("person at " + path);
  }

  // --- acts ---

  void call() {
    const Snapshot before = snapshot(world_.root());
    Snapshot after;
    auto kept = world_.propose([&](Hands& hands) {
      for (unsigned i = 0; i <= any(5); ++i) call_writes(hands);
      look(hands.root(), "", after);
    });
    if (!kept.set) return;
    Known known{.id = kept.id};
    for (const auto& change : kept.set->changes())
      known.changes[change.path] = {at(before, change.path), at(after, change.path)};
    expect_told(before, after, known);
    tell("call " + kept.id.text + describe(known));
    sets_.push_back(std::move(known));
    if (person_ && one_in(4)) person_edits(world_);
    kept.set.reset();
    if (one_in(5)) return kill_in(ChangesAct::applied);
    const Snapshot pre = snapshot(world_.root());
    const auto applied =
        world_.changes().open_set(kept.id, world_.root()).value()->apply({}).value();
    const auto event =
        workspace::settled_event(kept.id, world_.root(), ChangesAct::applied, applied, "mode");
    world_.append({event});
    judge(event, pre);
  }

  // The overlay tells every difference; what was written as it was is none.
  static void expect_told(const Snapshot& before, const Snapshot& after, const Known& known) {
    Snapshot all = before;
    all.insert(after.begin(), after.end());
    for (const auto& [path, unused] : all)
      if (!path.empty() && !at(before, path).like(at(after, path)))
        EXPECT_TRUE(known.changes.contains(path))
            << path << ": " << testing::PrintToString(at(before, path)) << " -> "
            << testing::PrintToString(at(after, path));
  }

  // Which sets an act may take, the next one first.
  std::vector<core::ChangeSetId> due(ChangesAct act) const {
    std::vector<core::ChangeSetId> ids;
    if (act == ChangesAct::undone) {
      for (auto one = order_.rbegin(); one != order_.rend(); ++one)
        if (sets_[*one].any_applied()) ids.push_back(sets_[*one].id);
    } else {
      for (const auto one : order_)
        if (sets_[one].any_undone() && sets_[one].undone_at == order_.size())
          ids.push_back(sets_[one].id);
    }
    return ids;
  }

  void act(ChangesAct act) {
    const auto ids = due(act);
    const Snapshot pre = snapshot(world_.root());
    const bool back = act == ChangesAct::undone;
    const auto result = back ? world_.undo() : world_.redo();
    if (ids.empty()) {
      ASSERT_FALSE(result);
      EXPECT_EQ(result.error().code, Code::not_found);
      EXPECT_EQ(differences(snapshot(world_.root()), pre), "");
      return;
    }
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_GE(result->settled.size(), 1u);
    for (std::size_t i = 0; i < result->settled.size(); ++i) {
      EXPECT_EQ(result->settled[i].id, ids.at(i)) << "in order";
      EXPECT_EQ(result->settled[i].act, act);
    }
    // One is passed over only where nothing moves: all but the last are judged as if at once.
    judge_all(result->settled, pre);
  }

  void judge_all(const std::vector<core::ChangesSettled>& settled, const Snapshot& pre) {
    for (std::size_t i = 0; i + 1 < settled.size(); ++i)
      for (const auto& file : settled[i].files)
        EXPECT_TRUE(file.outcome == FileOutcome::conflict || file.outcome == FileOutcome::already);
    judge(settled.back(), pre);
  }

  // Killed before a step of the act, or behind its last; then the log is asked.
  void kill_in(ChangesAct act) {
    core::ChangeSetId id;
    if (act == ChangesAct::applied) {
      id = sets_.back().id;
    } else {
      const auto ids = due(act);
      if (ids.empty()) return;
      id = ids.front();
    }
    vfs::Selection selection;
    if (act == ChangesAct::redone)
      for (const auto& [path, change] : known(id).changes)
        if (change.undone) selection.files.push_back({path, {}});
    const Snapshot pre = snapshot(world_.root());
    const int step = static_cast<int>(any(40)) + 1;
    const bool finished = finishes_before(step, [&](vfs::Hook hook) {
      const auto set = vfs::open_change_set(world_.folder_of(id), world_.root(), hook).value();
      (void)(act == ChangesAct::undone ? set->undo({}) : set->apply(selection));
    });
    if (one_in(3))
      finishes_before(static_cast<int>(any(20)) + 1, [&](vfs::Hook hook) {
        (void)vfs::open_change_set(world_.folder_of(id), world_.root(), hook);
      });
    tell(std::string(core::name_of(act)) + " of " + id.text + " killed" +
         (finished ? " at its end" : " at step " + std::to_string(step)));
    ++kills_;
    const auto settled = settle_interrupted(world_.history(), world_.changes()).value();
    ASSERT_LE(settled.size(), 1u);
    if (settled.empty()) {
      for (const auto& [path, seen] : snapshot(world_.root()))
        EXPECT_PRED2(is_same, seen, at(pre, path)) << path;
      return;
    }
    EXPECT_EQ(settled[0].id, id);
    EXPECT_EQ(settled[0].act,
              act == ChangesAct::applied || known(id).ordered ? act : ChangesAct::applied);
    world_.append({settled[0]});
    judge(settled[0], pre);
  }

  // --- the judge ---

  Known& known(const core::ChangeSetId& id) { return *std::ranges::find(sets_, id, &Known::id); }

  void judge(const core::ChangesSettled& event, const Snapshot& pre) {
    ++acts_;
    Known& set = known(event.id);
    const bool back = event.act == ChangesAct::undone;
    const bool sure = event.by != "interrupted";  // else outcomes can be less than exact
    const Snapshot post = snapshot(world_.root());
    std::map<std::string, FileOutcome> outcomes;
    for (const auto& file : event.files)
      outcomes[file.path.substr(world_.root().size() + 1)] = file.outcome;
    tell(std::string(core::name_of(event.act)) + " " + event.id.text + describe(outcomes));

    bool taken = false;
    Snapshot all = pre;
    all.insert(post.begin(), post.end());
    for (const auto& [path, unused] : all)
      if (!set.changes.contains(path))
        EXPECT_PRED2(is_same, at(pre, path), at(post, path)) << path << " is not its business";
    for (auto& [path, change] : set.changes) {
      const Seen was = at(pre, path), is = at(post, path);
      const auto found = outcomes.find(path);
      const bool in_question = back ? change.applied : !change.applied;
      if (found == outcomes.end() || !in_question || found->second == FileOutcome::conflict) {
        EXPECT_PRED2(is_same, was, is) << path << " was to be left";
        if (found != outcomes.end() && found->second == FileOutcome::conflict) {
          ++conflicts_;
          expect_reason(path, back ? change.to : change.from, pre, post);
        }
        continue;
      }
      if (event.act == ChangesAct::redone)
        EXPECT_TRUE(change.undone) << path << ": redo puts back what undo took";
      expect_moved(path, change, back, {was, is}, sure ? &found->second : nullptr);
      if (!back) change.put = {was, is};
      change.undone = back;
      change.applied = !back;
      taken |= back;
    }
    keep_order(set, taken);
    expect_history(set);
  }

  // Where what the set has for it stood there, and nothing was in the way, a file is no conflict.
  static void expect_reason(const std::string& path, const Seen& from, const Snapshot& pre,
                            const Snapshot& post) {
    const bool way =
        at(pre, parent_of(path)).kind == "folder" && at(post, parent_of(path)).kind == "folder";
    EXPECT_FALSE(way && at(pre, path).kind != "folder" && from.kind != "folder" &&
                 at(pre, path) == from)
        << path << ": no reason for a conflict";
  }

  void expect_moved(const std::string& path, const Known::Change& change, bool back,
                    const std::pair<Seen, Seen>& seen, const FileOutcome* outcome) {
    const auto& [was, is] = seen;
    const Seen &from = back ? change.to : change.from, &to = back ? change.from : change.to;
    if (outcome && *outcome == FileOutcome::already) {
      EXPECT_PRED2(is_same, was, is) << path;
      return;
    }
    // What was put is untouched: what stood there comes back, exactly.
    if (back && change.put && was.like(change.put->second)) {
      EXPECT_PRED2(is_same, is, change.put->first) << path << " is as it was before";
      return;
    }
    if (same_bytes(was, from)) {
      EXPECT_TRUE(same_bytes(is, to)) << path;
      if (!to.kind.empty() && to.kind != "link")
        EXPECT_EQ(is.mode, merged_mode(from, to, was)) << path;
      if (to.kind == "file" && was == from) EXPECT_EQ(is.modified_ns, to.modified_ns) << path;
      return;
    }
    if (same_bytes(was, to) || same_bytes(from, to)) {  // only the mode or the time can follow
      EXPECT_TRUE(same_bytes(is, was)) << path;
      return;
    }
    ++merges_;
    const auto base = slots_of(from.bytes), ours = slots_of(was.bytes), theirs = slots_of(to.bytes);
    const bool files = was.kind == "file" && from.kind == "file" && to.kind == "file";
    ASSERT_TRUE(files && base && ours && theirs) << path << ": somebody's content was replaced";
    const auto merged = merge(*base, *ours, *theirs);
    ASSERT_TRUE(merged) << path << ": both changed the same line";
    EXPECT_EQ(is.bytes, text_of(*merged)) << path;
    if (outcome) EXPECT_EQ(*outcome, FileOutcome::merged) << path;
  }

  void keep_order(Known& set, bool taken) {
    if (!set.ordered && set.any_applied()) {
      set.ordered = true;
      order_.push_back(static_cast<std::size_t>(&set - sets_.data()));
    }
    if (taken) set.undone_at = order_.size();
  }

  // The log, the change set and the test agree.
  void expect_history(const Known& set) {
    const auto history = world_.history();
    const auto one = std::ranges::find(history.sets(), set.id, &ChangeHistory::Set::id);
    ASSERT_NE(one, history.sets().end());
    const auto kept = world_.changes().open_set(set.id, world_.root()).value();
    const auto states = kept->states();
    for (std::size_t i = 0; i < states.size(); ++i) {
      const std::string& path = kept->changes()[i].path;
      EXPECT_EQ(one->applied.contains(world_ / path), set.changes.at(path).applied) << path;
      EXPECT_EQ(states[i] == vfs::ChangeState::applied, set.changes.at(path).applied) << path;
    }
  }

  static std::string describe(const Known& set) {
    std::string text;
    for (const auto& [path, change] : set.changes)
      text += "\n  " + path + ": " + testing::PrintToString(change.from) + " -> " +
              testing::PrintToString(change.to);
    return text;
  }
  static std::string describe(const std::map<std::string, FileOutcome>& outcomes) {
    std::string text;
    for (const auto& [path, outcome] : outcomes)
      text += "\n  " + path + ": " + std::string(core::name_of(outcome));
    return text;
  }

  UndoFixture world_;
  std::mt19937 random_;
  bool person_ = true, person_edited_ = false;
  int token_ = 100;
  Snapshot base_;
  std::vector<Known> sets_;
  std::vector<std::size_t> order_;  // of sets_, as they were applied for the first time
  std::string trace_;
  unsigned acts_ = 0, kills_ = 0, conflicts_ = 0, merges_ = 0;
};

// BOXAGNTS_UNDO_SEEDS=FIRST:END plays others.
TEST(UndoProperty, TheWorkspaceIsWhatItWasPlusWhatIsApplied) {
  unsigned first = 0, end = 300;
  if (const char* seeds = std::getenv("BOXAGNTS_UNDO_SEEDS"))
    ASSERT_EQ(std::sscanf(seeds, "%u:%u", &first, &end), 2);
  unsigned acts = 0, kills = 0, conflicts = 0, merges = 0;
  for (unsigned seed = first; seed < end; ++seed) {
    Play play(seed);
    play.play(seed % 10 == 0 ? 60 : 15);
    ASSERT_FALSE(HasFailure()) << "seed " << seed << "\n" << play.trace();
    acts += play.acts(), kills += play.kills();
    conflicts += play.conflicts(), merges += play.merges();
  }
  std::printf("%u acts, %u kills, %u conflicts, %u merges\n", acts, kills, conflicts, merges);
  if (end - first < 100) return;
  EXPECT_GT(kills, end - first) << "the play has become dull";
  EXPECT_GT(conflicts, (end - first) / 4);
  EXPECT_GT(merges, (end - first) / 10);
}

}  // namespace
}  // namespace boxagnts::agent
