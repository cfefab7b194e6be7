// For tests of change sets: a target folder with its state folder, what stands in it, and change
// sets made by comparing it with a copy that was worked on directly.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "base/hash.h"
#include "vfs/beneath.h"
#include "vfs/change_set_open.h"

namespace boxagnts::vfs {

namespace fs = std::filesystem;

inline std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}
inline void spill(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// All of one thing that an act can change; "" kind = nothing stands there.
struct Seen {
  std::string kind;
  std::uint32_t mode = 0;
  std::int64_t modified_ns = 0;
  std::string bytes;
  bool operator==(const Seen&) const = default;
  bool like(const Seen& other) const {  // but for the time
    return kind == other.kind && mode == other.mode && bytes == other.bytes;
  }
  friend void PrintTo(const Seen& seen, std::ostream* out) {
    *out << seen.kind << " " << std::oct << seen.mode << std::dec << " " << seen.modified_ns
         << " \"" << seen.bytes.substr(0, 60) << "\"";
  }
};
using Snapshot = std::map<std::string, Seen>;

inline Seen see(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) return {};
  const Stat stat = to_stat(status);
  Seen seen{.mode = stat.mode, .modified_ns = stat.modified_ns};
  if (stat.kind == Kind::directory) seen.kind = "folder";
  if (stat.kind == Kind::link) seen = {"link", 0777, stat.modified_ns, fs::read_symlink(path)};
  if (stat.kind == Kind::file) seen.kind = "file", seen.bytes = slurp(path);
  return seen;
}

inline Snapshot snapshot(const std::string& root) {
  Snapshot all{{"", see(root)}};
  for (auto at = fs::recursive_directory_iterator(root); at != fs::end(at); ++at) {
    if (at->path().filename() == ".boxagnts") {
      at.disable_recursion_pending();
      continue;
    }
    all[at->path().string().substr(root.size() + 1)] = see(at->path());
  }
  return all;
}

// What differs, one line a path; "" when nothing does.
inline std::string differences(const Snapshot& one, const Snapshot& other) {
  Snapshot all = one;
  all.insert(other.begin(), other.end());
  std::string text;
  for (const auto& [path, unused] : all) {
    const Seen a = one.contains(path) ? one.at(path) : Seen{};
    const Seen b = other.contains(path) ? other.at(path) : Seen{};
    if (a != b)
      text += path + ": " + testing::PrintToString(a) + " / " + testing::PrintToString(b) + "\n";
  }
  return text;
}

// Makes `seen` at a path where nothing stands, but for a folder's time.
inline void make(const std::string& path, const Seen& seen) {
  if (seen.kind == "folder") fs::create_directory(path);
  if (seen.kind == "link") fs::create_symlink(seen.bytes, path);
  if (seen.kind == "file") spill(path, seen.bytes);
  if (seen.kind != "link" && !seen.kind.empty()) ::chmod(path.c_str(), seen.mode);
}
inline void set_time(const std::string& path, std::int64_t modified_ns) {
  const auto times = to_timespecs({.modified_ns = modified_ns});
  ::utimensat(AT_FDCWD, path.c_str(), times.data(), AT_SYMLINK_NOFOLLOW);
}

inline Side version_at(const std::string& path) {
  struct stat status;
  if (::lstat(path.c_str(), &status) != 0) return std::nullopt;
  const Stat stat = to_stat(status);
  Version version{.kind = stat.kind,
                  .mode = stat.mode,
                  .modified_ns = stat.modified_ns,
                  .size = stat.size,
                  .inode = stat.inode,
                  .changed_ns = stat.changed_ns};
  if (stat.kind == Kind::link) version.link_target = fs::read_symlink(path);
  if (stat.kind == Kind::file) version.content_hash = base::blake2b_hex(slurp(path));
  return version;
}

class Target {
 public:
  // In memory where that is a file system: what a kill leaves behind is the same there.
  explicit Target(const std::string& parent = fs::exists("/dev/shm") ? "/dev/shm" : "/tmp") {
    std::string folder = parent + "/change_set_test.XXXXXX";
    base_ = ::mkdtemp(folder.data());
    fs::create_directories(root() + "/.boxagnts");
    fs::create_directory(copy());
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;
  ~Target() { fs::remove_all(base_); }

  std::string root() const { return base_ + "/root"; }
  std::string copy() const { return base_ + "/copy"; }
  std::string outside() const { return base_; }
  std::string set() const { return state_.empty() ? root() + "/.boxagnts/set" : state_; }
  void keep_state_in(std::string folder) { state_ = std::move(folder); }
  std::string operator/(const std::string& path) const { return root() + "/" + path; }

  // The copy as the target is now, times too.
  void copy_anew() const {
    fs::remove_all(copy());
    fs::create_directory(copy());
    const Snapshot all = snapshot(root());
    for (const auto& [path, seen] : all)
      if (!path.empty()) make(copy() + "/" + path, seen);
    for (auto one = all.rbegin(); one != all.rend(); ++one)
      set_time(copy() + "/" + one->first, one->second.modified_ns);
  }

  // What leads from the target to the copy; contents go to the change set's folder.
  std::vector<Change> changes() const {
    fs::create_directories(set() + "/new");
    Snapshot all = snapshot(root());
    all.merge(snapshot(copy()));
    std::vector<Change> changes;
    for (const auto& [path, unused] : all) {
      if (path.empty()) continue;
      const Seen before = see(root() + "/" + path), after = see(copy() + "/" + path);
      if (before == after) continue;
      Change change{path, version_at(root() + "/" + path), version_at(copy() + "/" + path)};
      if (before.kind == "file") change.before->content = keep_bytes(before.bytes);
      if (after.kind == "file") change.after->content = keep_bytes(after.bytes);
      changes.push_back(change);
    }
    return changes;
  }

  std::unique_ptr<ChangeSet> keep(Hook hook = [](std::string_view) {}) const {
    auto kept = keep_change_set(set(), root(), changes(), std::move(hook));
    EXPECT_TRUE(kept) << (kept ? "" : kept.error().message);
    return kept ? std::move(*kept) : nullptr;
  }
  std::unique_ptr<ChangeSet> open(Hook hook = [](std::string_view) {}) const {
    auto opened = open_change_set(set(), root(), std::move(hook));
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().message);
    return opened ? std::move(*opened) : nullptr;
  }
  // Everything that ever came out of the target.
  std::string all_of_old() const {
    std::string all;
    for (const auto& entry : fs::directory_iterator(set() + "/old"))
      if (entry.is_regular_file()) all += slurp(entry.path());
    return all;
  }

 private:
  std::string keep_bytes(const std::string& bytes) const {
    const std::string name = "new/" + std::to_string(++kept_);
    spill(set() + "/" + name, bytes);
    return name;
  }
  std::string base_, state_;
  mutable int kept_ = 0;
};

inline std::map<std::string, Applied> by_path(const Result<std::vector<Applied>>& applied) {
  std::map<std::string, Applied> all;
  EXPECT_TRUE(applied) << (applied ? "" : applied.error().message);
  if (applied)
    for (const auto& one : *applied) all[one.path] = one;
  return all;
}

}  // namespace boxagnts::vfs
