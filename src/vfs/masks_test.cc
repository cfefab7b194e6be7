// What masks hide, and what they say of folders that move.
#include "vfs/masks.h"

#include <gtest/gtest.h>

namespace boxagnts::vfs {
namespace {

Masks masks(const std::vector<std::string>& globs) { return Masks::parse(globs).value(); }

TEST(Masks, TheStateFolderIsHiddenAtEveryDepthInEveryCase) {
  for (const char* path : {".boxagnts", "a/.boxagnts", "a/.BoxAgnts/b", ".BOXAGNTS/state.db"})
    EXPECT_TRUE(Masks().hides(path)) << path;
  for (const char* path : {"", "boxagnts", ".boxagnts2", "a.boxagnts", "a/b"})
    EXPECT_FALSE(Masks().hides(path)) << path;
}

TEST(Masks, AGlobHidesWhatItMatchesAndAllBelowInEveryCase) {
  const struct {
    const char *glob, *path;
    bool hidden;
  } kRows[] = {
      {"**/.env", ".env", true},
      {"**/.env", "a/b/.ENV", true},
      {"**/.env", ".env/below", true},
      {"**/.env", ".env2", false},
      {"**/.env", "x.env", false},
      {"**/.env.*", ".env.local", true},
      {"**/.env.*", ".env", false},
      {"**/*.pem", "keys/My.PEM", true},
      {"**/*.pem", "pem", false},
      {"**/*.pem", ".pem", true},
      {"**/a*a", "a", false},
      {"**/a*a", "aa", true},
      {"**/id_[rd]sa", "x/ID_RSA", true},
      {"**/{one,two}", "two/x", true},
      {"secret/**", "secret", false},
      {"secret/**", "Secret/x", true},
      {"secret", "a/secret", false},
      {"Secret", "secret/x", true},
      {"**/.ssh", "home/.ssh/known_hosts", true},
      {"**/*x*", "axb", true},
      {"**/a\\*b", "a*b", true},
      {"**/a\\*b", "acb", false},
  };
  for (const auto& row : kRows)
    EXPECT_EQ(masks({row.glob}).hides(row.path), row.hidden) << row.glob << " " << row.path;
}

TEST(Masks, TheLastGlobThatMatchesDecidesAndWhatShowsCountsInItsCase) {
  const auto lifted = masks({"**/.env", "**/.env.*", "!**/.env.example"});
  EXPECT_TRUE(lifted.hides(".env.local"));
  EXPECT_FALSE(lifted.hides("a/.env.example"));
  EXPECT_TRUE(lifted.hides("a/.ENV.example"));
  const auto again = masks({"**/.env*", "!**/.env.example", "private/**"});
  EXPECT_TRUE(again.hides("private/.env.example"));
  EXPECT_FALSE(again.hides("public/.env.example"));
  EXPECT_TRUE(masks({"!**/.boxagnts"}).hides(".boxagnts/state.db")) << "nothing shows that";
}

TEST(Masks, WhatHoldsBelowAFolderTellsWhetherItMayMove) {
  const auto some = masks({"secret/**", "**/*.key", "!open/a.key"});
  EXPECT_EQ(some.below("a"), some.below("b"));
  EXPECT_NE(some.below("a"), some.below("Secret"));
  EXPECT_NE(some.below("a"), some.below("open"));
  EXPECT_TRUE(some.below("secret").hides_at_least(some.below("a")));
  EXPECT_FALSE(some.below("a").hides_at_least(some.below("secret")));
  EXPECT_FALSE(some.below("open").hides_at_least(some.below("a"))) << "it would show a.key";
  EXPECT_TRUE(some.below("a").hides_at_least(some.below("open")));
}

TEST(Masks, TheOrderOfGlobsHoldsForFoldersThatMoveToo) {
  // The same globs are left below both, but in a the last one shows, in b it hides.
  const auto some = masks({"a/k", "!*/k", "b/k"});
  EXPECT_FALSE(some.hides("a/k"));
  EXPECT_TRUE(some.hides("b/k"));
  EXPECT_NE(some.below("a"), some.below("b"));
  EXPECT_FALSE(some.below("a").hides_at_least(some.below("b")));
}

TEST(Masks, OfSeveralListsEachHidesByItself) {
  auto both = masks({"a/**", "!a/b"});
  both.add(masks({"**/c", "!a/**"}));
  EXPECT_TRUE(both.hides("a/x")) << "another list does not show it";
  EXPECT_FALSE(both.hides("a/b"));
  EXPECT_TRUE(both.hides("d/c"));
  EXPECT_FALSE(both.hides("d/e"));
  EXPECT_NE(both.below("a"), both.below("d"));
  EXPECT_EQ(both.below("d"), both.below("e"));
  // Of other masks, too: lists and globs that say nothing there do not tell.
  EXPECT_EQ(both.below("d"), masks({"x/y", "**/c"}).below("d"));
  EXPECT_EQ(Masks().below("d"), masks({"x/y"}).below("d"));
  auto apart = masks({"**/c"});
  apart.add(masks({"!**/e"}));
  EXPECT_NE(apart.below("d"), masks({"**/c", "!**/e"}).below("d"));
}

TEST(Masks, AMalformedGlobIsRefused) {
  EXPECT_EQ(Masks::parse({"a", "[b"}).error().code, Code::invalid_argument);
  EXPECT_EQ(Masks::parse({"!{b"}).error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace boxagnts::vfs
