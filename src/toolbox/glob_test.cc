// glob: what matches, newest first.
#include <boost/json.hpp>

#include "toolbox/guest_tool_fixture.h"

namespace boxagnts::toolbox {
namespace {

class GlobTool : public GuestToolTest {
 protected:
  // The higher the age, the older.
  void put_aged(const std::string& path, int age) {
    put(path, "x");
    std::filesystem::last_write_time(
        workspace_ / path, std::filesystem::file_time_type::clock::now() - std::chrono::hours(age));
  }
  std::string glob(const std::string& pattern) { return succeed("glob", {{"pattern", pattern}}); }
  std::string glob(const std::string& pattern, const std::string& path) {
    return succeed("glob", {{"pattern", pattern}, {"path", path}});
  }
};

struct GlobCase {
  const char* pattern;
  const char* path;
  std::string found;  // one name a line; all of one age, so by path
};

class GlobFinds : public GlobTool, public testing::WithParamInterface<GlobCase> {};

TEST_P(GlobFinds, InTheTree) {
  const auto now = std::filesystem::file_time_type::clock::now();
  for (const auto* path : {"a.cc", "a.h", "b.md", ".hidden", "src/a.cc", "src/x/b.cc",
                           "src/x/y/c.cc", "docs/[odd]/n.md", ".git/config", "src/.git/config"})
    put(path, "x");
  for (const auto& entry : std::filesystem::recursive_directory_iterator(workspace_))
    std::filesystem::last_write_time(entry.path(), now);
  const auto& [pattern, path, found] = GetParam();
  const auto text = *path ? glob(pattern, path) : glob(pattern);
  if (found.empty())
    expect_has(text, "nothing matches");
  else
    EXPECT_EQ(text, found);
}

INSTANTIATE_TEST_SUITE_P(
    Table, GlobFinds,
    testing::Values(
        GlobCase{"*.cc", "", "a.cc\n"}, GlobCase{"./*.cc", "", "a.cc\n"},
        GlobCase{"**/*.cc", "", "a.cc\nsrc/a.cc\nsrc/x/b.cc\nsrc/x/y/c.cc\n"},
        GlobCase{"src/**", "", "src/a.cc\nsrc/x/b.cc\nsrc/x/y/c.cc\n"},
        GlobCase{"src/*/*.cc", "", "src/x/b.cc\n"}, GlobCase{"src/a.cc", "", "src/a.cc\n"},
        GlobCase{"*", "", ".hidden\na.cc\na.h\nb.md\ndocs/\nsrc/\n"},
        GlobCase{"*", "src", "src/a.cc\nsrc/x/\n"}, GlobCase{"*", "src/", "src/a.cc\nsrc/x/\n"},
        GlobCase{"*/", "", "docs/\nsrc/\n"},
        GlobCase{"**/", "", "docs/\ndocs/[odd]/\nsrc/\nsrc/x/\nsrc/x/y/\n"},
        GlobCase{"src", "", "src/\n"}, GlobCase{"a.?", "", "a.h\n"},
        GlobCase{"[ab].*", "", "a.cc\na.h\nb.md\n"}, GlobCase{"[!a].*", "", "b.md\n"},
        GlobCase{"*.{h,md}", "", "a.h\nb.md\n"},
        GlobCase{"{src,docs}/**/*.{cc,md}", "",
                 "docs/[odd]/n.md\nsrc/a.cc\nsrc/x/b.cc\nsrc/x/y/c.cc\n"},
        GlobCase{"src/{a,x/b}.cc", "", "src/a.cc\nsrc/x/b.cc\n"},
        GlobCase{"docs/\\[odd\\]/*", "", "docs/[odd]/n.md\n"}, GlobCase{"**/config", "", ""},
        GlobCase{".git/*", "", ".git/config\n"},
        GlobCase{"**/.git/*", "", ".git/config\nsrc/.git/config\n"}, GlobCase{"*.none", "", ""},
        GlobCase{"none/*", "", ""}, GlobCase{"../work/a.*", "", "a.cc\na.h\n"},
        GlobCase{"y/*.cc", "src/x", "src/x/y/c.cc\n"}, GlobCase{"../*.h", "src", "a.h\n"}));

TEST_F(GlobTool, NewestFirst) {
  put_aged("middle", 2);
  put_aged("old", 3);
  put_aged("new", 1);
  EXPECT_EQ(glob("*"), "new\nmiddle\nold\n");
}

TEST_F(GlobTool, TheNewestOfManyAreKeptAndTheRestCounted) {
  for (int i = 0; i < 300; ++i)
    put_aged("d" + std::to_string(i % 7) + "/f" + std::to_string(i), i + 1);
  const auto text = glob("**/f*");
  std::string expected;
  for (int i = 0; i < 250; ++i)
    expected += "d" + std::to_string(i % 7) + "/f" + std::to_string(i) + "\n";
  EXPECT_EQ(
      text,
      expected + "[the newest 250 of 300; narrow the pattern or the path to see the others]\n");
}

// More entries than one listing buffer holds, names of every length: none lost, none twice.
TEST_F(GlobTool, LargeFoldersAreListedWhole) {
  std::filesystem::create_directories(workspace_ / "d");
  std::size_t count = 0;
  for (std::size_t i = 0; i < 1500; ++i) {
    std::ofstream(workspace_ / "d" / (std::to_string(i) + std::string(i % 200, 'n')));
    ++count;
  }
  expect_has(glob("d/*"), "250 of " + std::to_string(count));
  expect_has(glob("d/none*"), "(" + std::to_string(count) + " files looked at)");
}

TEST_F(GlobTool, LinksToFoldersAreShownButNotFollowed) {
  put("real/file", "x");
  std::filesystem::create_symlink("..", workspace_ / "real/cycle");
  std::filesystem::create_symlink("real", workspace_ / "link");
  const auto text = glob("**/*");
  EXPECT_EQ(std::ranges::count(text, '\n'), 3) << text;
  EXPECT_EQ(glob("link/*f*"), "link/file\n");  // named outright, it is meant
}

TEST_F(GlobTool, AbsolutePatternsAndPathsWorkInsideMounts) {
  put("a/b.txt", "x");
  put("../library/c.txt", "x");
  EXPECT_EQ(glob((workspace_ / "**/*.txt").string()), "a/b.txt\n");
  EXPECT_EQ(glob("*.txt", (workspace_ / "a").string()), "a/b.txt\n");
  EXPECT_EQ(glob((root_ / "library/*").string()), (root_ / "library/c.txt\n").string());
  expect_has(be_refused("glob", {{"pattern", "*"}, {"path", "/etc"}}), "outside of the folders");
  expect_has(be_refused("glob", {{"pattern", "*"}, {"path", "../none"}}), "outside of the folders");
  expect_has(be_refused("glob", {{"pattern", "/etc/*"}}), workspace_.string());
}

TEST_F(GlobTool, AFolderThatIsNoneIsSaid) {
  put("file", "x");
  expect_has(be_refused("glob", {{"pattern", "*"}, {"path", "file"}}), "is a file");
  expect_has(be_refused("glob", {{"pattern", "*"}, {"path", "none"}}), "does not exist");
  expect_has(glob("none/*"), "there is no folder none/");
}

TEST_F(GlobTool, MalformedPatternsAreNamed) {
  expect_has(be_refused("glob", {{"pattern", "[a"}}), "never closed");
  expect_has(be_refused("glob", {{"pattern", "{a,b"}}), "never closed");
  expect_has(be_refused("glob", {{"pattern", ""}}), "empty");
  std::string explosive;
  for (int i = 0; i < 10; ++i) explosive += "{a,b}";
  expect_has(be_refused("glob", {{"pattern", explosive}}), "more than 256");
  std::string groups;
  for (int i = 0; i < 1000; ++i) groups += "{a}";
  expect_has(be_refused("glob", {{"pattern", groups}}), "64 groups");
}

TEST_F(GlobTool, ManyStarsOnALongPathComeBack) {
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += std::string(20, 'a') + "/";
  put(deep + "end", "x");
  std::string pattern;
  for (int i = 0; i < 30; ++i) pattern += "**/a*";
  expect_has(glob(pattern + "b"), "nothing matches");
  expect_has(glob("**/end"), "/end\n");
}

}  // namespace
}  // namespace boxagnts::toolbox
