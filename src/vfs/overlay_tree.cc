#include "vfs/overlay_tree.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ranges>
#include <vector>

namespace boxagnts::vfs {
namespace {

constexpr std::size_t kNameBytesMax = 255;
constexpr int kCopyTriesMax = 3;  // of a file that somebody writes meanwhile

bool same_identity(const Stat& a, const Stat& b) {
  return a.inode == b.inode && a.size == b.size && a.modified_ns == b.modified_ns &&
         a.changed_ns == b.changed_ns;
}

std::string_view parent_path(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == path.npos ? std::string_view() : path.substr(0, slash);
}

std::string_view leaf_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

}  // namespace

std::int64_t now_ns() {
  return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::shared_ptr<Node> NodeTable::find(const std::string& lower) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(lower);
  return found == nodes_.end() ? nullptr : found->second.lock();
}

void NodeTable::add(const std::string& lower, const std::shared_ptr<Node>& node) {
  const std::lock_guard lock(mutex_);
  nodes_[lower] = node;
}

void NodeTable::forget(const std::string& lower) {
  const std::lock_guard lock(mutex_);
  const auto found = nodes_.find(lower);
  // Unless the path has a new node already.
  if (found != nodes_.end() && found->second.expired()) nodes_.erase(found);
}

Node::~Node() {
  if (table) table->forget(*lower);
}

// One after the other: a chain of folders is as long as a guest likes.
FolderNode::~FolderNode() {
  static thread_local std::vector<std::shared_ptr<FolderNode>>* leaving = nullptr;
  if (leaving) {
    leaving->push_back(std::move(parent));
    return;
  }
  std::vector<std::shared_ptr<FolderNode>> queue;
  leaving = &queue;
  queue.push_back(std::move(parent));
  while (!queue.empty()) {
    const auto next = std::move(queue.back());
    queue.pop_back();
  }
  leaving = nullptr;
}

FileNode::~FileNode() {
  if (number != 0 && links == 0) contents->remove(number);
}

Tree::Tree(std::shared_ptr<Filesystem> lower_filesystem, Masks hidden,
           std::shared_ptr<Contents> kept_in)
    : lower(std::move(lower_filesystem)),
      lower_root(lower->root()),
      masks(std::move(hidden)),
      contents(std::move(kept_in)),
      root(std::make_shared<FolderNode>("")),
      privileged_(::geteuid() == 0) {
  root->pinned = true;
}

Tree::~Tree() {
  // Folders and what is in them hold each other.
  std::vector<std::shared_ptr<Node>> all{root};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i]->kind != Kind::directory) continue;
    auto& entries = static_cast<FolderNode&>(*all[i]).entries;
    for (auto& [name, node] : entries)
      if (node) all.push_back(std::move(node));
    entries.clear();
  }
}

// --- below ---

Sys<std::shared_ptr<Directory>> Tree::folder_below(const std::string& path) {
  if (path.empty()) return lower_root;
  auto opened = lower_root->open_plain(path, {.read = true, .directory = true});
  if (opened) return std::move(opened->directory);
  const int error = opened.error();
  if (error == ENOENT || error == ENOTDIR || error == ELOOP) return nullptr;
  return std::unexpected(error);
}

Sys<Stat> Tree::stat_below(const std::string& path) {
  if (path.empty()) return lower_root->stat();
  auto stat = lower_root->stat_plain(path);
  if (stat || stat.error() != ELOOP) return stat;
  const auto folder = folder_below(std::string(parent_path(path)));
  if (!folder) return std::unexpected(folder.error());
  if (!*folder) return std::unexpected(ENOENT);
  return (*folder)->stat_entry(leaf_name(path));
}

Sys<std::shared_ptr<File>> Tree::file_below(const std::string& path) {
  auto opened = lower_root->open_plain(path, {.read = true});
  if (!opened) return std::unexpected(opened.error() == ELOOP ? ENOENT : opened.error());
  if (!opened->file) return std::unexpected(ENOENT);  // the person made a folder of it
  return std::move(opened->file);
}

// --- nodes ---

std::string Tree::path_of(const FolderNode& folder) {
  std::vector<std::string_view> names;
  for (const auto* at = &folder; at->parent; at = at->parent.get()) names.push_back(at->name);
  std::string path;
  for (const auto name : std::views::reverse(names)) {
    if (!path.empty()) path += '/';
    path += name;
  }
  return path;
}

std::shared_ptr<FolderNode> Tree::folder_from(const std::string& path) {
  // The nearest folder above that somebody has; it stands where it has been moved to.
  std::shared_ptr<FolderNode> folder;
  std::size_t known = path.size();
  while (!folder) {
    if (known == 0) {
      folder = root;
    } else if (auto node = table->find(path.substr(0, known))) {
      if (node->kind == Kind::directory) folder = std::static_pointer_cast<FolderNode>(node);
    }
    if (!folder) known = parent_path(std::string_view(path).substr(0, known)).size();
  }
  while (known < path.size()) {
    const std::size_t from = known == 0 ? 0 : known + 1;
    known = std::min(path.find('/', from), path.size());
    auto next = std::make_shared<FolderNode>(path.substr(0, known));
    next->parent = std::move(folder);
    next->name = path.substr(from, known - from);
    next->table = table;
    table->add(*next->lower, next);
    folder = std::move(next);
  }
  return folder;
}

