#include "core/change_values.h"

#include "core/json_fields.h"

namespace boxagnts::core {

Json to_json(const FileChange& change) {
  JsonObject out{{"path", change.path},
                 {"kind", name_of(change.kind)},
                 {"lines_added", change.lines_added},
                 {"lines_removed", change.lines_removed}};
  if (change.opaque) out["opaque"] = true;
  return out;
}

Result<FileChange> file_change_from_json(const Json& json) {
  return FileChange{text_of(json, "path"), TRY(parse_enum<FileChangeKind>(text_of(json, "kind"))),
                    base::get_int(json, "lines_added").value_or(0),
                    base::get_int(json, "lines_removed").value_or(0),
                    base::get_bool(json, "opaque").value_or(false)};
}

Json to_json(const SettledFile& file) {
  JsonObject out{{"path", file.path}, {"outcome", name_of(file.outcome)}};
  if (!file.reason.empty()) out["reason"] = file.reason;
  return out;
}

Result<SettledFile> settled_file_from_json(const Json& json) {
  return SettledFile{text_of(json, "path"), TRY(parse_enum<FileOutcome>(text_of(json, "outcome"))),
                     text_of(json, "reason")};
}

}  // namespace boxagnts::core
