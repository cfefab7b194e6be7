// What a call did to files, as the log tells it. Values only; the contents are kept elsewhere
// (vfs/change_set.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/json.h"
#include "core/enum_names.h"

namespace boxagnts::core {

enum class FileChangeKind : std::uint8_t { added, changed, removed };
BOXAGNTS_ENUM_NAMES(FileChangeKind, "added", "changed", "removed");

struct FileChange {
  std::string path;  // absolute
  FileChangeKind kind = FileChangeKind::changed;
  std::int64_t lines_added = 0, lines_removed = 0;
  bool opaque = false;  // binary, or too large to be shown by lines
  bool operator==(const FileChange&) const = default;
};

enum class ChangesAct : std::uint8_t { applied, dropped, undone, redone };
BOXAGNTS_ENUM_NAMES(ChangesAct, "applied", "dropped", "undone", "redone");

// What became of one file when changes were applied, undone or redone.
enum class FileOutcome : std::uint8_t { applied, merged, already, conflict };
BOXAGNTS_ENUM_NAMES(FileOutcome, "applied", "merged", "already", "conflict");

struct SettledFile {
  std::string path;  // absolute
  FileOutcome outcome = FileOutcome::conflict;
  std::string reason;  // of a conflict: one sentence
  bool operator==(const SettledFile&) const = default;
};

Json to_json(const FileChange& change);
Result<FileChange> file_change_from_json(const Json& json);
Json to_json(const SettledFile& file);
Result<SettledFile> settled_file_from_json(const Json& json);

}  // namespace boxagnts::core
