#include "vfs/overlay.h"

#include "vfs/overlay_changes.h"
#include "vfs/overlay_directory.h"

namespace boxagnts::vfs {
namespace {

class OverlayFilesystem final : public Filesystem {
 public:
  explicit OverlayFilesystem(std::shared_ptr<Tree> tree)
      : root_(std::make_shared<OverlayDirectory>(tree, tree->root, tree->lower_root)) {}
  std::shared_ptr<Directory> root() override { return root_; }
  bool read_only() const override { return false; }

 private:
  const std::shared_ptr<Directory> root_;
};

class TreeOverlay final : public Overlay {
 public:
  explicit TreeOverlay(std::shared_ptr<Tree> tree)
      : tree_(std::move(tree)), filesystem_(std::make_shared<OverlayFilesystem>(tree_)) {}
  std::shared_ptr<Filesystem> filesystem() override { return filesystem_; }
  Result<std::vector<Change>> changes() override { return changes_of(*tree_); }

 private:
  const std::shared_ptr<Tree> tree_;
  const std::shared_ptr<Filesystem> filesystem_;
};

}  // namespace

Result<std::unique_ptr<Overlay>> Overlay::open(std::shared_ptr<Filesystem> lower, Masks masks,
                                               std::string folder, OverlayOptions options) {
  auto contents = TRY(Contents::open(folder, options));
  return std::make_unique<TreeOverlay>(
      std::make_shared<Tree>(std::move(lower), std::move(masks), std::move(contents)));
}

}  // namespace boxagnts::vfs
