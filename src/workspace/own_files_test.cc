// What the program writes for its person: added to, kept, read again; foreign content is no loss.
#include "workspace/own_files.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

namespace boxagnts::workspace {
namespace {

class OwnFilesTest : public testing::Test {
 protected:
  OwnFilesTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "own_files.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    environment_ = [this](const std::string& name) {
      return name == "XDG_CONFIG_HOME" ? folder_ : std::string();
    };
  }
  ~OwnFilesTest() override { std::filesystem::remove_all(folder_); }

  std::vector<std::string> allowed() {
    const auto root = read_own_rules(environment_).value();
    return root->table("policy").value()->strings("allow").value();
  }

  std::string folder_;
  Environment environment_;
};

TEST_F(OwnFilesTest, RulesAreAddedOnceAndSayWhereTheyStand) {
  EXPECT_TRUE(allowed().empty());
  const auto first = add_rule(environment_, core::Verdict::allow, "write /w/docs").value();
  EXPECT_EQ(first, folder_ + "/boxagnts/rules.toml:4");
  const auto second =
      add_rule(environment_, core::Verdict::allow, "connect https://a.example:443").value();
  EXPECT_EQ(second, folder_ + "/boxagnts/rules.toml:5");
  EXPECT_EQ(add_rule(environment_, core::Verdict::allow, "write /w/docs").value(), first);
  EXPECT_EQ(allowed(),
            (std::vector<std::string>{"write /w/docs", "connect https://a.example:443"}));
  struct stat status;
  ASSERT_EQ(::stat((folder_ + "/boxagnts/rules.toml").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
}

TEST_F(OwnFilesTest, HostileTextStaysOneRule) {
  const std::string hostile = "write /w/\"]\n[policy]\nallow = [\"write /\x01";
  ASSERT_TRUE(add_rule(environment_, core::Verdict::allow, hostile));
  ASSERT_TRUE(add_rule(environment_, core::Verdict::allow, "write /w/b"));
  EXPECT_EQ(allowed(), (std::vector<std::string>{hostile, "write /w/b"}));
}

TEST_F(OwnFilesTest, ManyAtOnceLoseNothing) {
  {
    std::vector<std::jthread> people;
    for (int i = 0; i < 8; ++i)
      people.emplace_back([this, i] {
        EXPECT_TRUE(add_rule(environment_, core::Verdict::allow, "write /w/" + std::to_string(i)));
      });
  }
  EXPECT_EQ(allowed().size(), 8u);
}

TEST_F(OwnFilesTest, WhatIsNoSuchFileIsLeftAlone) {
  std::filesystem::create_directories(folder_ + "/boxagnts");
  {
    std::ofstream(folder_ + "/boxagnts/rules.toml") << "[policy]\nallow = [\"a\"\n";
    std::ofstream(folder_ + "/boxagnts/settings.toml") << "[trust]\nfoo = 1\n";
  }
  EXPECT_EQ(add_rule(environment_, core::Verdict::allow, "write /w/b").error().code,
            Code::invalid_argument);
  EXPECT_EQ(trust_of(environment_, "/w").error().code, Code::invalid_argument);
  EXPECT_FALSE(set_trust(environment_, "/w", Trust::trusted));
  std::ifstream rules(folder_ + "/boxagnts/rules.toml");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(rules), {}), "[policy]\nallow = [\"a\"\n");
}

TEST_F(OwnFilesTest, TrustIsRememberedAndTakenBack) {
  EXPECT_EQ(trust_of(environment_, "/w"), std::nullopt);
  ASSERT_TRUE(set_trust(environment_, "/w", Trust::trusted));
  ASSERT_TRUE(set_trust(environment_, "/v", Trust::untrusted));
  EXPECT_EQ(trust_of(environment_, "/w"), Trust::trusted);
  EXPECT_EQ(trust_of(environment_, "/w/below"), std::nullopt) << "of that folder alone";
  EXPECT_EQ(trust_of(environment_, "/v"), Trust::untrusted);
  ASSERT_TRUE(set_trust(environment_, "/w", Trust::untrusted));
  EXPECT_EQ(trust_of(environment_, "/w"), Trust::untrusted);
  ASSERT_TRUE(set_trust(environment_, "/w", std::nullopt));
  EXPECT_EQ(trust_of(environment_, "/w"), std::nullopt);
}

