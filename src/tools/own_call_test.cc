// A person's own call: what would be asked is a yes, what rules deny stays denied, and nothing of
// it is kept.
#include "tools/own_call.h"

#include "tools/pipeline_fixture.h"

namespace boxagnts::tools {
namespace {

using core::ResultStatus;
using core::Verdict;

class OwnCallTest : public PipelineTest {
 protected:
  core::ToolResult run_own(const std::string& tool, const std::string& arguments = "") {
    return run_whole(tool, arguments).result;
  }
  OwnResult run_whole(const std::string& tool, const std::string& arguments = "") {
    const auto pipeline = CallPipeline::make(registry, clock).value();
    auto finished = run_own_call(*pipeline,
                                 {.call = {"c1", tool, arguments},
                                  .envelope = policy.envelope,
                                  .workspace = w_,
                                  .rules = policy.rules,
                                  .changes = changes_.get(),
                                  .stop = stop.get_token()},
                                 clock);
    EXPECT_TRUE(finished);
    return finished.value_or(OwnResult{});
  }
};

TEST_F(OwnCallTest, WhatWouldBeAskedIsDoneAndNothingIsKept) {
  use_rules({{Verdict::ask, "tool exec"}, {Verdict::ask, "write asked"}});
  exec->act = [this](const Json&, const Execution& execution) -> Result<ToolOutput> {
    EXPECT_EQ(write_file(execution, w_ + "/asked", "x"), 0);
    EXPECT_FALSE(execution.connections.ask(
        net::destination_of("GET", net::parse_url("https://a.test/").value())));
    return ToolOutput{ResultStatus::ok, "done"};
  };
  EXPECT_EQ(run_own("exec").text, "done");
  EXPECT_EQ(get(w_ + "/asked"), "x");
  EXPECT_TRUE(kept_sets().empty()) << "no session would undo it";
}

TEST_F(OwnCallTest, WhatRulesDenyStaysDenied) {
  use_rules({{Verdict::deny, "write locked"}, {Verdict::deny, "tool write"}});
  exec->act = doing(
      [this](const Execution& execution) { return write_file(execution, w_ + "/locked", "x"); });
  EXPECT_EQ(run_own("exec").status, ResultStatus::denied);
  EXPECT_FALSE(fs::exists(w_ + "/locked"));
  EXPECT_EQ(run_own("write").status, ResultStatus::denied);
  EXPECT_EQ(run_own("read", path_arguments(w_ + "/.env")).status, ResultStatus::denied);
  EXPECT_EQ(write->runs + read->runs, 0);
}

TEST_F(OwnCallTest, WhatItChangedAndItsPicturesComeWithIt) {
  exec->act = [this](const Json&, const Execution& execution) -> Result<ToolOutput> {
    EXPECT_EQ(write_file(execution, w_ + "/a.txt", "one\nnew\n"), 0);
    EXPECT_EQ(write_file(execution, w_ + "/made", "x\n"), 0);
    ToolOutput output{ResultStatus::ok, "done"};
    output.images.push_back(
        {.media_type = "image/png", .blob = execution.context.keep("\x89PNG").value(), .bytes = 4});
    return output;
  };
  const auto whole = run_whole("exec");
  EXPECT_EQ(whole.result.text, "done");
  ASSERT_EQ(whole.images.size(), 1u);
  EXPECT_EQ(whole.images[0].media_type, "image/png");
  EXPECT_EQ(whole.images[0].bytes, "\x89PNG");
  ASSERT_EQ(whole.files.size(), 2u);
  EXPECT_EQ(whole.files[0].path, w_ + "/a.txt");
  EXPECT_EQ(whole.files[0].kind, core::FileChangeKind::changed);
  EXPECT_EQ(whole.files[1].kind, core::FileChangeKind::added);
  EXPECT_TRUE(whole.diff.contains("+new") && whole.diff.contains("-two")) << whole.diff;
}

TEST_F(OwnCallTest, WhatWasNotAppliedIsNoChange) {
  use_rules({{Verdict::deny, "write locked"}});
  exec->act = doing(
      [this](const Execution& execution) { return write_file(execution, w_ + "/locked", "x"); });
  const auto denied = run_whole("exec");
  EXPECT_TRUE(denied.files.empty() && denied.diff.empty());
  // Somebody else was faster: a conflict is none either.
  exec->act = [this](const Json&, const Execution& execution) -> Result<ToolOutput> {
    EXPECT_EQ(write_file(execution, w_ + "/src/b.txt", "ours\n"), 0);
    put(w_ + "/src/b.txt", "theirs\n");
    return ToolOutput{ResultStatus::ok, "done"};
  };
  EXPECT_TRUE(run_whole("exec").files.empty());
  EXPECT_EQ(get(w_ + "/src/b.txt"), "theirs\n");
}

TEST_F(OwnCallTest, ItsPicturesTakeSoMuchMemoryAndNoMore) {
  exec->act = [](const Json&, const Execution& execution) -> Result<ToolOutput> {
    const std::string large(8u << 20, 'x');
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(execution.context.keep(large));
    const auto one_more = execution.context.keep("x");
    if (one_more) return ToolOutput{ResultStatus::ok, "more"};
    return ToolOutput{ResultStatus::failed, one_more.error().message};
  };
  EXPECT_TRUE(run_own("exec").text.contains("33.6 MB"));
}

TEST_F(OwnCallTest, ItStopsOnRequest) {
  stop.request_stop();
  EXPECT_EQ(run_own("exec").status, ResultStatus::cancelled);
  EXPECT_EQ(exec->runs, 0);
}

TEST_F(OwnCallTest, AToolIsFoundByNameOrTheNearestIsNamed) {
  EXPECT_EQ(find_tool(registry, "read").value(), read);
  const auto none = find_tool(registry, "reed");
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::not_found);
  EXPECT_TRUE(none.error().message.contains("did you mean \"read\"?"));
}

}  // namespace
}  // namespace boxagnts::tools
