// Every cell of DESIGN section 5's table, and every rule that stands before or after it.
#include "policy/policy.h"

#include <gtest/gtest.h>

namespace boxagnts::policy {
namespace {

using core::Access;
using core::AgentAccess;
using core::Level;
using core::Mode;
using core::Verdict;

Input call(Level claimed, Mode mode) {
  Input input;
  input.tool = "tool";
  input.claimed = claimed;
  input.mode = mode;
  input.mounts = {{"/w", "/w", Access::read_write},
                  {"/w/vendor", "/w/vendor", Access::read_only},
                  {"/ref", "/ref", Access::read_only},
                  {"", "/tmp", Access::read_write}};
  return input;
}

Input writing(std::string path, Mode mode) {
  auto input = call(Level::write, mode);
  input.facts.writes = {std::move(path)};
  return input;
}

// --- the table
// ------------------------------------------------------------------------------------

struct Cell {
  Level level;
  Mode mode;
  Verdict verdict;
  Access workspace;
};

constexpr auto kRead = Access::read_only;
constexpr auto kWrite = Access::read_write;
constexpr Cell kCells[] = {
    {Level::none, Mode::plan, Verdict::allow, kRead},
    {Level::none, Mode::ask, Verdict::allow, kRead},
    {Level::none, Mode::edits, Verdict::allow, kRead},
    {Level::none, Mode::autonomous, Verdict::allow, kRead},
    {Level::none, Mode::unattended, Verdict::allow, kRead},
    {Level::read_only, Mode::plan, Verdict::allow, kRead},
    {Level::read_only, Mode::ask, Verdict::allow, kRead},
    {Level::read_only, Mode::edits, Verdict::allow, kRead},
    {Level::read_only, Mode::autonomous, Verdict::allow, kRead},
    {Level::read_only, Mode::unattended, Verdict::allow, kRead},
    {Level::write, Mode::plan, Verdict::deny, kRead},
    {Level::write, Mode::ask, Verdict::ask, kWrite},
    {Level::write, Mode::edits, Verdict::allow, kWrite},
    {Level::write, Mode::autonomous, Verdict::allow, kWrite},
    {Level::write, Mode::unattended, Verdict::allow, kWrite},
    {Level::execute, Mode::plan, Verdict::allow, kRead},
    {Level::execute, Mode::ask, Verdict::ask, kWrite},
    {Level::execute, Mode::edits, Verdict::ask, kWrite},
    {Level::execute, Mode::autonomous, Verdict::allow, kWrite},
    {Level::execute, Mode::unattended, Verdict::allow, kWrite},
    {Level::dangerous, Mode::plan, Verdict::deny, kRead},
    {Level::dangerous, Mode::ask, Verdict::ask, kRead},
    {Level::dangerous, Mode::edits, Verdict::ask, kRead},
    {Level::dangerous, Mode::autonomous, Verdict::ask, kRead},
    {Level::dangerous, Mode::unattended, Verdict::deny, kRead},
    {Level::forbidden, Mode::plan, Verdict::deny, kRead},
    {Level::forbidden, Mode::ask, Verdict::deny, kRead},
    {Level::forbidden, Mode::edits, Verdict::deny, kRead},
    {Level::forbidden, Mode::autonomous, Verdict::deny, kRead},
    {Level::forbidden, Mode::unattended, Verdict::deny, kRead},
};
static_assert(std::size(kCells) ==
              core::EnumNames<Level>::kNames.size() * core::EnumNames<Mode>::kNames.size());

TEST(Policy, EveryCellOfTheTable) {
  for (const auto& cell : kCells) {
    const auto decision = decide(call(cell.level, cell.mode));
    const std::string where =
        std::string(name_of(cell.mode)) + "/" + std::string(name_of(cell.level));
    EXPECT_EQ(decision.verdict, cell.verdict) << where;
    EXPECT_EQ(decision.workspace, cell.workspace) << where;
    EXPECT_EQ(decision.level, cell.level) << where;
    EXPECT_EQ(decision.rule,
              cell.level == Level::forbidden ? std::string("forbidden") : "table:" + where);
    EXPECT_FALSE(decision.reason.empty()) << where;
  }
}

// --- levels
// ---------------------------------------------------------------------------------------

TEST(Policy, TheEffectiveLevelIsTheHigherOfClaimAndFacts) {
  struct Row {
    Level claimed;
    bool reads, writes, opaque;
    Level effective;
  };
  constexpr Row kRows[] = {
      {Level::none, false, false, false, Level::none},
      {Level::none, true, false, false, Level::read_only},
      {Level::none, false, true, false, Level::write},
      {Level::none, false, false, true, Level::none},
      {Level::read_only, true, false, false, Level::read_only},
      {Level::read_only, true, true, false, Level::write},
      {Level::read_only, false, false, true, Level::read_only},
      {Level::write, true, false, false, Level::write},
      {Level::execute, false, true, true, Level::execute},
      {Level::dangerous, true, true, false, Level::dangerous},
      {Level::forbidden, true, false, false, Level::forbidden},
  };
  for (const auto& row : kRows) {
    auto input = call(row.claimed, Mode::ask);
    if (row.reads) input.facts.reads = {"/w/a"};
    if (row.writes) input.facts.writes = {"/w/b"};
    input.facts.opaque = row.opaque;
    EXPECT_EQ(effective_level(input), row.effective) << name_of(row.claimed);
  }
}

TEST(Policy, AToolThatClaimsToReadButWritesIsDecidedAsAWrite) {
  auto input = call(Level::read_only, Mode::plan);
  input.facts.writes = {"/w/a"};
  EXPECT_EQ(decide(input).rule, "table:plan/write");
  input.mode = Mode::ask;
  EXPECT_EQ(decide(input).verdict, Verdict::ask);
}

// --- paths
// ----------------------------------------------------------------------------------------

TEST(Policy, PathsAreJudgedByTheDeepestMount) {
  struct Row {
    const char* path;
    const char* read_rule;
    const char* write_rule;
  };
  constexpr Row kRows[] = {
      {"/w", "", ""},
      {"/w/a/b", "", ""},
      {"/tmp/x", "", ""},
      {"/ref/a", "", "read-only-mount"},
      {"/w/vendor/a", "", "read-only-mount"},
      {"/w/vendored", "", ""},
      {"/", "outside-mounts", "outside-mounts"},
      {"/etc/passwd", "outside-mounts", "outside-mounts"},
      {"/workspace", "outside-mounts", "outside-mounts"},
      {"/w/../etc/passwd", "outside-mounts", "outside-mounts"},
      {"/w/./a", "outside-mounts", "outside-mounts"},
      {"/w//a", "outside-mounts", "outside-mounts"},
      {"/w/a/", "outside-mounts", "outside-mounts"},
      {"w/a", "outside-mounts", "outside-mounts"},
      {"", "outside-mounts", "outside-mounts"},
  };
  for (const auto mode : {Mode::ask, Mode::edits, Mode::autonomous, Mode::unattended}) {
    for (const auto& row : kRows) {
      auto input = call(Level::read_only, mode);
      input.facts.reads = {"/w/fine", row.path};
      const auto reading = decide(input);
      if (*row.read_rule) {
        EXPECT_EQ(reading.rule, row.read_rule) << row.path;
        EXPECT_EQ(reading.verdict, Verdict::deny) << row.path;
        EXPECT_NE(reading.reason.find("/w, /w/vendor (read-only), /ref (read-only), /tmp"),
                  std::string::npos);
      } else {
        EXPECT_EQ(reading.verdict, Verdict::allow) << row.path;
      }
      input.facts = {.reads = {}, .writes = {"/w/fine", row.path}};
      const auto written = decide(input);
      if (*row.write_rule) {
        EXPECT_EQ(written.rule, row.write_rule) << row.path;
        EXPECT_EQ(written.verdict, Verdict::deny) << row.path;
        EXPECT_EQ(written.workspace, Access::read_only) << row.path;
      } else {
        EXPECT_NE(written.verdict, Verdict::deny) << row.path;
      }
    }
  }
}

TEST(Policy, ProgramsAreHeldToTheMountsAndNativeToolsAreAskedAboutInstead) {
  for (const auto level : {Level::none, Level::read_only, Level::write, Level::execute}) {
    auto input = call(level, Mode::autonomous);
    input.facts.reads = {"/etc/passwd"};
    EXPECT_EQ(decide(input).rule, "outside-mounts") << name_of(level);
  }
  auto native = call(Level::dangerous, Mode::autonomous);
  native.facts.writes = {"/etc/passwd"};
  EXPECT_EQ(decide(native).rule, "table:autonomous/dangerous");
}

// --- approved folders
// -----------------------------------------------------------------------------

TEST(Policy, AnApprovedFolderAnswersTheQuestionForWritesBelowItOnly) {
  auto input = writing("/w/src/a", Mode::ask);
  input.approved_folders = {"/w/src"};
  auto decision = decide(input);
  EXPECT_EQ(decision.verdict, Verdict::allow);
  EXPECT_EQ(decision.rule, "approved-folder");
  EXPECT_EQ(decision.workspace, Access::read_write);

  for (const auto& other : {"/w/a", "/w/src2/a", "/tmp/a"}) {
    input.facts.writes = {"/w/src/a", other};
    EXPECT_EQ(decide(input).verdict, Verdict::ask) << other;
  }
}

TEST(Policy, AnApprovedFolderNeverOverridesMore) {
  const std::vector<std::string> everything{"/"};
  auto plan = writing("/w/a", Mode::plan);
  plan.approved_folders = everything;
  EXPECT_EQ(decide(plan).verdict, Verdict::deny);

  auto read_only = writing("/ref/a", Mode::ask);
  read_only.approved_folders = everything;
  EXPECT_EQ(decide(read_only).rule, "read-only-mount");

  auto opaque = writing("/w/a", Mode::ask);
  opaque.approved_folders = everything;
  opaque.facts.opaque = true;
  EXPECT_EQ(decide(opaque).verdict, Verdict::ask);
  opaque.facts = {.reads = {}, .writes = {}, .opaque = true};
  EXPECT_EQ(decide(opaque).verdict, Verdict::ask);

  for (const auto level : {Level::execute, Level::dangerous}) {
    auto input = writing("/w/a", Mode::ask);
    input.claimed = level;
    input.approved_folders = everything;
    EXPECT_EQ(decide(input).verdict, Verdict::ask) << name_of(level);
  }
  auto forbidden = writing("/w/a", Mode::ask);
  forbidden.claimed = Level::forbidden;
  forbidden.approved_folders = everything;
  EXPECT_EQ(decide(forbidden).verdict, Verdict::deny);
}

// --- agent access
// ---------------------------------------------------------------------------------

TEST(Policy, AgentAccessTrimsTheListAndIsCheckedAgain) {
  struct Row {
    Level level;
    bool full, read_only, search_only;
  };
  constexpr Row kRows[] = {
      {Level::none, true, true, false},       {Level::read_only, true, true, true},
      {Level::write, true, false, false},     {Level::execute, true, false, false},
      {Level::dangerous, true, false, false}, {Level::forbidden, false, false, false},
  };
  for (const auto& row : kRows) {
    const std::pair<AgentAccess, bool> columns[] = {{AgentAccess::full, row.full},
                                                    {AgentAccess::read_only, row.read_only},
                                                    {AgentAccess::search_only, row.search_only}};
    for (const auto& [access, shown] : columns) {
      EXPECT_EQ(visible(row.level, access), shown) << name_of(row.level) << name_of(access);
      if (row.level == Level::forbidden) continue;
      auto input = call(row.level, Mode::autonomous);
      input.access = access;
      EXPECT_EQ(decide(input).rule == "agent-access", !shown)
          << name_of(row.level) << name_of(access);
    }
  }
  auto sneaky = call(Level::read_only, Mode::autonomous);  // claims to read, but writes
  sneaky.access = AgentAccess::read_only;
  sneaky.facts.writes = {"/w/a"};
  EXPECT_EQ(decide(sneaky).rule, "agent-access");
}

TEST(Policy, IsBelowComparesWholeComponents) {
  EXPECT_TRUE(is_below("/w", "/w"));
  EXPECT_TRUE(is_below("/w/a", "/w"));
  EXPECT_TRUE(is_below("/anything", "/"));
  EXPECT_FALSE(is_below("/wa", "/w"));
  EXPECT_FALSE(is_below("/", "/w"));
  EXPECT_FALSE(is_below("w/a", "/"));
  EXPECT_FALSE(is_below("/w/a", ""));
}

// --- connections
// ------------------------------------------------------------------------------------

Input connecting(std::vector<std::string> urls, std::vector<std::string> allowed) {
  auto input = call(Level::read_only, Mode::ask);
  input.facts.connects = std::move(urls);
  for (auto& text : allowed) input.network.allowed.push_back({std::move(text), "config.toml:3"});
  return input;
}

TEST(PolicyConnections, AreDeniedInEveryModeWithTheEntryThatWouldAllowThem) {
  for (const auto mode : {Mode::plan, Mode::ask, Mode::edits, Mode::autonomous, Mode::unattended}) {
    auto input = connecting({"https://a.test/x", "https://b.test:8443/y"}, {"https://a.test"});
    input.mode = mode;
    const auto decision = decide(input);
    EXPECT_EQ(decision.verdict, Verdict::deny);
    EXPECT_EQ(decision.rule, "connect:not-granted");
    EXPECT_TRUE(decision.reason.contains("add \"https://b.test:8443\"")) << decision.reason;
    input.network.allowed.push_back({"https://b.test:8443", ""});
    EXPECT_EQ(decide(input).verdict, Verdict::allow);
  }
}

TEST(PolicyConnections, RaiseNoLevel) {
  EXPECT_EQ(effective_level(connecting({"https://a.test"}, {})), Level::read_only);
  EXPECT_EQ(decide(connecting({"https://a.test"}, {"https://*"})).level, Level::read_only);
}

TEST(PolicyConnections, ToWhatIsNoUrlAreDenied) {
  for (const auto* text : {"", "a.test", "ftp://a.test", "https://u:p@a.test"}) {
    const auto decision = decide(connecting({text}, {"*://*:*"}));
    EXPECT_EQ(decision.verdict, Verdict::deny) << text;
    EXPECT_EQ(decision.rule, "url") << text;
  }
}

TEST(PolicyConnections, AreDeniedOffline) {
  auto input = connecting({"https://a.test"}, {"https://a.test"});
  input.network.offline = true;
  EXPECT_EQ(decide(input).rule, "connect:offline");
}

}  // namespace
}  // namespace boxagnts::policy
