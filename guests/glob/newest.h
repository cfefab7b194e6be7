// The newest paths of a walk, at most a fixed number, whatever their count.
#pragma once

#include "guests/sdk/sdk.h"

namespace boxagnts::guest {

class Newest {
 public:
  static constexpr std::size_t kPathsMax = 250;

  void add(std::uint64_t modified_ns, Text path);
  std::uint64_t seen() const { return seen_; }
  std::size_t count() const { return count_; }
  // Newest first, among equals by path; call once, after the last add().
  void sort();
  Text path(std::size_t index) const { return {slots_[index].data, slots_[index].size}; }

 private:
  struct Slot {
    std::uint64_t modified_ns;
    char* data;
    std::size_t size;
    std::size_t capacity;
  };
  static bool before(const Slot& a, const Slot& b);

  // A heap whose root is the one to give way: memory stays bounded, slots are used again.
  Slot* slots_ = nullptr;
  std::size_t count_ = 0;
  std::uint64_t seen_ = 0;
};

}  // namespace boxagnts::guest
