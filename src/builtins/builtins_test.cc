// Each native tool with a person who answers, one who does not, and nobody.
#include "builtins/builtins.h"

#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "base/json.h"
#include "tools/call_pipeline.h"
#include "tools/test_execution.h"

namespace boxagnts::builtins {
namespace {

using core::Mode;
using core::ResultStatus;

struct Person final : tools::RunControl {
  void touches(const core::CallFacts&) override {}
  Status decided(const core::CallDecided& decision) override {
    decisions.push_back(decision.decision);
    return {};
  }
  Result<tools::Asked> ask(core::Approval approval) override {
    questions.push_back(std::move(approval));
    return answer;
  }
  Status note(core::EventBody body) override {
    notes.push_back(std::move(body));
    return {};
  }
  Result<core::RuleAdded> add_rule(const std::string&) override {
    return fail(Code::unsupported, "no rules here");
  }
  template <class Body>
  std::vector<Body> all() const {
    std::vector<Body> found;
    for (const auto& note : notes)
      if (const auto* body = std::get_if<Body>(&note)) found.push_back(*body);
    return found;
  }

  std::vector<core::Decision> decisions;
  std::vector<core::Approval> questions;
  std::vector<core::EventBody> notes;
  tools::Asked answer{.why = "nobody is there to answer"};
};

class BuiltinsTest : public testing::Test {
 protected:
  BuiltinsTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "builtins.XXXXXX").string();
    root_ = std::filesystem::canonical(::mkdtemp(pattern.data()));
    std::filesystem::create_directory(root_ + "/ws");
    EXPECT_TRUE(add_all(registry_, clock_));
    pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
    policy_.envelope.mounts = {{root_ + "/ws", root_ + "/ws", core::Access::read_write}};
    policy_.envelope.working_directory = root_ + "/ws";
    context_.workspace = root_ + "/ws";
    context_.keep = [this](std::string_view bytes) -> Result<std::string> {
      kept_.emplace_back(bytes);
      return "blob" + std::to_string(kept_.size());
    };
    clock_.set_auto_advance();
  }
  ~BuiltinsTest() override { std::filesystem::remove_all(root_); }

  core::ToolResult call(const std::string& tool, const Json& arguments) {
    return pipeline_->run({"c1", tool, base::to_text(arguments)}, policy_, context_, person_)
        .value()
        .result;
  }
  void answer(core::Reply reply) { person_.answer = {.reply = std::move(reply)}; }
  void put(const std::string& path, const std::string& text) {
    std::ofstream(root_ + "/" + path) << text;
  }

  std::string root_;
  base::ManualClock clock_;
  tools::Registry registry_;
  std::unique_ptr<tools::CallPipeline> pipeline_;
  tools::RunPolicy policy_;
  tools::ToolContext context_;
  Person person_;
  std::vector<std::string> kept_;
};

TEST_F(BuiltinsTest, EverySpellingOfTheReferenceFindsItsTool) {
  for (const char* name : {"ask-user-question", "brief", "enter-plan-mode", "exit-plan-mode",
                           "sleep", "tool-search", "todo", "read_result", "call_tool"})
    EXPECT_TRUE(registry_.find(name)) << name;
  EXPECT_FALSE(registry_.find("no-such-tool"));
}

// --- ask_user_question -------------------------------------------------------------------------

TEST_F(BuiltinsTest, AQuestionShowsItsChoicesAndGivesTheAnswer) {
  answer({.answer = core::Answer::yes, .chosen = {"red", "blue"}});
  const auto result =
      call("ask_user_question",
           {{"question", "Which?"},
            {"options", {"red", {{"label", "blue"}, {"description", "as the sea"}}}},
            {"multiple", true},
            {"timeout_seconds", 60}});
  EXPECT_EQ(result.status, ResultStatus::ok);
  EXPECT_EQ(result.text, "The person answers: red, blue");
  const auto& question = person_.questions.at(0);
  EXPECT_EQ(question.kind, core::QuestionKind::question);
  EXPECT_EQ(question.question, "Which?");
  EXPECT_TRUE(question.several);
  EXPECT_EQ(question.choices, (std::vector<core::Choice>{{"red", ""}, {"blue", "as the sea"}}));
  EXPECT_EQ(question.expires, clock_.now() + 60'000'000);
}

