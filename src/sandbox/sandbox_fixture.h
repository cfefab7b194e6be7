// What the sandbox's tests share: modules from text, and runs on a thread with a large stack.
#pragma once

#include <gtest/gtest.h>
#include <wasmtime.h>

#include "base/thread.h"
#include "sandbox/sandbox.h"
#include "vfs/memory_filesystem.h"

namespace boxagnts::sandbox {

using namespace std::chrono_literals;

inline std::string wasm_of(const std::string& wat) {
  wasm_byte_vec_t bytes;
  if (auto* error = wasmtime_wat2wasm(wat.data(), wat.size(), &bytes)) {
    wasm_name_t message;
    wasmtime_error_message(error, &message);
    ADD_FAILURE() << std::string(message.data, message.size);
    return {};
  }
  std::string wasm(bytes.data, bytes.size);
  wasm_byte_vec_delete(&bytes);
  return wasm;
}

// A command whose _start is `body`, with the imports that the tests use.
inline std::string command(const std::string& body, const std::string& extra = "",
                           const std::string& memory = "(memory (export \"memory\") 2)") {
  return R"((module
    (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "poll_oneoff"
      (func $poll (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
      (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    )" + memory +
         extra + "(func (export \"_start\") " + body + "))";
}

class SandboxTest : public testing::Test {
 protected:
  SandboxTest() {
    scratch_ = vfs::make_memory_filesystem(clock_, 1 << 20);
    process_.name_space = vfs::NameSpace::make({{"/work", scratch_}}).value();
    process_.working_directory = "/work";
    process_.arguments = {"guest"};
  }

  std::shared_ptr<const Program> compile(const std::string& wat) {
    auto program = sandbox_->compile(wasm_of(wat), process_.limits);
    EXPECT_TRUE(program) << (program ? "" : program.error().message);
    return program.value_or(nullptr);
  }

  // On a thread whose stack is as large as the sandbox asks for.
  Result<ProcessResult> run(const Program& program, std::stop_token stop = {}) {
    Result<ProcessResult> result = fail(Code::internal, "not run");
    auto thread = base::Thread::start(
        "guest", core::stack_class_bytes(process_.limits.stack_bytes) + (2 << 20),
        [&] { result = sandbox_->run(program, process_, stop); });
    EXPECT_TRUE(thread);
    thread->join();
    return result;
  }

  ProcessResult run_wat(const std::string& wat, std::stop_token stop = {}) {
    const auto program = compile(wat);
    if (!program) return {};
    auto result = run(*program, std::move(stop));
    EXPECT_TRUE(result) << (result ? "" : result.error().message);
    return result.value_or(ProcessResult{});
  }

  base::SystemClock clock_;
  std::shared_ptr<vfs::Filesystem> scratch_;
  Process process_;
  std::unique_ptr<Sandbox> sandbox_ = Sandbox::make(clock_, {.instances_max = 4});
};

}  // namespace boxagnts::sandbox
