// Every way a call can be refused, by name; what a grant holds; what a question says.
#include "tools/call_pipeline.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <functional>
#include <random>

namespace boxagnts::tools {
namespace {

using core::Access;
using core::Answer;
using core::Level;
using core::Mode;
using core::ResultStatus;
using core::Verdict;

constexpr const char* kSchema = R"({"type":"object","properties":{"path":{"type":"string"}},
                                    "additionalProperties":false})";

// A tool whose facts are its argument: a write-level tool writes the path, others read it.
class FakeTool final : public Tool {
 public:
  FakeTool(std::string name, Level level, const char* schema = kSchema) {
    spec_ = {std::move(name), "a tool", base::parse_json(schema).value(), level};
  }
  const core::ToolSpec& spec() const override { return spec_; }
  Result<core::CallFacts> facts(const Json& arguments, const ToolContext&) const override {
    core::CallFacts facts{.reads = {}, .writes = {}, .opaque = opaque};
    const auto path = base::get_string(arguments, "path");
    if (path == "bad") return fail(Code::invalid_argument, "bad is no path");
    if (path) (spec_.level >= Level::write ? facts.writes : facts.reads).emplace_back(*path);
    return facts;
  }
  Result<ToolOutput> execute(const Json&, const core::Grant& given,
                             const ToolContext&) const override {
    ++runs;
    grant = given;
    return output();
  }

  bool opaque = false;
  std::function<Result<ToolOutput>()> output = [] { return ToolOutput{ResultStatus::ok, "done"}; };
  mutable int runs = 0;
  mutable core::Grant grant;

 private:
  core::ToolSpec spec_;
};

struct Control final : RunControl {
  Status decided(const core::CallDecided& decision) override {
    decisions.push_back(decision.decision);
    return decided_status;
  }
  Result<core::Reply> ask(const core::Approval& approval) override {
    questions.push_back(approval);
    if (!answer) return std::unexpected(answer.error());
    return core::Reply{*answer};
  }
  std::vector<core::Decision> decisions;
  std::vector<core::Approval> questions;
  Result<Answer> answer = Answer::yes;
  Status decided_status;
};

class CallPipelineTest : public ::testing::Test {
 protected:
  CallPipelineTest() {
    read = add(std::make_unique<FakeTool>("read", Level::read_only));
    write = add(std::make_unique<FakeTool>("write", Level::write));
    exec = add(std::make_unique<FakeTool>("exec", Level::execute));
    policy.mode = Mode::edits;
    policy.envelope.mounts = {{"/w", "/w", Access::read_write},
                              {"/ref", "/ref", Access::read_only},
                              {"", "/tmp", Access::read_write}};
    policy.envelope.masks = {"**/.secret"};
    policy.envelope.environment = {"A=1"};
    policy.envelope.working_directory = "/w";
    context.workspace = "/w";
    context.stop = stop.get_token();
  }
  FakeTool* add(std::unique_ptr<FakeTool> tool) {
    auto* raw = tool.get();
    EXPECT_TRUE(registry.add(std::move(tool)));
    return raw;
  }
  Result<core::ToolFinished> try_run(const std::string& tool, const std::string& arguments) {
    return CallPipeline::make(registry, clock)
        .value()
        ->run({"c1", tool, arguments}, policy, context, control);
  }
  core::ToolResult run(const std::string& tool, const std::string& arguments) {
    return try_run(tool, arguments).value().result;
  }
  int runs() const { return read->runs + write->runs + exec->runs; }

  base::ManualClock clock;
  Registry registry;
  FakeTool *read, *write, *exec;
  RunPolicy policy;
  std::stop_source stop;
  ToolContext context;
  Control control;
};

constexpr const char* kPath = R"({"path":"/w/a"})";

// --- refusals
// -------------------------------------------------------------------------------------

