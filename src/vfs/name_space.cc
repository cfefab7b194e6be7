#include "vfs/name_space.h"

#include <algorithm>
#include <cerrno>
#include <map>

#include "base/guard.h"

namespace boxagnts::vfs {
namespace {

constexpr int kLinksMax = 40;
constexpr std::size_t kPathBytesMax = 4096;
constexpr std::size_t kNameBytesMax = 255;

// The tree of mount points: what stands at a path because something is mounted there or below it.
struct Junction {
  std::shared_ptr<Filesystem> mounted;  // nullptr: only a folder on the way to a mount
  std::map<std::string, Junction, std::less<>> below;
  std::uint64_t inode = 1;  // a number of its own, the same in every run
};

// A directory with mounts below it: they hide what the directory itself has under their names.
// Where nothing is mounted at all (`base_` is nullptr) it is synthetic: read-only, holding mounts
// alone.
class JunctionDirectory final : public Directory {
 public:
  JunctionDirectory(std::shared_ptr<const Junction> junction, std::shared_ptr<Directory> base)
      : junction_(std::move(junction)), base_(std::move(base)) {}

  Sys<Stat> stat() override {
    if (base_) return base_->stat();
    return Stat{.inode = junction_->inode, .kind = Kind::directory, .links = 2, .mode = 0555};
  }
  Sys<std::vector<DirectoryEntry>> list() override {
    std::vector<DirectoryEntry> entries;
    if (base_) {
      auto own = base_->list();
      if (!own) return own;
      entries = std::move(*own);
    }
    for (const auto& [name, child] : junction_->below) {
      std::erase_if(entries, [&](const auto& entry) { return entry.name == name; });
      entries.push_back({name, child.inode, Kind::directory});
    }
    std::ranges::sort(entries, {}, &DirectoryEntry::name);
    return entries;
  }
  Sys<void> set_times(const NewTimes& times) override {
    return base_ ? base_->set_times(times) : Sys<void>(std::unexpected(EROFS));
  }
  Sys<void> sync() override { return base_ ? base_->sync() : Sys<void>(); }

  Sys<Stat> stat_entry(std::string_view name) override {
    if (holds_mount(name)) {
      auto directory = open_directory(name);
      if (!directory) return std::unexpected(directory.error());
      return (*directory)->stat();
    }
    return base_ ? base_->stat_entry(name) : Sys<Stat>(std::unexpected(ENOENT));
  }
  Sys<std::shared_ptr<Directory>> open_directory(std::string_view name) override {
    const auto found = junction_->below.find(name);
    if (found == junction_->below.end())
      return base_ ? base_->open_directory(name)
                   : Sys<std::shared_ptr<Directory>>(std::unexpected(ENOENT));
    const std::shared_ptr<const Junction> child(junction_, &found->second);
    std::shared_ptr<Directory> base;
    if (child->mounted)
      base = child->mounted->root();
    else if (base_)
      base = base_->open_directory(name).value_or(nullptr);
    if (child->below.empty()) return base;
    return std::make_shared<JunctionDirectory>(child, std::move(base));
  }
  Sys<std::shared_ptr<File>> open_file(std::string_view name, OpenFlags flags) override {
    if (holds_mount(name)) return std::unexpected(EISDIR);
    if (base_) return base_->open_file(name, flags);
    return std::unexpected(flags.create ? EROFS : ENOENT);
  }
  Sys<std::string> read_link(std::string_view name) override {
    if (holds_mount(name)) return std::unexpected(EINVAL);
    return base_ ? base_->read_link(name) : Sys<std::string>(std::unexpected(ENOENT));
  }
  Sys<void> make_directory(std::string_view name) override {
    if (holds_mount(name)) return std::unexpected(EEXIST);
    return base_ ? base_->make_directory(name) : Sys<void>(std::unexpected(EROFS));
  }
  Sys<void> make_link(std::string_view name, std::string_view target) override {
    if (holds_mount(name)) return std::unexpected(EEXIST);
    return base_ ? base_->make_link(name, target) : Sys<void>(std::unexpected(EROFS));
  }
  Sys<void> remove_file(std::string_view name) override {
    if (holds_mount(name)) return std::unexpected(EISDIR);
    return base_ ? base_->remove_file(name) : Sys<void>(std::unexpected(ENOENT));
  }
  Sys<void> remove_directory(std::string_view name) override {
    if (GUARD("vfs.mount-point", holds_mount(name))) return std::unexpected(EBUSY);
    return base_ ? base_->remove_directory(name) : Sys<void>(std::unexpected(ENOENT));
  }
  Sys<void> set_entry_times(std::string_view name, const NewTimes& times) override {
    if (holds_mount(name)) return std::unexpected(EROFS);
    return base_ ? base_->set_entry_times(name, times) : Sys<void>(std::unexpected(ENOENT));
  }
  Sys<void> rename_entry(std::string_view from, Directory& to, std::string_view to_name) override {
    if (GUARD("vfs.mount-point-renamed", holds_mount(from))) return std::unexpected(EBUSY);
    return base_ ? base_->rename_entry(from, to, to_name) : Sys<void>(std::unexpected(ENOENT));
  }
  Sys<void> hard_link(std::string_view from, Directory& to, std::string_view to_name) override {
    if (holds_mount(from)) return std::unexpected(EPERM);
    return base_ ? base_->hard_link(from, to, to_name) : Sys<void>(std::unexpected(ENOENT));
  }

