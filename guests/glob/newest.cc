#include "guests/glob/newest.h"

#include <algorithm>

#include "guests/sdk/text.h"

namespace boxagnts::guest {

bool Newest::before(const Slot& a, const Slot& b) {
  if (a.modified_ns != b.modified_ns) return a.modified_ns > b.modified_ns;
  return Text(a.data, a.size) < Text(b.data, b.size);
}

void Newest::add(std::uint64_t modified_ns, Text path) {
  constexpr std::size_t kCapacityStep = 64;
  if (!slots_) slots_ = reinterpret_cast<Slot*>(allocate(kPathsMax * sizeof(Slot)));
  ++seen_;
  Slot slot{};
  if (count_ == kPathsMax) {
    const Slot candidate{modified_ns, const_cast<char*>(path.data()), path.size(), 0};
    if (!before(candidate, slots_[0])) return;
    std::pop_heap(slots_, slots_ + count_, before);
    slot = slots_[--count_];
  }
  if (slot.capacity < path.size()) {
    slot.capacity = (path.size() / kCapacityStep + 1) * kCapacityStep;
    slot.data = allocate(slot.capacity);
  }
  copy(slot.data, path);
  slot.size = path.size();
  slot.modified_ns = modified_ns;
  slots_[count_++] = slot;
  std::push_heap(slots_, slots_ + count_, before);
}

void Newest::sort() { std::sort_heap(slots_, slots_ + count_, before); }

}  // namespace boxagnts::guest