TEST_F(BuiltinsTest, FreeWordsAreAnAnswerAndSilenceIsNone) {
  answer({.answer = core::Answer::yes, .text = "green, please"});
  EXPECT_EQ(call("ask_user_question", {{"question", "Which?"}}).text,
            "The person answers: green, please");
  answer({.answer = core::Answer::no});
  EXPECT_EQ(call("ask_user_question", {{"question", "Which?"}}).status, ResultStatus::failed);
  person_.answer = {.why = "nobody is there to answer"};
  EXPECT_EQ(call("ask_user_question", {{"question", "Which?"}}).status, ResultStatus::failed);
  const auto otherwise = call("ask_user_question", {{"question", "Which?"}, {"default", "grey"}});
  EXPECT_EQ(otherwise.status, ResultStatus::ok);
  EXPECT_TRUE(otherwise.text.ends_with("going on with: grey")) << otherwise.text;
}

// --- plan mode ---------------------------------------------------------------------------------

TEST_F(BuiltinsTest, PlanModeNarrowsAtOnceAndOnlyAYesEndsIt) {
  policy_.mode = Mode::edits;
  EXPECT_EQ(call("enter_plan_mode", {{"reason", "to look"}}).status, ResultStatus::ok);
  EXPECT_EQ(policy_.mode, Mode::plan);
  EXPECT_EQ(person_.all<core::ModeChanged>().at(0).mode, Mode::plan);
  EXPECT_TRUE(call("enter_plan_mode", JsonObject{}).text.contains("already"));

  answer({.answer = core::Answer::no, .text = "smaller"});
  const auto refused = call("exit_plan_mode", {{"plan", "1. all of it"}});
  EXPECT_EQ(refused.status, ResultStatus::denied);
  EXPECT_TRUE(refused.text.contains("smaller")) << refused.text;
  EXPECT_EQ(policy_.mode, Mode::plan);
  EXPECT_EQ(person_.questions.at(0).text, "1. all of it");

  person_.answer = {.why = "nobody is there to answer"};
  EXPECT_EQ(call("exit_plan_mode", {{"summary", "less"}}).status, ResultStatus::denied);
  EXPECT_EQ(policy_.mode, Mode::plan);

  answer({.answer = core::Answer::yes});
  EXPECT_EQ(call("exit_plan_mode", {{"summary", "less"}}).status, ResultStatus::ok);
  EXPECT_EQ(policy_.mode, Mode::edits) << "as it was before";
  EXPECT_EQ(call("exit_plan_mode", {{"plan", "x"}}).status, ResultStatus::failed);
}

TEST_F(BuiltinsTest, ARunThatBeganInPlanModeGoesOnAsOneThatAsks) {
  policy_.mode = Mode::plan;
  answer({.answer = core::Answer::yes});
  EXPECT_EQ(call("exit_plan_mode", {{"plan", "x"}}).status, ResultStatus::ok);
  EXPECT_EQ(policy_.mode, Mode::ask);
}

TEST_F(BuiltinsTest, AYesForThisRunLetsTheChangesOfThePlanThrough) {
  struct Row {
    Mode before;
    core::Answer answer;
    Mode after;
    const char* offered;
  };
  const char* const kOffered = "the plan, and the changes of files that follow (mode edits)";
  for (const auto& [before, given, after, offered] :
       {Row{Mode::ask, core::Answer::for_this_run, Mode::edits, kOffered},
        Row{Mode::ask, core::Answer::yes, Mode::ask, kOffered},
        Row{Mode::ask, core::Answer::always, Mode::ask, kOffered},
        Row{Mode::edits, core::Answer::for_this_run, Mode::edits, ""},
        Row{Mode::autonomous, core::Answer::for_this_run, Mode::autonomous, ""}}) {
    policy_.mode = before;
    ASSERT_EQ(call("enter_plan_mode", JsonObject{}).status, ResultStatus::ok);
    answer({.answer = given});
    ASSERT_EQ(call("exit_plan_mode", {{"plan", "x"}}).status, ResultStatus::ok);
    EXPECT_EQ(policy_.mode, after) << core::name_of(before) << " " << core::name_of(given);
    EXPECT_EQ(person_.questions.back().for_this_run, offered) << core::name_of(before);
    EXPECT_EQ(person_.all<core::ModeChanged>().back().mode, after);
  }
}

