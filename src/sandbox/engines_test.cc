// Engines by fuel and stack class: what each gives, and that a program stays in its own.
#include "sandbox/sandbox_fixture.h"

namespace boxagnts::sandbox {
namespace {

using EnginesTest = SandboxTest;

// Recurses `depth` times with a frame of some hundred bytes, then exits with 7.
std::string recursion(int depth) {
  return command(
      "(call $down (i32.const " + std::to_string(depth) + ")) (call $exit (i32.const 7))",
      R"((func $down (param i32)
                   (local i64 i64 i64 i64 i64 i64 i64 i64)
                   (if (i32.eqz (local.get 0)) (then (return)))
                   (call $down (i32.sub (local.get 0) (i32.const 1)))
                   (i64.store (i32.const 0) (i64.add (local.get 1) (local.get 8)))))");
}
constexpr int kFitsInFourMebibytes = 60'000;  // and not in one

TEST_F(EnginesTest, ALargerStackIsAnotherEngineAndRecursesDeeper) {
  auto result = run_wat(recursion(kFitsInFourMebibytes));
  EXPECT_EQ(result.end, End::limit);
  EXPECT_TRUE(result.reason.contains("wasm_max_wasm_stack of 1048576 bytes")) << result.reason;
  process_.limits.stack_bytes = 4 << 20;
  result = run_wat(recursion(kFitsInFourMebibytes));
  EXPECT_EQ(result.exit_code, 7) << result.reason;
}

TEST_F(EnginesTest, AStackBetweenClassesIsRoundedUpAndTheErrorNamesBoth) {
  process_.limits.stack_bytes = 3'000'000;
  const auto result = run_wat(recursion(10'000'000));
  EXPECT_EQ(result.end, End::limit);
  EXPECT_TRUE(result.reason.contains("3000000")) << result.reason;
  EXPECT_TRUE(result.reason.contains("4194304")) << result.reason;
}

TEST_F(EnginesTest, AStackBeyondTheLargestClassIsRefusedWithBothNumbers) {
  process_.limits.stack_bytes = core::kStackClassMaxBytes + 1;
  const auto program = sandbox_->compile(wasm_of(command("")), process_.limits);
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().code, Code::invalid_argument);
  EXPECT_TRUE(program.error().message.contains("67108865")) << program.error().message;
  EXPECT_TRUE(program.error().message.contains("67108864")) << program.error().message;
}

TEST_F(EnginesTest, FuelUsedUpEndsTheCallAndIsNamed) {
  process_.limits.fuel = 10'000;
  const auto result = run_wat(command("(loop $l (br $l))"));
  EXPECT_EQ(result.end, End::limit);
  EXPECT_TRUE(result.reason.contains("wasm_fuel of 10000")) << result.reason;
  EXPECT_GE(result.fuel_used, 10'000u);
}

TEST_F(EnginesTest, FuelUsedIsToldAndIsTheSameTwice) {
  process_.limits.fuel = 1'000'000;
  const auto first = run_wat(recursion(100)), again = run_wat(recursion(100));
  EXPECT_EQ(first.exit_code, 7);
  EXPECT_GT(first.fuel_used, 100u);
  EXPECT_EQ(first.fuel_used, again.fuel_used);
  EXPECT_GT(run_wat(recursion(101)).fuel_used, first.fuel_used);
}

TEST_F(EnginesTest, NansAreCanonicalWithFuel) {
  process_.limits.fuel = 1'000'000;
  // 0/0 gives a NaN whose sign is the CPU's choice elsewhere; exits with its top byte.
  const auto result = run_wat(command(R"((call $exit (i32.shr_u (i32.reinterpret_f32
      (f32.div (f32.const 0) (f32.load (i32.const 64)))) (i32.const 24))))"));
  EXPECT_EQ(result.exit_code, 0x7f);
}

TEST_F(EnginesTest, AProgramRunsOnlyUnderLimitsOfItsEngine) {
  const auto plain = compile(command(""));
  process_.limits.fuel = 1000;
  const auto with_fuel = run(*plain);
  ASSERT_FALSE(with_fuel);
  EXPECT_EQ(with_fuel.error().code, Code::internal);
  process_.limits.fuel = 0;
  process_.limits.stack_bytes = 2 << 20;
  EXPECT_FALSE(run(*plain));
  const auto larger = compile(command("(call $exit (i32.const 7))"));
  process_.limits.stack_bytes = 1 << 20;  // less than the engine has is fine
  EXPECT_EQ(run(*larger)->exit_code, 7);
}

class Precompiled : public SandboxTest, public testing::WithParamInterface<Fuel> {};

TEST_P(Precompiled, RunsInEveryEngineOfItsFuel) {
  const auto cwasm =
      precompile(wasm_of(command("(call $exit (i32.const 7))")), Target::host, GetParam());
  ASSERT_TRUE(cwasm);
  for (const std::uint64_t stack : {1 << 20, 2 << 20, 8 << 20}) {
    process_.limits.stack_bytes = stack;
    process_.limits.fuel = GetParam() == Fuel::on ? 1'000'000 : 0;
    const auto program = sandbox_->load_compiled(*cwasm, process_.limits);
    ASSERT_TRUE(program) << program.error().message << program.error().context;
    EXPECT_EQ(run(**program)->exit_code, 7);
  }
  process_.limits.fuel = GetParam() == Fuel::on ? 0 : 1'000'000;
  const auto other = sandbox_->load_compiled(*cwasm, process_.limits);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, Code::unsupported);
}
INSTANTIATE_TEST_SUITE_P(Fuel, Precompiled, testing::Values(Fuel::off, Fuel::on));

}  // namespace
}  // namespace boxagnts::sandbox
