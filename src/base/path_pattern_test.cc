// A pattern matches what its glob matches and all below it, in the letter case that it asks for;
// the short ways for plain names say the same as the glob.
#include "base/path_pattern.h"

#include <gtest/gtest.h>

#include <random>

#include "base/text.h"

namespace boxagnts::base {
namespace {

bool matches(std::string_view glob, std::string_view path,
             LetterCase letters = LetterCase::counts) {
  return PathPattern::parse(glob, letters).value().matches(PathSubject(path));
}

TEST(PathPattern, StandsForWhatItMatchesAndAllBelow) {
  EXPECT_TRUE(matches("a/b", "a/b"));
  EXPECT_TRUE(matches("a/b", "a/b/c/d"));
  EXPECT_FALSE(matches("a/b", "a"));
  EXPECT_FALSE(matches("a/b", "a/bc"));
  EXPECT_TRUE(matches("**/x*y", "p/xzy/below"));
  EXPECT_TRUE(matches("**/x*y", "xy"));
  EXPECT_FALSE(matches("**/x*x", "x")) << "the star's two sides do not overlap";
  EXPECT_FALSE(matches("**/x", ""));
  EXPECT_FALSE(matches("**", "")) << "the root is nothing that can be hidden";
}

TEST(PathPattern, TheLetterCaseIsThatOfAsciiAlone) {
  EXPECT_FALSE(matches("A/b", "a/B"));
  EXPECT_TRUE(matches("A/b", "a/B", LetterCase::ignored));
  EXPECT_TRUE(matches("**/[A-C]x", "bX", LetterCase::ignored));
  EXPECT_TRUE(matches("**/\xc3\x84", "\xc3\x84", LetterCase::ignored));
  EXPECT_FALSE(matches("**/\xc3\x84", "\xc3\xa4", LetterCase::ignored));
}

TEST(PathPattern, AMalformedGlobIsRefused) {
  for (const char* glob : {"[a", "{a", "**/[a", "**/{a,b"})
    for (const auto letters : {LetterCase::counts, LetterCase::ignored})
      EXPECT_EQ(PathPattern::parse(glob, letters).error().code, Code::invalid_argument) << glob;
}

TEST(PathPattern, AQuotedTextMatchesItselfAlone) {
  for (const char* text :
       {"a", "a*b", "[x]", "{a,b}", "?", "!x", "a\\b", "x]y}", "\\", "a,b", "-"}) {
    EXPECT_TRUE(matches(glob_quoted(text), text)) << text;
    EXPECT_TRUE(matches("p/" + glob_quoted(text) + "/q", "p/" + std::string(text) + "/q")) << text;
    for (const char* other : {"ab", "x", "b", "axb", "y"})
      EXPECT_FALSE(matches(glob_quoted(text), other)) << text << " " << other;
  }
}

TEST(PathPattern, IsItsGlobOnThePathOrAFolderAbove) {
  constexpr const char* kParts[] = {"a", "b",  "ab", "*",    "**",     "a*",   "*b",
                                    "A", "?b", ".",  "a*b*", "{a,b*}", "[ab]", "\\*"};
  constexpr const char* kNames[] = {"a", "b", "ab", "A", "aB", "*", "acb", ".x"};
  int matched = 0;
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    std::mt19937_64 random(seed);
    const auto pick = [&](const auto& from) {
      return std::string(from[random() % std::size(from)]);
    };
    std::string glob = random() % 2 == 0 ? "**/" : "";
    for (auto left = random() % 3 + 1; left > 0; --left)
      glob += pick(kParts) + (left > 1 ? "/" : "");
    std::string path;
    for (auto left = random() % 3 + 1; left > 0; --left)
      path += pick(kNames) + (left > 1 ? "/" : "");
    for (const auto letters : {LetterCase::counts, LetterCase::ignored}) {
      const bool ignored = letters == LetterCase::ignored;
      const auto plain = Glob::parse(ignored ? lower_case(glob) : glob).value();
      const auto subject = ignored ? lower_case(path) : path;
      bool wanted = plain.matches(subject);
      for (std::size_t i = 0; i < subject.size(); ++i)
        wanted = wanted || (subject[i] == '/' && plain.matches(subject.substr(0, i)));
      ASSERT_EQ(matches(glob, path, letters), wanted)
          << "seed " << seed << " " << glob << " " << path;
      matched += wanted ? 1 : 0;
    }
  }
  EXPECT_GT(matched, 2000);
}

}  // namespace
}  // namespace boxagnts::base
