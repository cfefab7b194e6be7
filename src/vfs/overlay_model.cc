#include "vfs/overlay_model.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "base/hash.h"
#include "vfs/beneath.h"
#include "vfs/change_set.h"

namespace boxagnts::vfs {
namespace {

namespace fs = std::filesystem;

// Times before this are set by somebody and must be the same everywhere; later ones are "now".
constexpr std::int64_t kSetBefore = 1'000'000'000'000'000'000;
constexpr std::string_view kNames[] = {"a", "b", "c", "d", "e", "x", "y", "deep", "n", "m"};
constexpr std::size_t kFolders = 4, kFiles = 4;

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void set_time(const std::string& path, std::int64_t ns) {
  ::utimensat(AT_FDCWD, path.c_str(), to_timespecs({std::nullopt, ns}).data(), AT_SYMLINK_NOFOLLOW);
}

std::string time_text(std::int64_t ns) { return ns < kSetBefore ? std::to_string(ns) : "now"; }

std::string describe(Kind kind, std::uint32_t mode, std::int64_t modified_ns) {
  return "kind " + std::to_string(static_cast<int>(kind)) + " mode " +
         (kind == Kind::link ? "-" : std::to_string(mode)) + " time " + time_text(modified_ns);
}

void make_tree(const std::string& root) {
  fs::create_directories(root + "/c/deep");
  fs::create_directories(root + "/d");
  const auto file = [&](const char* name, const std::string& text, unsigned mode) {
    std::ofstream(root + "/" + name) << text;
    ::chmod((root + "/" + name).c_str(), mode);
  };
  file("a", "alpha\n", 0644);
  file("b", "#!/bin/sh\n", 0755);
  file("c/x", std::string(5000, 'x'), 0600);
  file("c/y", "", 0664);
  file("c/deep/x", "deep", 0644);
  fs::create_symlink("a", root + "/e");
  fs::create_symlink("../../a", root + "/c/deep/e");
  fs::create_symlink("deep", root + "/c/d");
  std::int64_t time = 1'000'000'000'000'001;
  std::vector<std::string> all{root};
  for (const auto& entry : fs::recursive_directory_iterator(root)) all.push_back(entry.path());
  std::ranges::sort(all);
  for (const auto& path : all) set_time(path, time += 1'000'000'007);
}

// Path below the root -> what stands there.
using Listing = std::map<std::string, std::string>;

Listing snapshot(const std::string& root) {
  Listing all;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    struct stat status;
    ::lstat(entry.path().c_str(), &status);
    const Stat stat = to_stat(status);
    std::string text = describe(stat.kind, stat.mode, stat.modified_ns);
    if (stat.kind == Kind::link) text += " -> " + fs::read_symlink(entry.path()).string();
    if (stat.kind == Kind::file)
      text += " links " + std::to_string(stat.links) + " " + slurp(entry.path());
    all[entry.path().lexically_relative(root)] = text;
  }
  return all;
}

std::string content_of(File& file) {
  std::string text(1 << 20, '\0');
  const auto got = file.read_at(std::as_writable_bytes(std::span(text)), 0);
  text.resize(got.value_or(0));
  return got ? text : "unreadable";
}

void walk(Directory& folder, const std::string& path, Listing& all) {
  const auto entries = folder.list();
  if (!entries) {
    all[path] = "cannot be listed";
    return;
  }
  for (const auto& entry : *entries) {
    const auto stat = folder.stat_entry(entry.name);
    const std::string here = path.empty() ? entry.name : path + "/" + entry.name;
    if (!stat || stat->kind != entry.kind || stat->inode != entry.inode) {
      all[here] = "listed and not so";
      continue;
    }
    std::string text = describe(stat->kind, stat->mode, stat->modified_ns);
    if (stat->kind == Kind::link) text += " -> " + folder.read_link(entry.name).value_or("none");
    if (stat->kind == Kind::file) {
      const auto file = folder.open_file(entry.name, {.read = true});
      text += " links " + std::to_string(stat->links) + " " +
              (file ? content_of(**file) : std::to_string(file.error()));
    }
    all[here] = text;
    if (stat->kind == Kind::directory)
      if (const auto inner = folder.open_directory(entry.name)) walk(**inner, here, all);
  }
}

std::string difference(const Listing& wanted, const Listing& got, const char* what) {
  const auto shown = [](const std::string& text) { return text.substr(0, 120); };
  for (const auto& [path, text] : wanted) {
    const auto found = got.find(path);
    if (found == got.end()) return std::string(what) + ": " + path + " is missing";
    if (found->second != text)
      return std::string(what) + ": " + path + " is " + shown(found->second) + ", not " +
             shown(text);
  }
  for (const auto& [path, text] : got)
    if (!wanted.contains(path)) return std::string(what) + ": " + path + " is too much";
  return "";
}

std::string say(int error) { return "errno " + std::to_string(error); }
template <class T>
std::string say(const Sys<T>& result) {
  return result ? "ok" : say(result.error());
}

std::string say_stat(const Sys<Stat>& stat) {
  if (!stat) return say(stat.error());
  std::string text = describe(stat->kind, stat->mode, stat->modified_ns);
  if (stat->kind != Kind::directory) text += " size " + std::to_string(stat->size);
  if (stat->kind == Kind::file) text += " links " + std::to_string(stat->links);
  return text;
}

std::string make_root(const std::string& where) {
  std::string name = where + "/vfs_model.XXXXXX";
  if (!::mkdtemp(name.data())) std::abort();
  return name;
}

}  // namespace

// Reads numbers from a script; zeros after its end.
class OverlayModel::Script {
 public:
  explicit Script(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  bool done() const { return bytes_.empty(); }
  unsigned next() {
    if (bytes_.empty()) return 0;
    const unsigned value = bytes_[0];
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::string_view name() { return kNames[next() % std::size(kNames)]; }
  std::string path() {
    std::string text(name());
    for (unsigned more = next() % 3; more > 0; --more) text.append("/").append(name());
    return text;
  }
  NewTimes times() {
    NewTimes times;
    const unsigned which = next();
    if (which & 1) times.accessed_ns = 5'000'000'000ll + which;
    if (which & 2) times.modified_ns = 7'000'000'000ll + which;
    return times;
  }
  OpenFlags flags() {
    const unsigned bits = next();
    return {.read = (bits & 1) != 0,
            .write = (bits & 2) != 0,
            .create = (bits & 4) != 0,
            .exclusive = (bits & 8) != 0,
            .truncate = (bits & 16) != 0,
            .directory = (bits & 224) == 224};
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

std::string OverlayModel::fast_folder() {
  return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
}

OverlayModel::OverlayModel(const std::string& where) : root_(make_root(where)) {
  for (const auto* name : {"/lower", "/copy", "/replay"}) make_tree(root_ + name);
  fs::create_directory(root_ + "/state");
  below_ = snapshot(root_ + "/lower");
  auto lower = open_host_filesystem(root_ + "/lower", core::Access::read_only, {}).value();
  overlay_ = Overlay::open(std::move(lower), {}, root_ + "/state").value();
  const std::shared_ptr<Directory> tops[]{
      open_host_filesystem(root_ + "/copy", core::Access::read_write, {}).value()->root(),
      overlay_->filesystem()->root()};
  for (int i = 0; i < 2; ++i) {
    sides_[i].folders.assign(kFolders, tops[i]);
    sides_[i].files.resize(kFiles);
  }
}

OverlayModel::~OverlayModel() { fs::remove_all(root_); }

std::string OverlayModel::play(std::span<const std::uint8_t> bytes) {
  Script script(bytes);
  while (!script.done())
    if (auto wrong = step(script); !wrong.empty()) return wrong;
  if (auto wrong = compare_trees(); !wrong.empty()) return wrong;
  if (auto wrong = replay(); !wrong.empty()) return wrong;
  return keep_apply_and_undo();
}

std::string OverlayModel::step(Script& script) {
  const unsigned operation = script.next() % 24;
  std::string said[2];
  for (int i = 0; i < 2; ++i) said[i] = call(sides_[i], operation, script);
  // Both read the same bytes; no call takes more than these.
  for (int i = 0; i < 7; ++i) script.next();
  trace_ += said[0] + "\n";
  if (said[0] != said[1]) return said[0] + "\n    but the overlay: " + said[1];
  return "";
}

std::string OverlayModel::call(Side& side, unsigned operation, Script script) {
  return operation < 8 ? call_on_file(side, operation, script)
                       : call_on_name(side, operation, script);
}

std::string OverlayModel::call_on_file(Side& side, unsigned operation, Script& script) {
  const std::size_t slot = script.next() % kFiles;
  auto& file = side.files[slot];
  const std::string who = "file " + std::to_string(slot);
  if (!file) return who + " is not open";
  const unsigned number = script.next();
  const std::string text(1 + number * (script.next() % 8), static_cast<char>('A' + number % 26));
  const auto data = std::as_bytes(std::span(text));
  switch (operation) {
    case 0: {
      const auto put = file->write_at(data, script.next() * 7);
      return who + " write " + std::to_string(text.size()) + " " + say(put);
    }
    case 1: {
      const auto size = file->append(data);
      return who + " append " + std::to_string(text.size()) + " " + say(size) +
             std::to_string(size.value_or(0));
    }
    case 2:
      return who + " resize " + std::to_string(number * 9) + " " + say(file->resize(number * 9));
    case 3: {
      std::string into(4096, '\0');
      const auto got = file->read_at(std::as_writable_bytes(std::span(into)), number * 5);
      into.resize(got.value_or(0));
      return who + " read " + say(got) + " " + base::blake2b_hex(into) + into.substr(0, 20);
    }
    case 4: return who + " stat " + say_stat(file->stat());
    case 5:
    case 6: return who + " times " + say(file->set_times(script.times()));
    default: file.reset(); return who + " closed";
  }
}

std::string OverlayModel::call_on_name(Side& side, unsigned operation, Script& script) {
  const std::size_t slot = script.next() % kFolders;
  const std::size_t other = script.next() % kFolders;
  Directory& folder = *side.folders[slot];
  if (operation == 23 || operation == 22) {
    const std::string path = script.path();
    std::string text = "folder " + std::to_string(slot) + " plain " + path + " ";
    if (operation == 22) return text + say_stat(folder.stat_plain(path));
    auto opened = folder.open_plain(path, script.flags());
    if (opened && opened->file) side.files[other] = opened->file;
    if (opened && opened->directory) side.folders[1 + other % (kFolders - 1)] = opened->directory;
    return text + say(opened) + (opened && opened->file ? " file" : "");
  }
  const std::string name(script.name()), to(script.name());
  std::string text = "folder " + std::to_string(slot) + " ";
  switch (operation) {
    case 8:
    case 9: {
      auto opened = folder.open_file(name, script.flags());
      if (opened) side.files[other] = *opened;
      return text + "open " + name + " " + say(opened);
    }
    case 10: return text + "mkdir " + name + " " + say(folder.make_directory(name));
    case 11: return text + "symlink " + name + " " + say(folder.make_link(name, to));
    case 12: return text + "unlink " + name + " " + say(folder.remove_file(name));
    case 13: return text + "rmdir " + name + " " + say(folder.remove_directory(name));
    case 14:
    case 15: {
      Directory& target = *side.folders[other];
      return text + "rename " + name + " to " + std::to_string(other) + " " + to + " " +
             say(folder.rename_entry(name, target, to));
    }
    case 16: {
      Directory& target = *side.folders[other];
      return text + "link " + name + " to " + std::to_string(other) + " " + to + " " +
             say(folder.hard_link(name, target, to));
    }
    case 17: {
      auto opened = folder.open_directory(name);
      if (opened) side.folders[1 + other % (kFolders - 1)] = *opened;
      return text + "opendir " + name + " " + say(opened);
    }
    case 18: return text + "stat " + name + " " + say_stat(folder.stat_entry(name));
    case 19: {
      text += "list";
      const auto entries = folder.list();
      if (!entries) return text + " " + say(entries);
      for (const auto& entry : *entries)
        text += " " + entry.name + std::to_string(static_cast<int>(entry.kind));
      return text;
    }
    case 20:
      return text + "times " + name + " " + say(folder.set_entry_times(name, script.times())) +
             say_stat(folder.stat());
    default: {
      if (script.next() % 2) return text + "own times " + say(folder.set_times(script.times()));
      const auto target = folder.read_link(name);
      return text + "readlink " + name + " " + target.value_or(say(target));
    }
  }
}

std::string OverlayModel::compare_trees() {
  for (auto& side : sides_) {
    side.files.clear();
    side.folders.resize(1);
  }
  Listing seen;
  walk(*sides_[1].folders[0], "", seen);
  if (auto wrong = difference(snapshot(root_ + "/copy"), seen, "the overlay"); !wrong.empty())
    return wrong;
  return difference(below_, snapshot(root_ + "/lower"), "below");
}

namespace {

// What is "now" in the copy may be older elsewhere: the same bytes written again are no change. And
// a hard link is a file of its own.
void forgive(Listing& wanted, Listing& got) {
  for (auto* listing : {&wanted, &got})
    for (auto& [path, text] : *listing) {
      if (const auto at = text.find(" links "); at != text.npos)
        text.erase(at, text.find(' ', at + 7) - at);
    }
  for (auto& [path, text] : wanted)
    if (const auto at = text.find(" time now"); at != text.npos && got.contains(path)) {
      text.erase(at, 9);
      std::string& mine = got[path];
      const auto from = mine.find(" time ");
      mine.erase(from, std::min(mine.find(' ', from + 6), mine.size()) - from);
    }
}

}  // namespace

std::string OverlayModel::replay() {
  const auto changes = overlay_->changes();
  if (!changes) return "changes: " + changes.error().message;
  const std::string target = root_ + "/replay", state = root_ + "/state/";
  std::map<std::string, std::int64_t> folder_times;  // making entries moves them
  for (const auto& entry : fs::recursive_directory_iterator(target)) {
    struct stat status;
    ::lstat(entry.path().c_str(), &status);
    if (S_ISDIR(status.st_mode)) folder_times[entry.path()] = to_stat(status).modified_ns;
  }
  for (auto change = changes->rbegin(); change != changes->rend(); ++change) {
    const std::string path = target + "/" + change->path;
    if (!change->before) continue;
    struct stat status;
    if (::lstat(path.c_str(), &status) != 0) return change->path + " was not there before";
    const Stat stat = to_stat(status);
    const Version& before = *change->before;
    if (stat.kind != before.kind || (stat.kind != Kind::link && stat.mode != before.mode))
      return change->path + " was something else before";
    if (stat.kind == Kind::file &&
        (before.content.empty() || before.content_hash != base::blake2b_hex(slurp(path)) ||
         slurp(state + before.content) != slurp(path)))
      return change->path + " had other bytes before";
    if (stat.kind == Kind::link && fs::read_symlink(path) != before.link_target)
      return change->path + " led elsewhere before";
    if (!change->after || change->after->kind != before.kind || before.kind == Kind::link) {
      if (::remove(path.c_str()) != 0) return change->path + " cannot go";
      folder_times.erase(path);
    }
  }
  for (const auto& change : *changes) {
    if (!change.after) continue;
    const std::string path = target + "/" + change.path;
    const Version& after = *change.after;
    if (after.kind == Kind::directory) {
      ::mkdir(path.c_str(), 0700);
      folder_times[path] = after.modified_ns;
    } else if (after.kind == Kind::link) {
      fs::create_symlink(after.link_target, path);
    } else {
      const std::string content = slurp(state + after.content);
      if (content.size() != after.size || after.content_hash != base::blake2b_hex(content))
        return change.path + " is told wrongly";
      std::ofstream(path, std::ios::binary) << content;
    }
    if (after.kind != Kind::link) ::chmod(path.c_str(), after.mode);
    set_time(path, after.modified_ns);
  }
  for (const auto& [path, time] : folder_times) set_time(path, time);
  Listing wanted = snapshot(root_ + "/copy"), got = snapshot(target);
  forgive(wanted, got);
  return difference(wanted, got, "the replay");
}

// The way of a real call: the changes are kept, applied to the folder itself, and undone.
std::string OverlayModel::keep_apply_and_undo() {
  auto changes = overlay_->changes();
  if (!changes) return "changes: " + changes.error().message;
  std::set<std::string> changed;
  for (const auto& change : *changes) changed.insert(change.path);
  auto set = ChangeSet::keep(root_ + "/state", root_ + "/lower", std::move(*changes));
  if (!set) return "keep: " + set.error().message;
  const auto act = [&](bool undo) -> std::string {
    const auto applied = undo ? (*set)->undo({}) : (*set)->apply({});
    if (!applied) return "act: " + applied.error().message;
    for (const auto& one : *applied)
      if (one.outcome == Outcome::conflict) return one.path + " is in conflict: " + one.reason;
    return "";
  };
  for (int round = 0; round < 2; ++round) {
    if (auto wrong = act(false); !wrong.empty()) return wrong;
    Listing wanted = snapshot(root_ + "/copy"), got = snapshot(root_ + "/lower");
    forgive(wanted, got);
    // A file that is exchanged touches its folder; one that is written in place does not.
    for (auto& [path, text] : got)
      if (text.starts_with("kind 1") && !changed.contains(path) && wanted.contains(path))
        text = wanted[path];
    if (auto wrong = difference(wanted, got, "what was applied"); !wrong.empty()) return wrong;
    if (auto wrong = act(true); !wrong.empty()) return wrong;
    if (auto wrong = difference(below_, snapshot(root_ + "/lower"), "what was undone");
        !wrong.empty())
      return wrong;
  }
  return "";
}

}  // namespace boxagnts::vfs
