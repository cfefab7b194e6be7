#include "vfs/overlay_file.h"

#include <limits>

namespace boxagnts::vfs {
namespace {

constexpr std::uint64_t kOffsetMax = std::numeric_limits<std::int64_t>::max();

}  // namespace

OverlayFile::OverlayFile(std::shared_ptr<Tree> tree, std::shared_ptr<FileNode> node,
                         std::shared_ptr<File> lower, OpenFlags flags)
    : tree_(std::move(tree)),
      node_(std::move(node)),
      lower_(std::move(lower)),
      reads_(flags.read || !(flags.write || flags.truncate)),
      writes_(flags.write || flags.truncate) {}

OverlayFile::~OverlayFile() {
  std::shared_ptr<File> last;
  const std::lock_guard io(node_->io);
  if (--node_->handles == 0) last = std::move(node_->upper);
}

Sys<std::shared_ptr<File>> OverlayFile::open(std::shared_ptr<Tree> tree,
                                             std::shared_ptr<FileNode> node,
                                             std::shared_ptr<File> lower, OpenFlags flags) {
  std::shared_ptr<OverlayFile> file;
  {
    const std::lock_guard io(node->io);
    if (node->number != 0 && !node->upper) {
      auto upper = node->contents->open(node->number, node->growth);
      if (!upper) return std::unexpected(upper.error());
      node->upper = std::move(*upper);
    } else if (node->number == 0 && !lower) {
      auto below = tree->file_below(*node->lower);
      if (!below) return std::unexpected(below.error());
      lower = std::move(*below);
    }
    ++node->handles;
    file = std::make_shared<OverlayFile>(std::move(tree), node, std::move(lower), flags);
  }
  if (flags.truncate)
    if (auto cut = file->resize(0); !cut) return std::unexpected(cut.error());
  return file;
}

template <class Act>
auto OverlayFile::changing(Keep keep, Act act) -> decltype(act(std::declval<File&>())) {
  while (true) {
    {
      const std::shared_lock io(node_->io);
      if (node_->upper) return act(*node_->upper);
    }
    if (auto copied = tree_->copy_up(node_, lower_, keep); !copied)
      return std::unexpected(copied.error());
  }
}

Sys<Stat> OverlayFile::stat() {
  Sys<Stat> raw;
  {
    const std::shared_lock io(node_->io);
    raw = node_->upper ? node_->upper->stat() : lower_->stat();
  }
  if (!raw) return raw;
  const std::lock_guard lock(tree_->mutex);
  return Tree::dress(*node_, *raw);
}

Sys<std::size_t> OverlayFile::read_at(std::span<std::byte> into, std::uint64_t offset) {
  if (!reads_) return std::unexpected(EBADF);
  const std::shared_lock io(node_->io);
  return node_->upper ? node_->upper->read_at(into, offset) : lower_->read_at(into, offset);
}

Sys<std::size_t> OverlayFile::write_at(std::span<const std::byte> from, std::uint64_t offset) {
  if (!writes_) return std::unexpected(EBADF);
  if (offset > kOffsetMax) return std::unexpected(EINVAL);
  if (from.empty()) return 0;
  return changing(Keep::content, [&](File& file) { return file.write_at(from, offset); });
}

Sys<std::uint64_t> OverlayFile::append(std::span<const std::byte> from) {
  if (!writes_) return std::unexpected(EBADF);
  if (from.empty()) {
    const auto now = stat();
    if (!now) return std::unexpected(now.error());
    return now->size;
  }
  return changing(Keep::content, [&](File& file) { return file.append(from); });
}

Sys<void> OverlayFile::resize(std::uint64_t size) {
  if (!writes_ || size > kOffsetMax) return std::unexpected(EINVAL);
  return changing(size == 0 ? Keep::nothing : Keep::content,
                  [&](File& file) { return file.resize(size); });
}

Sys<void> OverlayFile::set_times(const NewTimes& times) {
  if (times.nothing()) return {};
  const std::lock_guard io(node_->io);
  if (!node_->upper) {  // the content stays below
    const std::lock_guard lock(tree_->mutex);
    if (auto pinned = tree_->pin_file(node_); !pinned) return pinned;
    tree_->set_node_times(*node_, times);
    return {};
  }
  if (auto set = node_->upper->set_times(times); !set) return set;
  const std::lock_guard lock(tree_->mutex);
  if (times.modified_ns) node_->set_modified_ns = times.modified_ns;
  return {};
}

Sys<void> OverlayFile::sync() {
  const std::shared_lock io(node_->io);
  return node_->upper ? node_->upper->sync() : Sys<void>();
}

}  // namespace boxagnts::vfs
