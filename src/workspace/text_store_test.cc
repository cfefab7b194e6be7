// AGENTS.md and skills as a door writes them: nobody's words are lost, and no link is gone through.
#include "workspace/text_store.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace boxagnts::workspace {
namespace {

namespace fs = std::filesystem;

class TextStoreTest : public testing::Test {
 protected:
  TextStoreTest() {
    std::string pattern = (fs::temp_directory_path() / "text_store.XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    fs::create_directories(root_ + "/ws");
    environment_ = [this](const std::string& name) {
      return name == "XDG_CONFIG_HOME" ? root_ + "/config" : root_;
    };
    workspace_ = open(root_ + "/ws", environment_).value();
    files_ = Files::open(workspace_, clock_).value();
    skills_ = Skills::open(skill_places(workspace_, environment_), {}, clock_);
  }
  ~TextStoreTest() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root_ + path).parent_path());
    std::ofstream(root_ + path) << text;
  }
  std::string text(const std::string& path) const {
    std::ifstream file(root_ + path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  Result<std::string> place_of(const std::string& name) {
    return skill_path(workspace_, *skills_->catalogue(Trust::untrusted), name);
  }

  std::string root_;
  Environment environment_;
  base::ManualClock clock_;
  Workspace workspace_;
  std::unique_ptr<Files> files_;
  std::unique_ptr<Skills> skills_;
};

// The same of both places.
TEST_F(TextStoreTest, AWriteNamesWhatItReplaces) {
  struct Place {
    std::string file;
    std::function<Result<StoredText>()> read;
    std::function<Result<std::string>(const char*, std::optional<std::string>)> write;
  };
  const Place places[]{{"/ws/a/b/AGENTS.md", [&] { return read_text(*files_, "a/b/AGENTS.md"); },
                        [&](const char* text, const auto& version) {
                          return write_text(*files_, "a/b/AGENTS.md", text, version);
                        }},
                       {"/config/boxagnts/a/b/AGENTS.md",
                        [&] { return read_own_text(environment_, "a/b/AGENTS.md"); },
                        [&](const char* text, const auto& version) {
                          return write_own_text(environment_, "a/b/AGENTS.md", text, version);
                        }}};
  for (const auto& place : places) {
    EXPECT_FALSE(place.read().value().exists);
    EXPECT_EQ(place.write("x", "some version").error().code, Code::conflict) << "it is gone";
    const auto version = place.write("one", std::nullopt).value();
    EXPECT_EQ(text(place.file), "one");
    EXPECT_EQ(place.read().value().version, version);
    EXPECT_EQ(place.write("two", std::nullopt).error().code, Code::conflict);
    EXPECT_EQ(place.write("two", "another").error().code, Code::conflict);
    write(place.file, "by hand");
    EXPECT_EQ(place.write("two", version).error().code, Code::conflict);
    EXPECT_EQ(text(place.file), "by hand");
    ASSERT_TRUE(place.write("two", place.read().value().version));
    EXPECT_EQ(text(place.file), "two");
  }
}

TEST_F(TextStoreTest, APersonsOwnLinkStays) {
  write("/dotfiles/AGENTS.md", "one");
  fs::create_directories(root_ + "/config/boxagnts");
  fs::create_symlink(root_ + "/dotfiles/AGENTS.md", root_ + "/config/boxagnts/AGENTS.md");
  const auto version = read_own_text(environment_, "AGENTS.md").value().version;
  ASSERT_TRUE(write_own_text(environment_, "AGENTS.md", "two", version));
  EXPECT_EQ(text("/dotfiles/AGENTS.md"), "two");
  EXPECT_TRUE(fs::is_symlink(root_ + "/config/boxagnts/AGENTS.md"));
  fs::create_directories(root_ + "/config/boxagnts/folder");
  EXPECT_EQ(read_own_text(environment_, "folder").error().code, Code::conflict);
}

TEST_F(TextStoreTest, ASkillIsWrittenWhereItLies) {
  EXPECT_EQ(place_of("new-one").value(), ".agents/skills/new-one/SKILL.md");
  write("/ws/extensions/skills/there/SKILL.md", "---\nname: there\ndescription: d\n---\nx\n");
  EXPECT_EQ(place_of("there").value(), "extensions/skills/there/SKILL.md");
  for (const auto* bad : {"", "..", "a/b", "A", "-a", "a--b"})
    EXPECT_EQ(place_of(bad).error().code, Code::invalid_argument) << bad;
}

TEST_F(TextStoreTest, NoWriteOfASkillGoesThroughALink) {
  fs::create_directories(root_ + "/ws/elsewhere/skills");
  fs::create_directory_symlink(root_ + "/ws/elsewhere", root_ + "/ws/.agents");
  EXPECT_EQ(place_of("new-one").error().code, Code::conflict);
  fs::remove(root_ + "/ws/.agents");
  write("/ws/.agents/skills/linked/SKILL.md", "---\nname: linked\ndescription: d\n---\nx\n");
  fs::rename(root_ + "/ws/.agents/skills/linked/SKILL.md", root_ + "/ws/other.md");
  fs::create_symlink(root_ + "/ws/other.md", root_ + "/ws/.agents/skills/linked/SKILL.md");
  EXPECT_EQ(place_of("linked").error().code, Code::conflict);
}

TEST_F(TextStoreTest, ASkillThatIsDeletedIsNotLost) {
  for (const auto* place : {"/ws/.agents/skills/gone", "/config/boxagnts/skills/gone"}) {
    write(std::string(place) + "/SKILL.md", "---\nname: gone\ndescription: d\n---\nx\n");
    write(std::string(place) + "/more.txt", "more");
    const auto catalogue = skills_->catalogue(Trust::untrusted);
    const auto to = remove_skill(*files_, workspace_, *catalogue->find("gone"), clock_).value();
    EXPECT_FALSE(fs::exists(root_ + place)) << to;
    EXPECT_EQ(skills_->catalogue(Trust::untrusted)->find("gone"), nullptr);
    clock_.advance(base::Milliseconds(10));
  }
  const auto bin = files_->bin().value();
  ASSERT_EQ(bin.size(), 1u);
  EXPECT_EQ(bin[0].path, ".agents/skills/gone");
  std::size_t kept = 0;
  for (const auto& entry : fs::directory_iterator(root_ + "/config/boxagnts/skills/.bin"))
    kept += fs::exists(entry.path() / "more.txt");
  EXPECT_EQ(kept, 1u);
}

}  // namespace
}  // namespace boxagnts::workspace
