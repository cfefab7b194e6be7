#include "vfs/memory_filesystem.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>

namespace boxagnts::vfs {
namespace {

constexpr std::size_t kEntriesMax = 65'536;

// Bytes that live nodes hold, unlinked but open ones included.
using Bytes = std::shared_ptr<std::atomic<std::uint64_t>>;

struct Node {
  explicit Node(Bytes total) : bytes(std::move(total)) {}
  ~Node() { *bytes -= content.size(); }

  const Bytes bytes;
  std::uint64_t inode = 0;
  Kind kind = Kind::file;
  std::uint64_t links = 1;
  std::int64_t accessed_ns = 0, modified_ns = 0, changed_ns = 0;
  std::string content;  // of a file, or a link's target
  std::map<std::string, std::shared_ptr<Node>, std::less<>> entries;
  std::weak_ptr<Node> parent;  // of a directory
  bool removed = false;        // of a directory: nothing can be made in it any more
};

// All nodes of one file system, under one lock: contents are small and calls short.
struct Tree {
  Tree(base::Clock& world_clock, std::uint64_t limit) : clock(world_clock), bytes_max(limit) {}

  std::int64_t now_ns() { return clock.now() * 1000; }
  std::shared_ptr<Node> make(Kind kind) {
    auto node = std::make_shared<Node>(bytes);
    node->inode = next_inode++;
    node->kind = kind;
    node->accessed_ns = node->modified_ns = node->changed_ns = now_ns();
    return node;
  }

  base::Clock& clock;
  const std::uint64_t bytes_max;
  std::mutex mutex;
  const Bytes bytes = std::make_shared<std::atomic<std::uint64_t>>(0);
  std::size_t entries = 0;
  std::uint64_t next_inode = 1;
};

Stat to_stat(const Node& node) {
  return {.device = 0,
          .inode = node.inode,
          .kind = node.kind,
          .links = node.links,
          .size = node.content.size(),
          .accessed_ns = node.accessed_ns,
          .modified_ns = node.modified_ns,
          .changed_ns = node.changed_ns,
          .mode = node.kind == Kind::directory ? 0777u : 0666u};
}

void set_node_times(Tree& tree, Node& node, const NewTimes& times) {
  node.accessed_ns = times.accessed_ns.value_or(node.accessed_ns);
  node.modified_ns = times.modified_ns.value_or(node.modified_ns);
  node.changed_ns = tree.now_ns();
}

class MemoryFile final : public File {
 public:
  MemoryFile(std::shared_ptr<Tree> tree, std::shared_ptr<Node> node)
      : tree_(std::move(tree)), node_(std::move(node)) {}
  Sys<Stat> stat() override {
    const std::lock_guard lock(tree_->mutex);
    return to_stat(*node_);
  }
  Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset) override {
    const std::lock_guard lock(tree_->mutex);
    const std::string& content = node_->content;
    if (into.empty() || offset >= content.size()) return 0;
    const std::size_t size = std::min<std::uint64_t>(into.size(), content.size() - offset);
    std::memcpy(into.data(), content.data() + offset, size);
    return size;
  }
  Sys<std::size_t> write_at(std::span<const std::byte> from, std::uint64_t offset) override {
    const std::lock_guard lock(tree_->mutex);
    return write(from, offset);
  }
  Sys<std::uint64_t> append(std::span<const std::byte> from) override {
    const std::lock_guard lock(tree_->mutex);
    if (auto put = write(from, node_->content.size()); !put) return std::unexpected(put.error());
    return node_->content.size();
  }
  Sys<void> resize(std::uint64_t size) override {
    const std::lock_guard lock(tree_->mutex);
    return resize_locked(size);
  }
  Sys<void> set_times(const NewTimes& times) override {
    const std::lock_guard lock(tree_->mutex);
    set_node_times(*tree_, *node_, times);
    return {};
  }
  Sys<void> sync() override { return {}; }

 private:
  Sys<void> resize_locked(std::uint64_t size) {
    const std::uint64_t others = *tree_->bytes - node_->content.size();
    if (size > tree_->bytes_max || others > tree_->bytes_max - size) return std::unexpected(ENOSPC);
    node_->content.resize(size);
    *tree_->bytes = others + size;
    node_->modified_ns = node_->changed_ns = tree_->now_ns();
    return {};
  }
  Sys<std::size_t> write(std::span<const std::byte> from, std::uint64_t offset) {
    if (from.empty()) return 0;
    std::uint64_t end;
    if (__builtin_add_overflow(offset, from.size(), &end)) return std::unexpected(EFBIG);
    if (end > node_->content.size())
      if (auto grown = resize_locked(end); !grown) return std::unexpected(grown.error());
    std::memcpy(node_->content.data() + offset, from.data(), from.size());
    node_->modified_ns = node_->changed_ns = tree_->now_ns();
    return from.size();
  }

