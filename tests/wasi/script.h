// What the interpreter guest reads: calls and pokes, one after the other.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace boxagnts::wasi_test {

constexpr std::uint32_t kMemoryBytes = 4 << 16;     // the interpreter's, exactly
constexpr std::uint32_t kArena = kMemoryBytes / 2;  // the interpreter keeps to the half below
constexpr std::size_t kScriptBytesMax = 1 << 16;

class Script {
 public:
  Script& call(const std::string& function, std::vector<std::uint64_t> arguments);
  // By its number in functions.inc.
  Script& call(std::size_t function, std::vector<std::uint64_t> arguments);
  Script& poke(std::uint32_t at, const std::string& bytes);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

}  // namespace boxagnts::wasi_test