TEST_F(CallPipelineTest, EachRefusalRunsNothingAndSaysWhatToDo) {
  struct Row {
    const char *tool, *arguments;
    Mode mode;
    ResultStatus status;
    const char* part;
  };
  constexpr auto kInvalid = ResultStatus::invalid;
  constexpr auto kDenied = ResultStatus::denied;
  constexpr Row kRows[] = {
      {"reed", kPath, Mode::edits, kInvalid, "did you mean \"read\"?"},
      {"zzzzzzzzzz", kPath, Mode::edits, kInvalid, "; the tools are: read, write, exec"},
      {"", kPath, Mode::edits, kInvalid, "there is no tool \"\""},
      {"read", "{\"path\": ", Mode::edits, kInvalid, "at byte"},
      {"read", "{\"path\":\"/w/a\"", Mode::edits, kInvalid, "no JSON"},
      {"read", "{} {}", Mode::edits, kInvalid, "more text after the value at byte"},
      {"read", "[]", Mode::edits, kInvalid, "must be a JSON object"},
      {"read", "null", Mode::edits, kInvalid, "must be a JSON object"},
      {"read", R"({"path":1})", Mode::edits, kInvalid, "\"path\" takes a string"},
      {"read", R"({"pth":"/w/a"})", Mode::edits, kInvalid, "did you mean \"path\"?"},
      {"read", R"({"path":"bad"})", Mode::edits, kInvalid, "bad is no path"},
      {"read", R"({"path":"/etc/passwd"})", Mode::edits, kDenied, "rule outside-mounts"},
      {"write", R"({"path":"/ref/a"})", Mode::edits, kDenied, "rule read-only-mount"},
      {"write", kPath, Mode::plan, kDenied, "rule table:plan/write"},
  };
  for (const auto& row : kRows) {
    policy.mode = row.mode;
    const auto result = run(row.tool, row.arguments);
    EXPECT_EQ(result.status, row.status) << row.tool << row.arguments;
    EXPECT_NE(result.text.find(row.part), std::string::npos) << result.text;
    EXPECT_EQ(result.call_id, "c1");
    EXPECT_EQ(result.total_bytes, result.text.size());
  }
  EXPECT_EQ(runs(), 0);
}

TEST_F(CallPipelineTest, AgentAccessIsCheckedAtTheCallAndTrimsTheListInSentences) {
  policy.access = core::AgentAccess::read_only;
  EXPECT_NE(run("write", kPath).text.find("rule agent-access"), std::string::npos);
  EXPECT_EQ(run("nope_nope_nope", "").text.find("write"), std::string::npos);
  EXPECT_EQ(runs(), 0);
}

TEST_F(CallPipelineTest, NoArgumentsAreAnEmptyObject) {
  for (const auto* arguments : {"", "  \n", "{}"})
    EXPECT_EQ(run("read", arguments).status, ResultStatus::ok) << arguments;
  EXPECT_EQ(read->runs, 3);
}

TEST_F(CallPipelineTest, AStoppedRunRunsNothing) {
  stop.request_stop();
  EXPECT_EQ(run("write", kPath).status, ResultStatus::cancelled);
  EXPECT_TRUE(control.decisions.empty());
  EXPECT_EQ(runs(), 0);
}

TEST_F(CallPipelineTest, AStopWhileAPersonAnswersRunsNothing) {
  struct Stopping final : RunControl {
    explicit Stopping(std::stop_source& source) : stop(source) {}
    Status decided(const core::CallDecided&) override { return {}; }
    Result<core::Reply> ask(const core::Approval&) override {
      stop.request_stop();
      return core::Reply{Answer::yes};
    }
    std::stop_source& stop;
  } stopping(stop);
  policy.mode = Mode::ask;
  const auto result = CallPipeline::make(registry, clock)
                          .value()
                          ->run({"c1", "write", kPath}, policy, context, stopping);
  EXPECT_EQ(result->result.status, ResultStatus::cancelled);
  EXPECT_EQ(runs(), 0);
}

// --- questions
// ------------------------------------------------------------------------------------

