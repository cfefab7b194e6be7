// Every pointer of the 46 functions at, across and past the end of the guest's memory.
//
// The calls are made by the interpreter guest, whose memory is exactly kMemoryBytes.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/wasi/matrix.h"

namespace boxagnts::wasi_test {

constexpr std::uint32_t kMemoryBytes = 4 << 16;
constexpr std::uint32_t kArena = kMemoryBytes / 2;  // the interpreter keeps to the half below

// What the interpreter guest reads: calls and pokes, one after the other.
class Script {
 public:
  Script& call(const std::string& function, std::vector<std::uint64_t> arguments);
  Script& poke(std::uint32_t at, const std::string& bytes);
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

struct PointerCase {
  Cell cell;
  std::string name;
  std::function<void()> run;
};

// One for each (function, pointer parameter).
std::vector<PointerCase> pointer_cases();
// Fails for a pointer parameter in functions.inc that no case moves.
void expect_every_pointer_has_cases();

class PointerTest : public testing::Test {
 public:
  explicit PointerTest(std::function<void()> body) : body_(std::move(body)) {}
  void TestBody() override { body_(); }

 private:
  const std::function<void()> body_;
};

}  // namespace boxagnts::wasi_test
