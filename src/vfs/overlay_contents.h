// The files an overlay keeps in its folder: contents `N` (what the guest wrote) and `base/N` (what
// stood below before). Part of vfs/overlay.h. Thread-safe.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "vfs/host_file.h"
#include "vfs/overlay.h"

namespace boxagnts::vfs {

class Contents {
 public:
  // Errors: io.
  static Result<std::shared_ptr<Contents>> open(const std::string& folder, OverlayOptions options);

  Contents(base::UniqueFd folder, OverlayOptions options, std::uint32_t umask)
      : umask(umask),
        base_bytes_max(options.base_bytes_max),
        ledger(std::make_shared<Ledger>(Quota{options.bytes_max, options.entries_max})),
        folder_(std::move(folder)),
        bases_({options.bytes_max, Quota::kUnlimited}) {}

  // A new file with the first `size` bytes of `from` (nullptr: empty) and its times.
  struct Made {
    std::uint64_t number = 0;
    std::shared_ptr<File> file;
  };
  Sys<Made> create(const std::shared_ptr<Growth>& growth, File* from = nullptr,
                   std::uint64_t size = 0);
  Sys<std::shared_ptr<File>> open(std::uint64_t number, const std::shared_ptr<Growth>& growth);
  Sys<Stat> stat(std::uint64_t number);
  void remove(std::uint64_t number);

  // Keeps what `from` holds; its name in the folder. ENOSPC: bases hold bytes_max already.
  Sys<std::string> keep_base(File& from, std::uint64_t size);
  // The same for what was moved, however large: it was counted then (Tree::carry).
  Sys<std::string> keep_moved(File& from, std::uint64_t size);

  // A file of the folder, by its name in it.
  Result<std::string> hash_of(const std::string& name);
  Sys<std::shared_ptr<File>> open_kept(const std::string& name);

  // Of no host file: inode numbers above all that file systems give out.
  std::uint64_t new_inode() { return kInodeFirst + next_inode_++; }

  const std::uint32_t umask;
  const std::uint64_t base_bytes_max;
  const std::shared_ptr<Ledger> ledger;

 private:
  static constexpr std::uint64_t kInodeFirst = 1ull << 52;  // a double holds it exactly

  Sys<base::UniqueFd> create_file(const std::string& name);

  const base::UniqueFd folder_;
  Ledger bases_;
  std::atomic<std::uint64_t> next_number_ = 1, next_base_ = 1, next_inode_ = 1;
};

}  // namespace boxagnts::vfs
