#include "workspace/changes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <unordered_map>

#include "base/file.h"
#include "base/guard.h"
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "workspace/state_folder.h"

namespace boxagnts::workspace {
namespace {

namespace fs = std::filesystem;
using core::ChangeSetId;

constexpr int kDropsMax = 64;               // of one make_room: its caller has other things to do
constexpr std::uint64_t kBlockBytes = 512;  // of st_blocks, everywhere

// Whether files can be moved from one to the other: the same file system, mounted once.
bool on_one_mount(const std::string& one, const std::string& other) {
  struct statx a, b;
  const auto look = [](const std::string& path, struct statx& status) {
    return ::statx(AT_FDCWD, path.c_str(), 0, STATX_INO | STATX_MNT_ID, &status) == 0;
  };
  if (!look(one, a) || !look(other, b)) return false;
  if (a.stx_dev_major != b.stx_dev_major || a.stx_dev_minor != b.stx_dev_minor) return false;
  const bool known = (a.stx_mask & b.stx_mask & STATX_MNT_ID) != 0;  // Linux 5.8
  return !known || a.stx_mnt_id == b.stx_mnt_id;
}

bool is_read_only(int error) { return error == EROFS || error == EACCES || error == EPERM; }

bool exists(const std::string& path) {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0;
}

std::uint64_t bytes_on_disk(const std::string& folder) {
  std::uint64_t bytes = 0;
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error); at != fs::end(at);
       at.increment(error)) {
    struct stat status;
    if (::lstat(at->path().c_str(), &status) == 0)
      bytes += static_cast<std::uint64_t>(status.st_blocks) * kBlockBytes;
  }
  return bytes;
}

// What applying moves into the change set.
std::uint64_t bytes_to_come(std::span<const vfs::Change> changes) {
  std::uint64_t bytes = 0;
  for (const auto& change : changes)
    if (change.before && change.before->kind == vfs::Kind::file) bytes += change.before->size;
  return bytes;
}

// Files of the overlay that no change names: written and removed again, or written as they were.
void remove_unused(const std::string& folder, std::span<const vfs::Change> changes) {
  std::set<std::string> used;
  for (const auto& change : changes)
    for (const auto* side : {&change.before, &change.after})
      if (*side) used.insert((*side)->content);
  std::error_code error;
  for (auto at = fs::recursive_directory_iterator(folder, error); at != fs::end(at);
       at.increment(error)) {
    const std::string path = at->path();
    if (!at->is_directory(error) && !used.contains(path.substr(folder.size() + 1)))
      ::unlink(path.c_str());
  }
}

Status sync_folder(const std::string& folder) {
  const base::UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd || ::fsync(fd.get()) != 0) return fail_errno(errno, "cannot make " + folder + " durable");
  return {};
}

std::unexpected<Error> no_longer_kept(const ChangeSetId& id) {
  return fail(Code::not_found, "the change set " + id.text +
                                   " is no longer kept: it was dropped, by hand or because the "
                                   "kept changes were more than their quota");
}

std::unexpected<Error> not_there(const std::string& root) {
  return fail(Code::unavailable,
              "the folder " + root + ", or what was mounted there, is not there");
}

class FolderChanges final : public Changes {
 public:
  FolderChanges(std::string state_folder, base::Clock& clock, ChangesQuota quota)
      : state_folder_(std::move(state_folder)),
        home_(state_folder_ + "/changes"),
        clock_(clock),
        quota_(quota) {}

  Status prepare() {
    TRY(base::make_folders(state_folder_));
    TRY(make_own_folder(home_));
    TRY(make_note_folders(home_));
    clear_abandoned(home_);
    return {};
  }

  Result<Staging> stage(const std::string& root) override {
    return Staging::begin(home_, TRY(place_for(root)), root, clock_);
  }

  Result<std::unique_ptr<vfs::ChangeSet>> keep(Staging staging,
                                               std::vector<vfs::Change> changes) override {
    remove_unused(staging.folder(), changes);
    const auto to_come = bytes_to_come(changes);
    auto set = TRY(vfs::ChangeSet::keep(staging.folder(), staging.root(), std::move(changes)));
    TRY(sync_folder(fs::path(staging.folder()).parent_path()));
    TRY(staging.finish(home_));
    const auto bytes = bytes_on_disk(staging.folder()) + to_come;
    {
      const std::lock_guard lock(counting_);
      count(staging.id(), bytes);
      write_down(line_of(staging.id(), bytes));
    }
    if (const auto made = make_room(); !made)  // what is kept is kept
      base::log(base::LogLevel::warning, "workspace", made.error().message);
    return set;
  }

