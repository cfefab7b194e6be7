// Every cell of DESIGN section 5's tables, with every rule that stands before or after them.
#include "policy/policy.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace boxagnts::policy {
namespace {

using core::Access;
using core::AgentAccess;
using core::Level;
using core::Mode;
using core::Verdict;

constexpr auto kAllow = Verdict::allow;
constexpr auto kAsk = Verdict::ask;
constexpr auto kDeny = Verdict::deny;
constexpr Mode kModes[] = {Mode::plan, Mode::ask, Mode::edits, Mode::autonomous, Mode::unattended};
constexpr Level kLevels[] = {Level::none,    Level::read_only, Level::write,
                             Level::execute, Level::dangerous, Level::forbidden};

Input call(Level claimed, Mode mode, const Rules* rules = nullptr) {
  Input input;
  input.tool = "tool";
  input.claimed = claimed;
  input.mode = mode;
  input.rules = rules;
  input.envelope.mounts = {{"/w", "/w", Access::read_write},
                           {"/w/vendor", "/w/vendor", Access::read_only},
                           {"/ref", "/ref", Access::read_only},
                           {"", "/tmp", Access::read_write}};
  return input;
}

Input writing(std::string path, Mode mode, const Rules* rules = nullptr) {
  auto input = call(Level::write, mode, rules);
  input.facts.writes = {std::move(path)};
  return input;
}

using Entries = std::vector<std::pair<Verdict, const char*>>;
Rules rules_of(const Entries& entries, Layer layer = Layer::user) {
  static const Rules kBuiltin({.workspace = "/w", .home = "/home/u", .configuration = ""});
  Rules rules = kBuiltin;
  for (const auto& [verdict, text] : entries)
    EXPECT_TRUE(rules.add(layer, verdict, text, "config.toml:3")) << text;
  return rules;
}

std::string at(Mode mode, Level level) {
  return std::string(name_of(mode)) + "/" + std::string(name_of(level));
}

// --- the tables
// -----------------------------------------------------------------------------------

// A column a mode, in their order: what becomes of the call, and of what it changes.
struct Row {
  Level level;
  Verdict calls[5];
  Verdict effects[5];
  Access workspace[5];
};
constexpr auto kRo = Access::read_only;
constexpr auto kRw = Access::read_write;
constexpr Row kTable[] = {
    {Level::none,
     {kAllow, kAllow, kAllow, kAllow, kAllow},
     {kDeny, kDeny, kDeny, kDeny, kDeny},
     {kRo, kRo, kRo, kRo, kRo}},
    {Level::read_only,
     {kAllow, kAllow, kAllow, kAllow, kAllow},
     {kDeny, kDeny, kDeny, kDeny, kDeny},
     {kRo, kRo, kRo, kRo, kRo}},
    {Level::write,
     {kDeny, kAllow, kAllow, kAllow, kAllow},
     {kDeny, kAsk, kAllow, kAllow, kAllow},
     {kRo, kRw, kRw, kRw, kRw}},
    {Level::execute,
     {kAllow, kAllow, kAllow, kAllow, kAllow},
     {kDeny, kAsk, kAsk, kAllow, kAllow},
     {kRo, kRw, kRw, kRw, kRw}},
    {Level::dangerous,
     {kDeny, kAsk, kAsk, kAsk, kAsk},
     {kDeny, kAllow, kAllow, kAllow, kAllow},
     {kRo, kRw, kRw, kRw, kRw}},
    {Level::forbidden,
     {kDeny, kDeny, kDeny, kDeny, kDeny},
     {kDeny, kDeny, kDeny, kDeny, kDeny},
     {kRo, kRo, kRo, kRo, kRo}},
};
static_assert(std::size(kTable) == core::EnumNames<Level>::kNames.size());
static_assert(std::size(kModes) == core::EnumNames<Mode>::kNames.size());

template <class Visit>
void each_cell(Visit visit) {
  for (const auto& row : kTable)
    for (std::size_t i = 0; i < std::size(kModes); ++i)
      visit(row.level, kModes[i], row.calls[i], row.effects[i], row.workspace[i]);
}

TEST(Policy, EveryCellOfBothTables) {
  each_cell([](Level level, Mode mode, Verdict verdict, Verdict effects, Access workspace) {
    const auto decision = decide(call(level, mode));
    EXPECT_EQ(decision.verdict, verdict) << at(mode, level);
    EXPECT_EQ(decision.level, level);
    EXPECT_FALSE(decision.reason.empty()) << at(mode, level);
    EXPECT_EQ(decision.rule, level == Level::forbidden ? "forbidden" : "table:" + at(mode, level));
    EXPECT_EQ(decision.workspace, workspace) << at(mode, level);
    EXPECT_EQ(decision.effects, effects) << at(mode, level);
  });
}

TEST(Policy, TheTableJudgesChangesInsideTheWorkspace) {
  each_cell([](Level level, Mode mode, Verdict, Verdict effects, Access) {
    const auto input = call(level, mode);
    const auto decision = decide(input);
    const auto judged = judge_changes(input, decision, {"/w/a", "/w/b"});
    EXPECT_EQ(judged.verdict, effects) << at(mode, level);
    EXPECT_TRUE(judge_changes(input, decision, {}).paths.empty());
    if (effects != kAllow)
      EXPECT_EQ(judged.paths, (std::vector<std::string>{"/w/a", "/w/b"})) << at(mode, level);
  });
}

TEST(Policy, ConnectionsThatNoRuleAllowsAreAskedAboutButInPlanMode) {
  for (const auto mode : kModes)
    EXPECT_EQ(judge_connection(mode), mode == Mode::plan ? kDeny : kAsk) << name_of(mode);
}

// --- rules on tools
// -------------------------------------------------------------------------------

TEST(Policy, ADenyOfTheToolBeatsEveryCellAndAnAllowNoDenyAndNoDanger) {
  const auto denied = rules_of({{kAllow, "tool tool"}, {kDeny, "tool t*"}});
  const auto allowed = rules_of({{kAllow, "tool tool"}});
  each_cell([&](Level level, Mode mode, Verdict verdict, Verdict effects, Access workspace) {
    auto decision = decide(call(level, mode, &denied));
    EXPECT_EQ(decision.verdict, kDeny) << at(mode, level);
    EXPECT_EQ(decision.effects, kDeny);
    EXPECT_EQ(decision.rule,
              level == Level::forbidden ? "forbidden" : "deny tool t* (config.toml:3)");
    decision = decide(call(level, mode, &allowed));
    EXPECT_EQ(decision.verdict, verdict) << at(mode, level);
    EXPECT_EQ(decision.workspace, workspace);
    EXPECT_EQ(decision.effects, effects == kAsk ? kAllow : effects) << at(mode, level);
    EXPECT_EQ(decision.rule == "allow tool tool (config.toml:3)", effects == kAsk) << decision.rule;
  });
}

TEST(Policy, AnAskOfTheToolAsksInEveryCellThatIsNoDeny) {
  const auto asked = rules_of({{kAsk, "tool tool"}});
  each_cell([&](Level level, Mode mode, Verdict verdict, Verdict, Access) {
    const auto decision = decide(call(level, mode, &asked));
    EXPECT_EQ(decision.verdict, verdict == kDeny ? kDeny : kAsk) << at(mode, level);
    if (verdict != kDeny) EXPECT_EQ(decision.rule, "ask tool tool (config.toml:3)");
  });
}

TEST(Policy, RulesOfAnotherToolSayNothing) {
  const auto rules = rules_of({{kDeny, "tool other"}});
  EXPECT_EQ(decide(call(Level::write, Mode::edits, &rules)).verdict, kAllow);
}

TEST(Policy, NoAllowOpensADeniedCellTheEnvelopeOrForbidden) {
  const auto rules = rules_of({{kAllow, "tool tool"},
                               {kAllow, "write /**"},
                               {kAllow, "write /etc/passwd"},
                               {kAllow, "write /ref/a"},
                               {kAllow, "read /etc/passwd"},
                               {kAllow, "connect *://*:*"}});
  auto plan = writing("/w/a", Mode::plan, &rules);
  plan.approved_folders = {"/"};
  EXPECT_EQ(decide(plan).rule, "table:plan/write");
  for (const auto mode : kModes) {
    EXPECT_EQ(decide(writing("/etc/passwd", mode, &rules)).rule, "outside-mounts");
    EXPECT_EQ(decide(writing("/ref/a", mode, &rules)).rule, "read-only-mount");
    EXPECT_EQ(decide(call(Level::forbidden, mode, &rules)).rule, "forbidden");
    EXPECT_NE(decide(call(Level::dangerous, mode, &rules)).verdict, kAllow) << name_of(mode);
  }
}

// --- levels
// ---------------------------------------------------------------------------------------

TEST(Policy, TheEffectiveLevelIsTheHigherOfClaimAndFacts) {
  struct Claim {
    Level claimed;
    bool reads, writes, opaque;
    Level effective;
  };
  constexpr Claim kClaims[] = {
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
  for (const auto& row : kClaims) {
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
  EXPECT_EQ(decide(input).effects, kAsk);
}

// --- paths
// ----------------------------------------------------------------------------------------

TEST(Policy, PathsAreJudgedByTheDeepestMount) {
  struct OfPath {
    const char* path;
    const char* read_rule;
    const char* write_rule;
  };
  constexpr OfPath kRows[] = {
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

// --- rules on paths
// -------------------------------------------------------------------------------

TEST(Policy, WhatIsDeniedToReadIsNeitherReadNorMadeByAnyCall) {
  const auto rules = rules_of({{kDeny, "read plans/**"}});
  for (const auto mode : kModes)
    for (const auto level : kLevels) {
      for (const auto* path : {"/w/plans/a", "/w/.env"}) {
        auto input = call(level, mode, &rules);
        input.facts.reads = {"/w/fine", path};
        EXPECT_EQ(decide(input).verdict, kDeny) << at(mode, level) << path;
        input.facts = {.reads = {}, .writes = {path}};
        const auto decision = decide(input);
        EXPECT_EQ(decision.verdict, kDeny) << at(mode, level) << path;
        if (level != Level::forbidden && mode != Mode::plan)
          EXPECT_TRUE(decision.reason.contains(std::string("using ") + path)) << decision.reason;
      }
    }
}

TEST(Policy, WhatIsDeniedToWriteIsDeniedBeforeTheCall) {
  const auto rules = rules_of({{kDeny, "write a.lock"}, {kAllow, "tool tool"}});
  for (const auto mode : kModes) {
    const auto decision = decide(writing("/w/x/a.lock", mode, &rules));
    EXPECT_EQ(decision.verdict, kDeny);
    EXPECT_EQ(decision.rule, "deny write a.lock (config.toml:3)");
  }
  auto input = call(Level::read_only, Mode::ask, &rules);
  input.facts.reads = {"/w/x/a.lock"};
  EXPECT_EQ(decide(input).verdict, kAllow) << "to write, not to read";
}

TEST(Policy, WhatIsAskedAboutToReadIsAskedBeforeAndAnAskToWriteIsNot) {
  const auto rules = rules_of({{kAsk, "read drafts/**"}, {kAsk, "write asked/**"}});
  for (const auto mode : kModes) {
    auto input = call(Level::read_only, mode, &rules);
    input.facts.reads = {"/w/a", "/w/drafts/b"};
    const auto decision = decide(input);
    EXPECT_EQ(decision.verdict, kAsk) << name_of(mode);
    EXPECT_EQ(decision.rule, "ask read drafts/** (config.toml:3)");
  }
  EXPECT_EQ(decide(writing("/w/asked/b", Mode::edits, &rules)).verdict, kAllow)
      << "the question is the diff";
  EXPECT_EQ(decide(writing("/w/drafts/b", Mode::edits, &rules)).verdict, kAsk)
      << "what is hidden cannot be made before a yes";
}

// --- changes
// --------------------------------------------------------------------------------------

ChangesDecision judged(const Input& input, std::vector<std::string> paths) {
  return judge_changes(input, decide(input), std::move(paths));
}

TEST(PolicyChanges, AnApprovedFolderCoversWhatIsBelowItAndNothingElse) {
  auto input = call(Level::write, Mode::ask);
  input.approved_folders = {"/w/src", "/w/one.txt"};
  EXPECT_EQ(judged(input, {"/w/src/a", "/w/src/deep/b", "/w/one.txt"}).verdict, kAllow);
  EXPECT_EQ(judged(input, {"/w/src/a"}).rule, "approved-folder");
  for (const auto* other : {"/w/a", "/w/src2/a", "/w/srcs", "/w/one.txt2", "/w/SRC/a", "/w"}) {
    const auto decision = judged(input, {"/w/src/a", other});
    EXPECT_EQ(decision.verdict, kAsk) << other;
    EXPECT_EQ(decision.paths, std::vector<std::string>{other});
  }
}

TEST(PolicyChanges, AnApprovedFolderNeverOverridesMore) {
  const auto rules = rules_of({{kDeny, "write denied"}});
  for (const auto mode : kModes)
    for (const auto level : kLevels) {
      auto input = call(level, mode, &rules);
      input.approved_folders = {"/"};
      const auto decision = decide(input);
      const auto verdict = judge_changes(input, decision, {"/w/a"}).verdict;
      EXPECT_EQ(verdict, decision.effects == kDeny ? kDeny : kAllow) << at(mode, level);
      EXPECT_EQ(judge_changes(input, decision, {"/w/denied"}).verdict, kDeny);
      EXPECT_EQ(judge_changes(input, decision, {"/ref/a"}).rule, "outside-mounts");
      EXPECT_EQ(judge_changes(input, decision, {"/etc/x"}).rule, "outside-mounts");
    }
}

TEST(PolicyChanges, WhatARuleAsksAboutInsideAnApprovedFolderIsAskedAboutApart) {
  const auto rules = rules_of({{kAsk, "write api/**"}});
  auto input = call(Level::write, Mode::autonomous, &rules);
  input.approved_folders = {"/w"};
  EXPECT_EQ(judged(input, {"/w/a"}).verdict, kAllow);
  for (const auto* path : {"/w/api/x", "/w/AGENTS.md", "/w/sub/AGENTS.md", "/w/.git/hooks/x"}) {
    const auto decision = judged(input, {"/w/a", path});
    EXPECT_EQ(decision.verdict, kAsk) << path;
    EXPECT_EQ(decision.paths, std::vector<std::string>{path});
  }
  input.approved_folders = {"/w/api/v1", "/w/AGENTS.md", "/w/.git/hooks"};
  EXPECT_EQ(judged(input, {"/w/api/v1/x", "/w/AGENTS.md", "/w/.git/hooks/x"}).verdict, kAllow);
}

TEST(PolicyChanges, ARuleAsksInEveryModeAndDeniesInEveryMode) {
  const auto rules = rules_of({{kAsk, "write a"}, {kDeny, "write d"}, {kAllow, "tool tool"}});
  for (const auto mode : {Mode::ask, Mode::edits, Mode::autonomous, Mode::unattended})
    for (const auto level : {Level::write, Level::execute}) {
      const auto input = call(level, mode, &rules);
      EXPECT_EQ(judged(input, {"/w/a"}).verdict, kAsk) << at(mode, level);
      EXPECT_EQ(judged(input, {"/w/a"}).rule, "ask write a (config.toml:3)");
      EXPECT_EQ(judged(input, {"/w/d"}).verdict, kDeny) << at(mode, level);
      EXPECT_EQ(judged(input, {"/w/.github/x"}).verdict, kAsk) << "built in";
    }
}

TEST(PolicyChanges, AnAllowAnswersTheTablesQuestionForItsPathsAlone) {
  const auto rules = rules_of({{kAllow, "write docs/**"}});
  for (const auto level : {Level::write, Level::execute}) {
    const auto input = call(level, Mode::ask, &rules);
    EXPECT_EQ(judged(input, {"/w/docs/a"}).verdict, kAllow);
    EXPECT_EQ(judged(input, {"/w/docs/a", "/w/b"}).verdict, kAsk);
    EXPECT_EQ(judged(input, {"/w/docs/a", "/w/b"}).paths, std::vector<std::string>{"/w/b"});
    EXPECT_EQ(judged(input, {"/w/docs/AGENTS.md"}).verdict, kAsk) << "named by no allow";
  }
  const auto plan = call(Level::execute, Mode::plan, &rules);
  EXPECT_EQ(judged(plan, {"/w/docs/a"}).verdict, kDeny);
}

TEST(PolicyChanges, TheStrictestOfSeveralFilesDecidesInAnyOrder) {
  const auto rules = rules_of({{kAllow, "write a"}, {kAsk, "write b"}, {kDeny, "write c"}});
  const auto input = call(Level::write, Mode::ask, &rules);
  std::vector<std::string> paths{"/w/a", "/w/b", "/w/c", "/ref/d"};
  do {
    const auto decision = judged(input, paths);
    EXPECT_EQ(decision.verdict, kDeny);
    EXPECT_EQ(decision.paths.size(), 2u);
  } while (std::ranges::next_permutation(paths).found);
  EXPECT_EQ(judged(input, {"/w/b", "/w/a"}).verdict, kAsk);
  EXPECT_EQ(judged(input, {"/w/a"}).verdict, kAllow);
}

TEST(PolicyChanges, WhatLiesOutsideOrIsNoNormalPathIsDenied) {
  const auto input = call(Level::write, Mode::autonomous);
  for (const auto* path : {"/etc/x", "/ref/a", "/w/vendor/a", "/w/../etc/x", "/w/./a", "w/a", ""})
    EXPECT_EQ(judged(input, {"/w/a", path}).rule, "outside-mounts") << path;
}

// --- grants
// ---------------------------------------------------------------------------------------

TEST(Policy, AGrantIsTheEnvelopeLoweredAndMasked) {
  const auto rules = rules_of({{kAsk, "read drafts/**"},
                               {kDeny, "connect https://a.test"},
                               {kAllow, "connect https://b.test"}});
  for (const auto mode : kModes)
    for (const auto level : kLevels) {
      auto input = call(level, mode, &rules);
      input.envelope.masks = {{"/**/own"}};
      input.envelope.limits.open_files = 7;
      const auto decision = decide(input);
      const auto grant = grant_of(input, decision, {"/w/drafts/a"});
      ASSERT_EQ(grant.mounts.size(), 4u);
      EXPECT_EQ(grant.mounts[0].access, decision.workspace) << at(mode, level);
      EXPECT_EQ(grant.mounts[1].access, Access::read_only);
      EXPECT_EQ(grant.mounts[2].access, Access::read_only);
      EXPECT_EQ(grant.mounts[3].access, Access::read_write)
          << "scratch lasts no longer than the run";
      ASSERT_GE(grant.masks.size(), 3u);
      EXPECT_EQ(grant.masks[0], std::vector<std::string>{"/**/own"});
      EXPECT_EQ(grant.masks[2], (std::vector<std::string>{"/w/drafts/**", "!/w/drafts/a"}));
      EXPECT_EQ(grant.limits.open_files, 7u);
      EXPECT_EQ(grant.network.denied.size(), 1u);
      EXPECT_EQ(grant.network.allowed.size(), 1u);
    }
}

// --- agent access, skills
// -------------------------------------------------------------------------

TEST(Policy, AgentAccessTrimsTheListAndIsCheckedAgain) {
  struct Shown {
    Level level;
    bool full, read_only, search_only;
  };
  constexpr Shown kRows[] = {
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

TEST(Policy, ASkillsToolsNarrowWhatMayBeCalledButForToolsThatTouchNothing) {
  const std::vector<std::string> skill{"read", "grep"};
  for (const auto mode : kModes)
    for (const auto level : {Level::read_only, Level::write, Level::execute, Level::dangerous}) {
      auto input = call(level, mode);
      input.skill_tools = &skill;
      EXPECT_EQ(decide(input).rule, "skill-tools") << at(mode, level);
      input.tool = "grep";
      EXPECT_NE(decide(input).rule, "skill-tools") << at(mode, level);
    }
  auto own = call(Level::none, Mode::ask);
  own.skill_tools = &skill;
  EXPECT_EQ(decide(own).verdict, kAllow);
  const std::vector<std::string> none;
  own.claimed = Level::read_only;
  own.skill_tools = &none;
  EXPECT_EQ(decide(own).rule, "skill-tools") << "a list without a name is a list";
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
  for (auto& text : allowed)
    input.envelope.network.allowed.push_back({std::move(text), "config.toml:3"});
  return input;
}

TEST(PolicyConnections, ThatMayBeAskedAboutPassAndInPlanModeAreDeniedWithTheEntryToWrite) {
  for (const auto mode : kModes) {
    auto input = connecting({"https://a.test/x", "https://b.test:8443/y"}, {"https://a.test"});
    input.mode = mode;
    const auto decision = decide(input);
    EXPECT_EQ(decision.verdict, mode == Mode::plan ? kDeny : kAllow) << name_of(mode);
    if (mode == Mode::plan) {
      EXPECT_EQ(decision.rule, "connect:not-granted");
      EXPECT_TRUE(decision.reason.contains("add \"https://b.test:8443\"")) << decision.reason;
    }
    input.envelope.network.allowed.push_back({"https://b.test:8443", ""});
    EXPECT_EQ(decide(input).verdict, kAllow);
  }
}

TEST(PolicyConnections, ThatNobodyMayBeAskedAboutAreDeniedInEveryMode) {
  const auto rules = rules_of({{kDeny, "connect https://*.bad.test"}});
  for (const auto mode : kModes)
    for (const auto* url : {"https://x.bad.test/", "http://169.254.169.254/latest/"}) {
      auto input = connecting({url}, {"https://*"});
      input.mode = mode;
      input.rules = &rules;
      EXPECT_EQ(decide(input).verdict, kDeny) << url << name_of(mode);
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
  input.envelope.network.offline = true;
  EXPECT_EQ(decide(input).rule, "connect:offline");
}

}  // namespace
}  // namespace boxagnts::policy
