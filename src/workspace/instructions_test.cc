// AGENTS.md: whose are read, how much of them, and where none of them can lead.
#include "workspace/instructions.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "base/text.h"

namespace boxagnts::workspace {
namespace {

namespace fs = std::filesystem;

class InstructionsTest : public testing::Test {
 protected:
  InstructionsTest() {
    char folder[] = "/tmp/instructions_test.XXXXXX";
    root_ = fs::canonical(::mkdtemp(folder)).string();
    fs::create_directories(root_ + "/ws");
    workspace_.root = root_ + "/ws";
  }
  ~InstructionsTest() override { fs::remove_all(root_); }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  void link(const std::string& to, const std::string& at) {
    fs::create_directories(fs::path(root_ + at).parent_path());
    fs::remove(root_ + at);
    fs::create_symlink(to, root_ + at);
  }
  std::vector<Instructions> standing() {
    return standing_instructions(workspace_, [this](const std::string& name) {
      return name == "HOME" ? root_ + "/home" : "";
    });
  }
  std::vector<Instructions> for_file(const std::string& path) {
    return instructions_for(workspace_, workspace_.root + path);
  }
  std::string root_;
  Workspace workspace_;
};

TEST_F(InstructionsTest, ThePersonsComeBeforeTheWorkspaces) {
  EXPECT_TRUE(standing().empty());
  write("/ws/AGENTS.md", "of the folder\n");
  write("/home/.config/boxagnts/AGENTS.md", "\xef\xbb\xbfmine\r\n");
  const auto found = standing();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].path, root_ + "/home/.config/boxagnts/AGENTS.md");
  EXPECT_EQ(found[0].origin, InstructionsOrigin::user);
  EXPECT_EQ(found[0].text, "mine\r\n");
  EXPECT_EQ(found[1].path, "AGENTS.md");
  EXPECT_EQ(found[1].origin, InstructionsOrigin::workspace);
  EXPECT_EQ(found[1].text, "of the folder\n");
  EXPECT_FALSE(found[1].cut);
}

TEST_F(InstructionsTest, ThoseAboveAFileAreFoundOutermostFirst) {
  write("/ws/AGENTS.md", "root");
  write("/ws/a/AGENTS.md", "a");
  write("/ws/a/b/c/AGENTS.md", "c");
  write("/AGENTS.md", "outside");
  const auto found = for_file("/a/b/c/new.txt");
  ASSERT_EQ(found.size(), 2u) << "without the root's";
  EXPECT_EQ(found[0].path, "a/AGENTS.md");
  EXPECT_EQ(found[0].origin, InstructionsOrigin::folder);
  EXPECT_EQ(found[1].path, "a/b/c/AGENTS.md");
  EXPECT_EQ(for_file("/a/b/none/x").size(), 1u) << "a folder that is not there yet";
  EXPECT_EQ(for_file("//a/./x").size(), 1u);
  EXPECT_TRUE(for_file("/x").empty());
  EXPECT_TRUE(for_file("/a/../a/x").empty());
  EXPECT_TRUE(instructions_for(workspace_, root_ + "/x/y").empty());
  EXPECT_TRUE(instructions_for(workspace_, "a/x").empty());
  EXPECT_TRUE(for_file(std::string("/a\0b/x", 6)).empty());
  std::string deep;
  for (int i = 0; i < 50; ++i) deep += "/d";
  write("/ws" + deep + "/AGENTS.md", "deep");
  EXPECT_TRUE(for_file(deep + "/x").empty()) << "that far down nobody looks";
}

TEST_F(InstructionsTest, ALongOneIsCutAtACharacterAndSaysSo) {
  write("/ws/AGENTS.md", std::string(kInstructionsBytesMax - 1, 'a') + "ä" + "more");
  const auto cut = standing().at(0);
  EXPECT_TRUE(cut.cut);
  EXPECT_TRUE(
      cut.text.starts_with(std::string(kInstructionsBytesMax - 1, 'a') + "\n\n(AGENTS.md is"));
  write("/ws/AGENTS.md", std::string(kInstructionsBytesMax, 'a'));
  EXPECT_EQ(standing().at(0).text.size(), kInstructionsBytesMax);
  EXPECT_FALSE(standing().at(0).cut);
}

TEST_F(InstructionsTest, BytesThatAreNoTextAreRepaired) {
  write("/ws/AGENTS.md", std::string("a\xff\0b", 4));
  EXPECT_EQ(standing().at(0).text,
            "a\xef\xbf\xbd\xef\xbf\xbd"
            "b");
  write("/ws/AGENTS.md", " \n\t\n");
  EXPECT_TRUE(standing().empty()) << "nothing is said";
}

TEST_F(InstructionsTest, OnlyPlainFilesAreRead) {
  ASSERT_EQ(::mkfifo((root_ + "/ws/AGENTS.md").c_str(), 0600), 0);
  EXPECT_TRUE(standing().empty()) << "and nobody waits for a writer";
  fs::create_directories(root_ + "/ws/a/AGENTS.md");
  EXPECT_TRUE(for_file("/a/x").empty());
  link("/dev/zero", "/home/.config/boxagnts/AGENTS.md");
  EXPECT_TRUE(standing().empty());
}

TEST_F(InstructionsTest, WhatRulesKeepFromModelsIsNotTold) {
  write("/ws/private/notes.md", "mine");
  link("private/notes.md", "/ws/AGENTS.md");
  write("/ws/a/AGENTS.md", "a");
  const auto judge = [this](const std::string& path) {
    return path != root_ + "/ws/private/notes.md" && path != root_ + "/ws/a/AGENTS.md";
  };
  const auto nobody = [](const std::string&) { return std::string(); };
  EXPECT_EQ(standing_instructions(workspace_, nobody).size(), 1u);
  EXPECT_TRUE(standing_instructions(workspace_, nobody, judge).empty());
  EXPECT_TRUE(instructions_for(workspace_, workspace_.root + "/a/x", judge).empty());
}

TEST_F(InstructionsTest, ALinkLeadsToAnotherMarkdownFileOfTheWorkspaceOnly) {
  write("/outside.md", "outside");
  write("/ws/.env", "KEY=1");
  write("/ws/keys.pem", "key");
  write("/ws/.boxagnts/bin/x.md", "state");
  write("/ws/docs/CLAUDE.md", "good");
  for (const auto& to : {root_ + "/outside.md", std::string("../outside.md"), std::string(".env"),
                         std::string("keys.pem"), std::string(".boxagnts/bin/x.md"),
                         std::string("/proc/self/environ"), std::string("AGENTS.md")}) {
    link(to, "/ws/AGENTS.md");
    EXPECT_TRUE(standing().empty()) << to;
  }
  link("docs/CLAUDE.md", "/ws/AGENTS.md");
  ASSERT_EQ(standing().size(), 1u);
  EXPECT_EQ(standing()[0].text, "good");
  link("../../.env", "/ws/a/b/AGENTS.md");
  link("../.boxagnts/bin", "/ws/c");
  write("/ws/.boxagnts/bin/AGENTS.md", "state");
  EXPECT_TRUE(for_file("/a/b/x").empty());
  EXPECT_TRUE(for_file("/c/x").empty());
}

}  // namespace
}  // namespace boxagnts::workspace
