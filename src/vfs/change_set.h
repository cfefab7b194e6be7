// Changes to a folder that can be shown, applied, undone and dropped; durable from keep() on.
//
// A change set is one folder: `manifest.json` (the changes, with the identity of what each was
// based on), the contents it names, a journal while it is applied, and after that what came out,
// which is its undo. Every act survives kill -9 at any point: open() sees an unfinished one and
// finishes it or rolls it back, and says which.
//
// Applying one file: base unchanged = the new content is exchanged in (renameat2 RENAME_EXCHANGE)
// and what came out is verified to be the base, else exchanged back; base changed = three-way merge
// on text; overlapping or binary = a conflict: nothing of that file is written, never overwritten.
// Undo is applying with the sides swapped. The target is reached below its root only, without
// following links (openat2), so a folder that was turned into a link since is a conflict.
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

namespace boxagnts::vfs {

// One place in a text where two versions differ, as a unified diff counts it (1-based lines).
struct Hunk {
  std::uint32_t before_line = 0, before_count = 0;
  std::uint32_t after_line = 0, after_count = 0;
  std::string text;  // lines with their " ", "-" or "+"
};

struct FileDiff {
  const Change* change = nullptr;
  std::string renamed_from;  // when the same content went away elsewhere
  bool binary = false;       // of either side: no hunks
  std::vector<Hunk> hunks;
};

// Which of a change set's changes: whole files, or hunks of one (by index in its FileDiff).
struct Selection {
  struct File {
    std::string path;
    std::vector<std::uint32_t> hunks;  // empty = all of it
  };
  std::vector<File> files;  // empty = everything
};

enum class Outcome : std::uint8_t { applied, merged, already, conflict };
struct Applied {
  std::string path;
  Outcome outcome = Outcome::conflict;
  std::string reason;  // of a conflict: one sentence
};

enum class ChangeSetState : std::uint8_t { proposed, applied, undone };

class ChangeSet {
 public:
  // Makes the contents and `changes` durable in `folder`. Errors: io.
  static Result<std::unique_ptr<ChangeSet>> keep(std::string folder, std::vector<Change> changes);
  // Errors: not_found, data_loss-like codes for a damaged manifest, busy, io. An act that was
  // interrupted is finished or rolled back first when `root` (the folder it applies to) is given.
  static Result<std::unique_ptr<ChangeSet>> open(std::string folder);
  virtual ~ChangeSet() = default;

  virtual const std::vector<Change>& changes() const = 0;
  virtual ChangeSetState state() const = 0;

  // Unified diffs, sorted by path, `context` lines around each hunk.
  virtual Result<std::vector<FileDiff>> diff(std::uint32_t context = 3) = 0;

  // All files are judged before the first is written. With conflicts the others are applied all the
  // same; each file is whole or untouched. Parts may be applied one after the other.
  virtual Result<std::vector<Applied>> apply(const std::string& root, const Selection& what) = 0;
  virtual Result<std::vector<Applied>> undo(const std::string& root, const Selection& what) = 0;
  // Removes the folder with all it holds.
  virtual Status drop() = 0;
};

// "diff --git"-like text of diffs as `git apply` takes it.
std::string to_unified(std::span<const FileDiff> diffs);

}  // namespace boxagnts::vfs
