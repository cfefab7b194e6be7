// What a change set writes down about itself: the manifest, and the journal of an act.
//
// Both are JSON in the change set's folder. A path is bytes and JSON is not: text that is no UTF-8
// is written with %XX. Reading refuses whatever is not exactly as written, and every path and
// content name is judged again. Thread-safe: functions on values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "vfs/change_set.h"

namespace boxagnts::vfs {

using Side = std::optional<Version>;  // nothing: nothing stands there

// What the last act left at a path and what stood there before the first; known as long as nobody
// else changed it in between. With `pristine`, what was put is exactly what the change set has for
// that state, no merge.
struct Placed {
  Side put, original;
  bool pristine = false;
};

// A change and how far it is in the target.
struct Entry {
  Change change;
  ChangeState state = ChangeState::proposed;
  Side part;  // with ChangeState::partly: the text with the hunks that were chosen
  std::optional<Placed> placed;

  // What of this change is in the target.
  const Side& now() const {
    if (state == ChangeState::partly) return part;
    return state == ChangeState::applied ? change.after : change.before;
  }
};

// The modification time of a folder that acts changed things in: before the first, after the last.
struct FolderTimes {
  std::int64_t before_ns = 0, after_ns = 0;
};

struct Manifest {
  std::vector<Entry> entries;  // sorted by path
  std::map<std::string, FolderTimes> folders;
  std::uint64_t acts = 0;       // done so far
  std::uint64_t next_name = 1;  // for files in old/ and part/
};

// One system call's worth of an act; `expected` stands at the path before it, `put` after it.
struct Step {
  enum class Op : std::uint8_t { remove, remove_folder, make_folder, create, exchange, attributes };
  Op op = Op::attributes;
  Side expected, put;
  std::string staged;       // where `put` waits, and what came out goes
  std::uint64_t inode = 0;  // of what waits there
};

// What one act does to one entry, and what the entry is afterwards.
struct Move {
  std::size_t entry = 0;
  Outcome outcome = Outcome::applied;
  std::string reason;
  ChangeState state = ChangeState::proposed;
  Side part;
  std::optional<Placed> placed;
  std::vector<Step> steps;
};

struct Journal {
  std::uint64_t act = 0;
  std::uint64_t next_name = 1;  // after the act
  std::vector<Move> moves;
  std::map<std::string, std::int64_t> folders;  // modification times before the act
};

// Lexically normal, relative, without NUL, and nowhere the program's own state. Errors:
// permission_denied.
Status check_change_path(const std::string& path);
// A file below the change set's folder. Errors: permission_denied.
Status check_content_name(const std::string& name);
// Every path and content, each path once, kinds that can be made. Sorts. Errors: as above, and
// invalid_argument.
Status check_changes(std::vector<Change>& changes);

std::string to_text(const Manifest& manifest);
std::string to_text(const Journal& journal);
// Errors: corrupt.
Result<Manifest> parse_manifest(std::string_view text);
Result<Journal> parse_journal(std::string_view text, const Manifest& manifest);

}  // namespace boxagnts::vfs