  bool holds_mount(std::string_view name) const override { return junction_->below.contains(name); }
  Directory* underlying() override { return base_.get(); }

 private:
  const std::shared_ptr<const Junction> junction_;
  const std::shared_ptr<Directory> base_;
};

// Whether the path can go to the file system as it is: relative, without "." or "..", no empty
// component, and not too long: then the walk says so.
bool is_plain(std::string_view path, std::size_t bytes_max = kPathBytesMax) {
  if (path.size() > bytes_max) return false;
  for (std::size_t from = 0; from <= path.size();) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    const auto name = path.substr(from, end - from);
    if (name.empty() || name == "." || name == ".." || name.size() > kNameBytesMax) return false;
    from = end + 1;
  }
  return true;
}

// The path without what changes nothing at its beginning: the root's "/", and "./", which many
// programs put before every name they find.
std::string_view without_prefix(const Place& start, std::string_view path) {
  if (start.path == "/" && path.starts_with('/')) path.remove_prefix(1);
  while (path.size() > 2 && path.starts_with("./")) path.remove_prefix(2);
  return path;
}

int check_path(std::string_view path) {
  if (path.empty()) return ENOENT;
  if (path.contains('\0')) return EINVAL;
  return 0;
}

std::string joined(const std::string& folder, std::string_view name) {
  return folder == "/" ? folder + std::string(name) : folder + "/" + std::string(name);
}

// One resolution: where it stands, what is still to walk.
class Walk {
 public:
  explicit Walk(const Place& start) : start_(start), stack_{start} {}

  Sys<Leaf> run(std::string_view path, Follow follow) {
    if (const int wrong = push(path)) return std::unexpected(wrong);
    while (!pending_.empty()) {
      const std::string name = std::move(pending_.back());
      pending_.pop_back();
      if (name.empty() || name == ".") continue;
      if (name == "..") {
        if (auto up = ascend(); !up) return std::unexpected(up.error());
        continue;
      }
      if (GUARD("vfs.name-length", name.size() > kNameBytesMax))
        return std::unexpected(ENAMETOOLONG);
      const bool last =
          std::ranges::all_of(pending_, [](const auto& rest) { return rest.empty(); });
      // "x/" means the folder that x is or leads to.
      const bool slash = last && !pending_.empty();
      const bool too_deep = stack_.back().path.size() + 1 + name.size() > kPathBytesMax;
      if (GUARD("vfs.path-depth", too_deep)) return std::unexpected(ENAMETOOLONG);
      if (last && follow == Follow::no && !slash) return Leaf{stack_.back(), name};
      const auto expanded = expand_link(name);
      if (!expanded) return std::unexpected(expanded.error());
      if (*expanded) continue;
      if (last) return Leaf{stack_.back(), name, slash};
      if (auto down = descend(name); !down) return std::unexpected(down.error());
    }
    return Leaf{stack_.back(), ""};
  }

 private:
  // Puts the components of a path before what is still to walk. An absolute one begins anew at the
  // start, if it lies below it.
  int push(std::string_view path) {
    if (path.starts_with('/')) {
      const std::string& top = start_.path;
      const bool inside = top == "/" || path == top || path.starts_with(top + "/");
      if (GUARD("vfs.absolute-path", !inside)) return EPERM;
      stack_.resize(1, start_);
      path.remove_prefix(inside && top != "/" ? top.size() : 0);
    }
    if (GUARD("vfs.path-length", path.size() > kPathBytesMax)) return ENAMETOOLONG;
    for (std::size_t end = path.size();;) {  // from the back: pending_ is a stack
      const std::size_t slash = end == 0 ? path.npos : path.rfind('/', end - 1);
      const std::size_t from = slash == path.npos ? 0 : slash + 1;
      pending_.emplace_back(path.substr(from, end - from));
      if (slash == path.npos) return 0;
      end = slash;
    }
  }

