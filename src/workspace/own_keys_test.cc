// Keys of providers on disk: theirs alone to read, bound to a base URL, said by no error.
#include "workspace/own_keys.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace boxagnts::workspace {
namespace {

constexpr const char* kKey = "sk-secret-123456";
constexpr const char* kMine = "https://mine.example/v1";
constexpr const char* kOther = "https://other.example/v1";

class OwnKeysTest : public testing::Test {
 protected:
  OwnKeysTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "own_keys.XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    environment_ = [this](const std::string& name) {
      return name == "XDG_CONFIG_HOME" ? folder_ : std::string();
    };
  }
  ~OwnKeysTest() override { std::filesystem::remove_all(folder_); }

  Result<std::string> change(std::optional<std::string> url, std::string then,
                             std::optional<std::string> key = {}) {
    return change_provider(environment_,
                           {.provider = "openai",
                            .base_url = std::move(url),
                            .url_then = std::move(then),
                            .key = std::move(key)},
                           [this](const auto&) -> Status {
                             if (!good_) return fail(Code::invalid_argument, "no good");
                             return {};
                           });
  }
  OwnKeys keys() { return read_own_keys(environment_).value(); }
  std::string path(const char* name) const { return folder_ + "/boxagnts/" + name; }
  std::string text(const char* name) const {
    std::ifstream file(path(name));
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void write(const char* name, const std::string& content) {
    std::filesystem::create_directories(folder_ + "/boxagnts");
    std::ofstream(path(name)) << content;
    ::chmod(path(name).c_str(), 0600);
  }

  std::string folder_;
  Environment environment_;
  bool good_ = true;
};

TEST_F(OwnKeysTest, AKeyIsKeptWithItsUrlForItsPersonAlone) {
  EXPECT_TRUE(keys().empty());
  EXPECT_EQ(change(kMine, kMine, kKey).value(), path("keys.toml"));
  EXPECT_EQ(keys().at("openai").key, kKey);
  EXPECT_EQ(keys().at("openai").base_url, kMine);
  struct stat status;
  ASSERT_EQ(::stat(path("keys.toml").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0600u);
  EXPECT_FALSE(text("settings.toml").contains(kKey));
  EXPECT_TRUE(text("settings.toml").contains(kMine));
  EXPECT_EQ(forget_key(environment_, "openai").value(), path("keys.toml"));
  EXPECT_TRUE(keys().empty());
  EXPECT_EQ(forget_key(environment_, "openai").error().code, Code::not_found);
}

TEST_F(OwnKeysTest, AnotherUrlDropsTheKey) {
  ASSERT_TRUE(change(kMine, kMine, kKey));
  ASSERT_TRUE(change(kMine, kMine)) << "the same again";
  EXPECT_EQ(keys().at("openai").key, kKey);
  ASSERT_TRUE(change(kOther, kOther));
  EXPECT_TRUE(keys().empty());
  ASSERT_TRUE(change(std::nullopt, kOther, kKey));
  EXPECT_EQ(keys().at("openai").base_url, kOther);
  ASSERT_TRUE(change("", "https://api.openai.com/v1")) << "back to what it would be without";
  EXPECT_TRUE(keys().empty());
  EXPECT_FALSE(text("settings.toml").contains("base_url"));
  ASSERT_TRUE(change(kMine, kMine, kKey));
  ASSERT_TRUE(change(kOther, kOther, "sk-other-key"));
  EXPECT_EQ(keys().at("openai").key, "sk-other-key");
}

TEST_F(OwnKeysTest, AnUrlThatIsRefusedChangesNothing) {
  ASSERT_TRUE(change(kMine, kMine, kKey));
  const auto before = text("settings.toml");
  good_ = false;
  EXPECT_FALSE(change(kOther, kOther, "sk-new"));
  EXPECT_EQ(text("settings.toml"), before);
  EXPECT_EQ(keys().at("openai").key, kKey);
}

TEST_F(OwnKeysTest, WhatIsNoKeyIsRefusedUnsaid) {
  for (const std::string bad : {std::string(), std::string(kKey) + "\r\nX: y",
                                std::string(kKey) + " ", std::string(kKey) + "\xc3\xa4",
                                std::string(kKey) + "\x7f", std::string(kKeyBytesMax + 1, 'k')}) {
    const auto refused = change(std::nullopt, kMine, bad);
    ASSERT_FALSE(refused) << bad.size();
    EXPECT_EQ(refused.error().code, Code::invalid_argument);
    EXPECT_FALSE(refused.error().message.contains("sk-")) << refused.error().message;
  }
  EXPECT_TRUE(change(std::nullopt, kMine, std::string(kKeyBytesMax, 'k')));
}

TEST_F(OwnKeysTest, AFileForEverybodysEyesIsNotUsed) {
  ASSERT_TRUE(change(kMine, kMine, kKey));
  for (const mode_t mode : {0640u, 0604u, 0620u, 0602u}) {
    ::chmod(path("keys.toml").c_str(), mode);
    EXPECT_EQ(read_own_keys(environment_).error().code, Code::permission_denied) << mode;
    EXPECT_FALSE(change(kOther, kOther, kKey)) << mode;
  }
  ::chmod(path("keys.toml").c_str(), 0600);
  EXPECT_EQ(keys().size(), 1u);
}

TEST_F(OwnKeysTest, WhatIsNoSuchFileIsNamedAndNeitherSaidNorOverwritten) {
  for (const std::string bad :
       {std::string("[openai]\nkey = ") + kKey + "\n", std::string("openai = \"") + kKey + "\"\n",
        std::string("[openai]\nkey = [\"") + kKey + "\"]\n",
        std::string("[openai]\nkey = \"x\"\n\"") + kKey + "\" = 1\n"}) {
    write("keys.toml", bad);
    const auto read = read_own_keys(environment_);
    ASSERT_FALSE(read) << bad;
    EXPECT_TRUE(read.error().message.starts_with(path("keys.toml") + ":")) << read.error().message;
    EXPECT_FALSE(read.error().message.contains(kKey)) << read.error().message;
    EXPECT_FALSE(change(kMine, kMine, kKey));
    EXPECT_FALSE(forget_key(environment_, "openai"));
    EXPECT_EQ(text("keys.toml"), bad);
  }
}

}  // namespace
}  // namespace boxagnts::workspace
