#include "vfs/overlay_directory.h"

#include <algorithm>
#include <cerrno>

#include "base/guard.h"
#include "vfs/overlay_file.h"

namespace boxagnts::vfs {
namespace {

constexpr std::size_t kTargetBytesMax = 4095;
constexpr int kTriesMax = 3;  // of opening without the lock while names change

}  // namespace

Sys<Directory*> OverlayDirectory::below() {
  if (!lower_ && node_->lower) {
    auto opened = tree_->folder_below(*node_->lower);
    if (!opened) return std::unexpected(opened.error());
    lower_ = std::move(*opened);
  }
  return lower_.get();
}

Sys<Found> OverlayDirectory::find(std::string_view name) {
  const auto lower = below();
  if (!lower) return std::unexpected(lower.error());
  return tree_->find(*node_, *lower, name);
}

bool OverlayDirectory::hidden(std::string_view path) const {
  return GUARD("vfs.overlay-mask", tree_->masks.hides(joined_path(Tree::path_of(*node_), path)));
}

// --- reading ---

Sys<Stat> OverlayDirectory::stat() {
  const std::lock_guard lock(tree_->mutex);
  Directory* lower = below().value_or(nullptr);
  auto stat = lower ? lower->stat() : tree_->stat_node(*node_);
  if (stat) stat = Tree::dress(*node_, *stat);
  if (stat && node_->links == 0) stat->links = 0;
  return stat;
}

Sys<std::vector<DirectoryEntry>> OverlayDirectory::list() {
  std::shared_ptr<Directory> lower;
  {
    const std::lock_guard lock(tree_->mutex);
    if (node_->links == 0) return std::unexpected(ENOENT);
    if (const auto opened = below(); !opened) return std::unexpected(opened.error());
    lower = lower_;
  }
  std::vector<DirectoryEntry> entries;
  if (lower) {  // without the lock: it may be long
    auto listed = lower->list();
    if (!listed && listed.error() != ENOENT) return listed;  // somebody took it away below
    if (listed) entries = std::move(*listed);
  }
  const std::lock_guard lock(tree_->mutex);
  const bool moved = !Tree::in_place(*node_);
  std::erase_if(entries, [&](const DirectoryEntry& entry) {
    return node_->entries.contains(entry.name) || (moved && hidden(entry.name));
  });
  for (const auto& [name, node] : node_->entries) {
    if (!node || hidden(name)) continue;
    const auto stat =
        node->inode != 0 ? Stat{.inode = node->inode} : tree_->stat_node(*node).value_or(Stat{});
    entries.push_back({name, stat.inode, node->kind});
  }
  std::ranges::sort(entries, {}, &DirectoryEntry::name);
  return entries;
}

Sys<Stat> OverlayDirectory::stat_entry(std::string_view name) {
  const std::lock_guard lock(tree_->mutex);
  if (hidden(name)) return std::unexpected(ENOENT);
  const auto found = find(name);
  if (!found) return std::unexpected(found.error());
  return found->node ? tree_->stat_node(*found->node) : Sys<Stat>(found->below);
}

Sys<std::string> OverlayDirectory::read_link(std::string_view name) {
  const std::lock_guard lock(tree_->mutex);
  if (hidden(name)) return std::unexpected(ENOENT);
  const auto found = find(name);
  if (!found) return std::unexpected(found.error());
  if (found->kind() != Kind::link) return std::unexpected(EINVAL);
  if (!found->node) return lower_->read_link(name);
  return static_cast<const LinkNode&>(*found->node).target;
}

bool OverlayDirectory::holds_hidden() {
  const std::lock_guard lock(tree_->mutex);
  const auto lower = below();
  return !lower || (*lower && (*lower)->holds_hidden());  // what cannot be read may hold it
}

Sys<Stat> OverlayDirectory::stat_plain(std::string_view path) {
  std::unique_lock lock(tree_->mutex);
  const auto at = Tree::walk(node_, path);
  const bool as_below = at && !at->node && Tree::in_place(*at->folder);  // which judges itself
  if (!as_below && hidden(path)) return std::unexpected(ENOENT);
  if (!at) return std::unexpected(at.error());
  if (at->node) {
    if (at->node->kind == Kind::link) return std::unexpected(ELOOP);
    return tree_->stat_node(*at->node);
  }
  const std::string lower_path = at->lower_path();
  lock.unlock();
  return tree_->lower_root->stat_plain(lower_path);
}

// --- opening ---

Sys<std::shared_ptr<Directory>> OverlayDirectory::open_directory(std::string_view name) {
  auto opened = open_plain(name, {.read = true, .directory = true});
  if (!opened) return std::unexpected(opened.error());
  return std::move(opened->directory);
}

Sys<std::shared_ptr<File>> OverlayDirectory::open_file(std::string_view name, OpenFlags flags) {
  flags.directory = false;
  auto opened = open_plain(name, flags);
  if (!opened) return std::unexpected(opened.error());
  if (!opened->file) return std::unexpected(EISDIR);
  return std::move(opened->file);
}

Sys<Directory::Opened> OverlayDirectory::open_plain(std::string_view path, OpenFlags flags) {
  if (flags.create) {
    if (flags.directory) return std::unexpected(EINVAL);
    const auto slash = path.rfind('/');
    if (slash == path.npos) return open_entry(path, flags);
    {
      const std::lock_guard lock(tree_->mutex);
      if (hidden(path)) return std::unexpected(EACCES);
    }
    const auto parent = open_plain(path.substr(0, slash), {.read = true, .directory = true});
    if (!parent) return std::unexpected(parent.error());
    return static_cast<OverlayDirectory&>(*parent->directory)
        .open_entry(path.substr(slash + 1), flags);
  }
  for (int attempt = 1;; ++attempt) {
    std::unique_lock lock(tree_->mutex);
    const auto at = Tree::walk(node_, path);
    const bool as_below = at && !at->node && Tree::in_place(*at->folder);  // which judges itself
    if (!as_below && hidden(path)) return std::unexpected(ENOENT);
    if (!at) return std::unexpected(at.error());
    if (at->node) return open_node(std::move(lock), at->node, flags);
    // Nothing differs on the way: what is below is opened, in one step and without the lock.
    const std::string lower_path = at->lower_path();
    const auto from = at->folder == node_ ? lower_ : nullptr;
    const std::string rest(at->rest);
    const std::uint64_t generation = tree_->generation;
    if (attempt < kTriesMax) lock.unlock();
    const OpenFlags reading{.read = true, .directory = flags.directory};
    auto opened =
        from ? from->open_plain(rest, reading) : tree_->lower_root->open_plain(lower_path, reading);
    if (!opened) return std::unexpected(opened.error());
    if (!lock) lock.lock();
    if (generation == tree_->generation)
      return adopt(std::move(lock), std::move(*opened), lower_path, flags);
  }
}

Sys<Directory::Opened> OverlayDirectory::adopt(std::unique_lock<std::mutex> lock, Opened below,
                                               const std::string& lower_path, OpenFlags flags) {
  const bool changes = flags.write || flags.truncate;
  if (below.directory) {
    if (changes) return std::unexpected(EISDIR);
    return Opened{nullptr, std::make_shared<OverlayDirectory>(tree_, tree_->folder_from(lower_path),
                                                              std::move(below.directory))};
  }
  if (changes) {
    const auto stat = below.file->stat();
    if (!stat) return std::unexpected(stat.error());
    if (!tree_->may_write(stat->mode)) return std::unexpected(EACCES);
  }
  auto node = tree_->file_from(lower_path);
  lock.unlock();
  auto file = OverlayFile::open(tree_, std::move(node), std::move(below.file), flags);
  if (!file) return std::unexpected(file.error());
  return Opened{std::move(*file), nullptr};
}

Sys<Directory::Opened> OverlayDirectory::open_node(std::unique_lock<std::mutex> lock,
                                                   const std::shared_ptr<Node>& node,
                                                   OpenFlags flags) {
  if (node->kind == Kind::link) return std::unexpected(ELOOP);
  const bool changes = flags.write || flags.truncate;
  if (node->kind == Kind::directory) {
    if (changes || flags.create) return std::unexpected(EISDIR);
    auto opened = std::make_shared<OverlayDirectory>(
        tree_, std::static_pointer_cast<FolderNode>(node), nullptr);
    if (const auto lower = opened->below(); !lower) return std::unexpected(lower.error());
    return Opened{nullptr, std::move(opened)};
  }
  if (flags.directory) return std::unexpected(ENOTDIR);
  if (changes) {
    const auto stat = tree_->stat_node(*node);
    if (stat && !tree_->may_write(stat->mode)) return std::unexpected(EACCES);
  }
  lock.unlock();
  auto file = OverlayFile::open(tree_, std::static_pointer_cast<FileNode>(node), nullptr, flags);
  if (!file) return std::unexpected(file.error());
  return Opened{std::move(*file), nullptr};
}

// With `create`: what stands at the name, or a new file.
Sys<Directory::Opened> OverlayDirectory::open_entry(std::string_view name, OpenFlags flags) {
  std::unique_lock lock(tree_->mutex);
  if (hidden(name)) return std::unexpected(EACCES);
  const auto found = find(name);
  if (!found && found.error() != ENOENT) return std::unexpected(found.error());
  if (!found) return create(std::move(lock), name, flags);
  if (flags.exclusive) return std::unexpected(EEXIST);
  if (found->kind() == Kind::link) return std::unexpected(ELOOP);
  const auto node = node_of(*found, name);
  if (!node) return std::unexpected(node.error());
  return open_node(std::move(lock), *node, flags);
}

Sys<Directory::Opened> OverlayDirectory::create(std::unique_lock<std::mutex> lock,
                                                std::string_view name, OpenFlags flags) {
  if (node_->links == 0) return std::unexpected(ENOENT);
  if (!tree_->may_write(*node_)) return std::unexpected(EACCES);
  auto node = std::make_shared<FileNode>(std::nullopt, tree_->contents);
  auto made = tree_->contents->create(node->growth);
  if (!made) return std::unexpected(made.error());
  node->number = made->number;
  node->mode = 0666 & ~tree_->contents->umask;
  if (auto put = make(name, node); !put) {
    node->links = 0;
    return std::unexpected(put.error());
  }
  lock.unlock();
  made->file.reset();
  auto file = OverlayFile::open(tree_, std::move(node), nullptr, flags);
  if (!file) return std::unexpected(file.error());
  return Opened{std::move(*file), nullptr};
}

// --- changing ---

Sys<void> OverlayDirectory::make(std::string_view name, const std::shared_ptr<Node>& node) {
  const std::size_t path_bytes = joined_path(Tree::path_of(*node_), name).size();
  if (auto fits = Tree::check_path_length(path_bytes); !fits) return fits;
  if (auto room = tree_->reserve(node_, name); !room) return room;
  node->device = tree_->lower_root->stat().value_or(Stat{}).device;
  node->inode = tree_->contents->new_inode();
  if (node->kind != Kind::file) {
    Tree::touch(*node);
    node->accessed_ns = node->modified_ns;
  }
  tree_->put(*node_, name, node);
  Tree::touch(*node_);
  return {};
}

Sys<void> OverlayDirectory::may_make(std::string_view name) {
  if (hidden(name)) return std::unexpected(EACCES);
  if (const auto found = find(name); found || found.error() != ENOENT)
    return std::unexpected(found ? EEXIST : found.error());
  if (node_->links == 0) return std::unexpected(ENOENT);
  if (!tree_->may_write(*node_)) return std::unexpected(EACCES);
  return {};
}

Sys<void> OverlayDirectory::make_directory(std::string_view name) {
  const std::lock_guard lock(tree_->mutex);
  if (auto may = may_make(name); !may) return may;
  auto node = std::make_shared<FolderNode>(std::nullopt);
  node->mode = 0777 & ~tree_->contents->umask;
  return make(name, node);
}

Sys<void> OverlayDirectory::make_link(std::string_view name, std::string_view target) {
  if (target.empty()) return std::unexpected(ENOENT);
  if (target.size() > kTargetBytesMax) return std::unexpected(ENAMETOOLONG);
  const std::lock_guard lock(tree_->mutex);
  if (auto may = may_make(name); !may) return may;
  return make(name, std::make_shared<LinkNode>(std::nullopt, std::string(target)));
}

Sys<void> OverlayDirectory::remove(std::string_view name, const std::shared_ptr<Node>& node) {
  if (!tree_->may_write(*node_)) return std::unexpected(EACCES);
  if (auto room = tree_->reserve(node_, name); !room) return room;
  tree_->unlink(*node);
  tree_->take_out(*node_, lower_.get(), name);
  Tree::touch(*node_);
  return {};
}

Sys<void> OverlayDirectory::remove_file(std::string_view name) {
  const std::lock_guard lock(tree_->mutex);
  if (hidden(name)) return std::unexpected(ENOENT);
  const auto found = find(name);
  if (!found) return std::unexpected(found.error());
  if (found->kind() == Kind::directory) return std::unexpected(EISDIR);
  const auto node = node_of(*found, name);
  if (!node) return std::unexpected(node.error());
  return remove(name, *node);
}

Sys<void> OverlayDirectory::remove_directory(std::string_view name) {
  const std::lock_guard lock(tree_->mutex);
  if (hidden(name)) return std::unexpected(ENOENT);
  const auto found = find(name);
  if (!found) return std::unexpected(found.error());
  if (found->kind() != Kind::directory) return std::unexpected(ENOTDIR);
  const auto node = node_of(*found, name);
  if (!node) return std::unexpected(node.error());
  if (auto empty = check_empty(static_cast<FolderNode&>(**node)); !empty) return empty;
  return remove(name, *node);
}

Sys<void> OverlayDirectory::check_empty(FolderNode& folder) {
  const auto is_there = [](const auto& entry) { return entry.second != nullptr; };
  if (std::ranges::any_of(folder.entries, is_there)) return std::unexpected(ENOTEMPTY);
  if (!folder.lower) return {};
  const auto opened = tree_->folder_below(*folder.lower);
  if (!opened) return std::unexpected(opened.error());
  const auto& lower = *opened;
  if (!lower) return {};
  const auto listed = lower->list();
  if (!listed) return std::unexpected(listed.error());
  for (const auto& entry : *listed)
    if (!folder.entries.contains(entry.name)) return std::unexpected(ENOTEMPTY);
  // What is hidden would go with it.
  if (GUARD("vfs.overlay-hidden-removed", lower->holds_hidden())) return std::unexpected(ENOTEMPTY);
  return {};
}

Sys<void> OverlayDirectory::set_times(const NewTimes& times) {
  const std::lock_guard lock(tree_->mutex);
  if (times.nothing()) return {};
  if (auto pinned = tree_->pin(node_); !pinned) return pinned;
  tree_->set_node_times(*node_, times);
  return {};
}

Sys<void> OverlayDirectory::set_entry_times(std::string_view name, const NewTimes& times) {
  std::unique_lock lock(tree_->mutex);
  if (hidden(name)) return std::unexpected(ENOENT);
  const auto found = find(name);
  if (!found) return std::unexpected(found.error());
  if (times.nothing()) return {};
  auto node = node_of(*found, name);
  if (!node) return std::unexpected(node.error());
  if ((*node)->kind == Kind::file) {
    lock.unlock();
    auto file = OverlayFile::open(tree_, std::static_pointer_cast<FileNode>(*node), nullptr,
                                  {.write = true});
    return file ? (*file)->set_times(times) : Sys<void>(std::unexpected(file.error()));
  }
  if (auto room = tree_->reserve(node_, name); !room) return room;
  tree_->put(*node_, name, *node);
  tree_->set_node_times(**node, times);
  return {};
}

// --- moving ---

Sys<OverlayDirectory*> OverlayDirectory::target(std::string_view from, Directory& to,
                                                std::string_view to_name) {
  auto* other = dynamic_cast<OverlayDirectory*>(to.underlying());
  if (!other || other->tree_ != tree_) return std::unexpected(EXDEV);
  if (to.holds_mount(to_name)) return std::unexpected(EBUSY);
  if (hidden(from)) return std::unexpected(ENOENT);
  if (other->hidden(to_name)) return std::unexpected(EACCES);
  return other;
}

Sys<void> OverlayDirectory::check_replacing(const Node& moved,
                                            const std::shared_ptr<Node>& replaced,
                                            OverlayDirectory& to) {
  if (replaced && replaced->kind == Kind::directory) {
    if (moved.kind != Kind::directory) return std::unexpected(EISDIR);
    if (auto empty = check_empty(static_cast<FolderNode&>(*replaced)); !empty) return empty;
  } else if (replaced && moved.kind == Kind::directory) {
    return std::unexpected(ENOTDIR);
  }
  if (!tree_->may_write(*node_) || !tree_->may_write(*to.node_)) return std::unexpected(EACCES);
  return {};
}

// As of a plain mount: a file that was made here takes over the mode of the file that it replaces.
// The mode of any other is somebody's choice of who may read it.
void OverlayDirectory::keep_mode(Node& moved, const Node& replaced, const Stat& before) {
  constexpr std::uint32_t kPermissions = 0777;
  if (moved.kind != Kind::file || replaced.kind != Kind::file) return;
  if (GUARD("vfs.overlay-mode-widened", moved.lower.has_value())) return;
  moved.mode = before.mode & kPermissions;
}

Sys<void> OverlayDirectory::rename_entry(std::string_view from, Directory& to,
                                         std::string_view to_name) {
  const std::lock_guard lock(tree_->mutex);
  const auto checked = target(from, to, to_name);
  if (!checked) return std::unexpected(checked.error());
  OverlayDirectory& other = **checked;
  const std::string old_path = joined_path(Tree::path_of(*node_), from);
  const std::string new_path = joined_path(Tree::path_of(*other.node_), to_name);
  const auto source = find(from);
  if (!source) return std::unexpected(source.error());
  // What becomes hidden in a folder by moving it is no change; what was hidden stays so. Nothing is
  // in a file, and that neither name hides it was looked at before.
  const bool shows = source->kind() == Kind::directory &&
                     !tree_->masks.below(new_path).hides_at_least(tree_->masks.below(old_path));
  if (GUARD("vfs.overlay-mask-moved", shows)) return std::unexpected(EACCES);
  const auto goal = other.find(to_name);
  if (!goal && goal.error() != ENOENT) return std::unexpected(goal.error());
  const auto moved = node_of(*source, from);
  if (!moved) return std::unexpected(moved.error());
  std::shared_ptr<Node> replaced;
  if (goal) {
    auto node = other.node_of(*goal, to_name);
    if (!node) return std::unexpected(node.error());
    replaced = std::move(*node);
  }
  for (const auto* above = other.node_.get(); above; above = above->parent.get())
    if (above == moved->get()) return std::unexpected(EINVAL);
  for (const auto* above = node_.get(); replaced && above; above = above->parent.get())
    if (above == replaced.get()) return std::unexpected(ENOTEMPTY);
  if (replaced == *moved || (goal && !goal->node && goal->lower == source->lower)) return {};
  if (auto may = check_replacing(**moved, replaced, other); !may) return may;
  if (other.node_->links == 0) return std::unexpected(ENOENT);
  if (auto room = tree_->reserve(node_, from); !room) return room;
  if (auto room = tree_->reserve(other.node_, to_name); !room) {
    tree_->give_back(*node_, from);
    return room;
  }
  const std::size_t more = new_path.size() - std::min(new_path.size(), old_path.size());
  if (auto carried = tree_->carry(*moved, new_path.size(), more); !carried) {
    tree_->give_back(*node_, from);
    tree_->give_back(*other.node_, to_name);
    return carried;
  }
  if (replaced) {
    if (const auto before = tree_->stat_node(*replaced)) keep_mode(**moved, *replaced, *before);
    tree_->unlink(*replaced);
  }
  tree_->take_out(*node_, lower_.get(), from);
  tree_->put(*other.node_, to_name, *moved);
  (*moved)->changed_ns = now_ns();
  Tree::touch(*node_);
  Tree::touch(*other.node_);
  return {};
}

Sys<void> OverlayDirectory::hard_link(std::string_view from, Directory& to,
                                      std::string_view to_name) {
  const std::lock_guard lock(tree_->mutex);
  const auto checked = target(from, to, to_name);
  if (!checked) return std::unexpected(checked.error());
  OverlayDirectory& other = **checked;
  const auto source = find(from);
  if (!source) return std::unexpected(source.error());
  if (const auto found = other.find(to_name); found || found.error() != ENOENT)
    return std::unexpected(found ? EEXIST : found.error());
  if (other.node_->links == 0) return std::unexpected(ENOENT);
  if (source->kind() == Kind::directory) return std::unexpected(EPERM);
  const auto node = node_of(*source, from);
  if (!node) return std::unexpected(node.error());
  if (!tree_->may_write(*other.node_)) return std::unexpected(EACCES);
  if (auto room = tree_->reserve(node_, from); !room) return room;
  tree_->put(*node_, from, *node);
  if (auto room = tree_->reserve(other.node_, to_name); !room) return room;
  const std::size_t path_bytes = joined_path(Tree::path_of(*other.node_), to_name).size();
  if (auto carried = tree_->carry(*node, path_bytes, 0); !carried) {
    tree_->give_back(*other.node_, to_name);
    return carried;
  }
  tree_->put(*other.node_, to_name, *node);
  ++(*node)->links;
  (*node)->changed_ns = now_ns();
  Tree::touch(*other.node_);
  return {};
}

}  // namespace boxagnts::vfs