// --- the others --------------------------------------------------------------------------------

TEST_F(BuiltinsTest, ABriefTakesFilesOfTheWorkspaceOnly) {
  put("ws/a.txt", "alpha");
  put("secret.txt", "omega");
  std::filesystem::create_symlink(root_ + "/secret.txt", root_ + "/ws/link");
  std::filesystem::create_directory(root_ + "/ws/folder");
  const auto told = call("brief", {{"message", "look"}, {"attachments", {"a.txt"}}});
  EXPECT_EQ(told.status, ResultStatus::ok) << told.text;
  const auto sent = person_.all<core::BriefSent>().at(0);
  EXPECT_EQ(sent.status, "normal");
  EXPECT_EQ(sent.attachments, (std::vector<core::Attachment>{{root_ + "/ws/a.txt", 5, "blob1"}}));
  EXPECT_EQ(kept_, std::vector<std::string>{"alpha"});
  for (const std::string& bad : {std::string("../secret.txt"), root_ + "/secret.txt",
                                 std::string("link"), std::string("folder"), std::string("missing"),
                                 std::string("/etc/passwd"), std::string(".boxagnts/state.db")}) {
    const auto refused = call("brief", {{"message", "look"}, {"attachments", {bad}}});
    EXPECT_NE(refused.status, ResultStatus::ok) << bad;
    EXPECT_FALSE(refused.text.contains("omega"));
  }
  EXPECT_EQ(person_.all<core::BriefSent>().size(), 1u) << "nothing is told by halves";
  EXPECT_EQ(kept_.size(), 1u);
}

