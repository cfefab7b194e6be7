// Every way a call can be refused, by name; what a grant holds; what is asked before a call runs.
#include "tools/call_pipeline.h"

#include <random>

#include "tools/pipeline_fixture.h"

namespace boxagnts::tools {
namespace {

using core::Access;
using core::Answer;
using core::Level;
using core::Mode;
using core::ResultStatus;
using core::Verdict;

class CallPipelineTest : public PipelineTest {
 protected:
  CallPipelineTest() {
    policy.mode = Mode::edits;
    path_ = path_arguments(w_ + "/a.txt");
  }
  std::string path_;
};

// --- refusals
// -------------------------------------------------------------------------------------

TEST_F(CallPipelineTest, EachRefusalRunsNothingAndSaysWhatToDo) {
  constexpr auto kInvalid = ResultStatus::invalid;
  constexpr auto kDenied = ResultStatus::denied;
  use_rules({{Verdict::deny, "tool exec"}, {Verdict::deny, "write a.lock"}});
  const struct {
    const char* tool;
    std::string arguments;
    Mode mode;
    ResultStatus status;
    const char* part;
  } rows[] = {
      {"reed", path_, Mode::edits, kInvalid, "did you mean \"read\"?"},
      {"zzzzzzzzzz", path_, Mode::edits, kInvalid, "; the tools are: read, write, exec"},
      {"", path_, Mode::edits, kInvalid, "there is no tool \"\""},
      {"read", "{\"path\": ", Mode::edits, kInvalid, "at byte"},
      {"read", "{\"path\":\"/w/a\"", Mode::edits, kInvalid, "no JSON"},
      {"read", "{} {}", Mode::edits, kInvalid, "more text after the value at byte"},
      {"read", "[]", Mode::edits, kInvalid, "must be a JSON object"},
      {"read", "null", Mode::edits, kInvalid, "must be a JSON object"},
      {"read", R"({"path":1})", Mode::edits, kInvalid, "\"path\" takes a string"},
      {"read", R"({"pth":"/w/a"})", Mode::edits, kInvalid, "did you mean \"path\"?"},
      {"read", R"({"path":"bad"})", Mode::edits, kInvalid, "bad is no path"},
      {"read", R"({"path":"/etc/passwd"})", Mode::edits, kDenied, "rule outside-mounts"},
      {"write", path_arguments(ref_ + "/a"), Mode::edits, kDenied, "rule read-only-mount"},
      {"write", path_, Mode::plan, kDenied, "rule table:plan/write"},
      {"exec", "", Mode::edits, kDenied, "rule deny tool exec (config.toml:3)"},
      {"read", path_arguments(w_ + "/.env"), Mode::edits, kDenied, "deny read .env (built in)"},
      {"write", path_arguments(w_ + "/.env"), Mode::edits, kDenied, "deny read .env (built in)"},
      {"write", path_arguments(w_ + "/a.lock"), Mode::edits, kDenied, "deny write a.lock"},
  };
  for (const auto& row : rows) {
    policy.mode = row.mode;
    const auto result = run(row.tool, row.arguments);
    EXPECT_EQ(result.status, row.status) << row.tool << row.arguments;
    EXPECT_NE(result.text.find(row.part), std::string::npos) << result.text;
    EXPECT_EQ(result.call_id, "c1");
    EXPECT_EQ(result.total_bytes, result.text.size());
  }
  EXPECT_EQ(runs(), 0);
  EXPECT_TRUE(control.questions.empty());
}

TEST_F(CallPipelineTest, AgentAccessIsCheckedAtTheCallAndTrimsTheListInSentences) {
  policy.access = core::AgentAccess::read_only;
  EXPECT_NE(run("write", path_).text.find("rule agent-access"), std::string::npos);
  EXPECT_EQ(run("nope_nope_nope").text.find("write"), std::string::npos);
  EXPECT_EQ(runs(), 0);
}

TEST_F(CallPipelineTest, TheSkillUnderWayNarrows) {
  policy.skill_tools = {{"read"}};
  EXPECT_EQ(run("read", path_).status, ResultStatus::ok);
  EXPECT_TRUE(run("write", path_).text.contains("rule skill-tools"));
  EXPECT_EQ(write->runs, 0);
}

TEST_F(CallPipelineTest, NoArgumentsAreAnEmptyObject) {
  for (const auto* arguments : {"", "  \n", "{}"})
    EXPECT_EQ(run("read", arguments).status, ResultStatus::ok) << arguments;
  EXPECT_EQ(read->runs, 3);
}

TEST_F(CallPipelineTest, AStoppedRunRunsNothing) {
  stop.request_stop();
  EXPECT_EQ(run("write", path_).status, ResultStatus::cancelled);
  EXPECT_TRUE(control.decisions.empty());
  EXPECT_EQ(runs(), 0);
}

TEST_F(CallPipelineTest, WhatACallWouldTouchIsToldBeforeItIsDecided) {
  run("read", path_);
  ASSERT_EQ(control.touched.size(), 1u);
  EXPECT_EQ(control.touched[0].reads, std::vector<std::string>{w_ + "/a.txt"});
}

// --- questions before a call
// ----------------------------------------------------------------------

TEST_F(CallPipelineTest, EveryAnswerToAQuestionBeforeACall) {
  use_rules({{Verdict::ask, "tool write"}});
  const struct {
    Result<Asked> answer;
    ResultStatus status;
    const char* part;
  } rows[] = {
      {Asked{.reply = core::Reply{Answer::yes, "", {}}}, ResultStatus::ok, "done"},
      {Asked{.reply = core::Reply{Answer::for_this_run, "", {}}}, ResultStatus::ok, "done"},
      {Asked{.reply = core::Reply{Answer::no, "", {}}}, ResultStatus::denied, "said no"},
      {Asked{.reply = core::Reply{Answer::no, "use tabs", {}}}, ResultStatus::denied,
       "They say: use tabs"},
      {Asked{.why = "nobody is there"}, ResultStatus::denied, "nobody is there"},
      {Asked{.why = "it is queued", .queued = true}, ResultStatus::denied, "it is queued"},
      {fail(Code::cancelled, "stop"), ResultStatus::cancelled, "did not run"},
  };
  for (const auto& row : rows) {
    control.answers.push_back(row.answer);
    const int before = write->runs;
    const auto result = run("write", path_);
    EXPECT_EQ(result.status, row.status) << row.part;
    EXPECT_NE(result.text.find(row.part), std::string::npos) << result.text;
    EXPECT_EQ(write->runs - before, row.status == ResultStatus::ok ? 1 : 0) << row.part;
  }
  ASSERT_EQ(control.questions.size(), std::size(rows));
  const auto& question = control.questions[0];
  EXPECT_EQ(question.kind, core::QuestionKind::call);
  EXPECT_TRUE(question.question.starts_with("Let write run on " + w_ + "/a.txt? the rule ask tool"))
      << question.question;
  EXPECT_EQ(question.files, std::vector<std::string>{w_ + "/a.txt"});
  EXPECT_TRUE(question.for_this_run.empty()) << "each such call is asked about";
  EXPECT_NE(question.id, control.questions[1].id);

  control.answers.push_back(fail(Code::conflict, "fenced"));
  EXPECT_EQ(try_run("write", path_).error().code, Code::conflict);
}

TEST_F(CallPipelineTest, AStopWhileAPersonAnswersRunsNothing) {
  use_rules({{Verdict::ask, "tool write"}});
  control.meanwhile = [this](const core::Approval&) { stop.request_stop(); };
  EXPECT_EQ(run("write", path_).status, ResultStatus::cancelled);
  EXPECT_EQ(runs(), 0);
}

TEST_F(CallPipelineTest, DangerousCallsAreAskedAboutInEveryModeButPlan) {
  auto* native = add(std::make_unique<FakeTool>("native", Level::dangerous));
  for (const auto mode : {Mode::ask, Mode::edits, Mode::autonomous, Mode::unattended}) {
    policy.mode = mode;
    control.answer(Answer::no);
    EXPECT_EQ(run("native").status, ResultStatus::denied) << name_of(mode);
  }
  EXPECT_EQ(control.questions.size(), 4u);
  EXPECT_EQ(native->runs, 0);
}

TEST_F(CallPipelineTest, WhatARuleHidesUntilAYesIsShownAfterItAndOnlyThat) {
  put(w_ + "/draft.md", "draft");
  put(w_ + "/other.draft.md", "other");
  use_rules({{Verdict::ask, "read *draft.md"}});
  const auto look = [this](const std::string& name) {
    return [this, name](const Json&, const Execution& execution) -> Result<ToolOutput> {
      const auto stat = execution.files->stat(execution.files->root(), w_ + name, vfs::Follow::yes);
      return ToolOutput{ResultStatus::ok, stat ? "seen" : "hidden"};
    };
  };
  read->act = look("/draft.md");
  EXPECT_EQ(run("read", path_arguments(w_ + "/draft.md")).text, "seen");
  read->act = look("/other.draft.md");
  EXPECT_EQ(run("read", path_arguments(w_ + "/draft.md")).text, "hidden");
  EXPECT_EQ(control.questions.size(), 2u);
  read->act = look("/draft.md");
  EXPECT_EQ(run("read", path_).text, "hidden") << "the answer was for that call";

  write->act = doing([this](const Execution& execution) {
    return write_file(execution, w_ + "/draft.md", "new");
  });
  control.answer(Answer::no);
  EXPECT_EQ(run("write", path_arguments(w_ + "/draft.md")).status, ResultStatus::denied);
  EXPECT_EQ(run("write", path_arguments(w_ + "/draft.md")).status, ResultStatus::ok);
  EXPECT_EQ(get(w_ + "/draft.md"), "new");
}

// --- grants
// ---------------------------------------------------------------------------------------

TEST_F(CallPipelineTest, AGrantIsTheEnvelopeLoweredToTheDecision) {
  const struct {
    FakeTool* tool;
    const char* name;
    Mode mode;
    Access workspace;
  } rows[] = {
      {read, "read", Mode::edits, Access::read_only},
      {read, "read", Mode::autonomous, Access::read_only},
      {write, "write", Mode::ask, Access::read_write},
      {write, "write", Mode::edits, Access::read_write},
      {write, "write", Mode::unattended, Access::read_write},
      {exec, "exec", Mode::plan, Access::read_only},
      {exec, "exec", Mode::autonomous, Access::read_write},
  };
  policy.envelope.masks = {{"/**/.secret"}};
  policy.envelope.environment = {"A=1"};
  context.limits.memory_bytes = 1 << 20;
  policy.envelope.limits.open_files = 8;
  for (const auto& row : rows) {
    policy.mode = row.mode;
    ASSERT_EQ(run(row.name).status, ResultStatus::ok) << row.name;
    const auto& grant = row.tool->grant;
    ASSERT_EQ(grant.mounts.size(), 3u);
    EXPECT_EQ(grant.mounts[0].access, row.workspace) << row.name << name_of(row.mode);
    EXPECT_EQ(grant.mounts[1].access, Access::read_only);
    EXPECT_EQ(grant.mounts[2].access, Access::read_write) << "scratch is the run's own";
    EXPECT_EQ(grant.masks, policy.envelope.masks);
    EXPECT_EQ(grant.environment, policy.envelope.environment);
    EXPECT_EQ(grant.working_directory, w_);
    EXPECT_EQ(grant.limits.memory_bytes, 1u << 20);
    EXPECT_EQ(grant.limits.open_files, 8u);
  }
}

TEST_F(CallPipelineTest, AReadOnlyGrantIsAReadOnlyViewAndScratchIsNot) {
  read->act = [this](const Json&, const Execution& execution) -> Result<ToolOutput> {
    EXPECT_EQ(write_file(execution, w_ + "/a.txt", "x"), EROFS);
    EXPECT_EQ(write_file(execution, ref_ + "/a.txt", "x"), EROFS);
    EXPECT_EQ(write_file(execution, "/tmp/a.txt", "x"), 0);
    return ToolOutput{ResultStatus::ok, "done"};
  };
  EXPECT_EQ(run("read", path_).status, ResultStatus::ok);
  EXPECT_TRUE(control.questions.empty()) << "scratch is nobody's";
}

TEST_F(CallPipelineTest, NoGrantIsWiderThanAnyEnvelope) {
  for (int i = 0; i < 4; ++i) fs::create_directories(base_ + "/h" + std::to_string(i));
  int granted = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    std::mt19937 random(seed);
    const auto pick = [&](std::size_t count) { return random() % count; };
    policy.envelope.mounts.clear();
    for (std::size_t i = pick(4); i-- > 0;)
      policy.envelope.mounts.push_back({pick(3) == 0 ? "" : base_ + "/h" + std::to_string(i),
                                        "/m" + std::to_string(i),
                                        pick(2) == 0 ? Access::read_only : Access::read_write});
    policy.envelope.limits.open_files = static_cast<std::uint32_t>(1 + pick(300));
    policy.mode = static_cast<Mode>(pick(5));
    FakeTool* tools[] = {read, write, exec};
    auto* tool = tools[pick(3)];
    const int before = tool->runs;
    const auto path = "/m" + std::to_string(pick(4)) + (pick(2) == 0 ? "" : "/x");
    run(tool->spec().name, path_arguments(path));
    if (tool->runs == before) continue;
    ++granted;
    ASSERT_EQ(tool->grant.mounts.size(), policy.envelope.mounts.size());
    for (std::size_t i = 0; i < tool->grant.mounts.size(); ++i) {
      const auto& given = tool->grant.mounts[i];
      const auto& most = policy.envelope.mounts[i];
      EXPECT_EQ(given.host_path, most.host_path);
      EXPECT_EQ(given.guest_path, most.guest_path);
      EXPECT_LE(given.access, most.access) << "seed " << seed;
      const auto& decision = control.decisions.back();
      if (!given.host_path.empty()) EXPECT_LE(given.access, decision.workspace) << "seed " << seed;
    }
    EXPECT_LE(tool->grant.limits.open_files, policy.envelope.limits.open_files);
    EXPECT_LE(tool->grant.limits.open_files, context.limits.open_files);
  }
  EXPECT_GT(granted, 50);
}

// --- results
// --------------------------------------------------------------------------------------

TEST_F(CallPipelineTest, WhateverAToolDoesBecomesItsOneResult) {
  const auto give = [&](Result<ToolOutput> output) {
    read->act = [this, output](const Json&, const Execution&) {
      clock.advance(base::Milliseconds(3));
      return output;
    };
    const auto result = run("read", path_);
    EXPECT_EQ(result.duration_us, 3000);
    return result;
  };
  EXPECT_EQ(give(ToolOutput{ResultStatus::failed, "no"}).status, ResultStatus::failed);
  EXPECT_EQ(give(fail(Code::busy, "no slot")).status, ResultStatus::failed);
  EXPECT_EQ(give(fail(Code::busy, "no slot")).text, "no slot");
  EXPECT_EQ(give(fail(Code::cancelled, "stop")).status, ResultStatus::cancelled);
  const auto repaired = give(ToolOutput{ResultStatus::ok, "a\xff"});
  EXPECT_EQ(repaired.text, "a\xef\xbf\xbd");
  EXPECT_EQ(repaired.total_bytes, 4u);
}

TEST_F(CallPipelineTest, ImagesComeWithTheResultOfTheirCall) {
  read->act = [](const Json&, const Execution&) -> Result<ToolOutput> {
    return ToolOutput{ResultStatus::ok, "an image", {{{}, "image/png", "blob", 640, 480, 12'345}}};
  };
  const auto finished = try_run("read", path_).value();
  EXPECT_EQ(finished.result.text, "an image");
  EXPECT_EQ(finished.images,
            (std::vector<core::ImageBlock>{{"c1", "image/png", "blob", 640, 480, 12'345}}));
}

TEST_F(CallPipelineTest, ADecisionThatCannotBeLoggedEndsTheRunBeforeAnythingRuns) {
  control.decided_status = fail(Code::conflict, "fenced");
  EXPECT_EQ(try_run("write", path_).error().code, Code::conflict);
  EXPECT_EQ(runs(), 0);
}

TEST_F(CallPipelineTest, AMalformedSchemaIsFoundWhenThePipelineIsMade) {
  add(std::make_unique<FakeTool>("broken", Level::none, R"({"type":"text"})"));
  const auto made = CallPipeline::make(registry, clock);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::invalid_argument);
  EXPECT_NE(made.error().message.find("tool broken"), std::string::npos);
  EXPECT_EQ(registry.add(std::make_unique<FakeTool>("read", Level::none)).error().code,
            Code::conflict);
}

TEST_F(CallPipelineTest, TheRegistryKeepsOrderAndTrims) {
  EXPECT_EQ(registry.names(), (std::vector<std::string_view>{"read", "write", "exec"}));
  EXPECT_EQ(registry.specs(core::AgentAccess::full).size(), 3u);
  EXPECT_EQ(registry.specs(core::AgentAccess::read_only).size(), 1u);
}

TEST_F(CallPipelineTest, ACallThroughAnotherToolIsJudgedAsWhatItIs) {
  auto* through = add(std::make_unique<FakeTool>("call_tool", Level::none));
  through->stands_for_tool = "write";
  use_rules({{Verdict::deny, "tool write"}});
  EXPECT_TRUE(run("call_tool", path_).text.contains("rule deny tool write"));
  EXPECT_TRUE(run("file-write", path_).text.contains("rule deny tool write")) << "another spelling";
  EXPECT_EQ(runs() + through->runs, 0);
  const auto pipeline = CallPipeline::make(registry, clock).value();
  EXPECT_FALSE(pipeline->runs_beside_others({"c", "call_tool", path_})) << "it writes";
  through->stands_for_tool = "read";
  EXPECT_TRUE(pipeline->runs_beside_others({"c", "call_tool", path_}));
  EXPECT_EQ(run("call_tool", path_).status, ResultStatus::ok);
  EXPECT_EQ(read->runs, 1);
  through->stands_for_tool = "call_tool";
  EXPECT_EQ(run("call_tool", path_).status, ResultStatus::invalid) << "a riddle";
  through->stands_for_tool = "nothing";
  EXPECT_TRUE(run("call_tool", path_).text.contains("there is no tool \"nothing\""));
}

TEST_F(CallPipelineTest, OnlyWhatReadsAndNeedNotBeAloneRunsBesideOthers) {
  add(std::make_unique<FakeTool>("ask_person", Level::none))->alone = true;
  add(std::make_unique<FakeTool>("todo", Level::none));
  const auto pipeline = CallPipeline::make(registry, clock).value();
  for (const auto& [tool, beside] : {std::pair{"read", true},
                                     {"todo", true},
                                     {"write", false},
                                     {"exec", false},
                                     {"ask_person", false},
                                     {"unknown", false}})
    EXPECT_EQ(pipeline->runs_beside_others({"c", tool, ""}), beside) << tool;
}

TEST_F(CallPipelineTest, AMountThatIsGoneIsToldAndNothingRuns) {
  policy.envelope.mounts.push_back({"/nowhere/gone", "/gone", Access::read_only});
  const auto result = run("read", "{}");
  EXPECT_EQ(result.status, ResultStatus::failed);
  EXPECT_TRUE(result.text.contains("/nowhere/gone")) << result.text;
  EXPECT_EQ(runs(), 0);
}

TEST_F(PipelineTest, AToolIsGrantedNoMoreThanItWants) {
  policy.mode = core::Mode::autonomous;
  exec->narrows = [](core::Grant& grant) {
    for (auto& mount : grant.mounts) mount.access = core::Access::read_only;
    grant.environment.clear();
  };
  exec->act = [this](const Json&, const Execution& execution) -> Result<ToolOutput> {
    EXPECT_EQ(write_file(execution, w_ + "/new", "x"), EROFS);
    return ToolOutput{core::ResultStatus::ok, "done"};
  };
  policy.envelope.environment = {"A=b"};
  EXPECT_EQ(run("exec").text, "done");
  EXPECT_TRUE(exec->grant.environment.empty());
  EXPECT_FALSE(fs::exists(w_ + "/new"));
}

}  // namespace
}  // namespace boxagnts::tools
