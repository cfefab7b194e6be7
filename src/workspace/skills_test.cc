// Where skills come from, which one of a name is used, and what none of them can reach.
#include "workspace/skills.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace boxagnts::workspace {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTools[]{"glob", "grep", "read"};

class SkillsTest : public testing::Test {
 protected:
  SkillsTest() {
    char folder[] = "/tmp/skills_test.XXXXXX";
    root_ = fs::canonical(::mkdtemp(folder)).string();
    fs::create_directories(root_ + "/ws");
    fs::create_directories(root_ + "/user");
    open(clock_);
  }
  ~SkillsTest() override { fs::remove_all(root_); }

  void open(base::Clock& clock) {
    skills_ =
        Skills::open({.workspace_root = root_ + "/ws", .user_folder = root_ + "/user"},
                     {{"built", "---\nname: built\ndescription: of the program\n---\nB\n"}}, clock);
  }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  // Its body is the path.
  void add(const std::string& folder, const std::string& more = "") {
    write(folder + "/SKILL.md", "---\nname: " + fs::path(folder).filename().string() +
                                    "\ndescription: d\n" + more + "---\n" + folder + "\n");
  }
  void link(const std::string& to, const std::string& at) {
    fs::create_directories(fs::path(root_ + at).parent_path());
    fs::create_symlink(to, root_ + at);
  }
  std::string body(const std::string& name, Trust trust = Trust::trusted) {
    const auto catalogue = skills_->catalogue(trust);
    const auto* skill = catalogue->find(name);
    return skill ? skill->body : "none";
  }
  SkillEntry entry(const std::string& name, SkillOrigin origin, Trust trust = Trust::trusted) {
    const auto catalogue = skills_->catalogue(trust);
    for (const auto& one : catalogue->entries)
      if (one.skill.name == name && one.skill.origin == origin) return one;
    ADD_FAILURE() << name << " is not there";
    return {};
  }

  std::string root_;
  base::SystemClock clock_;
  std::unique_ptr<Skills> skills_;
};

TEST_F(SkillsTest, TheNearestOfANameIsUsedInATrustedWorkspace) {
  EXPECT_EQ(body("built"), "B");
  add("/user/built");
  EXPECT_EQ(body("built"), "/user/built");
  EXPECT_EQ(entry("built", SkillOrigin::builtin).shadowed_by, "the user's own");
  add("/ws/.agents/skills/built");
  EXPECT_EQ(body("built"), "/ws/.agents/skills/built");
  EXPECT_EQ(entry("built", SkillOrigin::user).shadowed_by, "the one of .agents/skills");
  add("/ws/extensions/skills/built");
  EXPECT_EQ(body("built"), "/ws/extensions/skills/built");
  const auto catalogue = skills_->catalogue(Trust::trusted);
  ASSERT_EQ(catalogue->entries.size(), 4u);
  EXPECT_TRUE(catalogue->entries[0].used());
  EXPECT_EQ(std::ranges::count_if(catalogue->entries, &SkillEntry::used), 1);
}

TEST_F(SkillsTest, AnUntrustedWorkspaceShadowsNothing) {
  add("/ws/extensions/skills/built");
  add("/ws/.agents/skills/mine");
  add("/ws/extensions/skills/alone");
  add("/user/mine");
  EXPECT_EQ(body("built", Trust::untrusted), "B");
  EXPECT_EQ(body("mine", Trust::untrusted), "/user/mine");
  EXPECT_EQ(body("alone", Trust::untrusted), "/ws/extensions/skills/alone") << "nobody else's";
  EXPECT_EQ(entry("built", SkillOrigin::workspace, Trust::untrusted).shadowed_by,
            "the built-in one, since this workspace is not trusted");
  EXPECT_EQ(body("built", Trust::trusted), "/ws/extensions/skills/built") << "both at once";
}

TEST_F(SkillsTest, ABrokenSkillShadowsNothingAndIsListedWithItsProblem) {
  write("/ws/extensions/skills/built/SKILL.md", "no front matter");
  EXPECT_EQ(body("built"), "B");
  EXPECT_TRUE(entry("built", SkillOrigin::workspace).problem.starts_with("SKILL.md:1: "));
  write("/user/Bad_Name/SKILL.md", "---\nname: Bad_Name\ndescription: d\n---\n");
  EXPECT_TRUE(entry("Bad_Name", SkillOrigin::user).problem.contains("lower-case"));
  EXPECT_EQ(skills_->catalogue(Trust::trusted)->find("Bad_Name"), nullptr);
}

