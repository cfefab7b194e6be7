// What a run changed, from its log to its undo.
#include "agent/runs_fixture.h"
#include "agent/undo.h"

namespace boxagnts::agent {
namespace {

// A name that is no text: one that UTF-8 does not know, told repaired.
class UnusualNames : public RunsTest {
 protected:
  UnusualNames() {
    std::filesystem::create_directories(folder_of_it());
    add("odd", core::Level::write, [this](const Json&, const auto& execution) {
      write_file(*execution.files, odd_, "odd");
      return output("written");
    });
    pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
    runs_ = make_runs();
  }
  std::string folder_of_it() const { return workspace_ + "/out/\xfe"; }
  void expect_undo_and_redo(const core::SessionId& session) {
    EXPECT_TRUE(std::filesystem::exists(odd_));
    const auto undone = undo(*store_, *kept_changes_, session, 1, "test");
    ASSERT_TRUE(undone) << undone.error().message;
    EXPECT_FALSE(undone->has_conflicts());
    EXPECT_FALSE(std::filesystem::exists(odd_));
    const auto redone = redo(*store_, *kept_changes_, session, 1, "test");
    ASSERT_TRUE(redone) << redone.error().message;
    EXPECT_TRUE(std::filesystem::exists(odd_));
  }

  const std::string odd_ = folder_of_it() + "/f\xff";
  const std::string told_ = workspace_ + "/out/\uFFFD/f\uFFFD";
};

TEST_F(UnusualNames, AreUndone) {
  request_.mode = core::Mode::edits;
  const auto started = start({calls({{"c1", "odd", "{}"}}), says("ok")});
  const auto events = follow(started);
  EXPECT_EQ(all<core::ChangesKept>(events).at(0).files.at(0).path, told_);
  EXPECT_EQ(all<core::ChangesSettled>(events).at(0).files.at(0).path, told_);
  expect_undo_and_redo(started.session);
}

TEST_F(UnusualNames, AreUndoneAfterALateYesAndNoRuleIsMadeOfThem) {
  request_.mode = core::Mode::ask;
  const auto started = start({calls({{"c1", "odd", "{}"}}), says("ok")});
  const auto asked = all<core::ApprovalAsked>(follow(started)).at(0).approval;
  EXPECT_EQ(asked.files, std::vector<std::string>{told_});
  EXPECT_EQ(asked.always, "") << "a rule is text";
  EXPECT_TRUE(runs_->answer(asked.id, {core::Answer::always}, "late"));
  expect_undo_and_redo(started.session);
}

}  // namespace
}  // namespace boxagnts::agent