TEST_F(CallPipelineTest, EveryAnswerToAQuestion) {
  struct Row {
    Result<Answer> answer;
    ResultStatus status;
    const char* part;
  };
  const Row rows[] = {
      {Answer::yes, ResultStatus::ok, "done"},
      {Answer::no, ResultStatus::denied, "said no"},
      {fail(Code::permission_denied, "nobody is there"), ResultStatus::denied, "nobody is there"},
      {fail(Code::cancelled, "stop"), ResultStatus::cancelled, "cancelled"},
  };
  policy.mode = Mode::ask;
  for (const auto& row : rows) {
    control.answer = row.answer;
    const int before = write->runs;
    const auto result = run("write", kPath);
    EXPECT_EQ(result.status, row.status) << row.part;
    EXPECT_NE(result.text.find(row.part), std::string::npos) << result.text;
    EXPECT_EQ(write->runs - before, row.status == ResultStatus::ok ? 1 : 0);
  }
  ASSERT_EQ(control.questions.size(), 4u);
  EXPECT_EQ(control.questions[0].question,
            "Let write change /w/a? (\"for this run\" covers all below /w)");
  EXPECT_EQ(control.questions[0].files, std::vector<std::string>{"/w/a"});
  EXPECT_NE(control.questions[0].id, control.questions[1].id);
  EXPECT_TRUE(policy.approved_folders.empty());

  control.answer = fail(Code::conflict, "fenced");
  EXPECT_EQ(try_run("write", kPath).error().code, Code::conflict);
}

TEST_F(CallPipelineTest, ForThisRunCoversTheFoldersOfTheWritesAndNoMore) {
  policy.mode = Mode::ask;
  control.answer = Answer::for_this_run;
  EXPECT_EQ(run("write", R"({"path":"/w/src/a"})").status, ResultStatus::ok);
  EXPECT_EQ(policy.approved_folders, std::vector<std::string>{"/w/src"});
  EXPECT_EQ(run("write", R"({"path":"/w/src/deep/b"})").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.size(), 1u);
  control.answer = Answer::no;
  EXPECT_EQ(run("write", R"({"path":"/w/b"})").status, ResultStatus::denied);

  control.answer = Answer::for_this_run;  // a mount itself: its parent is not the run's to approve
  EXPECT_EQ(run("write", R"({"path":"/w"})").status, ResultStatus::ok);
  EXPECT_EQ(policy.approved_folders, (std::vector<std::string>{"/w/src", "/w"}));

  policy.approved_folders.clear();
  EXPECT_EQ(run("exec", R"({"path":"/w/src/a"})").status, ResultStatus::ok);
  EXPECT_TRUE(policy.approved_folders.empty()) << "programs are asked about each time";
  write->opaque = true;
  EXPECT_EQ(run("write", "").status, ResultStatus::ok);
  EXPECT_TRUE(policy.approved_folders.empty());
}

// --- grants
// ---------------------------------------------------------------------------------------

TEST_F(CallPipelineTest, AGrantIsTheEnvelopeLoweredToTheDecision) {
  struct Row {
    FakeTool* tool;
    const char* name;
    Mode mode;
    Access workspace;
  };
  const Row rows[] = {
      {read, "read", Mode::edits, Access::read_only},
      {read, "read", Mode::autonomous, Access::read_only},
      {write, "write", Mode::edits, Access::read_write},
      {write, "write", Mode::unattended, Access::read_write},
      {exec, "exec", Mode::plan, Access::read_only},
      {exec, "exec", Mode::autonomous, Access::read_write},
  };
  context.limits.memory_bytes = 1 << 20;
  policy.envelope.limits.open_files = 8;
  for (const auto& row : rows) {
    policy.mode = row.mode;
    ASSERT_EQ(run(row.name, kPath).status, ResultStatus::ok) << row.name;
    const auto& grant = row.tool->grant;
    ASSERT_EQ(grant.mounts.size(), 3u);
    EXPECT_EQ(grant.mounts[0].access, row.workspace) << row.name << name_of(row.mode);
    EXPECT_EQ(grant.mounts[1].access, Access::read_only);
    EXPECT_EQ(grant.mounts[2].access, Access::read_write) << "scratch is the run's own";
    EXPECT_EQ(grant.masks, policy.envelope.masks);
    EXPECT_EQ(grant.environment, policy.envelope.environment);
    EXPECT_EQ(grant.working_directory, "/w");
    EXPECT_EQ(grant.limits.memory_bytes, 1u << 20);
    EXPECT_EQ(grant.limits.open_files, 8u);
  }
}

