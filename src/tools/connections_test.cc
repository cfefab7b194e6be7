// Connections that no rule allows: asked about by name, once or for the run; what a yes gives to
// the gate and what it does not; and the clock that stands still meanwhile.
#include <condition_variable>
#include <latch>
#include <mutex>
#include <thread>

#include "net/egress.h"
#include "tools/pipeline_fixture.h"

namespace boxagnts::tools {
namespace {

using core::Answer;
using core::Mode;
using core::ResultStatus;
using core::Verdict;

net::Destination to(const std::string& url) {
  return net::destination_of("GET", net::parse_url(url).value());
}

class ConnectionsTest : public PipelineTest {
 protected:
  // Asks as a guest's network does; what came of it is the call's text.
  static FakeTool::Act asks(const std::string& url) {
    return [url](const Json&, const Execution& execution) -> Result<ToolOutput> {
      const auto entry = execution.connections.ask(to(url));
      if (!entry && entry.error().code == Code::permission_denied)
        return ToolOutput{ResultStatus::failed,
                          entry.error().message + " [" + entry.error().context + "]"};
      if (!entry) return std::unexpected(entry.error());
      return ToolOutput{ResultStatus::ok, entry->text};
    };
  }
  // What becomes of a connection to this URL, whose name leads there, once a person said yes.
  Status reach(const std::string& url, const std::string& address) {
    core::NetworkGrant grant;
    read->act = [&](const Json&, const Execution& execution) -> Result<ToolOutput> {
      grant = execution.grant.network;
      grant.answered.push_back(execution.connections.ask(to(url)).value());
      return ToolOutput{ResultStatus::ok, ""};
    };
    run("read");
    const auto gate = net::make_gate(grant).value();
    const auto verdict = gate->decide(to(url), {});
    if (!verdict.allowed) return net::refusal_of(verdict);
    return gate->admit(to(url), verdict, net::parse_ip(address).value());
  }
};

TEST_F(ConnectionsTest, AYesIsForThisCallAlone) {
  read->act = asks("https://a.test:8443/x?q");
  EXPECT_EQ(run("read").text, "https://a.test:8443");
  ASSERT_EQ(control.questions.size(), 1u);
  const auto& question = control.questions[0];
  EXPECT_EQ(question.kind, core::QuestionKind::connection);
  EXPECT_EQ(question.question, "Let read connect to https://a.test:8443 (GET)?");
  EXPECT_EQ(question.connection, "https://a.test:8443");
  EXPECT_EQ(question.for_this_run, "every request to https://a.test:8443");
  EXPECT_EQ(question.always, "connect https://a.test:8443");
  EXPECT_EQ(run("read").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.size(), 2u) << "another call";
  EXPECT_TRUE(policy.connections->entries().empty());
}

TEST_F(ConnectionsTest, ForThisRunIsNotAskedAgainAndStandsInTheNextGrant) {
  control.answer(Answer::for_this_run);
  read->act = asks("https://a.test/x");
  EXPECT_EQ(run("read").status, ResultStatus::ok);
  EXPECT_EQ(run("read").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.size(), 1u);
  ASSERT_EQ(read->grant.network.answered.size(), 1u);
  EXPECT_EQ(read->grant.network.answered[0].text, "https://a.test");
  EXPECT_TRUE(control.rules.empty());
  for (const auto* other : {"https://a.test:444/", "http://a.test/", "https://b.a.test/"}) {
    control.answer(Answer::no);
    read->act = asks(other);
    EXPECT_EQ(run("read").status, ResultStatus::failed) << other;
  }
}

TEST_F(ConnectionsTest, AlwaysWritesTheRuleAndHoldsForThisRun) {
  control.answer(Answer::always);
  read->act = asks("https://a.test/x");
  EXPECT_EQ(run("read").status, ResultStatus::ok);
  EXPECT_EQ(control.rules, std::vector<std::string>{"connect https://a.test"});
  EXPECT_EQ(control.all<core::RuleAdded>().size(), 1u);
  EXPECT_EQ(run("read").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.size(), 1u);
}

TEST_F(ConnectionsTest, EveryOtherAnswerIsARefusalThatTheToolSees) {
  const struct {
    Result<Asked> answer;
    ResultStatus status;
    const char* part;
  } rows[] = {
      {Asked{.reply = core::Reply{Answer::no, "", {}}}, ResultStatus::failed,
       "a person was asked about https://a.test and said no; do without it [answer]"},
      {Asked{.reply = core::Reply{Answer::no, "use the cache", {}}}, ResultStatus::failed,
       "They say: use the cache"},
      {Asked{.why = "nobody is there"}, ResultStatus::failed, "nobody is there [unanswered]"},
      {Asked{.why = "queued as a1", .queued = true}, ResultStatus::failed, "queued as a1"},
      {fail(Code::cancelled, "stop"), ResultStatus::cancelled, "cancelled"},
  };
  read->act = asks("https://a.test/x");
  for (const auto& row : rows) {
    control.answers.push_back(row.answer);
    const auto result = run("read");
    EXPECT_EQ(result.status, row.status) << row.part;
    EXPECT_TRUE(result.text.contains(row.part)) << result.text;
    EXPECT_TRUE(policy.connections->entries().empty());
  }
  control.answers.push_back(fail(Code::conflict, "fenced"));
  EXPECT_EQ(try_run("read", "").error().code, Code::conflict);
}

TEST_F(ConnectionsTest, InPlanModeNobodyIsAsked) {
  policy.mode = Mode::plan;
  read->act = asks("https://a.test/x");
  EXPECT_TRUE(run("read").text.ends_with("[table:plan/connection]"));
  EXPECT_TRUE(control.questions.empty());
}

TEST_F(ConnectionsTest, AYesToANameOpensNoAddressThatIsNotGlobal) {
  EXPECT_TRUE(reach("http://a.test:8080/", "8.8.8.8"));
  for (const auto* address : {"127.0.0.1", "10.0.0.1", "::1", "fd00::1", "169.254.169.254",
                              "100.64.0.1", "::ffff:127.0.0.1"}) {
    const auto reached = reach("http://a.test:8080/", address);
    ASSERT_FALSE(reached) << address;
    EXPECT_EQ(reached.error().code, Code::permission_denied) << address;
  }
}

TEST_F(ConnectionsTest, AYesToAnAddressAndToLocalhostOpensWhatItNames) {
  EXPECT_TRUE(reach("http://127.0.0.1:8080/", "127.0.0.1"));
  EXPECT_TRUE(reach("http://10.1.2.3/", "10.1.2.3"));
  EXPECT_TRUE(reach("http://[fd00::1]:81/", "fd00::1"));
  EXPECT_TRUE(reach("http://localhost:8080/", "127.0.0.1"));
  EXPECT_FALSE(reach("http://localhost:8080/", "169.254.169.254"));
  EXPECT_FALSE(reach("http://169.254.169.254/", "169.254.169.254")) << "no yes opens that";
}

TEST_F(ConnectionsTest, AnAlwaysOpensNoMoreThanTheYesDid) {
  use_rules({{Verdict::allow, "connect http://a.test:8080"},
             {Verdict::allow, "connect http://10.1.2.3:80"}});
  run("read");
  const auto gate = net::make_gate(read->grant.network).value();
  const auto verdict = gate->decide(to("http://a.test:8080/"), {});
  ASSERT_TRUE(verdict.allowed);
  EXPECT_TRUE(gate->admit(to("http://a.test:8080/"), verdict, *net::parse_ip("8.8.8.8")));
  EXPECT_FALSE(gate->admit(to("http://a.test:8080/"), verdict, *net::parse_ip("127.0.0.1")));
  const auto literal = gate->decide(to("http://10.1.2.3/"), {});
  EXPECT_TRUE(gate->admit(to("http://10.1.2.3/"), literal, *net::parse_ip("10.1.2.3")));
}

TEST_F(ConnectionsTest, TheQuestionAboutChangesListsWhatWasConnectedTo) {
  policy.mode = Mode::ask;
  exec->act = [this](const Json&, const Execution& execution) -> Result<ToolOutput> {
    execution.connections.made(to("https://a.test/x"));
    execution.connections.made(to("https://a.test/y"));
    execution.connections.made(to("https://b.test/"));
    EXPECT_TRUE(execution.connections.ask(to("https://c.test/")));
    EXPECT_EQ(write_file(execution, w_ + "/new.txt", "x"), 0);
    return ToolOutput{ResultStatus::ok, "done"};
  };
  EXPECT_EQ(run("exec").status, ResultStatus::ok);
  ASSERT_EQ(control.questions.size(), 2u);
  const std::vector<std::string> made{"https://a.test", "https://b.test"};
  EXPECT_EQ(control.questions[0].connected, made);
  EXPECT_EQ(control.questions[1].connected, made);
  EXPECT_TRUE(control.questions[1].question.contains(
      "It has connected to https://a.test, https://b.test already, which a no does not undo."))
      << control.questions[1].question;
}

TEST_F(ConnectionsTest, TheClockStandsStillWhileAPersonIsAsked) {
  control.meanwhile = [this](const core::Approval&) { clock.advance(base::Milliseconds(7000)); };
  read->act = [this](const Json&, const Execution& execution) -> Result<ToolOutput> {
    clock.advance(base::Milliseconds(5));
    (void)execution.connections.ask(to("https://a.test/"));
    (void)execution.connections.ask(to("https://b.test/"));
    EXPECT_EQ(execution.stopped.total(), base::Milliseconds(14'000));
    return ToolOutput{ResultStatus::ok, "done"};
  };
  EXPECT_EQ(run("read").status, ResultStatus::ok);
  EXPECT_EQ(control.questions.size(), 2u);
}

// --- calls side by side
// ---------------------------------------------------------------------------

// A clock that tells how often it was read.
class CountingClock final : public base::Clock {
 public:
  base::Timestamp now() override { return inner_.now(); }
  base::Steady steady() override {
    {
      const std::lock_guard lock(mutex_);
      ++readings_;
    }
    read_.notify_all();
    return inner_.steady();
  }
  bool sleep_until(base::Steady deadline, std::stop_token stop) override {
    return inner_.sleep_until(deadline, std::move(stop));
  }
  void advance(base::Milliseconds by) { inner_.advance(by); }
  int readings() {
    const std::lock_guard lock(mutex_);
    return readings_;
  }
  // False when that takes longer than any machine does.
  bool wait_for_readings(int wanted) {
    std::unique_lock lock(mutex_);
    return read_.wait_for(lock, std::chrono::seconds(20), [&] { return readings_ >= wanted; });
  }

 private:
  base::ManualClock inner_;
  std::mutex mutex_;
  std::condition_variable read_;
  int readings_ = 0;
};

TEST_F(ConnectionsTest, WhatIsAnsweredForTheRunIsNotAskedAgainByACallSideBySide) {
  std::latch both_run(2);
  std::atomic<int> asked = 0;
  read->act = [&](const Json&, const Execution& execution) -> Result<ToolOutput> {
    both_run.arrive_and_wait();  // neither has the other's answer in its grant
    EXPECT_TRUE(execution.grant.network.answered.empty());
    const auto entry = execution.connections.ask(to("https://a.test/"));
    return ToolOutput{entry ? ResultStatus::ok : ResultStatus::failed, "done"};
  };
  struct ForTheRun final : RunControl {
    explicit ForTheRun(std::atomic<int>& count) : asked(count) {}
    Status decided(const core::CallDecided&) override { return {}; }
    Result<Asked> ask(core::Approval) override {
      ++asked;
      return Asked{.reply = core::Reply{Answer::for_this_run, "", {}}};
    }
    void touches(const core::CallFacts&) override {}
    Status note(core::EventBody) override { return {}; }
    Result<core::RuleAdded> add_rule(const std::string&) override {
      return fail(Code::unsupported, "no rules here");
    }
    std::atomic<int>& asked;
  } person(asked);
  const auto pipeline = CallPipeline::make(registry, clock).value();
  const auto one_call = [&](const char* id) {
    RunPolicy its_own = policy;
    const auto finished = pipeline->run({id, "read", ""}, its_own, context, person);
    EXPECT_EQ(finished->result.status, ResultStatus::ok);
  };
  {
    std::jthread other([&] { one_call("c2"); });
    one_call("c1");
  }
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(policy.connections->entries().size(), 1u);
}

TEST_F(ConnectionsTest, WhoWaitsForTheAnswerToAnothersQuestionHasItsClockStoppedToo) {
  CountingClock counted;
  const auto pipeline = CallPipeline::make(registry, counted).value();
  std::latch running(1);
  int readings_before = 0;
  std::chrono::nanoseconds stopped{};
  read->act = [&](const Json&, const Execution& execution) -> Result<ToolOutput> {
    readings_before = counted.readings();
    running.count_down();
    (void)execution.connections.ask(to("https://a.test/"));
    stopped = execution.stopped.total();
    return ToolOutput{ResultStatus::ok, "done"};
  };
  std::jthread call;
  {
    const std::lock_guard another_is_asked(policy.connections->asking);
    call = std::jthread([&] { (void)pipeline->run({"c1", "read", ""}, policy, context, control); });
    running.wait();
    EXPECT_TRUE(counted.wait_for_readings(readings_before + 1))
        << "its clock goes on while it waits";
    counted.advance(base::Milliseconds(9000));
  }
  call.join();
  EXPECT_EQ(stopped, base::Milliseconds(9000));
}

}  // namespace
}  // namespace boxagnts::tools