TEST_F(OwnFilesTest, WithoutAHomeNothingIsWritten) {
  const Environment nowhere = [](const std::string&) { return std::string(); };
  EXPECT_EQ(add_rule(nowhere, core::Verdict::allow, "write /w").error().code,
            Code::permission_denied);
}

TEST_F(OwnFilesTest, RulesAreAddedByEffectAndTakenOut) {
  using core::Verdict;
  ASSERT_TRUE(add_rule(environment_, Verdict::allow, "write docs"));
  const auto where = add_rule(environment_, Verdict::deny, "read private").value();
  EXPECT_EQ(where, folder_ + "/boxagnts/rules.toml:9");
  EXPECT_EQ(remove_rule(environment_, Verdict::ask, "write docs").error().code, Code::not_found);
  ASSERT_TRUE(remove_rule(environment_, Verdict::allow, "write docs"));
  EXPECT_TRUE(allowed().empty());
  EXPECT_EQ(add_rule(environment_, Verdict::deny, "read private").value(),
            folder_ + "/boxagnts/rules.toml:8");
}

// DEL stands in no TOML string as it is.
TEST_F(OwnFilesTest, EveryTextThatIsWrittenIsReadAgain) {
  std::string every;
  for (char c = 1; c != 0; c = static_cast<char>(c + 1)) {
    every += c;
    if (c == 0x7f) break;
  }
  ASSERT_TRUE(add_rule(environment_, core::Verdict::allow, every));
  ASSERT_TRUE(add_rule(environment_, core::Verdict::allow, "write ä€😀"));
  EXPECT_EQ(allowed(), (std::vector<std::string>{every, "write ä€😀"}));
}

// --- settings ------------------------------------------------------------------------------------

class OwnSettingsTest : public OwnFilesTest {
 protected:
  Result<std::string> change(std::vector<SettingChange> changes, const char* refused = nullptr) {
    return change_settings(
        environment_, changes, [&](std::unique_ptr<base::ConfigNode> settings) -> Status {
          const auto* agent = TRY(settings->table("agent"));
          TRY(agent->integer("turns_max", 1, 10));
          if (refused && settings->at(refused))
            return fail(Code::permission_denied, settings->at(refused)->where() + ": not that");
          return {};
        });
  }
  std::string text() const {
    std::ifstream file(folder_ + "/boxagnts/settings.toml");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const std::string& content) {
    std::filesystem::create_directories(folder_ + "/boxagnts");
    std::ofstream(folder_ + "/boxagnts/settings.toml") << content;
  }
  std::string at(const char* key) {
    const auto settings = read_own_settings(environment_).value();
    const auto* node = settings->at(key);
    return node ? base::to_text(node->to_json()) : "";
  }
};

TEST_F(OwnSettingsTest, AreSetTogetherAndTakenOut) {
  EXPECT_EQ(change({{"agent.turns_max", Json(5)}, {"a.b.c", Json("x")}}).error().code,
            Code::invalid_argument)
      << "a section that is none";
  const auto path = folder_ + "/boxagnts/settings.toml";
  EXPECT_EQ(
      change({{"agent.turns_max", Json(5)}, {"network.hosts", Json(JsonArray{"a", "b"})}}).value(),
      path + ":3");
  EXPECT_EQ(at("agent.turns_max"), "5");
  EXPECT_EQ(at("network.hosts"), R"(["a","b"])");
  ASSERT_TRUE(set_trust(environment_, "/w", Trust::trusted));
  EXPECT_EQ(at("agent.turns_max"), "5") << "trust leaves settings as they are";
  EXPECT_EQ(at("trust"), "") << "trust is no setting";
  EXPECT_EQ(change({{"network.hosts", std::nullopt}, {"limits.never", std::nullopt}}).value(),
            path);
  EXPECT_EQ(at("network"), "") << "an empty section goes";
  EXPECT_EQ(trust_of(environment_, "/w"), Trust::trusted);
}

