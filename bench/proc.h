// What the kernel says of this process, for the benchmark and the soak.
#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>

namespace boxagnts::bench {

// A number behind a key of a /proc file like "VmRSS:   1234 kB"; 0 = not there.
inline std::uint64_t proc_number(const std::string& file, const std::string& key) {
  std::ifstream stream(file);
  for (std::string line; std::getline(stream, line);)
    if (line.starts_with(key + ":")) return std::stoull(line.substr(key.size() + 1));
  return 0;
}

inline double resident_mb() {
  return static_cast<double>(proc_number("/proc/self/status", "VmRSS")) / 1024;
}

inline std::size_t entries_of(const std::string& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++count;
  return count;
}
inline std::size_t open_descriptors() { return entries_of("/proc/self/fd"); }
inline std::size_t thread_count() { return entries_of("/proc/self/task"); }

}  // namespace boxagnts::bench
