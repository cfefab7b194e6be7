#include "base/glob.h"

#include <gtest/gtest.h>

#include "base/glob_match.h"

namespace boxagnts::base {
namespace {

struct Case {
  const char* pattern;
  const char* path;
  bool matches;
};

class GlobMatches : public testing::TestWithParam<Case> {};

TEST_P(GlobMatches, AsWritten) {
  const auto [pattern, path, matches] = GetParam();
  EXPECT_EQ(Glob::parse(pattern).value().matches(path), matches) << pattern << " on " << path;
}

INSTANTIATE_TEST_SUITE_P(
    Table, GlobMatches,
    testing::Values(Case{"*.md", "a.md", true}, Case{"*.md", "d/a.md", false},
                    Case{"**/*.md", "a.md", true}, Case{"**/*.md", "d/e/a.md", true},
                    Case{"src/**", "src/a/b", true}, Case{"src/**", "src", false},
                    Case{"src/**/x", "src/x", true}, Case{"src/**/x", "src/a/b/x", true},
                    Case{"src/**/x", "srcx/x", false}, Case{"a?c", "abc", true},
                    Case{"a?c", "a/c", false}, Case{"[a-c]x", "bx", true},
                    Case{"[!a-c]x", "bx", false}, Case{"[!a-c]x", "dx", true},
                    Case{"[]]", "]", true}, Case{"[a\\]]", "]", true}, Case{"\\*", "*", true},
                    Case{"\\*", "x", false}, Case{"*.{cc,h}", "a.h", true},
                    Case{"*.{cc,h}", "a.c", false}, Case{"{a,b/{c,d}}e", "b/de", true},
                    Case{"{,x}y", "y", true}, Case{"a**b", "axxb", true},
                    Case{"a**b", "ax/xb", false}, Case{"**", "a/b/c", true}, Case{"*", "", true},
                    Case{"", "", true}, Case{"", "a", false}, Case{"**/a/**/b", "x/a/y/z/b", true},
                    Case{"**/a/**/b", "x/a/y/z/c", false}, Case{"*a*b*c", "1a2b3c", true},
                    Case{"**/.env*", "d/.env.local", true}, Case{".env*", "x.env", false}));

TEST(Glob, WhatIsLeftBelowAFolder) {
  using Rests = std::vector<std::string>;
  const auto below = [](const char* pattern, const char* folder) {
    return Glob::parse(pattern).value().below(folder);
  };
  EXPECT_EQ(below("a/b/c", ""), Rests{"a/b/c"});
  EXPECT_EQ(below("a/b/c", "a"), Rests{"b/c"});
  EXPECT_EQ(below("a/b/c", "a/b"), Rests{"c"});
  EXPECT_EQ(below("a/b/c", "a/x"), Rests{});
  EXPECT_EQ(below("a/b/c", "a/b/c"), Rests{"**"}) << "all below what is matched";
  EXPECT_EQ(below("a/b/c", "a/b/c/d/e"), Rests{"**"});
  EXPECT_EQ(below("**/x/y", "a"), Rests{"**/x/y"});
  EXPECT_EQ(below("**/x/y", "a/x"), (Rests{"**/x/y", "y"}));
  EXPECT_EQ(below("**/**/y", "x"), (Rests{"**/**/y", "**/y"}));
  EXPECT_EQ(below("a/**", "a/b"), Rests{"**"});
  EXPECT_EQ(below("{a,b/c}/d*", "b/c"), Rests{"d*"});
  EXPECT_EQ(below("[ab]/*/c", "b/x"), Rests{"c"});
  std::string deep = "x", stars = "y";  // in time that grows with their product, no more
  for (int i = 0; i < 1'000; ++i) deep += "/x";
  for (int i = 0; i < 100; ++i) stars = "**/" + stars;
  EXPECT_EQ(below(stars.c_str(), deep.c_str()).size(), 100u);
}

TEST(Glob, MalformedPatternsAreRefused) {
  EXPECT_FALSE(Glob::parse("[a"));
  EXPECT_FALSE(Glob::parse("{a,b"));
  EXPECT_FALSE(Glob::parse(std::string(5000, 'a')));
  std::string explosive;
  for (int i = 0; i < 10; ++i) explosive += "{a,b}";
  EXPECT_FALSE(Glob::parse(explosive));
}

TEST(Glob, ClosingABraceIsAskedForBeforeItsOptionsCount) {
  EXPECT_FALSE(Glob::parse("{a,b"));
  EXPECT_FALSE(Glob::parse("x{a,{b,c}"));
  std::string groups;
  for (int i = 0; i < 65; ++i) groups += "{a}";
  EXPECT_FALSE(Glob::parse(groups));
  EXPECT_TRUE(Glob::parse(groups.substr(3)).value().matches(std::string(64, 'a')));
}

TEST(Glob, AWalkIsToldWhatItNeedNotLookInto) {
  EXPECT_TRUE(glob_could_match_below("src/*/x", "src"));
  EXPECT_TRUE(glob_could_match_below("src/*/x", "src/a"));
  EXPECT_FALSE(glob_could_match_below("src/*/x", "src/a/b"));
  EXPECT_FALSE(glob_could_match_below("src/*/x", "docs"));
  EXPECT_FALSE(glob_could_match_below("*.md", "docs"));
  EXPECT_TRUE(glob_could_match_below("**/x", "a/b/c"));
  EXPECT_TRUE(glob_could_match_below("a/**", "a/b/c"));
  EXPECT_TRUE(glob_could_match_below("[a/b]*/x", "ab"));
}

// Exponential matchers do not come back from this one.
TEST(Glob, ManyStarsOnALongPathTakePolynomialTime) {
  std::string pattern, path;
  for (int i = 0; i < 60; ++i) pattern += "**/a*";
  for (int i = 0; i < 400; ++i) path += "aaaaaaaa/";
  EXPECT_FALSE(Glob::parse(pattern + "b").value().matches(path));
}

}  // namespace
}  // namespace boxagnts::base
