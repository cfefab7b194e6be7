// For tests of runs: a model that plays steps, tools that do what the test says, a real store (in
// memory), real pipeline, real policy; the clock moves by itself whenever somebody backs off.
#pragma once

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "agent/runs.h"
#include "base/json.h"
#include "tools/call_pipeline.h"

namespace boxagnts::agent {

using core::Outcome;
using core::ResultStatus;
using Step = std::function<Result<models::Answer>(const models::Request&, const models::OnPiece&,
                                                  std::stop_token)>;

inline Step says(std::string text) {
  return [=](const auto&, const auto& on_piece, auto) -> Result<models::Answer> {
    on_piece(models::TextPiece{text});
    return models::Answer{{core::TextBlock{text}}, core::StopReason::end_turn, {10, 5, 0, 0}};
  };
}
inline Step calls(std::vector<core::ToolCall> wanted) {
  return [=](const auto&, const auto&, auto) -> Result<models::Answer> {
    models::Answer answer{{}, core::StopReason::tool_use, {10, 5, 0, 0}};
    for (const auto& call : wanted) answer.blocks.emplace_back(call);
    return answer;
  };
}
inline Step fails(Code code, std::int64_t retry_after_ms = 0) {
  return [=](const auto&, const auto& on_piece, auto) -> Result<models::Answer> {
    on_piece(models::TextPiece{"half an ans"});
    return std::unexpected(Error{code, "the stream was cut", "", retry_after_ms});
  };
}
inline Step is_cut_at_its_token_limit() {
  return [](const auto&, const auto&, auto) -> Result<models::Answer> {
    return models::Answer{
        {core::TextBlock{"and then"}}, core::StopReason::max_tokens, {1, 1, 0, 0}};
  };
}

// Plays steps in order; the last one again and again.
struct Script {
  std::vector<Step> steps;
  std::atomic<std::size_t> asked = 0;
  std::vector<core::Message> last_messages;  // of the newest request; read when the run has ended
};

class ScriptModel final : public models::Model {
 public:
  explicit ScriptModel(Script& script) : script_(script) {}
  const std::string& name() const override { return name_; }
  Result<models::Answer> answer(const models::Request& request, const models::OnPiece& on_piece,
                                std::stop_token stop) override {
    script_.last_messages.assign(request.messages.begin(), request.messages.end());
    const std::size_t step = std::min<std::size_t>(script_.asked++, script_.steps.size() - 1);
    return script_.steps[step](request, on_piece, stop);
  }

 private:
  Script& script_;
  const std::string name_ = "test/script";
};

// A tool whose facts and behaviour the test chooses.
class TestTool final : public tools::Tool {
 public:
  using Behaviour = std::function<Result<tools::ToolOutput>(const Json&, const tools::Execution&)>;
  TestTool(std::string name, core::Level level, Behaviour behaviour)
      : spec_{std::move(name), "test", *base::parse_json(R"({"type":"object"})"), level},
        behaviour_(std::move(behaviour)) {}
  const core::ToolSpec& spec() const override { return spec_; }
  Result<core::CallFacts> facts(const Json&, const tools::ToolContext& context) const override {
    core::CallFacts facts;
    if (spec_.level == core::Level::write) facts.writes = {context.workspace + "/out/f"};
    return facts;
  }
  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    return behaviour_(arguments, execution);
  }

 private:
  core::ToolSpec spec_;
  Behaviour behaviour_;
};