  const std::shared_ptr<Tree> tree_;
  const std::shared_ptr<Node> node_;
};

class MemoryDirectory final : public Directory {
 public:
  MemoryDirectory(std::shared_ptr<Tree> tree, std::shared_ptr<Node> node)
      : tree_(std::move(tree)), node_(std::move(node)) {}

  Sys<Stat> stat() override {
    const std::lock_guard lock(tree_->mutex);
    return to_stat(*node_);
  }
  Sys<std::vector<DirectoryEntry>> list() override {
    const std::lock_guard lock(tree_->mutex);
    if (node_->removed) return std::unexpected(ENOENT);  // as Linux
    std::vector<DirectoryEntry> entries;
    for (const auto& [name, node] : node_->entries)
      entries.push_back({name, node->inode, node->kind});
    return entries;
  }
  Sys<void> set_times(const NewTimes& times) override {
    const std::lock_guard lock(tree_->mutex);
    set_node_times(*tree_, *node_, times);
    return {};
  }
  Sys<void> sync() override { return {}; }

  Sys<Stat> stat_entry(std::string_view name) override {
    const std::lock_guard lock(tree_->mutex);
    const auto node = entry(name);
    if (!node) return std::unexpected(ENOENT);
    return to_stat(*node);
  }
  Sys<std::shared_ptr<Directory>> open_directory(std::string_view name) override {
    const std::lock_guard lock(tree_->mutex);
    const auto node = entry(name);
    if (!node) return std::unexpected(ENOENT);
    if (node->kind == Kind::link) return std::unexpected(ELOOP);
    if (node->kind != Kind::directory) return std::unexpected(ENOTDIR);
    return std::make_shared<MemoryDirectory>(tree_, node);
  }
  Sys<std::shared_ptr<File>> open_file(std::string_view name, OpenFlags flags) override {
    std::shared_ptr<File> file;
    {
      const std::lock_guard lock(tree_->mutex);
      auto node = entry(name);
      if (node && flags.create && flags.exclusive) return std::unexpected(EEXIST);
      if (node && node->kind == Kind::link) return std::unexpected(ELOOP);
      if (node && node->kind == Kind::directory) return std::unexpected(EISDIR);
      if (!node && !flags.create) return std::unexpected(ENOENT);
      if (!node) {
        auto made = add(name, Kind::file);
        if (!made) return std::unexpected(made.error());
        node = *made;
      }
      file = std::make_shared<MemoryFile>(tree_, node);
    }
    if (flags.truncate)
      if (auto cut = file->resize(0); !cut) return std::unexpected(cut.error());
    return file;
  }
  Sys<std::string> read_link(std::string_view name) override {
    const std::lock_guard lock(tree_->mutex);
    const auto node = entry(name);
    if (!node) return std::unexpected(ENOENT);
    if (node->kind != Kind::link) return std::unexpected(EINVAL);
    return node->content;
  }
  Sys<void> make_directory(std::string_view name) override {
    const std::lock_guard lock(tree_->mutex);
    auto made = add(name, Kind::directory);
    if (!made) return std::unexpected(made.error());
    (*made)->parent = node_;
    (*made)->links = 2;
    ++node_->links;
    return {};
  }
  Sys<void> make_link(std::string_view name, std::string_view target) override {
    const std::lock_guard lock(tree_->mutex);
    if (*tree_->bytes + target.size() > tree_->bytes_max) return std::unexpected(ENOSPC);
    auto made = add(name, Kind::link);
    if (!made) return std::unexpected(made.error());
    (*made)->content = target;
    *tree_->bytes += target.size();
    return {};
  }
  Sys<void> remove_file(std::string_view name) override {
    const std::lock_guard lock(tree_->mutex);
    const auto node = entry(name);
    if (!node) return std::unexpected(ENOENT);
    if (node->kind == Kind::directory) return std::unexpected(EISDIR);
    unlink(name);
    return {};
  }
  Sys<void> remove_directory(std::string_view name) override {
    const std::lock_guard lock(tree_->mutex);
    const auto node = entry(name);
    if (!node) return std::unexpected(ENOENT);
    if (node->kind != Kind::directory) return std::unexpected(ENOTDIR);
    if (!node->entries.empty()) return std::unexpected(ENOTEMPTY);
    unlink(name);
    return {};
  }
  Sys<void> set_entry_times(std::string_view name, const NewTimes& times) override {
    const std::lock_guard lock(tree_->mutex);
    const auto node = entry(name);
    if (!node) return std::unexpected(ENOENT);
    set_node_times(*tree_, *node, times);
    return {};
  }
  Sys<void> rename_entry(std::string_view from, Directory& to, std::string_view to_name) override;
  Sys<void> hard_link(std::string_view from, Directory& to, std::string_view to_name) override;