TEST_F(BuiltinsTest, SleepMovesTheClockAndEndsWithTheRun) {
  const auto before = clock_.steady();
  EXPECT_EQ(call("sleep", {{"ms", 2500}}).text, "waited 2.5 s");
  EXPECT_EQ(clock_.steady() - before, std::chrono::milliseconds(2500));
  EXPECT_EQ(call("sleep", {{"ms", 300'001}}).status, ResultStatus::invalid);
  std::stop_source stop;
  context_.stop = stop.get_token();
  stop.request_stop();
  EXPECT_EQ(call("sleep", {{"ms", 1}}).status, ResultStatus::cancelled);
}

TEST_F(BuiltinsTest, TheTodoListIsNotedWhole) {
  const Json item{{"content", "one"}, {"status", "completed"}};
  EXPECT_EQ(
      call("todo", {{"todos", JsonArray{item, {{"content", "two"}, {"status", "pending"}}}}}).text,
      "1 of 2 done");
  EXPECT_EQ(person_.all<core::TodosSet>().at(0).items,
            (std::vector<core::Todo>{{"one", core::TodoStatus::completed},
                                     {"two", core::TodoStatus::pending}}));
  EXPECT_EQ(call("todo", {{"todos", JsonArray{Json{{"content", "x"}, {"status", "done"}}}}}).status,
            ResultStatus::invalid);
}

TEST_F(BuiltinsTest, AShortenedResultIsReadOnAndNothingElse) {
  context_.result = [](const std::string& id) -> Result<std::string> {
    if (id != "r1") return fail(Code::not_found, "no");
    return std::string("0123456789\xc3\xa9");
  };
  EXPECT_EQ(call("read_result", {{"id", "r1"}, {"offset", 2}, {"limit", 3}}).text,
            "234\n[bytes 2 to 5 of 12]");
  EXPECT_EQ(call("read_result", {{"id", "r1"}, {"offset", 9}, {"limit", 2}}).text,
            "9\n[bytes 9 to 10 of 12]")
      << "no character is cut";
  EXPECT_EQ(call("read_result", {{"id", "r1"}, {"offset", 12}}).status, ResultStatus::failed);
  EXPECT_EQ(call("read_result", {{"id", "r2"}}).status, ResultStatus::failed);
  context_.result = {};
  EXPECT_EQ(call("read_result", {{"id", "r1"}}).status, ResultStatus::failed);
}

TEST_F(BuiltinsTest, ToolSearchFindsByWordsAndByNameWhatTheAgentMaySee) {
  EXPECT_TRUE(call("tool_search", {{"query", "plan"}}).text.contains("enter_plan_mode"));
  EXPECT_TRUE(call("tool_search", {{"query", "tool_search call_tool"}}).text.contains("no tool"))
      << "what a model has in front of it anyway is not what it searches";
  const auto selected = call("tool_search", {{"query", "select:sleep,brief,nothing"}}).text;
  EXPECT_TRUE(selected.starts_with(std::string("sleep") + " (none)")) << selected;
  EXPECT_TRUE(selected.contains("brief (read-only)"));
  EXPECT_TRUE(call("tool_search", {{"query", "zebra"}}).text.contains("no tool fits"));
  EXPECT_FALSE(call("tool_search", {{"query", "a"}, {"max_results", 1}}).text.contains("\n\n"));
  policy_.access = core::AgentAccess::search_only;
  policy_.mode = Mode::ask;
  EXPECT_EQ(call("tool_search", {{"query", "sleep"}}).status, ResultStatus::denied)
      << "a search-only agent has tools that read, no others";
}

class ToolWithKeywords final : public tools::Tool {
 public:
  const core::ToolSpec& spec() const override { return spec_; }
  tools::About about() const override { return {.keywords = {"Lexicon", "wc"}}; }
  Result<core::CallFacts> facts(const Json&, const tools::ToolContext&) const override {
    return core::CallFacts{};
  }
  Result<tools::ToolOutput> execute(const Json&, const tools::Execution&) const override {
    return tools::ToolOutput{};
  }

 private:
  const core::ToolSpec spec_{"count", "Counts.", JsonObject{}, core::Level::none};
};

TEST_F(BuiltinsTest, ToolSearchKnowsTheKeywordsOfATool) {
  ASSERT_TRUE(registry_.add(std::make_unique<ToolWithKeywords>()));
  EXPECT_TRUE(call("tool_search", {{"query", "lexicon"}}).text.starts_with("count ("));
  EXPECT_TRUE(call("tool_search", {{"query", "lexi"}}).text.contains("no tool fits"));
}

TEST_F(BuiltinsTest, CallToolIsTheCallItStandsFor) {
  const auto slept = call("call_tool", {{"tool", "sleep"}, {"arguments", {{"ms", 5}}}});
  EXPECT_EQ(slept.status, ResultStatus::ok);
  EXPECT_EQ(slept.call_id, "c1");
  EXPECT_EQ(call("call_tool", {{"tool", "sleep"}, {"arguments", {{"ms", "x"}}}}).status,
            ResultStatus::invalid);
  EXPECT_EQ(call("call_tool", {{"tool", "nothing"}}).status, ResultStatus::invalid);
  EXPECT_EQ(call("call_tool", {{"tool", "call_tool"}, {"arguments", {{"tool", "sleep"}}}}).status,
            ResultStatus::invalid);
  policy::Rules rules({.workspace = root_ + "/ws"});
  ASSERT_TRUE(rules.add(policy::Layer::user, core::Verdict::deny, "tool sleep", "here"));
  policy_.rules = std::make_shared<const policy::Rules>(std::move(rules));
  for (const char* name : {"sleep", "Sleep"})
    EXPECT_NE(call("call_tool", {{"tool", name}, {"arguments", {{"ms", 5}}}}).status,
              ResultStatus::ok);
}

}  // namespace
}  // namespace boxagnts::builtins
