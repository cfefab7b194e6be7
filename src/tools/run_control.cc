#include "tools/run_control.h"

#include <algorithm>

namespace boxagnts::tools {

std::vector<core::NetworkEntry> AnsweredConnections::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

void AnsweredConnections::add(core::NetworkEntry entry) {
  const std::lock_guard lock(mutex_);
  if (std::ranges::find(entries_, entry.text, &core::NetworkEntry::text) == entries_.end())
    entries_.push_back(std::move(entry));
}

void ReadFiles::note(const std::string& path, const Identity& identity) {
  const std::lock_guard lock(mutex_);
  files_[path] = identity;
}

std::optional<ReadFiles::Identity> ReadFiles::find(const std::string& path) const {
  const std::lock_guard lock(mutex_);
  const auto found = files_.find(path);
  if (found == files_.end()) return std::nullopt;
  return found->second;
}

void ReadFiles::forget(const std::string& path) {
  const std::lock_guard lock(mutex_);
  files_.erase(path);
}

}  // namespace boxagnts::tools
