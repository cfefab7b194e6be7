#include "vfs/change_set.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "base/file.h"
#include "base/guard.h"
#include "base/text.h"
#include "vfs/beneath.h"
#include "vfs/change_set_open.h"
#include "vfs/text_diff.h"

namespace boxagnts::vfs {
namespace {

using base::UniqueFd;

constexpr std::string_view kManifest = "/manifest.json", kJournal = "/journal.json";

Result<UniqueFd> open_folder(const std::string& folder) {
  UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return fail_errno(errno, "cannot open the change set " + folder);
  return fd;
}

// Held until the descriptor closes. `fd` is the open folder. Whoever keeps a change set makes the
// file (O_CREAT): it is the last that a drop removes, so nobody else may make it anew meanwhile.
Result<UniqueFd> lock_folder(const std::string& folder, const UniqueFd& fd, int make) {
  UniqueFd file(open_beneath(fd.get(), "lock", O_RDWR | make, make ? 0600 : 0));
  if (!file) return fail_errno(errno, "cannot lock the change set " + folder);
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  // Of the descriptor, not of the process: two change sets in one process see each other.
  const bool free = ::fcntl(file.get(), F_OFD_SETLK, &lock) == 0;
  if (GUARD("vfs.change-set-busy", !free))
    return fail(Code::busy, "somebody else works on the change set " + folder);
  return file;
}

// Of a change set that is locked.
Status remove_folder(const std::string& folder) {
  // First of all the manifest: a drop that is killed leaves no change set, only files.
  ::unlink((folder + std::string(kManifest)).c_str());
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    if (entry.path().filename() == "lock") continue;
    std::error_code failed;
    std::filesystem::remove_all(entry.path(), failed);
    if (failed) error = failed;
  }
  if (!error) ::unlink((folder + "/lock").c_str());
  if (!error && ::rmdir(folder.c_str()) != 0) error = {errno, std::generic_category()};
  // Once the lock's file is gone, whoever finds the rest may remove it, too.
  if (error && error != std::errc::no_such_file_or_directory)
    return fail(Code::io, "cannot remove the change set " + folder, error.message());
  return {};
}

// The folder of one change set, locked.
struct Home {
  std::string path;
  UniqueFd folder, lock;
  UniqueFd root;
  std::string root_path;
  Hook hook;
  std::size_t manifest_bytes_max = 0;

  static Result<Home> enter(const std::string& folder, const std::string& root, int make_lock,
                            Hook hook, std::size_t manifest_bytes_max) {
    Home home{.path = folder,
              .root_path = root,
              .hook = std::move(hook),
              .manifest_bytes_max = manifest_bytes_max};
    home.folder = TRY(open_folder(folder));
    home.root = UniqueFd(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!home.root) return fail_errno(errno, "cannot open the folder " + root);
    home.lock = TRY(lock_folder(folder, home.folder, make_lock));
    return home;
  }

  Status write(std::string_view name, const std::string& text) const {
    hook("write " + std::string(name));
    TRY(base::write_file_atomically(path + std::string(name), text));
    if (::fsync(folder.get()) != 0) return fail_errno(errno, "cannot make changes durable");
    return {};
  }
};

class FolderChangeSet final : public ChangeSet {
 public:
  explicit FolderChangeSet(Home home) : home_(std::move(home)) {}

  void take(Manifest manifest);
  // Reads the manifest, finishes the act that a journal tells of, and clears away what one that had
  // none left.
  Status load();

  std::span<const Change> changes() const override { return changes_; }
  std::vector<ChangeState> states() const override {
    std::vector<ChangeState> states;
    for (const auto& entry : manifest_.entries) states.push_back(entry.state);
    return states;
  }
  std::span<const Applied> finished() const override { return finished_; }
  Result<std::vector<FileDiff>> diff(Part part) override;
  std::optional<Version> now(std::size_t index) const override {
    return manifest_.entries[index].now();
  }
  std::optional<std::string> text(const Side& side) const override;
  Result<std::vector<Applied>> apply(const Selection& what) override {
    return act(what, Part::proposed);
  }
  Result<std::vector<Applied>> undo(const Selection& what) override {
    return act(what, Part::applied);
  }
  Status drop() override {
    home_.hook("drop");
    return remove_folder(home_.path);
  }

 private:
  using Chosen = std::map<std::size_t, std::vector<std::uint32_t>>;  // entry to hunks

