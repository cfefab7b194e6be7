// How much may be added through one writable mount.
//
// The rule: what counts is net growth. A file that grows by a write, an append or a resize takes
// the difference, before it happens; one that shrinks or goes gives back its size, once nothing
// holds it open any more and its last name is gone. A made entry (file, folder, link, another name)
// takes one, a removed one gives it back. Giving back never goes below zero, so removing what stood
// there before buys no room beyond the bound: the mount never holds more than it did plus the
// quota.
//
// Thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "core/limits.h"

namespace boxagnts::vfs {

struct Quota {
  static constexpr std::uint64_t kUnlimited = std::numeric_limits<std::uint64_t>::max();
  std::uint64_t bytes_max = kUnlimited;
  std::uint64_t entries_max = kUnlimited;
  bool unlimited() const { return bytes_max == kUnlimited && entries_max == kUnlimited; }
};
constexpr Quota quota_of(const core::Limits& limits) {
  return {limits.disk_bytes, limits.disk_entries};
}

class Ledger {
 public:
  explicit Ledger(Quota quota) : quota_(quota) {}

  // False: there is no room (ENOSPC), and nothing was taken.
  [[nodiscard]] bool take_bytes(std::uint64_t count);
  [[nodiscard]] bool take_entry();
  void give_bytes(std::uint64_t count) { give(bytes_, count); }
  void give_entry() { give(entries_, 1); }

 private:
  using Counter = std::atomic<std::uint64_t>;
  static void give(Counter& counter, std::uint64_t count);

  const Quota quota_;
  Counter bytes_ = 0, entries_ = 0;
};

}  // namespace boxagnts::vfs
