#include "vfs/change_act.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <ranges>
#include <set>
#include <utility>

#include "base/guard.h"
#include "base/text.h"
#include "vfs/beneath.h"

namespace boxagnts::vfs {
namespace {

using base::UniqueFd;
using enum Step::Op;

std::string parent_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

bool is_folder(const Side& side) { return side && side->kind == Kind::directory; }

std::string_view path_of(const Entry& entry) { return entry.change.path; }

std::string because(int error_number) {
  if (error_number == EXDEV) return "it is on another file system than the change set";
  return base::errno_text(error_number);
}

bool rename_to(const Spot& from, const Spot& to, unsigned flags) {
  return ::renameat2(from.folder.get(), from.name.c_str(), to.folder.get(), to.name.c_str(),
                     flags) == 0;
}

std::uint64_t inode_at(const Spot& spot) {
  struct stat status;
  const bool there =
      ::fstatat(spot.folder.get(), spot.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
  return there ? status.st_ino : 0;
}

// By what costs nothing to see; the bytes were looked at when the act was prepared.
bool was_written(const Spot& spot, const Version& version) {
  struct stat status;
  if (::fstatat(spot.folder.get(), spot.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
    return true;
  const Stat stat = to_stat(status);
  return stat.modified_ns != version.modified_ns ||
         (version.kind == Kind::file && stat.size != version.size);
}

// A folder named by its own path: the root is "".
Result<Spot> folder_spot(int root, const std::string& path) {
  if (!path.empty()) return find_spot(root, path);
  Spot spot{UniqueFd(open_beneath(root, ".", O_PATH | O_DIRECTORY)), "."};
  if (!spot.folder) return fail_errno(errno, "the target folder cannot be opened");
  return spot;
}

std::vector<std::string> names_in(const Spot& spot) {
  std::vector<std::string> names;
  const int fd = open_beneath(spot.folder.get(), spot.name.c_str(), O_RDONLY | O_DIRECTORY);
  if (fd < 0) return names;
  DIR* const directory = ::fdopendir(fd);
  if (!directory) {
    ::close(fd);
    return names;
  }
  while (const dirent* entry = ::readdir(directory)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(directory);
  return names;
}

void refuse(Move& move, std::string reason) {
  move.outcome = Outcome::conflict;
  move.reason = std::move(reason);
  move.steps.clear();
}

bool makes(const Move& move, Step::Op op) {
  return std::ranges::find(move.steps, op, &Step::op) != move.steps.end();
}

}  // namespace

// --- before anything is touched --------------------------------------------------------------

bool Act::is_below_a_new_folder(const Entry& entry) const {
  for (auto folder = parent_of(entry.change.path); !folder.empty(); folder = parent_of(folder))
    if (new_folders_.contains(folder)) return true;
  return false;
}

Result<Move> Act::judge(const Goal& goal, Verdict& verdict) {
  const Entry& entry = manifest_.entries[goal.entry];
  Move move{.entry = goal.entry, .state = goal.state};
  if (goal.state == ChangeState::partly) move.part = goal.version;
  auto spot = find_spot(root_, entry.change.path);
  // In the place of a link that this act makes a folder of, nothing stands yet.
  const bool absent =
      !spot && (spot.error().code == Code::not_found || is_below_a_new_folder(entry));
  if (!spot && !absent) {
    refuse(move, spot.error().message);
    return move;
  }
  Side found;
  if (spot) {
    const Side none;
    auto looked =
        look(*spot, {&entry.now(), &goal.version, entry.placed ? &entry.placed->put : &none,
                     entry.placed ? &entry.placed->original : &none});
    if (!looked) {
      refuse(move, looked.error().message);
      return move;
    }
    found = std::move(*looked);
  }
  verdict = decide(folder_, entry, goal, found, [&]() -> std::optional<std::string> {
    const UniqueFd fd(open_beneath(spot->folder.get(), spot->name.c_str(), O_RDONLY));
    if (!fd) return std::nullopt;
    auto text = base::read_all(fd.get(), kTextBytesMax);
    if (!text) return std::nullopt;
    return std::move(*text);
  });
  move.outcome = verdict.outcome;
  move.reason = verdict.reason;
  move.placed = verdict.placed;
  if (move.outcome != Outcome::conflict) move.steps = steps_between(found, verdict.target);
  return move;
}

// A folder goes only when all that is in it goes by this act.
void Act::refuse_full_folders(std::vector<Move>& moves) {
  std::set<std::string> going;
  for (auto move = moves.rbegin(); move != moves.rend(); ++move) {  // deepest first
    if (makes(*move, remove_folder)) {
      if (const auto spot = find_spot(root_, path(*move)))
        for (const auto& name : names_in(*spot))
          if (!going.contains(path(*move) + "/" + name)) {
            refuse(*move,
                   "the folder holds " + base::one_line(name, 80) + ", which is not part of this");
            break;
          }
    }
    const bool leaves = makes(*move, remove) || makes(*move, remove_folder);
    if (leaves && !makes(*move, make_folder) && !makes(*move, create)) going.insert(path(*move));
  }
}

// What once stood there is moved back itself, with its inode and all, unless somebody who held it
// open wrote to it since it came out: that copy stays in old/, where theirs cannot be overwritten
// by a save of what they read in between.
Result<bool> Act::can_move_back(Step& step, const std::string& source) const {
  const Spot waiting = TRY(find_spot(folder_, source));
  Side found = TRY(look(waiting, {&step.put}));
  if (!found || is_still(found, step.put)) return true;
  step.put = std::move(found);
  return false;
}

Status Act::stage_steps(Move& move, const Verdict& verdict, std::vector<std::string>& fresh) {
  for (auto& step : move.steps) {
    if (step.op == make_folder || step.op == remove_folder || step.op == attributes) continue;
    const bool restores = step.put && verdict.source.starts_with("old/");
    const bool moves_back = restores && TRY(can_move_back(step, verdict.source));
    step.staged = moves_back ? verdict.source : "old/" + std::to_string(manifest_.next_name++);
    if (step.op != create && move.placed && move.placed->original && !restores &&
        manifest_.entries[move.entry].state == ChangeState::proposed)
      move.placed->original->content = step.staged;  // there it comes out to
    if (step.op == remove) continue;
    if (!moves_back) {
      fresh.push_back(step.staged);
      hook_("stage " + step.staged);
      TRY(verdict.text ? stage_text(folder_, *verdict.text, step.staged, *step.put)
                       : stage(folder_, verdict.source, step.staged, *step.put));
      if (move.placed) move.placed->put = step.put;
      if (move.placed && restores) move.placed->pristine = false;
    }
    step.inode = inode_at(staged(step));
    if (step.inode == 0) {
      refuse(move, "what stood there before was not kept");
      return {};
    }
  }
  return {};
}

Result<Journal> Act::prepare(std::span<const Goal> goals) {
  Journal journal{.act = manifest_.acts + 1};
  for (const auto& goal : goals) {
    const Entry& entry = manifest_.entries[goal.entry];
    if (is_folder(goal.version) && !is_folder(entry.now())) new_folders_.insert(entry.change.path);
  }
  std::vector<Verdict> verdicts(goals.size());
  for (std::size_t i = 0; i < goals.size(); ++i)
    journal.moves.push_back(TRY(judge(goals[i], verdicts[i])));
  refuse_full_folders(journal.moves);
  std::vector<std::string> fresh;
  const auto staged_all = [&]() -> Status {
    for (std::size_t i = 0; i < goals.size(); ++i)
      TRY(stage_steps(journal.moves[i], verdicts[i], fresh));
    if (fresh.empty()) return {};
    hook_("flush");
    auto durable = fresh;
    durable.push_back("old");
    return make_durable(folder_, durable);
  }();
  if (!staged_all) {
    for (const auto& name : fresh) ::unlinkat(folder_, name.c_str(), 0);
    return std::unexpected(staged_all.error());
  }
  journal.next_name = manifest_.next_name;
  for (const auto& move : journal.moves) {
    if (move.steps.empty()) continue;
    const std::string parent = parent_of(path(move));
    if (const auto spot = folder_spot(root_, parent)) journal.folders[parent] = modified_ns(*spot);
  }
  return journal;
}

// --- the steps -------------------------------------------------------------------------------

Spot Act::staged(const Step& step) const {
  auto spot = find_spot(folder_, step.staged);
  return spot ? std::move(*spot) : Spot{UniqueFd(), step.staged};
}

Act::Reason Act::do_step(const Move& move, Step& step) {
  const auto found = find_spot(root_, path(move));
  if (!found)
    return went_with_its_folder(move, step) ? std::nullopt : Reason(found.error().message);
  const Spot& spot = *found;
  switch (step.op) {
    case remove: return take_out(spot, step);
    case create: return put_in(spot, step);
    case exchange: return swap(spot, step);
    case attributes: return set_attributes(spot, step);
    case remove_folder:
      // After a kill: what takes its place may stand there already.
      for (const auto& next : move.steps)
        if (next.op == create && inode_at(staged(next)) != next.inode) return std::nullopt;
      hook_("remove folder");
      if (::unlinkat(spot.folder.get(), spot.name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
        return std::nullopt;
      return errno == ENOTEMPTY || errno == EEXIST ? "somebody put something in it"
                                                   : because(errno);
    case make_folder: {
      hook_("make folder");
      if (::mkdirat(spot.folder.get(), spot.name.c_str(), 0700) == 0) return std::nullopt;
      if (errno != EEXIST) return because(errno);
      const auto there = look(spot, {});
      if (there && *there && (*there)->kind == Kind::directory) return std::nullopt;
      return "something stands there since";
    }
  }
  std::unreachable();
}

// After a kill the folder may be gone already, or be something else, by a later step of this act.
bool Act::went_with_its_folder(const Move& move, const Step& step) const {
  if (step.op != remove && step.op != remove_folder) return false;
  bool goes = false;
  for (auto folder = parent_of(path(move)); !folder.empty(); folder = parent_of(folder))
    goes |= going_folders_.contains(folder);
  if (!goes || step.op == remove_folder) return goes;
  const auto out = look(staged(step), {&step.expected});
  return out && (!*out || is_still(*out, step.expected));
}

Act::Reason Act::take_out(const Spot& spot, const Step& step) {
  const Spot kept = staged(step);
  if (inode_at(kept) == 0) {
    const auto found = look(spot, {&step.expected});
    if (!found) return found.error().message;
    if (!*found) return std::nullopt;
    if (!is_still(*found, step.expected)) return "it was changed meanwhile";
    hook_("remove");
    if (!rename_to(spot, kept, RENAME_NOREPLACE)) return because(errno);
  }
  const auto out = look(kept, {&step.expected});
  if (out && !GUARD("vfs.change-removed", !is_still(*out, step.expected))) return std::nullopt;
  hook_("give back");
  if (rename_to(kept, spot, RENAME_NOREPLACE)) return "it was changed meanwhile";
  return "it was changed and made anew meanwhile; what was removed is " + step.staged +
         " in the change set's folder";
}

Act::Reason Act::put_in(const Spot& spot, const Step& step) {
  const Spot waiting = staged(step);
  if (inode_at(waiting) != step.inode) return std::nullopt;
  if (was_written(waiting, *step.put)) return "it was changed meanwhile";
  hook_("create");
  if (let_in(waiting, spot, step, RENAME_NOREPLACE)) return std::nullopt;
  return errno == EEXIST ? "something stands there since" : because(errno);
}

Act::Reason Act::swap(const Spot& spot, const Step& step) {
  const Spot kept = staged(step);
  if (inode_at(kept) == step.inode) {
    const auto found = look(spot, {&step.expected});
    if (!found) return found.error().message;
    if (!is_still(*found, step.expected) || was_written(kept, *step.put))
      return "it was changed meanwhile";
    hook_("exchange");
    if (!let_in(kept, spot, step, RENAME_EXCHANGE)) return because(errno);
  }
  hook_("verify");
  const auto out = look(kept, {&step.expected});
  if (out && !GUARD("vfs.change-came-out", !is_still(*out, step.expected))) return std::nullopt;
  return give_back(spot, step);
}

// What waits goes to its place. It may once have stood there, and who held it open may have written
// to it just now, read the path before, and save over it next: then a link to it stays in old/.
bool Act::let_in(const Spot& waiting, const Spot& spot, const Step& step, unsigned flags) {
  const std::string linked = link_too(step);
  hook_("let in");
  const bool done = rename_to(waiting, spot, flags);
  const int error_number = errno;
  if (!linked.empty())
    if (const auto link = find_spot(folder_, linked);
        link && !(done && was_written(*link, *step.put)))
      ::unlinkat(link->folder.get(), link->name.c_str(), 0);
  errno = error_number;
  return done;
}

// Another name in old/ for what stands under the staged one; "" when there can be none.
std::string Act::link_too(const Step& step) const {
  for (int i = 1; i < 1'000; ++i) {
    std::string linked = step.staged + "-linked-" + std::to_string(i);
    if (::linkat(folder_, step.staged.c_str(), folder_, linked.c_str(), 0) == 0) return linked;
    if (errno != EEXIST) return {};  // of an earlier time
  }
  return {};
}

// What came out and goes back in stays in old/ as well, linked and copied: whoever read the path in
// the moment between may save over it, by rename or in place.
void Act::keep_too(const Step& step) const {
  const std::string linked = link_too(step);
  if (linked.empty()) return;
  Version copied{
      .kind = step.expected->kind, .mode = 0600, .link_target = step.expected->link_target};
  (void)stage(folder_, step.staged, linked + "-copied", copied);
}

// What came out is not what was expected: somebody wrote just then. Theirs goes back in, unless
// they have put something newer there meanwhile; whatever then stays out is named.
std::string Act::give_back(const Spot& spot, const Step& step) {
  const Spot kept = staged(step);
  const std::string named = "it was changed meanwhile, twice; one of the versions is " +
                            step.staged + " in the change set's folder";
  if (inode_at(spot) != step.inode) return named;
  keep_too(step);
  hook_("give back");
  if (!rename_to(kept, spot, RENAME_EXCHANGE)) return named;
  if (inode_at(kept) != step.inode) {
    // Newer than what was given back, and exchanged for it: the newer one belongs there. It stays
    // in old/ as well: whoever reads the path just now may save over it what it held before.
    keep_too(step);
    (void)rename_to(kept, spot, RENAME_EXCHANGE);
    return named;
  }
  const auto ours = look(kept, {&step.put});
  return ours && is_still(*ours, step.put) ? "it was changed meanwhile" : named;
}

Act::Reason Act::set_attributes(const Spot& spot, const Step& step) {
  const auto found = look(spot, {});
  if (!found) return found.error().message;
  if (!*found || (*found)->kind != step.put->kind) return "it was changed meanwhile";
  hook_("attributes");
  constexpr std::uint32_t kSpecial = 07000;  // set by others; no change carries them
  const std::uint32_t mode = (step.put->mode & 0777) | ((*found)->mode & kSpecial);
  if (step.put->kind != Kind::link && mode != (*found)->mode &&
      ::fchmodat(spot.folder.get(), spot.name.c_str(), mode, AT_SYMLINK_NOFOLLOW) != 0)
    return because(errno);
  if (step.put->modified_ns != 0)
    if (const auto set = set_times(spot, step.put->modified_ns); !set) return set.error().message;
  return std::nullopt;
}

// The first half of a change of kind is taken back when the second could not be done.
void Act::take_back(const Move& move, const Step& step) {
  const auto spot = find_spot(root_, path(move));
  if (!spot) return;
  hook_("take back");
  if (step.op == remove) {
    (void)rename_to(staged(step), *spot, RENAME_NOREPLACE);
  } else if (step.op == remove_folder &&
             ::mkdirat(spot->folder.get(), spot->name.c_str(), 0700) == 0) {
    (void)set_attributes(*spot, {.put = step.expected});
  }
}

// --- the whole -------------------------------------------------------------------------------

Result<std::vector<Applied>> Act::run(Journal& journal) {
  const auto is_folders = [](const Step& step) {
    return step.op == attributes && step.put->kind == Kind::directory;
  };
  const auto do_all = [&](Move& move, const std::function<bool(const Step&)>& now) {
    for (std::size_t i = 0; i < move.steps.size(); ++i) {
      if (!now(move.steps[i])) continue;
      auto reason = do_step(move, move.steps[i]);
      if (!reason) continue;
      if (i > 0 && !is_folders(move.steps[i])) take_back(move, move.steps[i - 1]);
      refuse(move, std::move(*reason));
    }
  };
  const auto goes = [](const Step& step) { return step.op == remove || step.op == remove_folder; };
  const auto comes = [&](const Step& step) { return !goes(step) && !is_folders(step); };
  for (const auto& move : journal.moves)
    if (makes(move, remove_folder)) going_folders_.insert(path(move));
  // What goes, from the deepest up; what comes, from the top down; and when nothing more is put
  // into a folder, its mode and times.
  for (auto& move : std::views::reverse(journal.moves)) do_all(move, goes);
  for (auto& move : journal.moves) do_all(move, comes);
  for (const auto& move : journal.moves) settle(move);
  restore_folder_times(journal);
  for (auto& move : std::views::reverse(journal.moves)) do_all(move, is_folders);
  record_folder_times(journal);
  TRY(make_target_durable(journal));
  manifest_.acts = journal.act;
  manifest_.next_name = journal.next_name;
  std::vector<Applied> applied;
  for (const auto& move : journal.moves) applied.push_back({path(move), move.outcome, move.reason});
  return applied;
}

// The entry becomes what the move made of it.
void Act::settle(const Move& move) {
  if (move.outcome == Outcome::conflict) return;
  Entry& entry = manifest_.entries[move.entry];
  entry.state = move.state;
  entry.part = move.part;
  entry.placed = move.placed;
}

// Whether nothing of the change set is left directly in a folder.
bool Act::all_undone(const std::string& folder) const {
  const std::string below = folder.empty() ? "" : folder + "/";
  auto entry = std::ranges::lower_bound(manifest_.entries, below, {}, path_of);
  for (; entry != manifest_.entries.end() && entry->change.path.starts_with(below); ++entry)
    if (entry->state != ChangeState::proposed && parent_of(entry->change.path) == folder)
      return false;
  return true;
}

// Where all that was changed in a folder is undone and nobody else changed anything in it, its time
// is again what it was.
void Act::restore_folder_times(const Journal& journal) {
  for (const auto& [folder, at_start_ns] : journal.folders) {
    const auto times = manifest_.folders.find(folder);
    if (times == manifest_.folders.end() || times->second.after_ns != at_start_ns) continue;
    const auto spot = folder_spot(root_, folder);
    if (!spot || !all_undone(folder)) continue;
    hook_("folder times");
    (void)set_times(*spot, times->second.before_ns);
  }
}

// What stands there now, as the next act will find it when nobody else comes by.
void Act::record_folder_times(const Journal& journal) {
  for (const auto& [folder, at_start_ns] : journal.folders) {
    const auto spot = folder_spot(root_, folder);
    const std::int64_t now_ns = spot ? modified_ns(*spot) : 0;
    auto& times = manifest_.folders[folder];
    if (times.after_ns != at_start_ns) times.before_ns = at_start_ns;
    times.after_ns = now_ns;
    if (all_undone(folder)) manifest_.folders.erase(folder);
    const auto entry = std::ranges::lower_bound(manifest_.entries, folder, {}, path_of);
    if (entry != manifest_.entries.end() && entry->change.path == folder && entry->placed &&
        entry->placed->put && entry->placed->put->modified_ns == at_start_ns)
      entry->placed->put->modified_ns = now_ns;
  }
  // The moment of the last change of what was put: a file without a hash is known by it.
  for (const auto& move : journal.moves) {
    auto& placed = manifest_.entries[move.entry].placed;
    if (move.outcome == Outcome::conflict || !placed || !placed->put) continue;
    const auto spot = find_spot(root_, path(move));
    if (!spot) continue;
    const auto found = look(*spot, {});
    if (!found || !*found || (*found)->kind != placed->put->kind) continue;
    if (placed->put->kind == Kind::directory)
      placed->put = *found;
    else if ((*found)->inode == placed->put->inode && (*found)->size == placed->put->size &&
             (*found)->modified_ns == placed->put->modified_ns)
      placed->put->changed_ns = (*found)->changed_ns;
  }
}

Status Act::make_target_durable(const Journal& journal) {
  constexpr std::size_t kFlushEachMax = 16;
  std::set<dev_t> flushed;
  for (const auto& [folder, unused] : journal.folders) {
    const auto spot = folder_spot(root_, folder);
    if (!spot) continue;  // it went, with its folder or by somebody else
    const UniqueFd fd(open_beneath(spot->folder.get(), spot->name.c_str(), O_RDONLY | O_DIRECTORY));
    struct stat status;
    if (!fd || ::fstat(fd.get(), &status) != 0) continue;
    if (journal.folders.size() > kFlushEachMax && !flushed.insert(status.st_dev).second) continue;
    hook_("flush target");
    const int done =
        journal.folders.size() > kFlushEachMax ? ::syncfs(fd.get()) : ::fsync(fd.get());
    if (done != 0) return fail_errno(errno, "cannot make changes durable");
  }
  return {};
}

}  // namespace boxagnts::vfs