  Result<std::vector<Applied>> act(const Selection& what, Part part);
  Result<Chosen> choose(const Selection& what, Part part) const;
  void add_folders(Chosen& chosen, Part part) const;
  Result<Goal> goal_of(std::size_t index, const std::vector<std::uint32_t>& hunks, Part part);
  Result<Goal> goal_of_hunks(std::size_t index, std::vector<std::uint32_t> hunks, Part part);
  FileDiff diff_of(const Entry& entry, Part part) const;
  Result<std::vector<Applied>> run(Journal& journal);
  Status recover();
  std::optional<std::size_t> find(std::string_view path) const;
  void clear_unused(const std::string& name) const;

  const Home home_;
  Manifest manifest_;
  std::vector<Change> changes_;
  std::vector<Applied> finished_;
  bool unfinished_ = false;  // an act failed halfway: its journal says more than the manifest
};

// What a part leads from and to.
std::pair<const Side*, const Side*> sides_of(const Entry& entry, Part part) {
  if (part == Part::proposed) return {&entry.now(), &entry.change.after};
  return {&entry.change.before, &entry.now()};
}

ChangeState end_of(Part part) {
  return part == Part::proposed ? ChangeState::applied : ChangeState::proposed;
}

bool is_folder(const Side& side) { return side && side->kind == Kind::directory; }
bool is_file(const Side& side) { return side && side->kind == Kind::file; }

// --- showing ---------------------------------------------------------------------------------

std::optional<std::string> FolderChangeSet::text(const Side& side) const {
  return is_folder(side) ? "" : text_of(home_.folder.get(), side);
}

FileDiff FolderChangeSet::diff_of(const Entry& entry, Part part) const {
  const auto [before, after] = sides_of(entry, part);
  const std::string none;
  if (*before && *after && same_content(*before, *after))
    return make_diff(entry.change.path, *before, *after, none, none);
  return make_diff(entry.change.path, *before, *after, text(*before), text(*after));
}

Result<std::vector<FileDiff>> FolderChangeSet::diff(Part part) {
  std::vector<FileDiff> diffs;
  for (const auto& entry : manifest_.entries)
    if (entry.state != end_of(part)) diffs.push_back(diff_of(entry, part));
  find_renames(diffs);
  return diffs;
}

// --- acting ----------------------------------------------------------------------------------

std::optional<std::size_t> FolderChangeSet::find(std::string_view path) const {
  const auto found = std::ranges::lower_bound(
      changes_, path, {}, [](const Change& change) { return std::string_view(change.path); });
  if (found == changes_.end() || found->path != path) return std::nullopt;
  return static_cast<std::size_t>(found - changes_.begin());
}

Result<FolderChangeSet::Chosen> FolderChangeSet::choose(const Selection& what, Part part) const {
  Chosen chosen;
  if (what.files.empty())
    for (std::size_t i = 0; i < changes_.size(); ++i) chosen[i];
  for (const auto& file : what.files) {
    const auto index = find(file.path);
    if (!index)
      return fail(Code::invalid_argument,
                  "the change set does not change \"" + base::one_line(file.path, 200) + "\"");
    chosen[*index] = file.hunks;
  }
  add_folders(chosen, part);
  return chosen;
}

// What is put into a folder that does not stand yet brings the folder with it.
void FolderChangeSet::add_folders(Chosen& chosen, Part part) const {
  Chosen folders;
  for (const auto& [index, hunks] : chosen) {
    const std::string& path = changes_[index].path;
    for (auto slash = path.rfind('/'); slash != std::string::npos && slash > 0;
         slash = path.rfind('/', slash - 1)) {
      const auto folder = find(std::string_view(path).substr(0, slash));
      if (!folder) continue;
      const Entry& entry = manifest_.entries[*folder];
      const bool missing = part == Part::proposed
                               ? is_folder(entry.change.after) && !is_folder(entry.now())
                               : is_folder(entry.change.before) && !is_folder(entry.now());
      if (missing) folders[*folder];
    }
  }
  chosen.merge(folders);
}

Result<Goal> FolderChangeSet::goal_of(std::size_t index, const std::vector<std::uint32_t>& hunks,
                                      Part part) {
  const Entry& entry = manifest_.entries[index];
  const bool whole_only = !is_file(entry.change.before) || !is_file(entry.change.after);
  if (hunks.empty() || (whole_only && hunks == std::vector<std::uint32_t>{0}))
    return Goal{index, end_of(part),
                part == Part::proposed ? entry.change.after : entry.change.before};
  return goal_of_hunks(index, hunks, part);
}

Result<Goal> FolderChangeSet::goal_of_hunks(std::size_t index, std::vector<std::uint32_t> hunks,
                                            Part part) {
  const Entry& entry = manifest_.entries[index];
  const auto [before, after] = sides_of(entry, part);
  const FileDiff shown = diff_of(entry, part);
  std::ranges::sort(hunks);
  const auto repeated = std::ranges::unique(hunks);
  hunks.erase(repeated.begin(), repeated.end());
  if (!is_file(*before) || !is_file(*after) || hunks.back() >= shown.hunks.size())
    return fail(Code::invalid_argument, "the change of " + base::one_line(entry.change.path, 200) +
                                            " has no hunk " + std::to_string(hunks.back()));
  if (hunks.size() == shown.hunks.size()) return goal_of(index, {}, part);
  std::vector<std::uint32_t> wanted = std::move(hunks);
  if (part == Part::applied) {  // what is not taken back stays
    std::vector<std::uint32_t> rest;
    for (std::uint32_t i = 0; i < shown.hunks.size(); ++i)
      if (!std::ranges::binary_search(wanted, i)) rest.push_back(i);
    wanted = std::move(rest);
  }
  const auto a = text_of(home_.folder.get(), *before), b = text_of(home_.folder.get(), *after);
  if (!a || !b) return fail(Code::io, "the contents of " + entry.change.path + " cannot be read");
  Version version{.mode = entry.now()->mode};
  const std::string name = "part/" + std::to_string(manifest_.next_name++);
  home_.hook("stage " + name);
  TRY(stage_text(home_.folder.get(), with_hunks(*a, *b, wanted), name, version));
  TRY(make_durable(home_.folder.get(), {name, "part"}));
  version.content = name;
  return Goal{index, ChangeState::partly, std::move(version)};
}

Result<std::vector<Applied>> FolderChangeSet::act(const Selection& what, Part part) {
  if (unfinished_) TRY(load());
  const Chosen chosen = TRY(choose(what, part));
  std::vector<Goal> goals;
  std::vector<Applied> done;
  for (const auto& [index, hunks] : chosen) {
    if (manifest_.entries[index].state == end_of(part))
      done.push_back({changes_[index].path, Outcome::already, {}});
    else
      goals.push_back(TRY(goal_of(index, hunks, part)));
  }
  Journal journal =
      TRY(Act(home_.folder.get(), home_.root.get(), manifest_, home_.hook).prepare(goals));
  const std::string text = to_text(journal);
  // All that the manifest takes over from the journal is in it: after the act it can still be read.
  const bool full = text.size() + to_text(manifest_).size() > home_.manifest_bytes_max;
  if (GUARD("vfs.change-act-bytes", full))
    return fail(Code::limit_exceeded, "these are too many changes at once: choose fewer files");
  unfinished_ = true;
  TRY(home_.write(kJournal, text));
  auto applied = TRY(run(journal));
  applied.insert(applied.end(), done.begin(), done.end());
  std::ranges::sort(applied, {}, &Applied::path);
  return applied;
}

Result<std::vector<Applied>> FolderChangeSet::run(Journal& journal) {
  auto applied = TRY(Act(home_.folder.get(), home_.root.get(), manifest_, home_.hook).run(journal));
  TRY(home_.write(kManifest, to_text(manifest_)));
  home_.hook("forget the journal");
  ::unlink((home_.path + std::string(kJournal)).c_str());
  unfinished_ = false;
  return applied;
}

// --- keeping ---------------------------------------------------------------------------------

void FolderChangeSet::take(Manifest manifest) {
  manifest_ = std::move(manifest);
  if (!changes_.empty()) return;  // they never change, and somebody may hold them
  for (const auto& entry : manifest_.entries) changes_.push_back(entry.change);
}

Status FolderChangeSet::load() {
  const auto text =
      TRY(base::read_file(home_.path + std::string(kManifest), home_.manifest_bytes_max));
  take(TRY(parse_manifest(text)));
  return recover();
}

Status FolderChangeSet::recover() {
  const std::string path = home_.path + std::string(kJournal);
  const auto text = base::read_file(path, home_.manifest_bytes_max);
  if (!text && text.error().code != Code::not_found) return std::unexpected(text.error());
  if (text) {
    Journal journal = TRY(parse_journal(*text, manifest_));
    // A journal of an act that the manifest has already is one that could not be removed in time.
    if (journal.act > manifest_.acts)
      finished_ = TRY(run(journal));
    else
      ::unlink(path.c_str());
  }
  unfinished_ = false;
  clear_unused("old");
  clear_unused("part");
  return {};
}

// Names that no manifest has given away yet: of an act that was killed before its journal.
void FolderChangeSet::clear_unused(const std::string& name) const {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(home_.path + "/" + name, error)) {
    const std::string number = entry.path().filename();
    if (std::strtoull(number.c_str(), nullptr, 10) >= manifest_.next_name)
      ::unlink(entry.path().c_str());
  }
}