  Result<std::unique_ptr<vfs::ChangeSet>> open_set(const ChangeSetId& id,
                                                   const std::string& root) override {
    TRY(check(id));
    if (!exists(root)) return not_there(root);
    for (const auto& place : {home_, root + "/" + kStateFolder + "/changes"}) {
      const std::string folder = place + "/" + id.text;
      if (!exists(folder + "/manifest.json")) continue;
      if (place != home_) TRY(check_is_own_folder(root + "/" + kStateFolder));
      TRY(check_is_own_folder(place));
      TRY(check_is_own_folder(folder));
      return vfs::ChangeSet::open(folder, root);
    }
    // An empty folder where a file system was mounted.
    const std::string there = TRY(folder_of(id));
    if (!there.empty() && !exists(fs::path(there).parent_path())) return not_there(root);
    return no_longer_kept(id);
  }

  Status drop(const ChangeSetId& id) override {
    TRY(check(id));
    const std::string folder = TRY(folder_of(id));
    if (folder.empty()) return no_longer_kept(id);
    const auto dropped = vfs::drop_change_set(folder);
    if (!dropped && dropped.error().code != Code::not_found) return dropped;
    if (exists(fs::path(folder).parent_path())) ::unlink(elsewhere_note(home_, id).c_str());
    const std::lock_guard lock(counting_);
    uncount(id);
    if (!dropped) return no_longer_kept(id);
    return {};
  }

  Status make_room() override {
    std::vector<ChangeSetId> oldest_first;
    {
      const std::lock_guard lock(counting_);
      if (looked_ && ++since_look_ < kLookEvery && !is_over(quota_)) return {};
      TRY(look());
      if (!is_over(quota_)) return {};
      for (const auto& [id, bytes] : kept_) oldest_first.push_back(id);
    }
    const ChangesQuota aim{quota_.bytes_max - quota_.bytes_max / 8,
                           quota_.sets_max - quota_.sets_max / 8};
    int drops = 0;
    for (const auto& id : oldest_first) {
      if (const std::lock_guard lock(counting_); !is_over(aim)) break;
      if (drops == kDropsMax) break;
      if (may_be_asked_about(id)) continue;
      ++drops;
      if (const auto dropped = drop(id); !dropped && dropped.error().code == Code::io)
        return dropped;
    }
    return {};
  }

 private:
  // An id may come from a log that others wrote.
  static Status check(const ChangeSetId& id) {
    if (GUARD("workspace.changes-id", !base::is_id_text(id.text)))
      return fail(Code::invalid_argument, "that is no id of a change set");
    return {};
  }

  bool may_be_asked_about(const ChangeSetId& id) const {
    const auto folder = folder_of(id);
    struct stat status;
    if (!folder || ::stat((*folder + "/manifest.json").c_str(), &status) != 0) return false;
    const auto kept_at = base::Timestamp{status.st_mtim.tv_sec} * 1'000'000;
    if (clock_.now() - kept_at > std::chrono::microseconds(kAskedFor).count()) return false;
    return !vfs::was_ever_acted_on(*folder).value_or(true);
  }

  // Where a new set for `root` stands.
  Result<std::string> place_for(const std::string& root) {
    struct stat status;
    if (::stat(root.c_str(), &status) != 0) return fail_errno(errno, "cannot use " + root);
    TRY(prepare_home());
    if (on_one_mount(state_folder_, root)) return home_;
    const std::string own = root + "/" + kStateFolder, place = own + "/changes";
    if (::mkdir(own.c_str(), 0700) != 0 && errno != EEXIST && !is_read_only(errno))
      return fail_errno(errno, "cannot make " + own);
    if (::faccessat(AT_FDCWD, own.c_str(), W_OK, AT_EACCESS | AT_SYMLINK_NOFOLLOW) != 0)
      return home_;
    TRY(check_is_own_folder(own));
    TRY(keep_out_of_repositories(own));
    TRY(make_own_folder(place));
    return place;
  }

  // Somebody may have removed it since.
  Status prepare_home() const {
    TRY(make_own_folder(home_));
    return make_note_folders(home_);
  }

  // "" where none is known.
  Result<std::string> folder_of(const ChangeSetId& id) const {
    if (const std::string here = home_ + "/" + id.text; exists(here)) {
      TRY(check_is_own_folder(here));
      return here;
    }
    const std::string there = place_in(elsewhere_note(home_, id));
    if (!there.ends_with("/" + std::string(kStateFolder) + "/changes/" + id.text))
      return std::string();
    if (exists(there)) TRY(check_is_own_folder(there));
    return there;
  }