std::shared_ptr<FileNode> Tree::file_from(const std::string& path) {
  if (auto node = table->find(path); node && node->kind == Kind::file)
    return std::static_pointer_cast<FileNode>(node);
  auto node = std::make_shared<FileNode>(path, contents);
  node->table = table;
  table->add(path, node);
  return node;
}

std::string Tree::Walked::lower_path() const { return joined_path(*folder->lower, rest); }

Sys<Tree::Walked> Tree::walk(std::shared_ptr<FolderNode> from, std::string_view path) {
  if (from->links == 0) return std::unexpected(ENOENT);
  while (true) {
    const std::string_view name = path.substr(0, path.find('/'));
    const bool last = name.size() == path.size();
    const auto found = from->entries.find(name);
    if (found == from->entries.end()) {
      if (from->lower) return Walked{std::move(from), path, nullptr};
      return std::unexpected(name.size() > kNameBytesMax ? ENAMETOOLONG : ENOENT);
    }
    if (!found->second) return std::unexpected(ENOENT);
    if (last) return Walked{from, "", found->second};
    if (found->second->kind == Kind::link) return std::unexpected(ELOOP);
    if (found->second->kind != Kind::directory) return std::unexpected(ENOTDIR);
    from = std::static_pointer_cast<FolderNode>(found->second);
    path.remove_prefix(name.size() + 1);
  }
}

Sys<Found> Tree::find(const FolderNode& folder, Directory* below, std::string_view name) const {
  if (name.size() > kNameBytesMax) return std::unexpected(ENAMETOOLONG);
  if (folder.links == 0) return std::unexpected(ENOENT);
  const auto entry = folder.entries.find(name);
  if (entry != folder.entries.end()) {
    if (!entry->second) return std::unexpected(ENOENT);
    return Found{entry->second, {}, {}};
  }
  if (!below) return std::unexpected(ENOENT);
  const auto stat = below->stat_entry(name);
  if (!stat) return std::unexpected(stat.error());
  return Found{nullptr, joined_path(*folder.lower, name), *stat};
}

Sys<std::shared_ptr<Node>> Tree::node_of(const Found& found, Directory* below,
                                         std::string_view name) {
  if (found.node) return found.node;
  switch (found.below.kind) {
    case Kind::file: return file_from(found.lower);
    case Kind::directory: return folder_from(found.lower);
    case Kind::link: {
      const auto target = below->read_link(name);
      if (!target) return std::unexpected(target.error());
      auto node = std::make_shared<LinkNode>(found.lower, *target);
      node->device = found.below.device;
      node->inode = found.below.inode;
      node->accessed_ns = found.below.accessed_ns;
      node->modified_ns = found.below.modified_ns;
      node->changed_ns = found.below.changed_ns;
      return node;
    }
    default: break;
  }
  // A change set cannot hold it, so it stays as it is.
  return std::unexpected(ENXIO);
}

Stat Tree::dress(const Node& node, Stat raw) {
  if (node.inode != 0) {
    raw.device = node.device;
    raw.inode = node.inode;
  }
  if (node.kind != Kind::directory && (node.pinned || node.links == 0)) raw.links = node.links;
  raw.mode = node.mode.value_or(raw.mode);
  raw.accessed_ns = node.accessed_ns.value_or(raw.accessed_ns);
  raw.modified_ns = node.modified_ns.value_or(raw.modified_ns);
  raw.changed_ns = std::max(raw.changed_ns, node.changed_ns.value_or(raw.changed_ns));
  return raw;
}

Sys<Stat> Tree::stat_node(const Node& node) {
  Stat raw{.kind = node.kind};
  if (node.kind == Kind::link) {
    raw.size = static_cast<const LinkNode&>(node).target.size();
    raw.mode = 0777;
  } else if (node.kind == Kind::file && static_cast<const FileNode&>(node).number != 0) {
    const auto stat = contents->stat(static_cast<const FileNode&>(node).number);
    if (!stat) return stat;
    raw = *stat;
  } else {
    const auto stat = node.lower ? stat_below(*node.lower) : std::unexpected(ENOENT);
    const bool is_there = stat && stat->kind == node.kind;
    if (!is_there && node.kind == Kind::file) return std::unexpected(ENOENT);
    // A folder made here, or one that somebody took away below: what was put into it is left.
    raw = is_there ? *stat : Stat{.kind = node.kind, .links = 2, .mode = 0777 & ~contents->umask};
  }
  return dress(node, raw);
}

// --- changing ---

bool Tree::may_write(const FolderNode& folder) {
  if (privileged_) return true;
  const auto stat = stat_node(folder);
  return !stat || may_write(stat->mode);
}

Sys<void> Tree::pin(std::shared_ptr<FolderNode> folder) {
  while (!folder->pinned && folder->links > 0) {
    if (!contents->ledger->take_entry()) return std::unexpected(ENOSPC);
    folder->parent->entries.emplace(folder->name, folder);
    folder->pinned = true;
    ++generation;
    folder = folder->parent;
  }
  return {};
}

