// glob: walks a folder and keeps the newest of what matches.
//
// Only folders that could hold a match are opened, one at a time; links to folders are not
// followed, so there are no cycles. Memory is bounded by the widest part of the tree.
#include <algorithm>

#include "guests/glob/newest.h"
#include "guests/glob/pattern.h"
#include "guests/sdk/files.h"
#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

constexpr std::size_t kListingBytes = 16 << 10;
constexpr std::size_t kPathBytesMax = 4096;

// Folders still to look into, as a stack of texts in one block.
class Pending {
 public:
  void push(Text path) {
    const std::size_t size = path.size();
    if (used_ + size + sizeof size > capacity_) {
      const std::size_t capacity = std::max(2 * capacity_, used_ + size + kPathBytesMax);
      data_ = extend(data_, capacity_, capacity);
      capacity_ = capacity;
    }
    copy(data_ + used_, path);
    __builtin_memcpy(data_ + used_ + size, &size, sizeof size);
    used_ += size + sizeof size;
  }
  bool empty() const { return used_ == 0; }
  // Copied to `into`, which has room for a path.
  Text pop(char* into) {
    std::size_t size;
    __builtin_memcpy(&size, data_ + used_ - sizeof size, sizeof size);
    used_ -= size + sizeof size;
    copy(into, {data_ + used_, size});
    return {into, size};
  }

 private:
  char* data_ = nullptr;
  std::size_t used_ = 0;
  std::size_t capacity_ = 0;
};

class Walk {
 public:
  Walk(const Pattern& pattern, std::uint32_t top) : pattern_(pattern), top_(top) {}

  void run() {
    pending_.push({});
    while (!pending_.empty()) look_into(pending_.pop(directory_));
  }
  Newest& found() { return found_; }
  std::uint64_t files_seen() const { return files_seen_; }
  std::uint64_t unreadable() const { return unreadable_; }

 private:
  void look_into(Text directory) {
    std::uint32_t opened = top_;
    if (!directory.empty() &&
        wasi_path_open(top_, Follow::no, directory.data(), directory.size(), open_flags::kDirectory,
                       rights::kReaddir | rights::kPathStat, 0, 0, &opened) != Errno::success) {
      ++unreadable_;
      return;
    }
    std::size_t prefix = 0;
    if (!directory.empty()) {
      copy(path_, directory);
      path_[directory.size()] = '/';
      prefix = directory.size() + 1;
    }
    list(opened, prefix);
    if (opened != top_) wasi_fd_close(opened);
  }

  void list(std::uint32_t directory, std::size_t prefix) {
    std::uint64_t cookie = 0;
    while (true) {
      std::size_t used = 0;
      if (wasi_fd_readdir(directory, listing_, kListingBytes, cookie, &used) != Errno::success) {
        ++unreadable_;
        return;
      }
      DirectoryEntryHead head;
      std::size_t at = 0;
      while (used - at >= sizeof head) {
        __builtin_memcpy(&head, listing_ + at, sizeof head);
        if (used - at - sizeof head < head.name_size) break;  // cut: it comes again
        meet(directory, prefix, {listing_ + at + sizeof head, head.name_size}, head.type);
        at += sizeof head + head.name_size;
        cookie = head.next_cookie;
      }
      if (used < kListingBytes || at == 0) return;
    }
  }

  void meet(std::uint32_t directory, std::size_t prefix, Text name, FileType type) {
    if (name == "." || name == ".." || prefix + name.size() >= kPathBytesMax) return;
    copy(path_ + prefix, name);
    const Text path(path_, prefix + name.size());
    if (type == FileType::directory) {
      if (name == ".git" && !pattern_.names_git()) return;
      if (pattern_.wants_directories() && pattern_.matches(path))
        keep(directory, name, path, Suffix::slash);
      if (pattern_.could_match_below(path)) pending_.push(path);
      return;
    }
    ++files_seen_;
    if (pattern_.wants_files() && pattern_.matches(path)) keep(directory, name, path, Suffix::none);
  }

