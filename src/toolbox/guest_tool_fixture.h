// For the tests of guests: a workspace on disk and the real tools in the real sandbox.
#pragma once

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/json.h"
#include "toolbox/guest_tools.h"
#include "tools/test_execution.h"
#include "vfs/memory_filesystem.h"

namespace boxagnts::toolbox {

class GuestToolTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    // One engine for all tests of a program, as in the program itself.
    if (shared_) return;
    shared_ = std::make_unique<Shared>();
    ASSERT_TRUE(add_embedded(shared_->registry, *shared_->sandbox, shared_->clock));
  }
  static void TearDownTestSuite() { shared_.reset(); }

  void SetUp() override {
    const auto* temporary = std::getenv("TMPDIR");
    std::string pattern = std::string(temporary ? temporary : "/tmp") + "/boxagnts_guest.XXXXXX";
    ASSERT_TRUE(::mkdtemp(pattern.data()));
    root_ = std::filesystem::canonical(pattern);
    workspace_ = root_ / "work";
    std::filesystem::create_directories(workspace_);
    std::filesystem::create_directories(root_ / "library");
    grant_.mounts = {{workspace_, workspace_, core::Access::read_write},
                     {root_ / "library", root_ / "library", core::Access::read_only},
                     {"", "/tmp/run", core::Access::read_write}};
    grant_.working_directory = workspace_;
    grant_.environment = {"PWD=" + workspace_.string()};
    context_.workspace = workspace_;
    context_.scratch = vfs::make_memory_filesystem(shared_->clock, 1 << 20);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  const tools::Tool& tool(std::string_view name) { return *shared_->registry.find(name); }

  Result<tools::ToolOutput> execute(const tools::Tool& tool, const Json& arguments) {
    return tools::TestExecution(grant_, context_, shared_->clock).run(tool, arguments);
  }
  tools::ToolOutput call(std::string_view name, const Json& arguments) {
    auto output = execute(tool(name), arguments);
    EXPECT_TRUE(output) << (output ? "" : output.error().message);
    return output.value_or(tools::ToolOutput{core::ResultStatus::failed, "(no output)"});
  }
  std::string succeed(std::string_view name, const Json& arguments) {
    auto output = call(name, arguments);
    EXPECT_EQ(output.status, core::ResultStatus::ok) << output.text;
    return output.text;
  }
  std::string be_refused(std::string_view name, const Json& arguments) {
    auto output = call(name, arguments);
    EXPECT_EQ(output.status, core::ResultStatus::failed) << output.text;
    return output.text;
  }

  void put(const std::string& path, std::string_view content) {
    std::filesystem::create_directories((workspace_ / path).parent_path());
    std::ofstream file(workspace_ / path, std::ios::binary);
    file.write(content.data(), static_cast<std::streamsize>(content.size()));
  }
  std::string get(const std::string& path) {
    std::ifstream file(workspace_ / path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  // Names in a folder of the workspace: nothing may be left behind.
  std::vector<std::string> names(const std::string& path = ".") {
    std::vector<std::string> found;
    for (const auto& entry : std::filesystem::directory_iterator(workspace_ / path))
      found.push_back(entry.path().filename());
    std::ranges::sort(found);
    return found;
  }

  struct Shared {
    base::SystemClock clock;
    std::unique_ptr<sandbox::Sandbox> sandbox = sandbox::Sandbox::make(clock, {.instances_max = 8});
    tools::Registry registry;
  };
  static inline std::unique_ptr<Shared> shared_;

  std::filesystem::path root_;
  std::filesystem::path workspace_;
  core::Grant grant_;
  tools::ToolContext context_;
};

inline void expect_has(const std::string& text, std::string_view part) {
  EXPECT_TRUE(text.contains(part)) << "\"" << part << "\" is not in:\n" << text;
}

}  // namespace boxagnts::toolbox
