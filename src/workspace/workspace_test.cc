// Every bad workspace and every bad configuration is one sentence, and nothing is made where it
// should not.
#include "workspace/workspace.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace boxagnts::workspace {
namespace {

namespace fs = std::filesystem;

class WorkspaceTest : public testing::Test {
 protected:
  WorkspaceTest() {
    char folder[] = "/tmp/workspace_test.XXXXXX";
    root_ = fs::canonical(::mkdtemp(folder)).string();
    fs::create_directory(root_ + "/ws");
    environment_ = [this](const std::string& name) {
      return name == "HOME" ? root_ + "/home" : "";
    };
  }
  ~WorkspaceTest() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string config_error(const std::string& toml) {
    write("/home/.config/boxagnts/config.toml", toml);
    const auto config = read_config(open(root_ + "/ws", environment_).value(), environment_);
    return config ? "none" : config.error().message;
  }
  std::string root_;
  Environment environment_;
};

TEST_F(WorkspaceTest, MakesItsStateFolderForTheOwnerAlone) {
  fs::create_directory_symlink("ws", root_ + "/link");
  const auto workspace = open(root_ + "/link", environment_).value();
  EXPECT_EQ(workspace.root, root_ + "/ws") << "canonical";
  struct stat status;
  ASSERT_EQ(::stat((root_ + "/ws/.boxagnts").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  EXPECT_TRUE(fs::exists(root_ + "/ws/.boxagnts/.gitignore"));
  EXPECT_TRUE(open(root_ + "/ws", environment_)) << "a second time";
}

TEST_F(WorkspaceTest, WhatIsNoWorkspaceIsSaid) {
  write("/file", "x");
  EXPECT_EQ(open(root_ + "/none", environment_).error().code, Code::not_found);
  EXPECT_TRUE(open(root_ + "/file", environment_).error().message.contains("is a file"));
  EXPECT_FALSE(open("/", environment_));
  EXPECT_FALSE(open("", environment_));
  EXPECT_FALSE(open(std::string("a\0b", 3), environment_));
  EXPECT_FALSE(open(std::string(5000, 'a'), environment_));
}

TEST_F(WorkspaceTest, AStateFolderThatIsALinkOrAFileIsRefused) {
  fs::create_directory(root_ + "/elsewhere");
  fs::create_directory_symlink(root_ + "/elsewhere", root_ + "/ws/.boxagnts");
  EXPECT_TRUE(open(root_ + "/ws", environment_).error().message.contains("is a link"));
  EXPECT_TRUE(fs::is_empty(root_ + "/elsewhere"));
  fs::remove(root_ + "/ws/.boxagnts");
  write("/ws/.boxagnts", "x");
  EXPECT_TRUE(open(root_ + "/ws", environment_).error().message.contains("is no folder"));
}

TEST_F(WorkspaceTest, MissingConfigurationIsEmpty) { EXPECT_EQ(config_error(""), "none"); }

TEST_F(WorkspaceTest, MalformedTomlIsNamedWithItsLine) {
  const auto said = config_error("[agent]\nturns_max = = 3\n");
  EXPECT_TRUE(said.contains("config.toml:2: ")) << said;
  EXPECT_TRUE(config_error("a = 1\na = 2\n").contains("config.toml:2"));
}

TEST_F(WorkspaceTest, LayersAndLinesAreKept) {
  write("/home/.config/boxagnts/config.toml",
        "[model]\ndefault = \"a/b\"\nlist = [\"x\", \"y\"]\n");
  write("/ws/.boxagnts/config.toml", "\n[agent]\nturns_max = 7\nflag = true\nwhen = 2026-01-01\n");
  const auto config = read_config(open(root_ + "/ws", environment_).value(), environment_).value();
  const auto* model = config.user->table("model").value();
  EXPECT_EQ(model->string("default").value(), "a/b");
  EXPECT_EQ(model->strings("list").value(), (std::vector<std::string>{"x", "y"}));
  const auto* agent = config.workspace->table("agent").value();
  EXPECT_EQ(agent->integer("turns_max", 1, 9).value(), 7);
  EXPECT_EQ(agent->boolean("flag").value(), true);
  EXPECT_TRUE(
      config.workspace->check_all_used().error().message.contains("config.toml:5: unknown key"));
}

}  // namespace
}  // namespace boxagnts::workspace