  enum class Suffix : std::uint8_t { none, slash };
  // The time is asked for by the name in its folder: one look-up, however deep the folder lies.
  void keep(std::uint32_t directory, Text name, Text path, Suffix suffix) {
    Stat stat{};
    if (wasi_path_filestat_get(directory, Follow::no, name.data(), name.size(), &stat) !=
        Errno::success)
      return;  // gone since it was listed
    std::size_t size = path.size();
    if (suffix == Suffix::slash) path_[size++] = '/';
    found_.add(stat.modified_ns, {path_, size});
  }

  const Pattern& pattern_;
  const std::uint32_t top_;
  Pending pending_;
  Newest found_;
  std::uint64_t files_seen_ = 0;
  std::uint64_t unreadable_ = 0;
  char* const directory_ = allocate(kPathBytesMax);
  char* const path_ = allocate(kPathBytesMax + 1);
  char* const listing_ = allocate(kListingBytes);
};

// The folder where the search begins: the pattern's own, seen from `path` unless it is absolute.
Text search_folder(Text path, Text folder) {
  if (folder.starts_with('/')) return folder;
  if (path.empty()) return folder.empty() ? Text(".") : folder;
  return folder.empty() ? path : join({path, "/", folder});
}

// How paths below the folder are shown: relative to the workspace where they lie in it.
Text shown_prefix(Text folder) {
  const Text whole = absolute(folder);
  const Text base = working_directory();
  if (whole == base) return {};
  if (base.size() > 1 && whole.starts_with(base) && whole[base.size()] == '/')
    return join({whole.substr(base.size() + 1), "/"});
  return whole == "/" ? whole : join({whole, "/"});
}

void put_found(Walk& walk, Text prefix) {
  Newest& found = walk.found();
  found.sort();
  for (std::size_t i = 0; i < found.count(); ++i) out.put(prefix).put(found.path(i)).put('\n');
  if (found.seen() > found.count())
    out.put("[the newest ")
        .put_number(found.count())
        .put(" of ")
        .put_number(found.seen())
        .put("; narrow the pattern or the path to see the others]\n");
}

void put_nothing_found(const Walk& walk, Text pattern, Text folder) {
  out.put("nothing matches ").put_cut(pattern, 200).put(" in ").put_cut(absolute(folder), 200);
  out.put(" (").put_count(walk.files_seen(), "file").put(" looked at)\n");
}

}  // namespace

int run() {
  const auto arguments = Arguments::read({"pattern", "path"});
  const Text text = arguments.text("pattern");
  if (text.empty()) fail(kBadInput, {"pattern is empty; **/* finds every file"});
  const Pattern pattern(text);
  const Text path = arguments.text_or("path", {});
  const Text folder = search_folder(path, pattern.folder());
  Path top = Path::of("path", folder);
  std::uint32_t opened = 0;
  const Errno error =
      top.open(open_flags::kDirectory,
               rights::kReaddir | rights::kOpen | rights::kPathStat | rights::kStat, opened);
  if (error == Errno::notdir)
    fail(kFailed,
         {"cannot search ", top.shown(), ": it is a file, not a folder; to see it use read"});
  // A folder that only the pattern names is one more way to match nothing.
  if (error == Errno::noent && path.empty() && !folder.starts_with('/')) {
    out.put("nothing matches ").put_cut(text, 200).put(": there is no folder ").put(top.shown());
    return kSuccess;
  }
  if (error != Errno::success) top.fail("search", error);

  Walk walk(pattern, opened);
  walk.run();
  if (walk.found().count() == 0)
    put_nothing_found(walk, text, folder);
  else
    put_found(walk, shown_prefix(folder));
  if (walk.unreadable() > 0)
    out.put('[').put_count(walk.unreadable(), "folder").put(" could not be read]\n");
  return kSuccess;
}

}  // namespace boxagnts::guest
