#include "workspace/staging.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "workspace/state_folder.h"

namespace boxagnts::workspace {
namespace {

using base::UniqueFd;
using core::ChangeSetId;

constexpr int kTriesMax = 8;  // somebody may clear a note away in the moment before it is locked
constexpr std::size_t kNoteBytesMax = 64 << 10;

// Of the descriptor, not of the process: two stagings in one process see each other.
bool lock_note(const UniqueFd& note) {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return ::fcntl(note.get(), F_OFD_SETLK, &whole) == 0;
}

bool is_there(const UniqueFd& file) {
  struct stat status;
  return ::fstat(file.get(), &status) == 0 && status.st_nlink > 0;
}

bool exists(const std::string& path) {
  struct stat status;
  return ::lstat(path.c_str(), &status) == 0;
}

// The note of a folder that is a change set now.
Status settle_note(const std::string& notes, const ChangeSetId& id, const std::string& folder) {
  const std::string note = staging_note(notes, id);
  const bool done = folder.starts_with(notes + "/")
                        ? ::unlink(note.c_str()) == 0
                        : ::rename(note.c_str(), elsewhere_note(notes, id).c_str()) == 0;
  if (!done) return fail_errno(errno, "cannot keep a change set in " + folder);
  return {};
}

// What a note leads to whose process was killed. Nothing but a folder `changes/ID` is removed.
Status clear(const std::string& notes, const ChangeSetId& id, const std::string& folder) {
  const auto place = std::filesystem::path(folder).parent_path();
  const bool begun = place.filename() == "changes" && folder.ends_with("/" + id.text);
  if (begun) {
    TRY(check_is_own_folder(place));  // not_found: a mount that is not there now
    if (exists(folder + "/manifest.json")) return settle_note(notes, id, folder);
    std::error_code error;
    std::filesystem::remove_all(folder, error);
    if (error) return fail_errno(error.value(), "cannot remove " + folder);
  }
  ::unlink(staging_note(notes, id).c_str());
  return {};
}

}  // namespace

std::string staging_note(const std::string& notes, const ChangeSetId& id) {
  return notes + "/.staging/" + id.text;
}

std::string elsewhere_note(const std::string& notes, const ChangeSetId& id) {
  return notes + "/.elsewhere/" + id.text;
}

Status make_note_folders(const std::string& notes) {
  TRY(make_own_folder(notes + "/.staging"));
  return make_own_folder(notes + "/.elsewhere");
}

std::string place_in(const std::string& note) {
  return base::read_file(note, kNoteBytesMax).value_or("");
}

Result<Staging> Staging::begin(const std::string& notes, const std::string& place, std::string root,
                               base::Clock& clock) {
  for (int i = 0; i < kTriesMax; ++i) {
    auto id = ChangeSetId::make(clock.now());
    std::string note = staging_note(notes, id);
    std::string folder = place + "/" + id.text;
    UniqueFd lock(::open(note.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
    if (!lock) return fail_errno(errno, "cannot begin a change set in " + place);
    if (!lock_note(lock) || !is_there(lock)) continue;
    Staging staging(std::move(id), std::move(folder), std::move(root), std::move(note),
                    std::move(lock));
    TRY(base::write_all(staging.lock_.get(), staging.folder_));
    if (::mkdir(staging.folder_.c_str(), 0700) != 0)
      return fail_errno(errno, "cannot begin a change set in " + place);
    return staging;
  }
  return fail(Code::busy, "cannot begin a change set in " + place + ": others clear it at once");
}

Staging::~Staging() {
  if (!lock_) return;
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
  if (!error) ::unlink(note_.c_str());  // else whoever opens this next tries again
}

Status Staging::finish(const std::string& notes) {
  TRY(settle_note(notes, id_, folder_));
  lock_.reset();
  return {};
}

void clear_abandoned(const std::string& notes) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(notes + "/.staging", error)) {
    const auto id = ChangeSetId::parse(entry.path().filename().string());
    if (!id) continue;
    const UniqueFd lock(::open(entry.path().c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW));
    if (!lock || !lock_note(lock) || !is_there(lock)) continue;  // of somebody who lives
    (void)clear(notes, *id, place_in(entry.path()));
  }
}

}  // namespace boxagnts::workspace
