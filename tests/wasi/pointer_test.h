// Every pointer of the 46 functions at, across and past the end of the guest's memory.
//
// The calls are made by the interpreter guest, whose memory ends at kMemoryBytes.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/wasi/matrix.h"
#include "tests/wasi/script.h"

namespace boxagnts::wasi_test {

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
