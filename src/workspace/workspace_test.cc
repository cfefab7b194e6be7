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

TEST_F(WorkspaceTest, AFolderInAStateFolderIsNoWorkspace) {
  open(root_ + "/ws", environment_).value();
  fs::create_directories(root_ + "/ws/.boxagnts/blobs");
  fs::create_directory_symlink("ws/.boxagnts", root_ + "/shortcut");
  fs::create_directories(root_ + "/other/.BoxAgnts/x");
  for (const auto* inside : {"/ws/.boxagnts", "/ws/.boxagnts/blobs", "/shortcut", "/shortcut/blobs",
                             "/other/.BoxAgnts/x"}) {
    const auto opened = open(root_ + inside, environment_);
    ASSERT_FALSE(opened) << inside;
    EXPECT_EQ(opened.error().code, Code::permission_denied);
    EXPECT_TRUE(opened.error().message.contains("is in a state folder")) << opened.error().message;
    EXPECT_FALSE(fs::exists(root_ + inside + std::string("/.boxagnts"))) << "nothing is made there";
  }
  fs::create_directory(root_ + "/my.boxagnts");
  EXPECT_TRUE(open(root_ + "/my.boxagnts", environment_)) << "only the whole name counts";
}

TEST(Workspace, NoMountShowsAState) {
  for (const auto* state : {"/w/.boxagnts", "/w/.boxagnts/blobs", "/x/.BOXAGNTS/y", "/.boxagnts"})
    EXPECT_EQ(check_mount(state).error().code, Code::permission_denied) << state;
  for (const auto* other : {"/", "/w", "/w/a", "/x.boxagnts", "/home/p/.local/state/boxagnts"})
    EXPECT_TRUE(check_mount(other)) << other;
}

// The workspace is made read-only, and root, whom permission bits do not stop, becomes nobody.
class ReadOnlyWorkspaceTest : public WorkspaceTest {
 protected:
  static constexpr uid_t kNobody = 65534;
  ReadOnlyWorkspaceTest() {
    fs::create_directories(root_ + "/home");
    ::chmod(root_.c_str(), 0755);
    if (::geteuid() != 0) return;
    was_root_ = true;
    EXPECT_EQ(::chown((root_ + "/home").c_str(), kNobody, kNobody), 0);
  }
  ~ReadOnlyWorkspaceTest() override {
    if (was_root_) EXPECT_EQ(::seteuid(0), 0);
    ::chmod((root_ + "/ws").c_str(), 0755);
  }
  void begin() {
    ::chmod((root_ + "/ws").c_str(), 0555);
    if (was_root_) ASSERT_EQ(::seteuid(kNobody), 0);
  }
  std::string state_of_ws() { return open(root_ + "/ws", environment_).value().state_folder; }
  bool was_root_ = false;
};

TEST_F(ReadOnlyWorkspaceTest, StateGoesToTheUsersFolder) {
  begin();
  const auto state = state_of_ws();
  EXPECT_TRUE(state.starts_with(root_ + "/home/.local/state/.boxagnts/")) << state;
  struct stat status;
  ASSERT_EQ(::stat(state.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0700u);
  EXPECT_FALSE(fs::exists(root_ + "/ws/.boxagnts"));
  EXPECT_EQ(state_of_ws(), state) << "the same the next time";
}

TEST_F(ReadOnlyWorkspaceTest, ALinkInPlaceOfItIsRefused) {
  begin();
  const auto state = state_of_ws();
  fs::remove_all(state);
  fs::create_directory(root_ + "/home/elsewhere");
  fs::create_directory_symlink(root_ + "/home/elsewhere", state);
  const auto opened = open(root_ + "/ws", environment_);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().message.contains("is a link")) << opened.error().message;
  EXPECT_TRUE(fs::is_empty(root_ + "/home/elsewhere"));
}

TEST_F(ReadOnlyWorkspaceTest, TheUsersFolderMayNotLoseItsName) {
  begin();
  fs::create_directories(root_ + "/home/elsewhere");
  fs::create_directories(root_ + "/home/.local/state");
  fs::create_directory_symlink(root_ + "/home/elsewhere", root_ + "/home/.local/state/.boxagnts");
  const auto opened = open(root_ + "/ws", environment_);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().message.contains("could see the state")) << opened.error().message;
}

TEST_F(ReadOnlyWorkspaceTest, NoUsersFolderIsSaid) {
  begin();
  const auto opened = open(root_ + "/ws", [](const std::string&) { return ""; });
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::permission_denied);
  EXPECT_TRUE(opened.error().message.contains("XDG_STATE_HOME nor HOME"));
}

TEST_F(ReadOnlyWorkspaceTest, TheWorkspacesOwnConfigurationIsStillRead) {
  write("/ws/.boxagnts/config.toml", "[agent]\nturns_max = 7\n");
  ::chmod((root_ + "/ws/.boxagnts").c_str(), 0555);
  if (was_root_) ASSERT_EQ(::chown((root_ + "/ws/.boxagnts").c_str(), kNobody, kNobody), 0);
  begin();
  auto workspace = open(root_ + "/ws", environment_).value();
  workspace.state_folder = root_ + "/home/elsewhere";
  const auto config = read_config(workspace, environment_).value();
  EXPECT_EQ(config.workspace->table("agent").value()->integer("turns_max", 1, 9).value(), 7);
}

TEST_F(ReadOnlyWorkspaceTest, AStateFolderOfAnotherUserIsRefused) {
  if (!was_root_) GTEST_SKIP() << "only root can make another user's folder";
  fs::create_directory(root_ + "/ws/.boxagnts");
  ::chmod((root_ + "/ws/.boxagnts").c_str(), 0777);
  EXPECT_TRUE(open(root_ + "/ws", environment_)) << "root may work in its own";
  ::chmod((root_ + "/ws/.boxagnts").c_str(), 0777);
  begin();
  const auto opened = open(root_ + "/ws", environment_);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::permission_denied);
  EXPECT_TRUE(opened.error().message.contains("another user")) << opened.error().message;
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