TEST_F(OwnSettingsTest, WhatIsRefusedIsNotWritten) {
  ASSERT_TRUE(change({{"agent.turns_max", Json(5)}}));
  const auto before = text();
  const auto wrong = change({{"limits.x", Json(1)}, {"agent.turns_max", Json(11)}});
  EXPECT_EQ(wrong.error().code, Code::invalid_argument);
  EXPECT_EQ(wrong.error().message,
            "agent.turns_max takes a whole number from 1 to 10; correct the value")
      << "without a place: it stands nowhere";
  EXPECT_FALSE(change({{"agent.turns_max", Json(5.0)}})) << "no whole number";
  EXPECT_EQ(change({{"limits.x", Json(1)}}, "limits.x").error().message, "not that");
  EXPECT_EQ(text(), before);
}

TEST_F(OwnSettingsTest, AFileBrokenByHandIsNamedAndLeft) {
  for (const std::string broken :
       {"nonsense [\n", "[agent]\nturns_max = 11\n", "[agnet]\nturns_max = 1\n",
        "[agent]\nturns_max = 2026-01-01\n"}) {
    write(broken);
    const auto refused = change({{"limits.x", Json(1)}});
    ASSERT_FALSE(refused) << broken;
    EXPECT_EQ(refused.error().code, Code::conflict) << refused.error().message;
    EXPECT_TRUE(refused.error().message.starts_with(folder_ + "/boxagnts/settings.toml:"))
        << refused.error().message;
    EXPECT_EQ(text(), broken);
  }
}

TEST_F(OwnSettingsTest, HoldNoRules) {
  write("[policy]\nallow = [\"write /\"]\n");
  const auto refused = read_own_settings(environment_);
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().message.contains("settings.toml:1: rules are no settings"))
      << refused.error().message;
}

TEST_F(OwnSettingsTest, ManyAtOnceLoseNothing) {
  {
    std::vector<std::jthread> people;
    for (int i = 0; i < 8; ++i)
      people.emplace_back(
          [this, i] { EXPECT_TRUE(change({{"limits.k" + std::to_string(i), Json(i)}})); });
  }
  for (int i = 0; i < 8; ++i)
    EXPECT_EQ(at(("limits.k" + std::to_string(i)).c_str()), std::to_string(i));
}

TEST_F(OwnSettingsTest, LieOverConfigKeyByKey) {
  std::filesystem::create_directories(folder_ + "/boxagnts");
  std::ofstream(folder_ + "/boxagnts/config.toml")
      << "[agent]\nturns_max = 3\nmode = \"plan\"\n[network]\nhosts = [\"a\", \"b\"]\n";
  write("[agent]\nturns_max = 4\n[network]\nhosts = [\"c\"]\n");
  const auto config = read_config({.root = folder_ + "/ws"}, environment_).value();
  const auto* agent = config.user->table("agent").value();
  EXPECT_EQ(agent->integer("turns_max", 1, 9).value(), 4);
  EXPECT_EQ(agent->where("turns_max"), folder_ + "/boxagnts/settings.toml:2");
  EXPECT_EQ(agent->string("mode").value(), "plan");
  EXPECT_EQ(agent->where("mode"), folder_ + "/boxagnts/config.toml:3");
  EXPECT_EQ(config.user->table("network").value()->strings("hosts").value(),
            std::vector<std::string>{"c"});
}

}  // namespace
}  // namespace boxagnts::workspace
