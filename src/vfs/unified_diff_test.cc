// The unified text against its readers: `git apply` and `patch` make of a folder what the change
// set would.
#include "vfs/unified_diff.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>

namespace boxagnts::vfs {
namespace {

namespace fs = std::filesystem;

struct Content {
  Kind kind = Kind::file;
  std::string text;
  std::uint32_t mode = 0644;
  bool operator==(const Content&) const = default;
};
using Tree = std::map<std::string, Content>;

class Folder {
 public:
  Folder() {
    char folder[] = "/tmp/unified_diff_test.XXXXXX";
    path_ = ::mkdtemp(folder);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }

  void write(const Tree& tree) const {
    for (const auto& [name, content] : tree) {
      const std::string path = *this / ("tree/" + name);
      fs::create_directories(fs::path(path).parent_path());
      if (content.kind == Kind::link) {
        fs::create_symlink(content.text, path);
      } else {
        std::ofstream(path, std::ios::binary) << content.text;
        ::chmod(path.c_str(), content.mode);
      }
    }
  }
  Tree read() const {
    Tree tree;
    for (const auto& entry : fs::recursive_directory_iterator(*this / "tree")) {
      const std::string name = fs::relative(entry.path(), *this / "tree");
      if (entry.is_symlink()) {
        tree[name] = {Kind::link, fs::read_symlink(entry.path()), 0777};
      } else if (entry.is_regular_file()) {
        std::ifstream file(entry.path(), std::ios::binary);
        struct stat status;
        ::stat(entry.path().c_str(), &status);
        tree[name] = {Kind::file, std::string(std::istreambuf_iterator<char>(file), {}),
                      status.st_mode & 0100 ? 0755u : 0644u};
      }
    }
    return tree;
  }
  int run(const std::string& command) const {
    fs::create_directories(*this / "tree");
    return std::system(
        ("cd '" + path_ + "/tree' && GIT_CEILING_DIRECTORIES=/ " + command + " >../out 2>&1")
            .c_str());
  }
  std::string out() const {
    std::ifstream file(*this / "out");
    return std::string(std::istreambuf_iterator<char>(file), {});
  }

