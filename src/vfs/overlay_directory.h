// An open folder of an overlay: what differs from below over what is there. Part of vfs/overlay.h.
// Thread-safe.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "vfs/overlay_tree.h"

namespace boxagnts::vfs {

class OverlayDirectory final : public Directory {
 public:
  // `lower` is the folder below, if the caller has it open.
  OverlayDirectory(std::shared_ptr<Tree> tree, std::shared_ptr<FolderNode> node,
                   std::shared_ptr<Directory> lower)
      : tree_(std::move(tree)), node_(std::move(node)), lower_(std::move(lower)) {}

  Sys<Stat> stat() override;
  Sys<std::vector<DirectoryEntry>> list() override;
  Sys<void> set_times(const NewTimes& times) override;
  Sys<void> sync() override { return {}; }  // names live in memory until the change set is kept

  Sys<Stat> stat_entry(std::string_view name) override;
  Sys<std::shared_ptr<Directory>> open_directory(std::string_view name) override;
  Sys<std::shared_ptr<File>> open_file(std::string_view name, OpenFlags flags) override;
  Sys<std::string> read_link(std::string_view name) override;
  Sys<void> make_directory(std::string_view name) override;
  Sys<void> make_link(std::string_view name, std::string_view target) override;
  Sys<void> remove_file(std::string_view name) override;
  Sys<void> remove_directory(std::string_view name) override;
  Sys<void> set_entry_times(std::string_view name, const NewTimes& times) override;
  Sys<void> rename_entry(std::string_view from, Directory& to, std::string_view to_name) override;
  Sys<void> hard_link(std::string_view from, Directory& to, std::string_view to_name) override;
  bool holds_hidden() override;

  Sys<Opened> open_plain(std::string_view path, OpenFlags flags) override;
  Sys<Stat> stat_plain(std::string_view path) override;

 private:
  bool hidden(std::string_view path) const;
  // The directory below, nullptr if there is none; the lock is held.
  Sys<Directory*> below();
  // With the lock held. After find() lower_ is what is below.
  Sys<Found> find(std::string_view name);
  Sys<std::shared_ptr<Node>> node_of(const Found& found, std::string_view name) {
    return tree_->node_of(found, lower_.get(), name);
  }

  Sys<Opened> open_entry(std::string_view name, OpenFlags flags);
  Sys<Opened> open_node(std::unique_lock<std::mutex> lock, const std::shared_ptr<Node>& node,
                        OpenFlags flags);
  Sys<Opened> create(std::unique_lock<std::mutex> lock, std::string_view name, OpenFlags flags);
  Sys<Opened> adopt(std::unique_lock<std::mutex> lock, Opened below, const std::string& lower_path,
                    OpenFlags flags);
  // Whether a new node may be put at a name: nothing stands there and it may be written.
  Sys<void> may_make(std::string_view name);
  Sys<void> make(std::string_view name, const std::shared_ptr<Node>& node);
  Sys<void> check_empty(FolderNode& folder);
  Sys<void> remove(std::string_view name, const std::shared_ptr<Node>& node);
  // The directory of the same overlay that `to` is, and the check that both names may be changed.
  Sys<OverlayDirectory*> target(std::string_view from, Directory& to, std::string_view to_name);
  Sys<void> check_replacing(const Node& moved, const std::shared_ptr<Node>& replaced,
                            OverlayDirectory& to);
  static void keep_mode(Node& moved, const Node& replaced, const Stat& before);

  const std::shared_ptr<Tree> tree_;
  const std::shared_ptr<FolderNode> node_;
  std::shared_ptr<Directory> lower_;  // guarded by the tree's lock
};

}  // namespace boxagnts::vfs
