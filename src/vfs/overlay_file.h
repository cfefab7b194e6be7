// An open file of an overlay: reads below until somebody changes the file through any handle, then
// from its content. Part of vfs/overlay.h. Thread-safe.
#pragma once

#include <memory>

#include "vfs/overlay_tree.h"

namespace boxagnts::vfs {

class OverlayFile final : public File {
 public:
  // `lower` is the file below, opened for reading, if the caller has it. Takes the node's lock, not
  // the tree's.
  static Sys<std::shared_ptr<File>> open(std::shared_ptr<Tree> tree, std::shared_ptr<FileNode> node,
                                         std::shared_ptr<File> lower, OpenFlags flags);
  OverlayFile(std::shared_ptr<Tree> tree, std::shared_ptr<FileNode> node,
              std::shared_ptr<File> lower, OpenFlags flags);
  ~OverlayFile() override;

  Sys<Stat> stat() override;
  Sys<std::size_t> read_at(std::span<std::byte> into, std::uint64_t offset) override;
  Sys<std::size_t> write_at(std::span<const std::byte> from, std::uint64_t offset) override;
  Sys<std::uint64_t> append(std::span<const std::byte> from) override;
  Sys<void> resize(std::uint64_t size) override;
  Sys<void> set_times(const NewTimes& times) override;
  Sys<void> sync() override;

 private:
  // Calls `act` on the content, which is made if need be.
  template <class Act>
  auto changing(Keep keep, Act act) -> decltype(act(std::declval<File&>()));

  const std::shared_ptr<Tree> tree_;
  const std::shared_ptr<FileNode> node_;
  const std::shared_ptr<File> lower_;
  const bool reads_, writes_;
};

}  // namespace boxagnts::vfs