// Every content is there, and durable before anything says so.
Status keep_contents(int folder, const std::vector<Change>& changes) {
  std::set<std::string> names;
  for (const auto& change : changes)
    for (const Side* side : {&change.before, &change.after})
      if (*side && !(*side)->content.empty()) names.insert((*side)->content);
  for (const auto& name : names) {
    const UniqueFd fd(open_beneath(folder, name.c_str(), O_RDONLY));
    struct stat status;
    if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode))
      return fail(Code::invalid_argument, "the content " + name + " of a change set is not there");
  }
  for (const char* made : {"old", "part"})
    if (::mkdirat(folder, made, 0700) != 0 && errno != EEXIST)
      return fail_errno(errno, "cannot make the folders of a change set");
  return make_durable(folder, {names.begin(), names.end()});
}

}  // namespace

Result<std::unique_ptr<ChangeSet>> keep_change_set(const std::string& folder,
                                                   const std::string& root,
                                                   std::vector<Change> changes, Hook hook,
                                                   std::size_t manifest_bytes_max) {
  TRY(check_changes(changes));
  Home home = TRY(Home::enter(folder, root, O_CREAT, std::move(hook), manifest_bytes_max));
  if (::access((folder + std::string(kManifest)).c_str(), F_OK) == 0)
    return fail(Code::invalid_argument, folder + " holds a change set already");
  TRY(keep_contents(home.folder.get(), changes));
  Manifest manifest;
  for (auto& change : changes) manifest.entries.push_back({.change = std::move(change)});
  const std::string text = to_text(manifest);
  // The other half is for what acts note: what they put, and what stood there before.
  const std::size_t bytes_max = manifest_bytes_max / 2;
  if (GUARD("vfs.change-set-bytes", text.size() > bytes_max))
    return fail(Code::limit_exceeded,
                "these are more changes than a change set holds: their list takes " +
                    std::to_string(text.size()) + " bytes of " + std::to_string(bytes_max));
  TRY(home.write(kManifest, text));
  auto set = std::make_unique<FolderChangeSet>(std::move(home));
  set->take(std::move(manifest));
  return set;
}

