// From a grant's masks to those of one mount; and that masks hide exactly what the rules deny or
// ask about, whatever the rules are.
#include "tools/mount_masks.h"

#include <gtest/gtest.h>

#include <random>

#include "policy/rules.h"

namespace boxagnts::tools {
namespace {

using core::Verdict;
using policy::Layer;

TEST(MountMasks, AreTheGrantsBelowTheMountsRoot) {
  const struct {
    const char *mask, *mount, *path;
    bool hidden;
  } kRows[] = {
      {"/*/v/a", "/w/v", "a", true},
      {"/*/u/a", "/w/v", "a", false},
      {"**/a", "/w", "b/a", true},
      {"/w", "/w/v", "a", true},
      {"/**/v/*.k", "/w/v", "a.k", true},
      {"/**/v/*.k", "/w/v", "b/a.k", false},
      {"/{x,w}/a", "/w", "a", true},
      {"/{x,w/v}/a", "/w/v", "a", true},
      {"/w/**/v/x", "/w/v", "x", true},
      {"/w/a", "/w", ".boxagnts", true},
      {"/w/secret", "/w", "secret", true},
      {"/w/secret", "/w", "secret/below", true},
      {"/w/secret", "/w", "a/secret", false},
      {"/w/secret", "/", "w/secret", true},
      {"/w/secret", "/v", "secret", false},
      {"/w/secret", "/w/secret", "anything", true},
      {"/w/secret", "/w/secret/below", "anything", true},
      {"/w/*.key", "/w", "a.key", true},
      {"/w/*.key", "/w/a.key/b", "x", true},
      {"/**/.env", "/w", ".env", true},
      {"/**/.env", "/w", "a/.env", true},
      {"/**/.env", "/w/a", ".env", true},
      {"/**/.env", "/w", "env", false},
      {"/w/**", "/w", "x", true},
      {"/w/{a,b}/c", "/w/b", "c", true},
      {"/w/[ab]/c", "/w/b", "c", true},
      {"/w/Docs/**", "/w/docs", "x", true},
      {"/W/docs", "/w", "DOCS", true},
      {"/home/U/keys", "/home/u/keys", "x", true},
  };
  for (const auto& row : kRows)
    EXPECT_EQ(masks_of_mount({{row.mask}}, row.mount).value().hides(row.path), row.hidden)
        << row.mask << " " << row.mount << " " << row.path;
}

TEST(MountMasks, WhatAnyListHidesIsHiddenAndInAListTheLastCounts) {
  const auto masks =
      masks_of_mount({{"/w/a/**", "!/w/a/b", "/w/a/b/c"}, {"/w/a/b/d", "!/w/a/x"}}, "/w").value();
  EXPECT_TRUE(masks.hides("a/x")) << "another list does not show it";
  EXPECT_FALSE(masks.hides("a/b"));
  EXPECT_TRUE(masks.hides("a/b/c"));
  EXPECT_TRUE(masks.hides("a/b/d"));
}

TEST(MountMasks, WhatShowsAgainCountsInTheWrittenCaseAlsoOfTheMount) {
  const std::vector<std::vector<std::string>> masks{{"/w/**/.env", "!/w/Sub/.env"}};
  EXPECT_FALSE(masks_of_mount(masks, "/w/Sub").value().hides(".env"));
  EXPECT_TRUE(masks_of_mount(masks, "/w/sub").value().hides(".env"));
}

TEST(MountMasks, AMalformedOneIsRefused) {
  EXPECT_FALSE(masks_of_mount({{"/w/[a"}}, "/w"));
  EXPECT_FALSE(masks_of_mount({{"/w/b"}, {"!/w/{a"}}, "/w"));
}

// Few words, so that random rules meet random paths.
class Gardener {
 public:
  explicit Gardener(std::uint64_t seed) : random_(seed) {}
  std::size_t below(std::size_t end) { return random_() % end; }

  std::string name() {
    static constexpr const char* kNames[] = {"a",    "b",     "A",     ".env", ".env.example",
                                             ".ssh", "x.pem", "x.PEM", "d"};
    return kNames[below(std::size(kNames))];
  }
  std::string path(std::size_t depth) {
    std::string path = name();
    for (auto left = below(depth); left > 0; --left) path += "/" + name();
    return path;
  }
  std::string glob() {
    static constexpr const char* kStarts[] = {"",    "",       "./",   "~/",  "/w/",
                                              "/W/", "/data/", "/**/", "**/", "/d/a/"};
    static constexpr const char* kParts[] = {"*", "**", "?", "*.pem", "[ab]", "{a,.env}", ".env*"};
    std::string glob = kStarts[below(std::size(kStarts))];
    for (auto left = below(3) + 1; left > 0; --left)
      glob += (below(5) < 3 ? name() : std::string(kParts[below(std::size(kParts))])) +
              (left > 1 ? "/" : "");
    return glob;
  }

 private:
  std::mt19937_64 random_;
};

TEST(MountMasks, HideExactlyWhatTheRulesDenyOrAskAboutInEveryMount) {
  constexpr const char* kMounts[] = {"/w", "/w/a", "/data", "/home/u", "/d/a/.env", "/", "/w/A"};
  const policy::Rules builtin(
      {.workspace = "/w", .home = "/home/u", .configuration = "/home/u/.c"});
  int hidden = 0, shown = 0, answered_asks = 0;
  for (std::uint64_t seed = 0; seed < 2000 && !testing::Test::HasFailure(); ++seed) {
    Gardener gardener(seed);
    policy::Rules rules = builtin;
    std::string written;
    for (auto left = gardener.below(6); left > 0; --left) {
      const auto layer = static_cast<Layer>(1 + gardener.below(3));
      const auto verdict = static_cast<Verdict>(gardener.below(3));
      const auto text = "read " + gardener.glob();
      ASSERT_TRUE(rules.add(layer, verdict, text, "f:1")) << text;
      written += "\n  layer " + std::to_string(static_cast<int>(layer)) + " " +
                 std::string(core::name_of(verdict)) + " " + text;
    }
    if (gardener.below(2) == 0) {
      rules.trust_workspace();
      written += "\n  trusted";
    }
    std::vector<std::string> answered;
    if (gardener.below(3) == 0) answered.push_back("/w/" + gardener.path(3));
    for (const std::string mount : kMounts) {
      const auto masks = masks_of_mount(rules.masks(answered), mount).value();
      for (int i = 0; i < 8; ++i) {
        const auto path = gardener.below(8) == 0 && !answered.empty() && mount == "/w"
                              ? answered.front().substr(3)
                              : gardener.path(3);
        const auto absolute = (mount == "/" ? "" : mount) + "/" + path;
        const auto ruling = rules.judge_read(absolute);
        const bool asked = ruling && ruling->verdict == Verdict::ask;
        const bool yes =
            asked && !answered.empty() && (absolute + "/").starts_with(answered.front() + "/");
        const bool wanted = (asked && !yes) || (ruling && ruling->verdict == Verdict::deny);
        EXPECT_EQ(masks.hides(path), wanted)
            << "seed " << seed << ", " << mount << " " << path << ", "
            << (ruling ? ruling->rule : "no rule")
            << (answered.empty() ? "" : ", answered " + answered.front()) << written;
        (wanted ? hidden : shown)++;
        answered_asks += yes ? 1 : 0;
      }
    }
  }
  EXPECT_GT(hidden, 5000);
  EXPECT_GT(shown, 5000);
  EXPECT_GT(answered_asks, 20);
}

}  // namespace
}  // namespace boxagnts::tools