  // --- counting; the caller holds counting_ ---

  bool is_over(const ChangesQuota& quota) const {
    return bytes_ > quota.bytes_max || kept_.size() > quota.sets_max;
  }
  void count(const ChangeSetId& id, std::uint64_t bytes) {
    if (kept_.emplace(id, bytes).second) bytes_ += bytes;
  }
  void uncount(const ChangeSetId& id) {
    const auto found = kept_.find(id);
    if (found == kept_.end()) return;
    bytes_ -= found->second;
    kept_.erase(found);
  }

  std::vector<ChangeSetId> ids_in(const std::string& folder) const {
    std::vector<ChangeSetId> ids;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder, error))
      if (auto id = ChangeSetId::parse(entry.path().filename().string()))
        ids.push_back(std::move(*id));
    return ids;
  }

  static std::string line_of(const ChangeSetId& id, std::uint64_t bytes) {
    return id.text + " " + std::to_string(bytes) + "\n";
  }
  std::string sizes() const { return home_ + "/.sizes"; }
  // What is not written down is measured by the next who looks.
  void write_down(const std::string& lines) const {
    const base::UniqueFd fd(
        ::open(sizes().c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (fd && !lines.empty()) (void)base::write_all(fd.get(), lines);
  }
  std::unordered_map<ChangeSetId, std::uint64_t> written_down() const {
    std::unordered_map<ChangeSetId, std::uint64_t> sizes;
    auto text = base::read_file(this->sizes()).value_or("");
    text.resize(text.rfind('\n') + 1);  // npos + 1 = 0; a killed process may have left half a line
    for (const auto line : base::split(text, '\n')) {
      const auto space = line.find(' ');
      const auto id = ChangeSetId::parse(line.substr(0, space));
      std::uint64_t bytes = 0;
      if (space == line.npos || !id) continue;
      const auto read = std::from_chars(line.data() + space + 1, line.data() + line.size(), bytes);
      if (read.ec == std::errc() && read.ptr == line.data() + line.size()) sizes[*id] = bytes;
    }
    return sizes;
  }

  // Brings the books to what is on the disk.
  Status look() {
    looked_ = true;
    since_look_ = 0;
    const auto known = written_down();
    std::set<ChangeSetId> there;
    std::string measured;
    for (const auto& notes : {home_, home_ + "/.elsewhere"})
      for (const auto& id : ids_in(notes)) {
        const auto size = known.find(id);
        const auto bytes = size != known.end() ? std::optional(size->second) : measure(id);
        if (!bytes) continue;
        there.insert(id);
        count(id, *bytes);
        if (size == known.end()) measured += line_of(id, *bytes);
      }
    std::vector<ChangeSetId> gone;
    for (const auto& [id, bytes] : kept_)
      if (!there.contains(id)) gone.push_back(id);
    for (const auto& id : gone) uncount(id);
    if (known.size() > 2 * there.size() + kLookEvery) return write_anew();
    write_down(measured);
    return {};
  }

  Status write_anew() const {
    std::string lines;
    for (const auto& [id, bytes] : kept_) lines += line_of(id, bytes);
    return base::write_file_atomically(sizes(), lines);
  }

  // Of a set that nobody wrote down. What a killed drop left of one goes now: it has no manifest,
  // and nobody stages it.
  std::optional<std::uint64_t> measure(const ChangeSetId& id) const {
    if (exists(staging_note(home_, id))) return std::nullopt;
    const auto folder = folder_of(id);
    if (!folder || folder->empty()) return std::nullopt;
    if (exists(*folder + "/manifest.json")) return bytes_on_disk(*folder);
    if (exists(fs::path(*folder).parent_path())) clear_dropped(id, *folder);
    return std::nullopt;
  }

  void clear_dropped(const ChangeSetId& id, const std::string& folder) const {
    if (!exists(folder) || vfs::drop_change_set(folder))
      ::unlink(elsewhere_note(home_, id).c_str());
  }

  const std::string state_folder_, home_;
  base::Clock& clock_;
  const ChangesQuota quota_;

  std::mutex counting_;
  std::map<ChangeSetId, std::uint64_t> kept_;  // oldest first
  std::uint64_t bytes_ = 0;
  bool looked_ = false;
  int since_look_ = 0;
};

}  // namespace

Result<std::unique_ptr<Changes>> Changes::open(const std::string& state_folder, base::Clock& clock,
                                               ChangesQuota quota) {
  auto changes = std::make_unique<FolderChanges>(state_folder, clock, quota);
  TRY(changes->prepare());
  return changes;
}

}  // namespace boxagnts::workspace