TEST_F(CallPipelineTest, NoGrantIsWiderThanAnyEnvelope) {
  std::mt19937 random(7);
  const auto pick = [&](std::size_t count) { return random() % count; };
  for (int round = 0; round < 500; ++round) {
    policy.envelope.mounts.clear();
    for (std::size_t i = pick(4); i-- > 0;)
      policy.envelope.mounts.push_back({pick(3) == 0 ? "" : "/h" + std::to_string(i),
                                        "/m" + std::to_string(i),
                                        pick(2) == 0 ? Access::read_only : Access::read_write});
    policy.envelope.limits.open_files = static_cast<std::uint32_t>(1 + pick(300));
    policy.mode = static_cast<Mode>(pick(5));
    FakeTool* tools[] = {read, write, exec};
    auto* tool = tools[pick(3)];
    const int before = tool->runs;
    const auto path = "/m" + std::to_string(pick(4)) + (pick(2) == 0 ? "" : "/x");
    run(tool->spec().name, R"({"path":")" + path + "\"}");
    if (tool->runs == before) continue;
    ASSERT_EQ(tool->grant.mounts.size(), policy.envelope.mounts.size());
    for (std::size_t i = 0; i < tool->grant.mounts.size(); ++i) {
      const auto& given = tool->grant.mounts[i];
      const auto& most = policy.envelope.mounts[i];
      EXPECT_EQ(given.host_path, most.host_path);
      EXPECT_EQ(given.guest_path, most.guest_path);
      EXPECT_LE(given.access, most.access);
      const auto& decision = control.decisions.back();
      if (!given.host_path.empty()) EXPECT_LE(given.access, decision.workspace);
    }
    EXPECT_LE(tool->grant.limits.open_files, policy.envelope.limits.open_files);
    EXPECT_LE(tool->grant.limits.open_files, context.limits.open_files);
  }
}

// --- results
// --------------------------------------------------------------------------------------

TEST_F(CallPipelineTest, WhateverAToolDoesBecomesItsOneResult) {
  const auto give = [&](Result<ToolOutput> output) {
    read->output = [this, output] {
      clock.advance(base::Milliseconds(3));
      return output;
    };
    const auto result = run("read", kPath);
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
  read->output = [] {
    return ToolOutput{ResultStatus::ok, "an image", {{{}, "image/png", "blob", 640, 480, 12'345}}};
  };
  const auto finished = try_run("read", kPath).value();
  EXPECT_EQ(finished.result.text, "an image");
  EXPECT_EQ(finished.images,
            (std::vector<core::ImageBlock>{{"c1", "image/png", "blob", 640, 480, 12'345}}));
}

TEST_F(CallPipelineTest, ADecisionThatCannotBeLoggedEndsTheRunBeforeAnythingRuns) {
  control.decided_status = fail(Code::conflict, "fenced");
  EXPECT_EQ(try_run("write", kPath).error().code, Code::conflict);
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
  const auto pipeline = CallPipeline::make(registry, clock).value();
  EXPECT_TRUE(pipeline->reads_only({"c", "read", ""}));
  EXPECT_FALSE(pipeline->reads_only({"c", "write", ""}));
  EXPECT_FALSE(pipeline->reads_only({"c", "unknown", ""}));
}

}  // namespace
}  // namespace boxagnts::tools
