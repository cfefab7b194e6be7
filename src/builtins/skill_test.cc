// The tool `skill`: what a model gets, what the log is told, and which tools are left.
#include "builtins/skill.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "tools/test_execution.h"

namespace boxagnts::builtins {
namespace {

namespace fs = std::filesystem;
using core::ResultStatus;

class SkillToolTest : public testing::Test {
 protected:
  SkillToolTest() {
    char folder[] = "/tmp/skill_tool_test.XXXXXX";
    root_ = fs::canonical(::mkdtemp(folder)).string();
    write("/ws/.agents/skills/theirs/SKILL.md",
          "---\nname: theirs\ndescription: d\n---\nSay $ARGUMENTS.\n");
    write("/user/weather/SKILL.md",
          "---\nname: weather\ndescription: Tells\n  the weather\nwhen_to_use: when asked\n"
          "allowed-tools: WebFetch read\nargs:\n- name: city\n  required: true\n- name: days\n"
          "  default: 3\n---\n{{days}} days in {{city}}\n");
    write("/user/weather/codes.md", "0 is clear");
    write("/user/weather/icon.png", std::string("\x89PNG\0", 5));
    write("/user/broken/SKILL.md", "x");
    skills_ =
        workspace::Skills::open({.workspace_root = root_ + "/ws", .user_folder = root_ + "/user"},
                                {{"built", "---\nname: built\ndescription: b\n---\nB\n"}}, clock_);
    tool_ = make_skill_tool(*skills_, [] { return workspace::Trust::untrusted; });
  }
  ~SkillToolTest() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  tools::ToolOutput use(const std::string& json) {
    return execution_.run(*tool_, base::parse_json(json).value()).value();
  }

  std::string root_;
  base::SystemClock clock_;
  std::unique_ptr<workspace::Skills> skills_;
  std::unique_ptr<tools::Tool> tool_;
  core::Grant grant_;
  tools::ToolContext context_;
  tools::TestExecution execution_{grant_, context_, clock_};
};

TEST_F(SkillToolTest, ListsWhatThereIs) {
  EXPECT_EQ(use(R"({"skill": "list"})").text,
            "- built: b\n"
            "- theirs [of this workspace]: d\n"
            "- weather: Tells the weather (when asked); takes city (required), days\n"
            "1 more cannot be used: boxagnts skill check tells why.\n");
  EXPECT_TRUE(execution_.control.notes.empty()) << "nothing was used";
}

TEST_F(SkillToolTest, GivesTheInstructionsFilledIn) {
  for (const auto* args : {R"("Bonn")", R"({"city": "Bonn", "days": 3})",
                           R"({"city": "Bonn", "days": null})", R"("{\"city\": \"Bonn\"}")"}) {
    const auto output = use(std::string(R"({"skill": "weather", "args": )") + args + "}");
    EXPECT_EQ(output.status, ResultStatus::ok) << args << output.text;
    EXPECT_TRUE(output.text.starts_with("Do this by the skill weather (user):\n\n3 days in Bonn\n"))
        << output.text;
    EXPECT_TRUE(output.text.contains("- codes.md\n- icon.png\n")) << output.text;
  }
  EXPECT_TRUE(use(R"({"skill": "theirs", "args": "{hi}"})").text.contains("Say {hi}."));
  EXPECT_TRUE(use(R"({"skill": "built"})").text.contains("(builtin):\n\nB\n"));
}

TEST_F(SkillToolTest, IsLoggedAndKeepsToItsTools) {
  use(R"({"skill": "weather", "args": "Bonn"})");
  ASSERT_EQ(execution_.control.notes.size(), 1u);
  const auto& used = std::get<core::SkillUsed>(execution_.control.notes[0]);
  EXPECT_EQ(used.name, "weather");
  EXPECT_EQ(used.origin, "user");
  EXPECT_EQ(used.allowed_tools, (std::vector<std::string>{"web_fetch", "read"}));
  EXPECT_EQ(execution_.policy.skill_tools, used.allowed_tools);
  use(R"({"skill": "list"})");
  use(R"({"skill": "weather", "file": "codes.md"})");
  use(R"({"skill": "weather"})");
  EXPECT_EQ(execution_.policy.skill_tools, used.allowed_tools) << "none of these uses one";
  EXPECT_EQ(execution_.control.notes.size(), 1u);
  use(R"({"skill": "built"})");
  EXPECT_EQ(execution_.policy.skill_tools, std::nullopt) << "another one, which names none";
  EXPECT_TRUE(tool_->runs_alone());
  EXPECT_EQ(tool_->spec().level, core::Level::none);
}

TEST_F(SkillToolTest, ReadsItsFiles) {
  EXPECT_EQ(use(R"({"skill": "weather", "file": "codes.md"})").text, "0 is clear");
  const auto image = use(R"({"skill": "weather", "file": "icon.png"})");
  EXPECT_EQ(image.status, ResultStatus::failed);
  EXPECT_TRUE(image.text.contains("is no text")) << image.text;
  for (const auto* out : {"../broken/SKILL.md", "/etc/passwd"}) {
    const auto output = use(R"({"skill": "weather", "file": ")" + std::string(out) + "\"}");
    EXPECT_EQ(output.status, ResultStatus::invalid) << out;
    EXPECT_TRUE(output.text.contains("leads out")) << output.text;
  }
  EXPECT_EQ(use(R"({"skill": "weather", "file": "none"})").status, ResultStatus::failed);
}

TEST_F(SkillToolTest, RulesOfReadingHoldForItsFiles) {
  write("/user/weather/.env", "KEY=1");
  write("/user/weather/deploy.pem", "key");
  fs::create_symlink("deploy.pem", root_ + "/user/weather/notes.md");
  execution_.policy.rules =
      std::make_shared<policy::Rules>(policy::Places{.workspace = root_ + "/ws"});
  for (const auto* key : {".env", "deploy.pem", "notes.md"}) {
    const auto output = use(R"({"skill": "weather", "file": ")" + std::string(key) + "\"}");
    EXPECT_EQ(output.status, core::ResultStatus::denied) << key << output.text;
  }
  EXPECT_EQ(use(R"({"skill": "weather", "file": "codes.md"})").text, "0 is clear");
}

TEST_F(SkillToolTest, WhatIsWrongIsASentence) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"skill": "wether"})", "did you mean weather?"},
      {R"({"skill": "broken"})", "\"list\" shows all"},
      {R"({"skill": "../user/weather"})", "there is no skill"},
      {R"({"skill": "weather"})", "the argument city is missing"},
      {R"({"skill": "weather", "args": {"town": "x"}})", "there is no argument \"town\""},
      {R"({"skill": "weather", "args": {"city": ["x"]}})", "args.city must be a text"},
  };
  for (const auto& [input, said] : wrong) {
    const auto output = use(input);
    EXPECT_NE(output.status, ResultStatus::ok) << input;
    EXPECT_TRUE(output.text.contains(said)) << output.text;
  }
}

TEST_F(SkillToolTest, AWorkspacesOwnTakesAPlaceOnlyWhereItIsTrusted) {
  write("/ws/.agents/skills/built/SKILL.md",
        "---\nname: built\ndescription: d\n---\ntheir words\n");
  EXPECT_FALSE(use(R"({"skill": "built"})").text.contains("their words"));
  tool_ = make_skill_tool(*skills_, [] { return workspace::Trust::trusted; });
  EXPECT_TRUE(use(R"({"skill": "built"})").text.contains("their words"));
}

}  // namespace
}  // namespace boxagnts::builtins
