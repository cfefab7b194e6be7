// The chat's parts over runs that the test plays: following, answering, completing.
#include "terminal/chat.h"

#include <fcntl.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "base/time.h"
#include "terminal/follow.h"
#include "terminal/test_terminal.h"

namespace boxagnts::terminal {
namespace {

namespace fs = std::filesystem;

// Gives every message the same events and remembers what is asked of it.
class PlayedRuns final : public agent::Runs {
 public:
  explicit PlayedRuns(std::vector<core::EventBody> bodies) : bodies_(std::move(bodies)) {}

  Result<agent::Started> start(const agent::RunRequest& request) override {
    requests.push_back(request);
    return agent::Started{{"session"}, {"run"}, 0};
  }
  Status cancel(const core::RunId&) override {
    ++cancelled;
    return {};
  }
  Status answer(const core::ApprovalId& id, core::Reply reply, std::string by) override {
    EXPECT_EQ(by, "terminal");
    answers[id.text] = std::move(reply);
    return {};
  }
  Result<std::unique_ptr<agent::Tail>> tail(const core::SessionId&, std::int64_t) override {
    return std::make_unique<Tail>(bodies_);
  }
  std::vector<agent::LiveRun> live() override { return {}; }
  std::shared_ptr<agent::FrameQueue> frames() override { return nullptr; }
  void collect_output() override {}
  void let_end(const core::SessionId&) override {}

  std::vector<agent::RunRequest> requests;
  std::map<std::string, core::Reply> answers;
  int cancelled = 0;

 private:
  class Tail final : public agent::Tail {
   public:
    explicit Tail(std::vector<core::EventBody> bodies) : bodies_(std::move(bodies)) {}
    Result<std::optional<Item>> next(std::stop_token, base::Steady) override {
      if (at_ == bodies_.size()) return fail(Code::internal, "it was read behind its end");
      return Item(core::Event{.run = {"run"}, .body = bodies_[at_++]});
    }

   private:
    const std::vector<core::EventBody> bodies_;
    std::size_t at_ = 0;
  };

  const std::vector<core::EventBody> bodies_;
};

core::EventBody asks(const std::string& id, core::QuestionKind kind, core::Approval approval = {}) {
  approval.id = {id};
  approval.kind = kind;
  approval.question = "question " + id;
  return core::ApprovalAsked{std::move(approval)};
}
core::EventBody ends(core::Outcome outcome = core::Outcome::finished) {
  return core::RunEnded{.outcome = outcome, .error = {Code::unavailable, "why"}};
}

class ChatTest : public testing::Test {
 protected:
  ChatTest() {
    char made[] = "/tmp/terminal_test.XXXXXX";
    folder_ = ::mkdtemp(made);
    state_ = folder_ + ".state";
    fs::create_directory(state_);
    changes_ = workspace::Changes::open(state_, clock_).value();
    skills_ = workspace::Skills::open({folder_, folder_ + "/none"}, {}, clock_);
    EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0);
  }
  ~ChatTest() override {
    fs::remove_all(folder_);
    fs::remove_all(state_);
    ::close(ends_[0]);
  }
  ChatParts parts(agent::Runs& runs) {
    return {runs,
            *store_,
            *changes_,
            *skills_,
            tools::fixed_tools(registry_, *pipeline_),
            folder_,
            [](const std::string& name) -> Status {
              if (name == "good/model") return {};
              return fail(Code::invalid_argument, "there is no model " + name);
            }};
  }
  std::string shown() {
    ::close(ends_[1]);
    return base::read_all(ends_[0]).value();
  }
  // A chat whose messages are these lines; its exit code.
  int script(agent::Runs& runs, const std::string& lines) {
    int input[2];
    EXPECT_EQ(::pipe(input), 0);
    const base::UniqueFd reads(input[0]);
    EXPECT_TRUE(base::write_all(input[1], lines));
    ::close(input[1]);
    Chat chat(parts(runs), {.script = input[0], .out = ends_[1]}, {.model = "m"});
    return chat.run().value();
  }

