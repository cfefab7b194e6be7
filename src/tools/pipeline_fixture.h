// What the pipeline's tests share: a workspace in a temporary folder with real change sets, tools
// that do what the test says, and a person who answers what the test says.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <boost/json.hpp>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <set>

#include "tools/call_pipeline.h"
#include "workspace/changes.h"

namespace boxagnts::tools {

namespace fs = std::filesystem;

inline constexpr const char* kPathSchema =
    R"({"type":"object","properties":{"path":{"type":"string"}},"additionalProperties":false})";

inline void put(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
inline std::string get(const std::string& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// A tool whose facts are its argument (a write-level tool writes the path, others read it), and
// which does what `act` says.
class FakeTool final : public Tool {
 public:
  using Act = std::function<Result<ToolOutput>(const Json&, const Execution&)>;

  FakeTool(std::string name, core::Level level, const char* schema = kPathSchema) {
    spec_ = {std::move(name), "a tool", base::parse_json(schema).value(), level};
  }
  const core::ToolSpec& spec() const override { return spec_; }
  Result<core::CallFacts> facts(const Json& arguments, const ToolContext&) const override {
    core::CallFacts facts;
    const auto path = base::get_string(arguments, "path");
    if (path == "bad") return fail(Code::invalid_argument, "bad is no path");
    if (path) (spec_.level >= core::Level::write ? facts.writes : facts.reads).emplace_back(*path);
    if (path && reads_what_it_writes) facts.reads.emplace_back(*path);
    return facts;
  }
  Result<ToolOutput> execute(const Json& arguments, const Execution& execution) const override {
    ++runs;
    grant = execution.grant;
    return act(arguments, execution);
  }
  void narrow(core::Grant& narrowed) const override {
    if (narrows) narrows(narrowed);
  }
  bool runs_alone() const override { return alone; }
  std::optional<core::ToolCall> stands_for(const core::ToolCall& call, const Json&) const override {
    if (stands_for_tool.empty()) return std::nullopt;
    return core::ToolCall{call.id, stands_for_tool, call.arguments};
  }

  // What it does when it writes nothing.
  static Result<ToolOutput> done(const Json&, const Execution&) {
    return ToolOutput{core::ResultStatus::ok, "done"};
  }

  std::function<void(core::Grant&)> narrows;
  bool alone = false;
  std::string stands_for_tool;
  bool reads_what_it_writes = false;
  Act act = done;
  mutable int runs = 0;
  mutable core::Grant grant;

 private:
  core::ToolSpec spec_;
};

// What a call does to files, through its name space.
inline vfs::Leaf leaf_of(const Execution& execution, const std::string& path) {
  auto leaf = execution.files->resolve(execution.files->root(), path, vfs::Follow::no);
  EXPECT_TRUE(leaf) << path << " errno " << (leaf ? 0 : leaf.error());
  return leaf.value();
}
// 0, or an errno.
inline int write_file(const Execution& execution, const std::string& path,
                      const std::string& text) {
  auto opened = execution.files->open(execution.files->root(), path, vfs::Follow::yes,
                                      {.write = true, .create = true, .truncate = true});
  if (!opened) return opened.error();
  if (!opened->file) return EISDIR;
  const auto written = opened->file->write_at(std::as_bytes(std::span(text)), 0);
  return written ? 0 : written.error();
}
inline int make_folder(const Execution& execution, const std::string& path) {
  const auto leaf = leaf_of(execution, path);
  const auto made = leaf.parent.directory->make_directory(leaf.name);
  return made ? 0 : made.error();
}
inline int make_link(const Execution& execution, const std::string& path,
                     const std::string& target) {
  const auto leaf = leaf_of(execution, path);
  const auto made = leaf.parent.directory->make_link(leaf.name, target);
  return made ? 0 : made.error();
}
inline int remove_file(const Execution& execution, const std::string& path) {
  const auto leaf = leaf_of(execution, path);
  const auto removed = leaf.parent.directory->remove_file(leaf.name);
  return removed ? 0 : removed.error();
}
inline int move(const Execution& execution, const std::string& from, const std::string& to) {
  const auto old = leaf_of(execution, from), fresh = leaf_of(execution, to);
  const auto moved =
      old.parent.directory->rename_entry(old.name, *fresh.parent.directory, fresh.name);
  return moved ? 0 : moved.error();
}

// A tool's doing that consists in one step on files.
template <class Step>
FakeTool::Act doing(Step step) {
  return [step](const Json&, const Execution& execution) -> Result<ToolOutput> {
    EXPECT_EQ(step(execution), 0);
    return ToolOutput{core::ResultStatus::ok, "done"};
  };
}

struct Control final : RunControl {
  Status decided(const core::CallDecided& decision) override {
    decisions.push_back(decision.decision);
    return decided_status;
  }
  Result<Asked> ask(core::Approval approval) override {
    questions.push_back(approval);
    if (meanwhile) meanwhile(approval);
    if (answers.empty()) return Asked{.reply = core::Reply{core::Answer::yes}};
    auto answer = std::move(answers.front());
    answers.pop_front();
    return answer;
  }
  void touches(const core::CallFacts& facts) override { touched.push_back(facts); }
  Status note(core::EventBody body) override {
    notes.push_back(std::move(body));
    return {};
  }
  Result<core::RuleAdded> add_rule(const std::string& rule) override {
    rules.push_back(rule);
    if (!rules_can_be_added) return fail(Code::io, "the disk is full");
    return core::RuleAdded{"allow " + rule, "rules.toml:4"};
  }

  void answer(core::Answer answer, std::string word = "") {
    answers.push_back(Asked{.reply = core::Reply{answer, std::move(word), {}}});
  }
  template <class Body>
  std::vector<Body> all() const {
    std::vector<Body> found;
    for (const auto& note : notes)
      if (const auto* body = std::get_if<Body>(&note)) found.push_back(*body);
    return found;
  }
  std::vector<core::ChangesSettled> settled() const { return all<core::ChangesSettled>(); }

  std::vector<core::Decision> decisions;
  std::vector<core::Approval> questions;
  std::vector<core::CallFacts> touched;
  std::vector<core::EventBody> notes;
  std::vector<std::string> rules;
  std::deque<Result<Asked>> answers;  // one a question; none left: yes
  std::function<void(const core::Approval&)> meanwhile;
  bool rules_can_be_added = true;
  Status decided_status;
};

class PipelineTest : public ::testing::Test {
 protected:
  PipelineTest() {
    char folder[] = "/tmp/pipeline_test.XXXXXX";
    base_ = fs::canonical(::mkdtemp(folder)).string();
    w_ = base_ + "/w";
    other_ = base_ + "/other";
    ref_ = base_ + "/ref";
    for (const auto& made : {w_ + "/src/deep", other_, ref_}) fs::create_directories(made);
    fs::create_directories(w_ + "/.boxagnts");
    put(w_ + "/a.txt", "one\ntwo\nthree\nfour\nfive\n");
    put(w_ + "/src/b.txt", "b\n");
    changes_ = workspace::Changes::open(w_ + "/.boxagnts", clock).value();
    read = add(std::make_unique<FakeTool>("read", core::Level::read_only));
    write = add(std::make_unique<FakeTool>("write", core::Level::write));
    exec = add(std::make_unique<FakeTool>("exec", core::Level::execute));
    policy.mode = core::Mode::ask;
    policy.envelope.mounts = {{w_, w_, core::Access::read_write},
                              {ref_, ref_, core::Access::read_only},
                              {"", "/tmp", core::Access::read_write}};
    policy.envelope.working_directory = w_;
    context.workspace = w_;
    context.stop = stop.get_token();
    context.changes = changes_.get();
    context.keep = [this](std::string_view bytes) -> Result<std::string> {
      blobs.emplace_back(bytes);
      return "blob" + std::to_string(blobs.size());
    };
  }
  ~PipelineTest() override {
    changes_.reset();
    fs::remove_all(base_);
  }

  FakeTool* add(std::unique_ptr<FakeTool> tool) {
    auto* raw = tool.get();
    EXPECT_TRUE(registry.add(std::move(tool)));
    return raw;
  }
  void use_rules(std::vector<std::pair<core::Verdict, std::string>> entries) {
    auto rules = std::make_shared<policy::Rules>(
        policy::Places{.workspace = w_, .home = base_, .configuration = ""});
    for (const auto& [verdict, text] : entries)
      EXPECT_TRUE(rules->add(policy::Layer::user, verdict, text, "config.toml:3")) << text;
    policy.rules = std::move(rules);
  }
  std::string path_arguments(const std::string& path) const {
    return base::to_text(JsonObject{{"path", path}});
  }
  Result<core::ToolFinished> try_run(const std::string& tool, const std::string& arguments) {
    return CallPipeline::make(registry, clock)
        .value()
        ->run({"c1", tool, arguments}, policy, context, control);
  }
  core::ToolResult run(const std::string& tool, const std::string& arguments = "") {
    auto finished = try_run(tool, arguments);
    EXPECT_TRUE(finished) << (finished ? "" : finished.error().message);
    return finished ? finished->result : core::ToolResult{};
  }
  int runs() const { return read->runs + write->runs + exec->runs; }

  // What is kept of changes at all.
  std::set<std::string> kept_sets() const {
    std::set<std::string> found;
    for (const auto& entry : fs::directory_iterator(w_ + "/.boxagnts/changes"))
      if (!entry.path().filename().string().starts_with('.')) found.insert(entry.path().filename());
    return found;
  }
  bool nothing_staged() const { return fs::is_empty(w_ + "/.boxagnts/changes/.staging"); }

  std::string base_, w_, other_, ref_;
  base::ManualClock clock;
  std::unique_ptr<workspace::Changes> changes_;
  Registry registry;
  FakeTool *read, *write, *exec;
  RunPolicy policy;
  std::stop_source stop;
  ToolContext context;
  Control control;
  std::vector<std::string> blobs;
};

}  // namespace boxagnts::tools
