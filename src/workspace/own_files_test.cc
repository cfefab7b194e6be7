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

}  // namespace
}  // namespace boxagnts::workspace
