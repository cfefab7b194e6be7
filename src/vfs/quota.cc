#include "vfs/quota.h"

#include <algorithm>

#include "base/guard.h"

namespace boxagnts::vfs {

bool Ledger::take_bytes(std::uint64_t count) {
  std::uint64_t used = bytes_.load();
  do {
    const bool full = count > quota_.bytes_max || used > quota_.bytes_max - count;
    if (GUARD("vfs.quota-bytes", full)) return false;
  } while (!bytes_.compare_exchange_weak(used, used + count));
  return true;
}

bool Ledger::take_entry() {
  std::uint64_t used = entries_.load();
  do {
    if (GUARD("vfs.quota-entries", used >= quota_.entries_max)) return false;
  } while (!entries_.compare_exchange_weak(used, used + 1));
  return true;
}

void Ledger::give(Counter& counter, std::uint64_t count) {
  std::uint64_t used = counter.load();
  while (!counter.compare_exchange_weak(used, used - std::min(used, count))) {
  }
}

}  // namespace boxagnts::vfs