 private:
  std::string path_;
};

std::vector<FileDiff> diff_of(const Tree& before, const Tree& after) {
  Tree all = before;
  all.insert(after.begin(), after.end());
  std::vector<FileDiff> diffs;
  for (const auto& [name, unused] : all) {
    FileDiff diff{.path = name};
    std::string a, b;
    const auto side = [&](const Tree& tree, std::string& text) -> std::optional<Version> {
      const auto found = tree.find(name);
      if (found == tree.end()) return std::nullopt;
      text = found->second.text;
      return Version{.kind = found->second.kind, .mode = found->second.mode};
    };
    diff.before = side(before, a);
    diff.after = side(after, b);
    if (diff.before && diff.after && diff.before->kind != diff.after->kind) {
      diff.hunks = make_hunks(a, "");
      for (auto& hunk : make_hunks("", b)) diff.hunks.push_back(hunk);
    } else {
      diff.hunks = make_hunks(a, b);
    }
    diffs.push_back(diff);
  }
  return diffs;
}

void expect_applied(const Tree& before, const Tree& after, const std::vector<FileDiff>& diffs,
                    const std::string& command) {
  const Folder folder;
  folder.write(before);
  std::ofstream(folder / "diff", std::ios::binary) << to_unified(diffs);
  EXPECT_EQ(folder.run(command), 0) << folder.out() << to_unified(diffs);
  EXPECT_EQ(folder.read(), after) << command << "\n" << to_unified(diffs);
}

constexpr const char* kGit = "git apply --whitespace=nowarn ../diff";
constexpr const char* kPatch = "patch -p1 --binary -s -f < ../diff";

TEST(Unified, GitAndPatchTakeEveryKindOfChange) {
  const Tree before{{"changed", {Kind::file, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n"}},
                    {"gone", {Kind::file, "x\ny"}},
                    {"gone empty", {Kind::file, ""}},
                    {"crlf", {Kind::file, "a\r\nb\r\nc\r\n"}},
                    {"no newline", {Kind::file, "a\nb"}},
                    {"newline", {Kind::file, "a\nb\n"}},
                    {"filled", {Kind::file, ""}},
                    {"emptied", {Kind::file, "a\n"}},
                    {"script", {Kind::file, "#!/bin/sh\n", 0644}},
                    {"a folder/deep", {Kind::file, "deep\n"}}};
  const Tree after{{"changed", {Kind::file, "1\nx\n3\n4\n5\n6\n7\n8\n9\n"}},
                   {"new", {Kind::file, "n\n"}},
                   {"new empty", {Kind::file, ""}},
                   {"crlf", {Kind::file, "a\r\nB\r\nc\r\n"}},
                   {"no newline", {Kind::file, "a\nc"}},
                   {"newline", {Kind::file, "a\nb"}},
                   {"filled", {Kind::file, "a"}},
                   {"emptied", {Kind::file, ""}},
                   {"script", {Kind::file, "#!/bin/sh\n", 0755}},
                   {"a folder/deep", {Kind::file, "deeper\n"}},
                   {"ü/new", {Kind::file, "n\n", 0755}}};
  expect_applied(before, after, diff_of(before, after), kGit);
  expect_applied(before, after, diff_of(before, after), kPatch);
}

TEST(Unified, GitTakesLinksKindsAndOddNames) {
  const Tree before{{"link", {Kind::link, "there", 0777}},
                    {"to file", {Kind::link, "there", 0777}},
                    {"to link", {Kind::file, "a\nb\n"}},
                    {"tab\tand \"quote\"\\", {Kind::file, "a\n"}},
                    {"not \xff utf-8", {Kind::file, "a\n"}}};
  const Tree after{{"link", {Kind::link, "elsewhere", 0777}},
                   {"to file", {Kind::file, "a\nb\n"}},
                   {"to link", {Kind::link, "there", 0777}},
                   {"tab\tand \"quote\"\\", {Kind::file, "b\n"}},
                   {"not \xff utf-8", {Kind::file, "b\n"}}};
  expect_applied(before, after, diff_of(before, after), kGit);
}

TEST(Unified, ARenameIsOne) {
  const Tree before{{"dir/old name", {Kind::file, "same\n"}}},
      after{{"new", {Kind::file, "same\n"}}};
  std::vector<FileDiff> diffs{
      {.path = "dir/old name", .before = Version{.mode = 0644}, .renamed_to = "new"},
      {.path = "new",
       .before = Version{.mode = 0644},
       .after = Version{.mode = 0644},
       .renamed_from = "dir/old name"}};
  expect_applied(before, after, diffs, kGit);
  expect_applied(before, after, diffs, kPatch);
}

TEST(Unified, BinaryFilesAreNamed) {
  const std::vector<FileDiff> diffs{
      {.path = "x", .before = Version{}, .after = Version{}, .opaque = true}};
  EXPECT_EQ(to_unified(diffs), "diff --git a/x b/x\nBinary files a/x and b/x differ\n");
}

std::string random_text(std::mt19937& random) {
  std::string text;
  for (unsigned count = random() % 40; count > 0; --count)
    text += std::string(1, static_cast<char>('a' + random() % 5)) + (random() % 7 ? "\n" : "\r\n");
  if (!text.empty() && random() % 3 == 0) text.pop_back();
  return text;
}

TEST(Unified, RandomTexts) {
  std::mt19937 random(5);
  Tree before, after;
  for (int i = 0; i < 150; ++i) {
    const std::string name = "f" + std::to_string(i);
    before[name] = {Kind::file, random_text(random)};
    after[name] = {Kind::file, random_text(random)};
  }
  expect_applied(before, after, diff_of(before, after), kGit);
  expect_applied(before, after, diff_of(before, after), kPatch);
}

TEST(Unified, HunksTogetherAreTheWholeAndEachStandsAlone) {
  std::mt19937 random(6);
  for (int round = 0; round < 2'000; ++round) {
    const std::string a = random_text(random), b = random_text(random);
    const auto hunks = make_hunks(a, b);
    std::vector<std::uint32_t> all(hunks.size());
    for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    ASSERT_EQ(with_hunks(a, b, all), b);
    ASSERT_EQ(with_hunks(a, b, {}), a);
    for (const std::uint32_t one : all) {
      const std::string part = with_hunks(a, b, std::span(&one, 1));
      EXPECT_NE(part, a);
      // What is left is the other hunks, one after the other.
      std::string rest = part;
      for (auto left = make_hunks(rest, b).size(); left > 0; --left)
        rest = with_hunks(rest, b, std::vector<std::uint32_t>{0});
      ASSERT_EQ(rest, b);
    }
  }
}

}  // namespace
}  // namespace boxagnts::vfs