TEST_F(SkillsTest, WhatIsNoSkillIsPassedOver) {
  write("/ws/extensions/skills/README.md", "x");
  write("/ws/extensions/skills/notes/x.md", "x");
  write("/ws/extensions/skills/.git/SKILL.md", "x");
  EXPECT_EQ(skills_->catalogue(Trust::trusted)->entries.size(), 1u);
  fs::remove_all(root_ + "/ws");
  EXPECT_EQ(skills_->catalogue(Trust::trusted)->entries.size(), 1u) << "a workspace that is gone";
}

TEST_F(SkillsTest, NothingIsReadAgainUntilSomethingChanged) {
  // Far behind the times of the files, so that these count as settled.
  base::ManualClock late(clock_.now() + 3'600'000'000);
  open(late);
  add("/ws/extensions/skills/a");
  const auto first = skills_->catalogue(Trust::trusted);
  EXPECT_EQ(skills_->catalogue(Trust::trusted), first);
  write("/ws/extensions/skills/a/SKILL.md", "---\nname: a\ndescription: d\n---\nlonger words\n");
  EXPECT_EQ(body("a"), "longer words");
  fs::remove_all(root_ + "/ws/extensions/skills/a");
  EXPECT_EQ(body("a"), "none");
  add("/ws/.agents/skills/c");
  EXPECT_EQ(body("c"), "/ws/.agents/skills/c") << "a place that was not there";
  EXPECT_EQ(first->find("c"), nullptr) << "a catalogue never changes";
}

TEST_F(SkillsTest, AChangeIsSeenRightAwayWhereTimesAreCoarse) {
  for (int i = 10; i < 30; ++i) {  // the same size each time
    const std::string words = "words " + std::to_string(i);
    write("/ws/extensions/skills/a/SKILL.md", "---\nname: a\ndescription: d\n---\n" + words);
    ASSERT_EQ(body("a"), words);
  }
  add("/user/b");
  EXPECT_TRUE(entry("b", SkillOrigin::user).skill.files.empty());
  write("/user/b/more/x.md", "x");
  EXPECT_EQ(entry("b", SkillOrigin::user).skill.files, std::vector<std::string>{"more/x.md"});
  write("/user/b/more/y.md", "y");
  EXPECT_EQ(entry("b", SkillOrigin::user).skill.files.size(), 2u) << "in a folder that is known";
}

TEST_F(SkillsTest, TheWayToAWorkspacesSkillLeadsThroughNoLink) {
  add("/ws/hidden/x");
  link("../../hidden/x", "/ws/extensions/skills/x");
  EXPECT_EQ(body("x"), "none");
  EXPECT_TRUE(entry("x", SkillOrigin::workspace).problem.contains("is a link"));
  link("../hidden", "/ws/.agents/skills");
  const auto catalogue = skills_->catalogue(Trust::trusted);
  ASSERT_EQ(catalogue->problems.size(), 1u);
  EXPECT_TRUE(catalogue->problems[0].starts_with(".agents/skills is a link"));
}

TEST_F(SkillsTest, APersonMayLinkTheirOwnSkills) {
  add("/dotfiles/mine");
  link(root_ + "/dotfiles/mine", "/user/mine");
  EXPECT_EQ(body("mine"), "/dotfiles/mine");
  write("/dotfiles/mine/SKILL.md", "---\nname: mine\ndescription: d\n---\nchanged\n");
  EXPECT_EQ(body("mine"), "changed") << "a link's own time does not tell";
}

TEST_F(SkillsTest, NoLinkInASkillLeadsOutOfIt) {
  write("/secret.md", "---\nname: a\ndescription: d\n---\nsecret\n");
  for (const auto& to : {root_ + "/secret.md", std::string("../../../../secret.md")}) {
    fs::create_directories(root_ + "/ws/extensions/skills/a");
    fs::remove(root_ + "/ws/extensions/skills/a/SKILL.md");
    link(to, "/ws/extensions/skills/a/SKILL.md");
    EXPECT_TRUE(entry("a", SkillOrigin::workspace).problem.contains("leads out")) << to;
  }
  add("/ws/extensions/skills/b");
  link("../../../../secret.md", "/ws/extensions/skills/b/out.md");
  link("SKILL.md", "/ws/extensions/skills/b/again.md");
  link("..", "/ws/extensions/skills/b/up");
  link(".", "/ws/extensions/skills/b/round");
  const auto b = entry("b", SkillOrigin::workspace).skill;
  EXPECT_EQ(b.files, std::vector<std::string>{"again.md"});
  for (const auto* out : {"out.md", "up/b/SKILL.md", "../a/SKILL.md", "/etc/passwd", "up"})
    EXPECT_EQ(skills_->read_file(b, out, {}).error().code, Code::invalid_argument) << out;
  EXPECT_TRUE(skills_->read_file(b, "again.md", {}).value().contains("/skills/b"));
}

TEST_F(SkillsTest, BundledFilesAreListedAndRead) {
  add("/user/a");
  write("/user/a/references/FORMS.md", "forms");
  write("/user/a/assets/x.bin", std::string("\0\1", 2));
  write("/user/a/.hidden", "x");
  ::mkfifo((root_ + "/user/a/pipe").c_str(), 0600);
  const auto a = entry("a", SkillOrigin::user).skill;
  EXPECT_EQ(a.files, (std::vector<std::string>{"assets/x.bin", "references/FORMS.md"}));
  EXPECT_EQ(skills_->read_file(a, "references/FORMS.md", {}).value(), "forms");
  EXPECT_EQ(skills_->read_file(a, "assets/x.bin", {}).value().size(), 2u);
  EXPECT_EQ(skills_->read_file(a, "none", {}).error().code, Code::not_found);
  EXPECT_EQ(skills_->read_file(a, "pipe", {}).error().code, Code::invalid_argument);
  EXPECT_EQ(skills_->read_file(a, "assets", {}).error().code, Code::invalid_argument);
  EXPECT_EQ(skills_->read_file(a, "", {}).error().code, Code::invalid_argument);
  EXPECT_EQ(skills_->read_file(a, std::string(5000, 'x'), {}).error().code, Code::not_found);
  fs::resize_file(root_ + "/user/a/assets/x.bin", Skills::kFileBytesMax + 1);
  EXPECT_EQ(skills_->read_file(a, "assets/x.bin", {}).error().code, Code::limit_exceeded);
  const auto built = skills_->catalogue(Trust::trusted)->find("built");
  EXPECT_EQ(skills_->read_file(*built, "SKILL.md", {}).error().code, Code::not_found);
}

TEST_F(SkillsTest, ASkillThatIsAWorkspaceTooHidesItsState) {
  add("/user/a");
  write("/user/a/.boxagnts/state.db", "x");
  write("/user/a/sub/.BoxAgnts/x", "x");
  const auto a = entry("a", SkillOrigin::user).skill;
  EXPECT_TRUE(a.files.empty());
  for (const auto* state : {".boxagnts/state.db", "sub/.BoxAgnts/x", "./.boxagnts/state.db"})
    EXPECT_EQ(skills_->read_file(a, state, {}).error().code, Code::not_found) << state;
}

TEST_F(SkillsTest, ABundledFileIsJudgedByWhereItReallyIs) {
  add("/ws/extensions/skills/a");
  write("/ws/extensions/skills/a/.env", "KEY=1");
  link(".env", "/ws/extensions/skills/a/notes.md");
  const auto a = entry("a", SkillOrigin::workspace).skill;
  const auto no_keys = [](const std::string& path) { return !path.ends_with("/a/.env"); };
  for (const auto* name : {".env", "notes.md", "./.env"})
    EXPECT_EQ(skills_->read_file(a, name, no_keys).error().code, Code::permission_denied) << name;
  EXPECT_TRUE(skills_->read_file(a, "SKILL.md", no_keys));
}

TEST_F(SkillsTest, ABundledFileOfAForeignPathIsNotRead) {
  add("/elsewhere/a");
  Skill made{.name = "a", .origin = SkillOrigin::user, .folder = root_ + "/elsewhere/a"};
  EXPECT_EQ(skills_->read_file(made, "SKILL.md", {}).error().code, Code::not_found);
}

TEST_F(SkillsTest, NumbersAreBounded) {
  for (int i = 0; i < 300; ++i) add("/ws/extensions/skills/s" + std::to_string(1000 + i));
  const auto catalogue = skills_->catalogue(Trust::trusted);
  EXPECT_EQ(catalogue->entries.size(), Skills::kSkillsOfPlaceMax + 1);
  ASSERT_EQ(catalogue->problems.size(), 1u);
  EXPECT_TRUE(catalogue->problems[0].contains("more than 256"));
  add("/user/many");
  for (int i = 0; i < 250; ++i) write("/user/many/f" + std::to_string(i), "");
  EXPECT_EQ(entry("many", SkillOrigin::user).skill.files.size(), Skills::kFilesMax);
  add("/user/deep");
  write("/user/deep/1/2/3/4/in", "");
  write("/user/deep/1/2/3/4/5/out", "");
  EXPECT_EQ(entry("deep", SkillOrigin::user).skill.files, std::vector<std::string>{"1/2/3/4/in"});
  add("/user/wide");
  for (int i = 0; i < 70; ++i) write("/user/wide/f" + std::to_string(i) + "/x", "");
  EXPECT_EQ(entry("wide", SkillOrigin::user).skill.files.size(), Skills::kFoldersMax - 1);
  for (const auto* name : {"many", "deep", "wide"})
    EXPECT_TRUE(
        check_skill(root_ + "/user/" + name, kTools).value().at(0).sentence.contains("not listed"));
  write("/user/many/SKILL.md", std::string(kSkillBytesMax + 1, 'a'));
  EXPECT_TRUE(entry("many", SkillOrigin::user).problem.contains("is larger than"));
}

TEST_F(SkillsTest, TheIndexIsALineEachAndSized) {
  add("/ws/extensions/skills/a", "when_to_use: >\n  in a\n\n  moment\n");
  EXPECT_EQ(skill_index(*skills_->catalogue(Trust::untrusted)),
            "- a [of this workspace]: d (in a moment)\n- built: of the program\n");
  for (int i = 0; i < 100; ++i)
    write(
        "/user/s" + std::to_string(i) + "/SKILL.md",
        "---\nname: s" + std::to_string(i) + "\ndescription: " + std::string(500, 'd') + "\n---\n");
  const auto index = skill_index(*skills_->catalogue(Trust::trusted));
  EXPECT_LE(index.size(), kSkillIndexBytesMax);
  EXPECT_GT(index.size(), kSkillIndexBytesMax - 1000);
  EXPECT_TRUE(index.contains(" more: call the tool skill with \"list\"")) << index;
  EXPECT_EQ(skill_index({}), "");
}

TEST_F(SkillsTest, AFolderIsChecked) {
  add("/x/good");
  EXPECT_TRUE(check_skill(root_ + "/x/good", kTools).value().empty());
  write("/x/bad/SKILL.md", "---\nname: bad\n\nunknown: 1\ndescription: [a]\n---\n");
  link("/etc/passwd", "/x/bad/keys");
  const auto findings = check_skill(root_ + "/x/bad/.", kTools).value();
  ASSERT_EQ(findings.size(), 4u);
  EXPECT_TRUE(to_text(findings[0]).starts_with("SKILL.md:4: warning: the key \"unknown\""));
  EXPECT_TRUE(to_text(findings[1]).starts_with("SKILL.md:5: description takes"));
  EXPECT_TRUE(to_text(findings[2]).starts_with("SKILL.md:7: warning: there are no instructions"));
  EXPECT_EQ(to_text(findings[3], "/x"),
            "/x/keys:1: warning: leads out of the skill's folder, and is left out");
  write("/x/low/skill.md", "---\nname: low\ndescription: d\n---\n");
  EXPECT_TRUE(
      check_skill(root_ + "/x/low", kTools).value()[0].sentence.contains("rename skill.md"));
  EXPECT_EQ(check_skill(root_ + "/none", kTools).error().code, Code::not_found);
  EXPECT_EQ(check_skill(root_ + "/x/good/SKILL.md", kTools).error().code, Code::invalid_argument);
}

TEST_F(SkillsTest, ANewSkillIsMadeOnceAndIsGood) {
  const Workspace workspace{.root = root_ + "/ws"};
  const auto path = make_skill(workspace, "my-skill").value();
  EXPECT_EQ(path, root_ + "/ws/.agents/skills/my-skill/SKILL.md");
  EXPECT_TRUE(check_skill(fs::path(path).parent_path(), kTools).value().empty());
  EXPECT_TRUE(expand(*skills_->catalogue(Trust::untrusted)->find("my-skill"), "src")
                  .value()
                  .contains("# What to do with src"));
  write("/ws/.agents/skills/my-skill/SKILL.md", "mine");
  EXPECT_EQ(make_skill(workspace, "my-skill").error().code, Code::conflict);
  std::string now;
  std::getline(std::ifstream(path), now);
  EXPECT_EQ(now, "mine");
  EXPECT_EQ(make_skill(workspace, "../x").error().code, Code::invalid_argument);
  fs::create_directories(root_ + "/elsewhere");
  link(root_ + "/elsewhere", "/ws/.agents/skills/out");
  EXPECT_EQ(make_skill(workspace, "out").error().code, Code::conflict);
  link(root_ + "/elsewhere/new.md", "/ws/.agents/skills/dangling/SKILL.md");
  EXPECT_FALSE(make_skill(workspace, "dangling"));
  EXPECT_TRUE(fs::is_empty(root_ + "/elsewhere"));
}

}  // namespace
}  // namespace boxagnts::workspace