 private:
  std::shared_ptr<Node> entry(std::string_view name) const {
    const auto found = node_->entries.find(name);
    return found == node_->entries.end() ? nullptr : found->second;
  }
  Sys<std::shared_ptr<Node>> add(std::string_view name, Kind kind) {
    if (entry(name)) return std::unexpected(EEXIST);
    if (node_->removed) return std::unexpected(ENOENT);
    if (tree_->entries >= kEntriesMax) return std::unexpected(ENOSPC);
    auto node = tree_->make(kind);
    node_->entries.emplace(name, node);
    ++tree_->entries;
    touch();
    return node;
  }
  // Takes the entry out; its node lives on while somebody has it open.
  void unlink(std::string_view name) {
    const auto found = node_->entries.find(name);
    Node& node = *found->second;
    if (node.kind == Kind::directory) {
      node.removed = true;
      --node_->links;
    } else {
      --node.links;
    }
    node.changed_ns = tree_->now_ns();
    node_->entries.erase(found);
    --tree_->entries;
    touch();
  }
  void touch() { node_->modified_ns = node_->changed_ns = tree_->now_ns(); }
  // The directory of the same file system that `to` is.
  Sys<MemoryDirectory*> sibling(Directory& to, std::string_view to_name) const {
    auto* memory = dynamic_cast<MemoryDirectory*>(to.underlying());
    if (!memory || memory->tree_ != tree_) return std::unexpected(EXDEV);
    if (to.holds_mount(to_name)) return std::unexpected(EBUSY);
    return memory;
  }

  const std::shared_ptr<Tree> tree_;
  const std::shared_ptr<Node> node_;
};

Sys<void> MemoryDirectory::rename_entry(std::string_view from, Directory& to,
                                        std::string_view to_name) {
  const auto target = sibling(to, to_name);
  if (!target) return std::unexpected(target.error());
  MemoryDirectory& other = **target;
  const std::lock_guard lock(tree_->mutex);
  const auto moved = entry(from);
  if (!moved) return std::unexpected(ENOENT);
  if (other.node_->removed) return std::unexpected(ENOENT);
  for (auto above = other.node_; above; above = above->parent.lock())
    if (above == moved) return std::unexpected(EINVAL);
  if (const auto replaced = other.entry(to_name)) {
    if (replaced == moved) return {};
    for (auto above = node_; above; above = above->parent.lock())
      if (above == replaced) return std::unexpected(ENOTEMPTY);
    const bool moves_directory = moved->kind == Kind::directory;
    if (replaced->kind == Kind::directory) {
      if (!moves_directory) return std::unexpected(EISDIR);
      if (!replaced->entries.empty()) return std::unexpected(ENOTEMPTY);
    } else if (moves_directory) {
      return std::unexpected(ENOTDIR);
    }
    other.unlink(to_name);
  }
  node_->entries.erase(node_->entries.find(from));
  other.node_->entries.emplace(to_name, moved);
  if (moved->kind == Kind::directory) {
    moved->parent = other.node_;
    --node_->links;
    ++other.node_->links;
  }
  moved->changed_ns = tree_->now_ns();
  touch();
  other.touch();
  return {};
}

Sys<void> MemoryDirectory::hard_link(std::string_view from, Directory& to,
                                     std::string_view to_name) {
  const auto target = sibling(to, to_name);
  if (!target) return std::unexpected(target.error());
  MemoryDirectory& other = **target;
  const std::lock_guard lock(tree_->mutex);
  const auto node = entry(from);
  if (!node) return std::unexpected(ENOENT);
  if (node->kind == Kind::directory) return std::unexpected(EPERM);
  if (other.entry(to_name)) return std::unexpected(EEXIST);
  if (other.node_->removed) return std::unexpected(ENOENT);
  if (tree_->entries >= kEntriesMax) return std::unexpected(ENOSPC);
  other.node_->entries.emplace(to_name, node);
  ++tree_->entries;
  ++node->links;
  node->changed_ns = tree_->now_ns();
  other.touch();
  return {};
}

class MemoryFilesystem final : public Filesystem {
 public:
  MemoryFilesystem(base::Clock& clock, std::uint64_t bytes_max)
      : tree_(std::make_shared<Tree>(clock, bytes_max)), root_(tree_->make(Kind::directory)) {
    root_->links = 2;
  }
  std::shared_ptr<Directory> root() override {
    return std::make_shared<MemoryDirectory>(tree_, root_);
  }
  bool read_only() const override { return false; }

 private:
  const std::shared_ptr<Tree> tree_;
  const std::shared_ptr<Node> root_;
};

}  // namespace

std::shared_ptr<Filesystem> make_memory_filesystem(base::Clock& clock, std::uint64_t bytes_max) {
  return std::make_shared<MemoryFilesystem>(clock, bytes_max);
}

}  // namespace boxagnts::vfs