class RunsTest : public testing::Test {
 protected:
  RunsTest() {
    clock_.set_auto_advance();
    std::filesystem::create_directories(workspace_ + "/out");
    std::filesystem::create_directories(state_);
    add("look", core::Level::read_only, [](const Json&, const auto&) { return output("seen"); });
    add("change", core::Level::write, [this](const Json&, const auto& execution) {
      // Each call's own content: a change that changes nothing is no question.
      write_file(*execution.files, workspace_ + "/out/f", std::to_string(++changes_));
      return output("changed");
    });
    add("big", core::Level::read_only, [](const Json&, const auto&) {
      return output("HEAD" + std::string(100'000, 'x') + "TAIL");
    });
    add("wait", core::Level::read_only, [this](const Json&, const auto& execution) {
      std::mutex mutex;
      std::condition_variable_any never;
      std::unique_lock lock(mutex);
      ++waiting_;
      waiting_.notify_all();
      never.wait(lock, execution.context.stop, [] { return false; });
      return Result<tools::ToolOutput>(fail(Code::cancelled, "stopped"));
    });
    pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
    store_ = store::Store::open_in_memory(clock_).value();
    settings_.workspace = workspace_;
    kept_changes_ = workspace::Changes::open(state_, clock_).value();
    settings_.result_bytes_max = 10'000;
    runs_ = make_runs();
  }

  ~RunsTest() override {
    runs_.reset();
    std::filesystem::remove_all(folder_);
  }

  static Result<tools::ToolOutput> output(std::string text) {
    return tools::ToolOutput{ResultStatus::ok, std::move(text)};
  }
  void add(const char* name, core::Level level, TestTool::Behaviour behaviour) {
    ASSERT_TRUE(registry_.add(std::make_unique<TestTool>(name, level, std::move(behaviour))));
  }
  std::unique_ptr<Runs> make_runs() {
    return Runs::make({*store_, [this] { return set_ ? set_ : fixed_set(); }, clock_,
                       [this](const std::string& name) -> Result<std::unique_ptr<models::Model>> {
                         if (name == "none") return fail(Code::invalid_argument, "no such model");
                         return std::make_unique<ScriptModel>(script_);
                       },
                       *kept_changes_, *rules_},
                      settings_);
  }

  std::shared_ptr<const tools::Toolset> fixed_set() const {
    return tools::fixed_tools(registry_, *pipeline_)();
  }

  Started start(std::vector<Step> steps) {
    script_.steps = std::move(steps);
    script_.asked = 0;
    request_.prompt = "please";
    request_.model = "test/script";
    auto started = runs_->start(request_);
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    return started.value_or(Started{});
  }

  // Follows to the end; `on_item` may act on what it sees.
  std::vector<core::Event> follow(const Started& started,
                                  const std::function<void(const Tail::Item&)>& on_item = {}) {
    std::vector<core::Event> events;
    auto tail = runs_->tail(started.session, started.after).value();
    while (true) {
      auto item = tail->next({}, std::chrono::steady_clock::now() + std::chrono::seconds(20));
      if (!item || !*item) {
        ADD_FAILURE() << (item ? "the run did not end"
                               : item.error().message + "; " + item.error().context);
        return events;
      }
      if (on_item) on_item(**item);
      if (const auto* event = std::get_if<core::Event>(&**item)) {
        events.push_back(*event);
        const auto* ended = std::get_if<core::RunEnded>(&event->body);
        if (ended && event->run == started.run && ended->of.empty()) return events;
      }
    }
  }
  std::vector<core::Event> run(std::vector<Step> steps) { return follow(start(std::move(steps))); }

  template <class Body>
  static std::vector<Body> all(const std::vector<core::Event>& events) {
    std::vector<Body> found;
    for (const auto& event : events)
      if (const auto* body = std::get_if<Body>(&event.body)) found.push_back(*body);
    return found;
  }
  // Ids of the calls in the order of their results.
  static std::vector<std::string> results_of(const std::vector<core::Event>& events) {
    std::vector<std::string> ids;
    for (const auto& finished : all<core::ToolFinished>(events))
      ids.push_back(finished.result.call_id);
    return ids;
  }
  static core::RunEnded ended(const std::vector<core::Event>& events) {
    const auto all_ended = all<core::RunEnded>(events);
    return all_ended.empty() ? core::RunEnded{} : all_ended.back();
  }

  base::ManualClock clock_;
  tools::Registry registry_;
  std::unique_ptr<tools::CallPipeline> pipeline_;
  std::shared_ptr<const tools::Toolset> set_;  // instead of these
  std::unique_ptr<store::Store> store_;
  Settings settings_;
  RunRequest request_{.mode = core::Mode::edits};
  Script script_;
  static std::string made_folder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "runs_test.XXXXXX").string();
    return std::filesystem::canonical(::mkdtemp(pattern.data()));
  }
  static void write_file(const vfs::NameSpace& files, const std::string& path,
                         const std::string& text) {
    const auto opened = files.open(files.root(), path, vfs::Follow::no,
                                   {.write = true, .create = true, .truncate = true});
    ASSERT_TRUE(opened) << path << " " << std::strerror(opened.error());
    ASSERT_TRUE(opened->file->write_at(std::as_bytes(std::span(text)), 0));
  }
  // What calls of `change` have left in the workspace; nothing at first.
  std::string written() const {
    std::ifstream file(workspace_ + "/out/f");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const std::string folder_ = made_folder();
  const std::string workspace_ = folder_ + "/ws", state_ = folder_ + "/state";
  std::unique_ptr<workspace::Changes> kept_changes_;
  std::unique_ptr<RuleBook> rules_ =
      make_memory_rule_book(policy::Rules({.workspace = workspace_}));
  std::atomic<int> changes_ = 0, waiting_ = 0;
  std::unique_ptr<Runs> runs_;
};

}  // namespace boxagnts::agent
