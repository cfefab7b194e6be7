// write: exactly what was given, by temporary file and rename.
#include <sys/stat.h>

#include <boost/json.hpp>

#include "toolbox/guest_tool_fixture.h"

namespace boxagnts::toolbox {
namespace {

using namespace std::string_literals;
using Strings = std::vector<std::string>;

class WriteTool : public GuestToolTest {
 protected:
  std::string write(const std::string& path, const std::string& content) {
    return succeed("write", {{"file_path", path}, {"content", content}});
  }
};

TEST_F(WriteTool, SaysWhatItDid) {
  EXPECT_EQ(write("a.txt", "one\ntwo\n"), "created a.txt: 2 lines, 8 bytes");
  EXPECT_EQ(write("a.txt", "one"), "replaced a.txt: 1 line, 3 bytes (it had 8 bytes)");
  EXPECT_EQ(write("a.txt", ""), "replaced a.txt: 0 lines, 0 bytes (it had 3 bytes)");
  EXPECT_EQ(names(), Strings{"a.txt"});
}

TEST_F(WriteTool, ContentComesOutAsItWentIn) {
  const std::string contents[] = {"",
                                  "\n",
                                  "-- starts like a flag\n",
                                  "\xef\xbb\xbfmark\r\nkept\r\n",
                                  "quotes \" \\ / \b \f \t and \x01 \x1f\n",
                                  "nul \0 inside"s,
                                  "é 你 🎉 \u2028 \ufffd\n",
                                  std::string(300'000, 'x') + "\\\n\"" + std::string(70'000, 'y')};
  for (const auto& content : contents) {
    write("file", content);
    EXPECT_EQ(get("file"), content);
  }
}

// The JSON that reaches a guest may be written in other ways than the host's own.
TEST_F(WriteTool, LargeContentGoesInSeveralSteps) {
  std::string content;
  while (content.size() < (5u << 20)) content += "0123456789 abcdefghijklmnopqrstuvwxyz\n";
  write("big", content);
  EXPECT_EQ(get("big"), content);
}

TEST_F(WriteTool, FoldersAreMadeOnTheWay) {
  EXPECT_EQ(write("a/b/c/d.txt", "x"), "created a/b/c/d.txt: 1 line, 1 byte");
  EXPECT_EQ(get("a/b/c/d.txt"), "x");
  write((workspace_ / "e/f.txt").string(), "y");
  EXPECT_EQ(get("e/f.txt"), "y");
  write("a/../g/./h.txt", "z");
  EXPECT_EQ(get("g/h.txt"), "z");
  EXPECT_EQ(names("a/b/c"), Strings{"d.txt"});
}

TEST_F(WriteTool, AFileWhereAFolderShouldBeStops) {
  put("a", "x");
  expect_has(be_refused("write", {{"file_path", "a/b/c"}, {"content", ""}}), "is a file");
  EXPECT_EQ(get("a"), "x");
}

TEST_F(WriteTool, LinksAreWrittenThrough) {
  put("real/file", "old");
  std::filesystem::create_symlink("real/file", workspace_ / "link");
  std::filesystem::create_symlink("link", workspace_ / "link2");
  std::filesystem::create_symlink("real", workspace_ / "folder");
  std::filesystem::create_symlink(workspace_ / "real/file", workspace_ / "absolute");
  std::filesystem::create_symlink("real/fresh", workspace_ / "dangling");
  for (const auto* path : {"link", "link2", "folder/file", "absolute"}) {
    expect_has(write(path, "new by "s + path), "replaced "s + path);
    EXPECT_EQ(get("real/file"), "new by "s + path);
  }
  write("dangling", "made");
  EXPECT_EQ(get("real/fresh"), "made");
  for (const auto* link : {"link", "link2", "folder", "absolute", "dangling"})
    EXPECT_TRUE(std::filesystem::is_symlink(workspace_ / link)) << link;
  EXPECT_EQ(names("real"), (Strings{"file", "fresh"}));
}

TEST_F(WriteTool, AReaderOfTheOldFileKeepsTheOldFile) {
  put("file", "old content");
  std::ifstream reader(workspace_ / "file");
  write("file", "new");
  std::string seen((std::istreambuf_iterator<char>(reader)), {});
  EXPECT_EQ(seen, "old content");
}

TEST_F(WriteTool, NoSpaceLeavesTheOldFile) {
  succeed("write", {{"file_path", "/tmp/run/file"}, {"content", "old"}});
  expect_has(
      be_refused("write", {{"file_path", "/tmp/run/file"}, {"content", std::string(2 << 20, 'x')}}),
      "no space left");
  expect_has(succeed("read", {{"file_path", "/tmp/run/file"}}), "1\told");
  EXPECT_EQ(succeed("glob", {{"pattern", "/tmp/run/*"}}), "/tmp/run/file\n");
}

TEST_F(WriteTool, ANameOfTheGreatestLengthIsWritten) {
  const std::string name(255, 'n');
  write(name, "x");
  EXPECT_EQ(names(), Strings{name});
}

}  // namespace
}  // namespace boxagnts::toolbox
