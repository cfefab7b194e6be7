// Changes to a folder that can be shown, applied, undone and dropped; durable from keep() on.
//
// A change set is one folder: `manifest.json` (the changes, with the identity of what each was
// based on, and how far each is applied), the contents it names, and everything that came out of
// the target when it was applied (`old/`), which is its undo. What came out stays until drop(): a
// person who still holds such a file open loses nothing.
//
// Applying one file: base unchanged = the new content is exchanged in (renameat2 RENAME_EXCHANGE)
// and what came out is verified to be the base, else exchanged back; base changed = three-way merge
// on text; overlapping or binary = a conflict: nothing of that file is written, never overwritten.
// Undo is applying with the sides swapped; redo is applying again. The target is reached below its
// root only, without following links (openat2), so a folder that was turned into a link since is a
// conflict.
//
// Crash safety. An act is judged, its new contents are made durable beside the change set, and one
// journal of all its steps is written; only then is the first file touched. open() finds the
// journal of an act that was killed and finishes that act; without a journal nothing had been
// touched. Each file is whole, old or new, at every moment. An act that failed halfway is finished
// the same way before the next one of the same object.
//
// Limits: a manifest of 256 MiB, of which a new one has half.
//
// One process works on a change set at a time (a lock in its folder; Busy). Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "vfs/change.h"
#include "vfs/unified_diff.h"

namespace boxagnts::vfs {

// Which of a change set's changes: whole files, or hunks of one (by index in its FileDiff). The
// folders that a chosen file needs come with it.
struct Selection {
  struct File {
    std::string path;
    std::vector<std::uint32_t> hunks;  // empty = all of it
  };
  std::vector<File> files;  // empty = everything
};

// applied: what stands there is what the change set wanted. merged: that, and what a person changed
// since. already: nothing had to be done. conflict: the file was left as it is.
enum class Outcome : std::uint8_t { applied, merged, already, conflict };
struct Applied {
  std::string path;
  Outcome outcome = Outcome::conflict;
  std::string reason;  // of a conflict: one sentence
};

// How far one change is in the target. Some hunks of it, and the rest can follow: partly.
enum class ChangeState : std::uint8_t { proposed, partly, applied };

// What of the changes a diff shows: what apply would still do, or what undo would take back.
enum class Part : std::uint8_t { proposed, applied };

class ChangeSet {
 public:
  // Makes the contents and `changes` durable in `folder`, for the target folder `root`. Errors:
  // permission_denied (a path that no change may have), invalid_argument, limit_exceeded (more than
  // open() would read), io.
  static Result<std::unique_ptr<ChangeSet>> keep(const std::string& folder, const std::string& root,
                                                 std::vector<Change> changes);
  // Finishes an act that was interrupted first. Errors: not_found, corrupt (a damaged manifest),
  // busy, io.
  static Result<std::unique_ptr<ChangeSet>> open(const std::string& folder,
                                                 const std::string& root);
  virtual ~ChangeSet() = default;

  // Sorted by path; the states stand in the same order.
  virtual std::span<const Change> changes() const = 0;
  virtual std::vector<ChangeState> states() const = 0;
  // What came of the interrupted act that open() finished; empty when there was none.
  virtual std::span<const Applied> finished() const = 0;

  // Sorted by path; files without a difference in that part are absent. Errors: io.
  virtual Result<std::vector<FileDiff>> diff(Part part) = 0;

  // For diffs over several change sets: what of changes()[index] is in the target, leaving aside
  // what others changed there since; and the text of a side of a change, "" of nothing and of
  // folders, absent of what is no text, too long or not kept.
  virtual std::optional<Version> now(std::size_t index) const = 0;
  virtual std::optional<std::string> text(const std::optional<Version>& side) const = 0;

  // All files are judged before the first is written. With conflicts the others are applied all the
  // same; each file is whole or untouched. Parts may be applied one after the other. Hunks are
  // those of diff(Part::proposed) for apply and of diff(Part::applied) for undo. Errors:
  // invalid_argument (no such path or hunk), not_found (no target folder), limit_exceeded (too many
  // at once, and nothing was touched), io; after an io error the act is unfinished: open() or the
  // next act finishes it first, and until then states() and diff() say what it would have made.
  virtual Result<std::vector<Applied>> apply(const Selection& what) = 0;
  virtual Result<std::vector<Applied>> undo(const Selection& what) = 0;
  // Removes the folder with all it holds.
  virtual Status drop() = 0;
};

// Whether anything of it was ever applied, also by an act that is under way. Takes no lock. Errors:
// not_found, corrupt, io.
Result<bool> was_ever_acted_on(const std::string& folder);

// The same as drop() for a change set that nobody has open, damaged or not. Errors: not_found,
// busy, io.
Status drop_change_set(const std::string& folder);

}  // namespace boxagnts::vfs