Result<std::unique_ptr<ChangeSet>> open_change_set(const std::string& folder,
                                                   const std::string& root, Hook hook,
                                                   std::size_t manifest_bytes_max) {
  auto set = std::make_unique<FolderChangeSet>(
      TRY(Home::enter(folder, root, 0, std::move(hook), manifest_bytes_max)));
  TRY(set->load());
  return set;
}

Result<std::unique_ptr<ChangeSet>> ChangeSet::keep(const std::string& folder,
                                                   const std::string& root,
                                                   std::vector<Change> changes) {
  return keep_change_set(folder, root, std::move(changes), [](std::string_view) {});
}

Result<std::unique_ptr<ChangeSet>> ChangeSet::open(const std::string& folder,
                                                   const std::string& root) {
  return open_change_set(folder, root, [](std::string_view) {});
}

Result<bool> was_ever_acted_on(const std::string& folder) {
  const auto text = TRY(base::read_file(folder + std::string(kManifest), kManifestBytesMax));
  if (::access((folder + std::string(kJournal)).c_str(), F_OK) == 0) return true;
  return TRY(parse_manifest(text)).acts > 0;
}

Status drop_change_set(const std::string& folder) {
  const UniqueFd fd = TRY(open_folder(folder));
  const auto lock = lock_folder(folder, fd, 0);
  // Without the file nobody works on it: it is what a drop left that was killed at its end.
  if (!lock && lock.error().code != Code::not_found) return std::unexpected(lock.error());
  return remove_folder(folder);
}

}  // namespace boxagnts::vfs