  base::ManualClock clock_;
  std::unique_ptr<store::Store> store_ = store::Store::open_in_memory(clock_).value();
  std::string state_;
  std::unique_ptr<workspace::Changes> changes_;
  std::unique_ptr<workspace::Skills> skills_;
  tools::Registry registry_;
  std::unique_ptr<tools::CallPipeline> pipeline_ =
      tools::CallPipeline::make(registry_, clock_).value();
  std::string folder_;
  int ends_[2];
};

TEST_F(ChatTest, QuestionsOfEveryKindAreAnsweredWhereTheyStand) {
  using enum core::QuestionKind;
  PlayedRuns runs(
      {asks("changes", changes, {.always = "rule"}), asks("connection", connection),
       asks("call", call, {.for_this_run = "x"}), asks("plan", plan),
       asks("question", question, {.choices = {{"red", ""}, {"blue", ""}}, .several = true}),
       asks("refused meanwhile", call, {.waits = false}), ends()});
  TestTerminal terminal;
  terminal.sits({{"question changes", ""},
                 {"answer [", "A\n"},
                 {"answer [", "n\n"},
                 {"answer [", "a\n"},
                 {"answer [", "r\n"},
                 {"to the model: ", "smaller steps\n"},
                 {"answer: ", "2 1\n"}});
  const auto display = make_text_display(ends_[1], {.columns = [] { return 80; }});
  Prompter prompter(*terminal.console,
                    {.blob = [](const auto& id) -> Result<std::string> { return id; },
                     .open = [](const auto&) { return true; }});
  const auto ended = follow(runs, {{"s"}, {"run"}, 0}, *display, &prompter, {});
  ASSERT_TRUE(ended) << ended.error().message;
  EXPECT_EQ(exit_code_of(*ended), 0);
  ASSERT_EQ(runs.answers.size(), 5u);
  EXPECT_EQ(runs.answers["changes"].answer, core::Answer::always);
  EXPECT_EQ(runs.answers["connection"].answer, core::Answer::no);
  EXPECT_EQ(runs.answers["call"].answer, core::Answer::for_this_run);
  EXPECT_EQ(runs.answers["plan"].answer, core::Answer::no);
  EXPECT_EQ(runs.answers["plan"].text, "smaller steps");
  EXPECT_EQ(runs.answers["question"].chosen, (std::vector<std::string>{"blue", "red"}));
}

TEST_F(ChatTest, ACancelIsNoAnswer) {
  PlayedRuns runs({asks("q", core::QuestionKind::call), ends(core::Outcome::cancelled)});
  TestTerminal terminal;
  std::stop_source cancel;
  cancel.request_stop();
  const auto display = make_text_display(ends_[1], {});
  Prompter prompter(*terminal.console, {.blob = {}, .open = [](const auto&) { return true; }});
  EXPECT_TRUE(follow(runs, {{"s"}, {"run"}, 0}, *display, &prompter, cancel.get_token()));
  EXPECT_TRUE(runs.answers.empty());
}

TEST_F(ChatTest, AScriptsLinesAreMessagesOfOneSession) {
  PlayedRuns runs({ends()});
  EXPECT_EQ(script(runs, "one\n\ntwo\\\nlines\nthree"), 0);
  ASSERT_EQ(runs.requests.size(), 3u);
  EXPECT_EQ(runs.requests[0].prompt, "one");
  EXPECT_FALSE(runs.requests[0].session);
  EXPECT_FALSE(runs.requests[0].attended);
  EXPECT_EQ(runs.requests[1].prompt, "two\nlines");
  EXPECT_EQ(runs.requests[2].session, core::SessionId{"session"});
}

TEST_F(ChatTest, AScriptEndsAsItsLastRun) {
  PlayedRuns fails({ends(core::Outcome::failed)}), cancelled({ends(core::Outcome::cancelled)});
  EXPECT_EQ(script(fails, "x\n"), base::info(Code::unavailable).exit_code);
  EXPECT_EQ(script(cancelled, "x\n"), base::info(Code::cancelled).exit_code);
  EXPECT_EQ(script(cancelled, "x\n/nothing\n"), base::info(Code::invalid_argument).exit_code);
}

TEST_F(ChatTest, CommandsChangeWhatTheNextMessageIsRunWith) {
  PlayedRuns runs({ends()});
  EXPECT_EQ(script(runs,
                   "/model good/model\n/mode plan\n/model bad/model\n/mode fast\nx\n"
                   "/new\ny\n/exit\nnever sent\n"),
            0);
  ASSERT_EQ(runs.requests.size(), 2u);
  EXPECT_EQ(runs.requests[0].model, "good/model");
  EXPECT_EQ(runs.requests[0].mode, core::Mode::plan);
  EXPECT_FALSE(runs.requests[1].session);
  const auto text = shown();
  EXPECT_TRUE(text.contains("there is no model bad/model")) << text;
  EXPECT_TRUE(text.contains("it takes plan, ask, edits")) << text;
}

TEST_F(ChatTest, APlanThatWasAgreedToEndsPlanModeForWhatFollows) {
  PlayedRuns runs({core::ModeChanged{core::Mode::edits, "exit_plan_mode", ""}, ends()});
  EXPECT_EQ(script(runs, "/mode plan\none\ntwo\n"), 0);
  ASSERT_EQ(runs.requests.size(), 2u);
  EXPECT_EQ(runs.requests[0].mode, core::Mode::plan);
  EXPECT_EQ(runs.requests[1].mode, core::Mode::edits);
}

TEST_F(ChatTest, AnUnknownCommandIsAnsweredWithTheNearest) {
  PlayedRuns runs({ends()});
  EXPECT_EQ(script(runs, "/tols\n/\x1b[2J\n/sesion x\n"), 2);
  const auto text = shown();
  EXPECT_TRUE(text.contains("did you mean /tools?")) << text;
  EXPECT_TRUE(text.contains("did you mean /session")) << text;
  EXPECT_TRUE(text.contains("/help shows them")) << text;
  EXPECT_TRUE(is_harmless(text));
  EXPECT_TRUE(runs.requests.empty()) << "it was sent to the model";
}

TEST_F(ChatTest, AnEndFromAnotherThreadIsHeeded) {
  PlayedRuns runs({ends()});
  int input[2];
  ASSERT_EQ(::pipe(input), 0);
  const base::UniqueFd reads(input[0]), writes(input[1]);
  for (const bool by_signal : {true, false}) {
    Chat chat(parts(runs), {.script = input[0], .out = ends_[1]}, {.model = "m"});
    std::jthread other([&] { by_signal ? chat.interrupt() : chat.end(); });
    EXPECT_EQ(chat.run().value(), 0);
  }
}

TEST_F(ChatTest, ASkillIsAMessage) {
  fs::create_directories(folder_ + "/.agents/skills/greet");
  std::ofstream(folder_ + "/.agents/skills/greet/SKILL.md")
      << "---\nname: greet\ndescription: Greets.\nargs:\n  - {name: who, required: "
         "true}\n---\nGreet {{who}}.\n";
  PlayedRuns runs({ends()});
  EXPECT_EQ(script(runs, "/skills\n/skill greet the world\n/skill greet who=Ada\n"), 0);
  ASSERT_EQ(runs.requests.size(), 2u);
  EXPECT_TRUE(runs.requests[0].prompt.contains("Greet the world.")) << runs.requests[0].prompt;
  EXPECT_TRUE(runs.requests[1].prompt.contains("Greet Ada.")) << runs.requests[1].prompt;
  EXPECT_EQ(script(runs, "/skill greet\n"), 2) << "an argument is missing";
  EXPECT_EQ(script(runs, "/skill other\n"), base::info(Code::not_found).exit_code);
  EXPECT_TRUE(shown().contains("greet (workspace): Greets."));
}

// --- completion ----------------------------------------------------------------------------------

std::vector<std::string> candidates(const std::string& workspace, std::string_view text) {
  const auto list = [](std::vector<std::string> names) { return [=] { return names; }; };
  return complete_message(text, {workspace, list({"01a", "01b"}), list({"review", "weather"})})
      .candidates;
}

TEST_F(ChatTest, CommandsAndTheirArgumentsAreCompleted) {
  using List = std::vector<std::string>;
  EXPECT_EQ(candidates(folder_, "/to"), (List{"/tokens", "/tools"}));
  EXPECT_EQ(candidates(folder_, "/mode a"), (List{"ask", "autonomous"}));
  EXPECT_EQ(candidates(folder_, "/session "), (List{"01a", "01b"}));
  EXPECT_EQ(candidates(folder_, "/skill w"), List{"weather"});
  EXPECT_TRUE(candidates(folder_, "say /to").empty());
  EXPECT_TRUE(candidates(folder_, "word").empty());
}

TEST_F(ChatTest, PathsOfTheWorkspaceAreCompletedAndNoOthers) {
  using List = std::vector<std::string>;
  for (const char* made : {"/src", "/.boxagnts", "/.github"}) fs::create_directory(folder_ + made);
  for (const char* file :
       {"/src/a.cc", "/src/b.cc", "/strange\x1b[2J", "/s p", "/s\xff", "/.boxagnts/x"})
    std::ofstream(folder_ + file) << "x";
  EXPECT_EQ(candidates(folder_, "look at @s"), List{"@src/"});
  EXPECT_EQ(candidates(folder_, "@src/"), (List{"@src/a.cc", "@src/b.cc"}));
  EXPECT_EQ(candidates(folder_, "@."), List{"@.github/"});
  for (const char* outside : {"@../", "@src/../../", "@/", "@/etc/pas", "@.boxagnts/", "@none/"})
    EXPECT_TRUE(candidates(folder_, outside).empty()) << outside;
}

}  // namespace
}  // namespace boxagnts::terminal
