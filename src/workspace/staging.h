// Folders that overlays work in, before what came of it is a change set.
//
// While one is in use, a note with its place is locked in the state folder (`changes/.staging/ID`).
// A lock ends with its process, so whoever finds a note that he can lock has found what a killed
// one left. The note is made before the folder and goes after it; a change set that stands outside
// the state folder keeps its note (`changes/.elsewhere/ID`): where drop and the quota find it.
#pragma once

#include <string>

#include "base/error.h"
#include "base/file.h"
#include "base/time.h"
#include "core/ids.h"

namespace boxagnts::workspace {

// Empty at first; removed with all it holds by the destructor, unless it was kept
// (Changes::keep). One thread at a time.
class Staging {
 public:
  // In `place`, which is there. `notes` is the folder `changes` of the state folder. Errors: io.
  static Result<Staging> begin(const std::string& notes, const std::string& place, std::string root,
                               base::Clock& clock);
  Staging(Staging&&) noexcept = default;
  Staging& operator=(Staging&&) = delete;
  ~Staging();

  const core::ChangeSetId& id() const { return id_; }
  const std::string& folder() const { return folder_; }
  const std::string& root() const { return root_; }  // the host folder the overlay stands over

  // The folder is a change set now, and stays. Errors: io.
  Status finish(const std::string& notes);

 private:
  Staging(core::ChangeSetId id, std::string folder, std::string root, std::string note,
          base::UniqueFd lock)
      : id_(std::move(id)),
        folder_(std::move(folder)),
        root_(std::move(root)),
        note_(std::move(note)),
        lock_(std::move(lock)) {}

  core::ChangeSetId id_;
  std::string folder_, root_, note_;
  base::UniqueFd lock_;  // of the note; none = nothing to remove
};

// The two kinds of notes below the folder `changes`; names that no id can have.
std::string staging_note(const std::string& notes, const core::ChangeSetId& id);
std::string elsewhere_note(const std::string& notes, const core::ChangeSetId& id);
// Makes the folders of both. Errors: as of make_own_folder.
Status make_note_folders(const std::string& notes);
// The place that a note tells; "" where it tells none.
std::string place_in(const std::string& note);

// Removes what killed processes left half made, and finishes what they had kept. What cannot be
// removed stays for the next time.
void clear_abandoned(const std::string& notes);

}  // namespace boxagnts::workspace
