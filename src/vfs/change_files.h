// The files of a change set and of its target: looking, comparing, staging.
//
// Everything is reached from an open folder by openat2 without following links, so neither a path
// in a change nor somebody who swaps folders for links leads elsewhere. Thread-safe: functions.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "vfs/change_manifest.h"

namespace boxagnts::vfs {

// Larger files are not compared, shown or merged by lines.
constexpr std::uint64_t kTextBytesMax = 8ull << 20;

// A name in an open folder.
struct Spot {
  base::UniqueFd folder;  // O_PATH
  std::string name;
};

// Where the last component of `path` stands below `root`. Errors: not_found (the folder is not
// there, or is none), permission_denied (a link is on the way), io.
Result<Spot> find_spot(int root, const std::string& path);

// What stands at a spot. The hash of a file is taken when it is small enough to be merged or when
// `compare` holds one of the same size. Errors: io.
Result<Side> look(const Spot& spot, std::initializer_list<const Side*> compare);

// Whether the same thing stands there, but for mode and times: the same hash, or where none was
// taken, the same inode that nobody touched.
bool same_content(const Side& found, const Side& wanted);
// That, and the same mode.
bool same(const Side& found, const Side& wanted);
// For what was just moved, which changes changed_ns, and whose bytes nobody could have had time to
// restore: the same, also by inode, size and modification time.
bool is_still(const Side& found, const Side& wanted);

// The bytes of a kept file. Errors: not_found (not kept), limit_exceeded, corrupt, io.
Result<std::string> read_content(int folder, const Version& version);
// The same when it is text, short enough, and kept; "" for nothing. Nothing = none of that.
std::optional<std::string> text_of(int folder, const Side& version);

// Makes `version` in the change set's folder under the name `staged`, with its mode and times, from
// `source` (a content name) or from `text`. Fills in what is known only then: size, hash, inode.
// Errors: corrupt (the kept bytes are not those of the hash), io.
Status stage(int folder, const std::string& source, const std::string& staged, Version& version);
Status stage_text(int folder, std::string_view text, const std::string& staged, Version& version);

// Makes files durable: each by itself, or the whole file system at once when they are many.
Status make_durable(int folder, const std::vector<std::string>& names);

std::int64_t modified_ns(const Spot& spot);  // 0 when nothing is there
Status set_times(const Spot& spot, std::int64_t modified_ns);

}  // namespace boxagnts::vfs