  Sys<void> ascend() {
    if (stack_.size() > 1) {
      stack_.pop_back();
      return {};
    }
    if (GUARD("vfs.dot-dot", start_.path != "/")) return std::unexpected(EPERM);
    return {};  // the root's parent is the root
  }

  // Replaces a link by what it says. False: the name is no link, or nothing is there.
  Sys<bool> expand_link(const std::string& name) {
    Directory& directory = *stack_.back().directory;
    const auto stat = directory.stat_entry(name);
    if (!stat && stat.error() == ENOENT) return false;
    if (!stat) return std::unexpected(stat.error());
    if (stat->kind != Kind::link) return false;
    if (GUARD("vfs.link-count", ++links_ > kLinksMax)) return std::unexpected(ELOOP);
    const auto target = directory.read_link(name);
    if (!target) return std::unexpected(target.error());
    if (target->empty()) return std::unexpected(ENOENT);
    if (const int wrong = push(*target)) return std::unexpected(wrong);
    return true;
  }

  Sys<void> descend(const std::string& name) {
    auto next = stack_.back().directory->open_directory(name);
    if (!next) return std::unexpected(next.error());
    stack_.push_back({joined(stack_.back().path, name), std::move(*next)});
    return {};
  }

  const Place& start_;
  std::vector<Place> stack_;  // from the start down: ".." goes back the way that was come
  std::vector<std::string> pending_;
  int links_ = 0;
};

class MountedNameSpace final : public NameSpace {
 public:
  MountedNameSpace(std::shared_ptr<const Junction> tree, std::vector<std::string> mount_points)
      : root_{"/", root_of(std::move(tree))}, mount_points_(std::move(mount_points)) {}

  Place root() const override { return root_; }
  Sys<Place> at(std::string_view guest_path) const override;
  Sys<Leaf> resolve(const Place& start, std::string_view path, Follow follow) const override {
    if (const int wrong = check_path(path)) return std::unexpected(wrong);
    return Walk(start).run(path, follow);
  }
  Sys<Opened> open(const Place& start, std::string_view path, Follow follow,
                   OpenFlags flags) const override;
  Sys<Stat> stat(const Place& start, std::string_view path, Follow follow) const override;
  std::vector<std::string> mount_points() const override { return mount_points_; }

 private:
  static std::shared_ptr<Directory> root_of(std::shared_ptr<const Junction> tree) {
    std::shared_ptr<Directory> base = tree->mounted ? tree->mounted->root() : nullptr;
    if (base && tree->below.empty()) return base;
    return std::make_shared<JunctionDirectory>(std::move(tree), std::move(base));
  }
  static Sys<Opened> open_leaf(const Leaf& leaf, OpenFlags flags);
  // Goes through the junctions on the way of a plain path; `path` is what remains.
  static Sys<Place> enter(Place place, std::string_view& path);