Sys<void> Tree::pin_file(const std::shared_ptr<FileNode>& node) {
  if (node->links == 0 || node->pinned) return {};
  const auto folder = folder_from(std::string(parent_path(*node->lower)));
  const auto name = leaf_name(*node->lower);
  if (auto room = reserve(folder, name); !room) return room;
  put(*folder, name, node);
  return {};
}

Sys<void> Tree::reserve(const std::shared_ptr<FolderNode>& folder, std::string_view name) {
  if (auto pinned = pin(folder); !pinned) return pinned;
  if (!folder->entries.contains(name) && !contents->ledger->take_entry())
    return std::unexpected(ENOSPC);
  return {};
}

void Tree::put(FolderNode& folder, std::string_view name, std::shared_ptr<Node> node) {
  if (node) node->pinned = true;
  if (node && node->kind == Kind::directory) {
    auto& moved = static_cast<FolderNode&>(*node);
    moved.parent = std::static_pointer_cast<FolderNode>(folder.shared_from_this());
    moved.name = name;
  }
  folder.entries.insert_or_assign(std::string(name), std::move(node));
  ++generation;
}

void Tree::give_back(const FolderNode& folder, std::string_view name) {
  if (!folder.entries.contains(name)) contents->ledger->give_entry();
}

void Tree::take_out(FolderNode& folder, Directory* below, std::string_view name) {
  if (below && below->stat_entry(name)) return put(folder, name, nullptr);
  contents->ledger->give_entry();
  if (const auto entry = folder.entries.find(name); entry != folder.entries.end())
    folder.entries.erase(entry);
  ++generation;
}

void Tree::unlink(Node& node) {
  if (node.lower) remember(*node.lower);
  if (node.kind == Kind::directory)
    node.links = 0;
  else
    --node.links;
  node.changed_ns = now_ns();
}

void Tree::touch(Node& node) { node.modified_ns = node.changed_ns = now_ns(); }

void Tree::set_node_times(Node& node, const NewTimes& times) {
  if (times.accessed_ns) node.accessed_ns = times.accessed_ns;
  if (times.modified_ns) node.modified_ns = node.set_modified_ns = times.modified_ns;
  node.changed_ns = now_ns();
}

Version Tree::version_of(const std::string& path, const Stat& stat, File* content) {
  Version version{.kind = stat.kind,
                  .mode = stat.mode,
                  .modified_ns = stat.modified_ns,
                  .inode = stat.inode,
                  .changed_ns = stat.changed_ns};
  if (stat.kind == Kind::file) version.size = stat.size;
  if (stat.kind == Kind::link)
    if (const auto folder = folder_below(std::string(parent_path(path))); folder && *folder)
      version.link_target = (*folder)->read_link(leaf_name(path)).value_or("");
  if (content && stat.size <= contents->base_bytes_max)
    version.content = contents->keep_base(*content, stat.size).value_or("");
  return version;
}

void Tree::remember(const std::string& path) {
  if (bases.contains(path)) return;
  const auto stat = stat_below(path);
  if (!stat) return;  // gone below already: there is nothing to keep
  std::shared_ptr<File> file;
  if (stat->kind == Kind::file) file = file_below(path).value_or(nullptr);
  bases.emplace(path, version_of(path, *stat, file.get()));
}

Sys<void> Tree::copy_up(const std::shared_ptr<FileNode>& node, std::shared_ptr<File> source,
                        Keep keep) {
  const std::lock_guard io(node->io);
  if (node->number != 0) return {};
  if (!source) {
    auto opened = file_below(*node->lower);
    if (!opened) return std::unexpected(opened.error());
    source = std::move(*opened);
  }
  Contents::Made made;
  Stat stat;
  for (int attempt = 1;; ++attempt) {
    const auto before = source->stat();
    if (!before) return std::unexpected(before.error());
    auto copied =
        contents->create(node->growth, source.get(), keep == Keep::content ? before->size : 0);
    if (!copied) return std::unexpected(copied.error());
    made = std::move(*copied);
    stat = *before;
    const auto after = source->stat();
    // What is torn to the end has an identity that no one has any more: a conflict later, not loss.
    if (attempt == kCopyTriesMax || !after || same_identity(stat, *after)) break;
    contents->remove(made.number);
  }
  const std::lock_guard lock(mutex);
  if (node->links > 0 && !bases.contains(*node->lower))
    bases.emplace(*node->lower, version_of(*node->lower, stat, source.get()));
  if (auto pinned = pin_file(node); !pinned) {
    contents->remove(made.number);
    return pinned;
  }
  // Times that were set before are from now on the content's.
  const NewTimes times{std::exchange(node->accessed_ns, {}), std::exchange(node->modified_ns, {})};
  if (!times.nothing()) (void)made.file->set_times(times);
  node->number = made.number;
  node->device = stat.device;
  node->inode = stat.inode;
  if (!node->mode) node->mode = stat.mode;
  if (node->handles > 0) node->upper = std::move(made.file);
  return {};
}

}  // namespace boxagnts::vfs
