// preview1 to the letter: every case of the C guests on every kind of scratch folder, and the
// matrix that they fill.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstring>
#include <iostream>
#include <sstream>

#include "sandbox/process.h"
#include "tests/wasi/matrix.h"
#include "tests/wasi/pointer_test.h"
#include "tests/wasi/world.h"
#include "vfs/streams.h"

namespace boxagnts::wasi_test {
namespace {

struct GuestCase {
  Cell cell;
  std::string what;
  std::size_t number;
};

base::SystemClock world_clock;
std::set<Cell> met;  // over all cases that ran

std::vector<GuestCase> guest_cases() {
  World world(world_clock, Scratch::memory);
  auto process = world.process();
  process.arguments = {"cases", "list"};
  std::istringstream lines(run(guest("cases"), process).output);
  std::vector<GuestCase> found;
  GuestCase one;
  while (lines >> one.cell.first >> one.cell.second >> one.what) {
    one.number = found.size();
    found.push_back(one);
  }
  return found;
}

class CaseTest : public testing::Test {
 public:
  CaseTest(GuestCase one, Scratch scratch) : case_(std::move(one)), scratch_(scratch) {}
  void TestBody() override {
    World world(world_clock, scratch_);
    auto process = world.process();
    process.arguments = {"cases", name_of(scratch_), std::to_string(case_.number), "",
                         "two words, caf\xc3\xa9"};
    process.input = "one two";
    // Pipes that would have to wait, or that nobody reads.
    vfs::Pipe in = vfs::make_pipe().value(), out = vfs::make_pipe().value();
    if (case_.cell.second == "again") process.standard_input = in.reader;
    if (case_.cell.second == "pipe") out.reader.reset();
    if (case_.cell.second == "again" || case_.cell.second == "pipe")
      process.standard_error = out.writer;
    const auto result = run(guest("cases"), process);
    EXPECT_EQ(result.end, sandbox::End::exited) << result.reason;
    EXPECT_EQ(result.exit_code, 0) << result.errors;
    std::istringstream words(result.output);
    for (std::string seen, function, error; words >> seen >> function >> error;)
      met.emplace(function, error);
  }

 private:
  const GuestCase case_;
  const Scratch scratch_;
};

// proc_exit does not return: its one cell is held here.
class ExitTest : public testing::Test {
 public:
  void TestBody() override {
    World world(world_clock, Scratch::memory);
    for (const std::uint32_t code : {0u, 1u, 125u, 126u, 255u, 256u, 0xffffffffu}) {
      auto process = world.process();
      const std::string script = Script().call("proc_exit", {code}).bytes();
      process.input = script;
      const auto result = run(guest("interpreter"), process);
      EXPECT_EQ(result.end, sandbox::End::exited);
      EXPECT_EQ(result.exit_code, static_cast<int>(code));
    }
  }
};

// Runs last: every case before it has told what it met.
class MatrixTest : public testing::Test {
 public:
  explicit MatrixTest(std::set<Cell> cases) : cases_(std::move(cases)) {}
  void TestBody() override {
    std::vector<std::string> mistakes;
    const auto matrix = Matrix::read(WASI_MATRIX, mistakes);
    EXPECT_EQ(mistakes, std::vector<std::string>{});
    std::cout << matrix.drawn();
    for (const auto& hole : matrix.holes(cases_, met)) ADD_FAILURE() << hole;
    EXPECT_EQ(functions().size(), 46u);
    EXPECT_EQ(errnos().size(), 77u);
  }

 private:
  const std::set<Cell> cases_;
};

// Every errno that only the host can provoke reaches the guest under its own name, and no errno
// under another's.
class HostErrnoTest : public testing::Test {
 public:
  void TestBody() override {
    std::vector<std::string> mistakes;
    auto wanted = Matrix::read(WASI_MATRIX, mistakes).host_errnos();
    for (int host = 1; host < 134; ++host) {
      const char* symbol = ::strerrorname_np(host);
      if (!symbol) continue;
      std::string name = symbol + 1;
      std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
      if (name == "2big") name = "too_big";
      if (name == "opnotsupp") name = "notsup";  // one number on Linux
      const auto value = static_cast<std::size_t>(sandbox::from_host_errno(host));
      EXPECT_TRUE(errnos().at(value) == name || errnos().at(value) == "io") << symbol;
      if (errnos().at(value) == name) wanted.erase(name);
    }
    EXPECT_EQ(wanted, std::set<std::string>{});
    EXPECT_EQ(errnos().at(static_cast<std::size_t>(sandbox::from_host_errno(0))), "success");
  }
};

void register_all() {
  const auto add = [](const std::string& suite, const std::string& name, auto make) {
    testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [make]() -> testing::Test* { return make(); });
  };
  std::set<Cell> cases{{"proc_exit", "success"}};
  for (const auto& one : guest_cases()) {
    cases.insert(one.cell);
    for (const auto scratch : {Scratch::host, Scratch::memory, Scratch::overlay})
      add("Wasi_" + one.cell.first, one.cell.second + "_" + one.what + "_" + name_of(scratch),
          [one, scratch] { return new CaseTest(one, scratch); });
  }
  add("Wasi_proc_exit", "success_any_code", [] { return new ExitTest; });
  for (const auto& [cell, name, run_one] : pointer_cases()) {
    cases.insert(cell);
    add("WasiPointer_" + cell.first, name, [run_one] { return new PointerTest(run_one); });
  }
  add("WasiPointers", "NoParameterIsMissing",
      [] { return new PointerTest([] { expect_every_pointer_has_cases(); }); });
  add("WasiMatrix", "HostErrnosKeepTheirNames", [] { return new HostErrnoTest; });
  add("WasiMatrix", "HasNoHole", [cases] { return new MatrixTest(cases); });
}

}  // namespace
}  // namespace boxagnts::wasi_test

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN);  // as the program does
  testing::InitGoogleTest(&argc, argv);
  boxagnts::wasi_test::register_all();
  return RUN_ALL_TESTS();
}