  const Place root_;
  const std::vector<std::string> mount_points_;
};

Sys<Place> MountedNameSpace::enter(Place place, std::string_view& path) {
  while (true) {
    const std::string_view name = path.substr(0, path.find('/'));
    if (!place.directory->holds_mount(name)) return place;
    auto next = place.directory->open_directory(name);
    if (!next) return std::unexpected(next.error());
    place = {joined(place.path, name), std::move(*next)};
    if (name.size() == path.size()) {
      path = {};
      return place;
    }
    path.remove_prefix(name.size() + 1);
  }
}

Sys<Place> MountedNameSpace::at(std::string_view guest_path) const {
  if (guest_path == "/") return root_;
  auto opened = open(root_, guest_path, Follow::yes, {.read = true, .directory = true});
  if (!opened) return std::unexpected(opened.error());
  return std::move(*opened->directory);
}

Sys<NameSpace::Opened> MountedNameSpace::open(const Place& start, std::string_view path,
                                              Follow follow, OpenFlags flags) const {
  if (const int wrong = check_path(path)) return std::unexpected(wrong);
  std::string_view plain = without_prefix(start, path);
  if (is_plain(plain, kPathBytesMax - start.path.size())) {
    auto place = enter(start, plain);
    if (!place) return std::unexpected(place.error());
    if (plain.empty()) return open_leaf({*place, ""}, flags);
    auto opened = place->directory->open_plain(plain, flags);
    if (opened && opened->file) return Opened{std::move(opened->file), nullptr};
    if (opened)
      return Opened{nullptr, std::make_shared<Place>(joined(place->path, plain),
                                                     std::move(opened->directory))};
    if (opened.error() != ELOOP) return std::unexpected(opened.error());
  }
  const auto leaf = resolve(start, path, flags.exclusive ? Follow::no : follow);
  if (!leaf) return std::unexpected(leaf.error());
  return open_leaf(*leaf, flags);
}

Sys<NameSpace::Opened> MountedNameSpace::open_leaf(const Leaf& leaf, OpenFlags flags) {
  const bool changes = flags.write || flags.truncate;
  if (leaf.name.empty()) {
    if (flags.create && flags.exclusive) return std::unexpected(EEXIST);
    if (changes || flags.create) return std::unexpected(EISDIR);
    return Opened{nullptr, std::make_shared<Place>(leaf.parent)};
  }
  Directory& parent = *leaf.parent.directory;
  const auto stat = parent.stat_entry(leaf.name);
  if (!stat && stat.error() != ENOENT) return std::unexpected(stat.error());
  if (stat && flags.create && flags.exclusive) return std::unexpected(EEXIST);
  if (stat && stat->kind == Kind::link) return std::unexpected(ELOOP);
  if (stat && stat->kind == Kind::directory) {
    if (changes || flags.create) return std::unexpected(EISDIR);
    auto directory = parent.open_directory(leaf.name);
    if (!directory) return std::unexpected(directory.error());
    return Opened{nullptr, std::make_shared<Place>(joined(leaf.parent.path, leaf.name),
                                                   std::move(*directory))};
  }
  if (stat && (flags.directory || leaf.must_be_directory)) return std::unexpected(ENOTDIR);
  if (!stat && leaf.must_be_directory && flags.create) return std::unexpected(EISDIR);
  auto file = parent.open_file(leaf.name, flags);
  if (!file) return std::unexpected(file.error());
  return Opened{std::move(*file), nullptr};
}

Sys<Stat> MountedNameSpace::stat(const Place& start, std::string_view path, Follow follow) const {
  if (const int wrong = check_path(path)) return std::unexpected(wrong);
  std::string_view plain = without_prefix(start, path);
  if (is_plain(plain, kPathBytesMax - start.path.size())) {
    auto place = enter(start, plain);
    if (!place) return std::unexpected(place.error());
    if (plain.empty()) return place->directory->stat();
    auto stat = place->directory->stat_plain(plain);
    if (stat || stat.error() != ELOOP) return stat;
  }
  const auto leaf = resolve(start, path, follow);
  if (!leaf) return std::unexpected(leaf.error());
  if (leaf->name.empty()) return leaf->parent.directory->stat();
  auto stat = leaf->parent.directory->stat_entry(leaf->name);
  if (stat && leaf->must_be_directory && stat->kind != Kind::directory)
    return std::unexpected(ENOTDIR);
  return stat;
}

}  // namespace

Result<std::shared_ptr<const NameSpace>> NameSpace::make(std::vector<Mount> mounts) {
  auto tree = std::make_shared<Junction>();
  std::vector<std::string> points;
  std::uint64_t inode = tree->inode;
  for (auto& mount : mounts) {
    const std::string& path = mount.guest_path;
    const bool is_root = path == "/";
    if (!path.starts_with('/') || (!is_root && !is_plain(std::string_view(path).substr(1))))
      return fail(
          Code::invalid_argument,
          "\"" + path + "\" is no place for a mount: it takes an absolute path without . and ..");
    Junction* junction = tree.get();
    for (std::size_t from = 1; from <= path.size() && !is_root;) {
      const std::size_t end = std::min(path.find('/', from), path.size());
      const auto [place, made] = junction->below.try_emplace(path.substr(from, end - from));
      junction = &place->second;
      if (made) junction->inode = ++inode;
      from = end + 1;
    }
    if (junction->mounted)
      return fail(Code::invalid_argument, "two folders would be mounted at " + path);
    junction->mounted = std::move(mount.filesystem);
    points.push_back(path);
  }
  return std::make_shared<MountedNameSpace>(std::move(tree), std::move(points));
}

}  // namespace boxagnts::vfs
