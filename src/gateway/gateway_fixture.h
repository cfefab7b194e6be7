// For this room's tests: a gateway over a store in memory, a folder on disk and two tools.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "base/json.h"
#include "gateway/gateway.h"
#include "gateway/test_exchange.h"

namespace boxagnts::gateway {

using net::ServerRequest;
using net::ServerResponse;

class EchoTool final : public tools::Tool {
 public:
  const core::ToolSpec& spec() const override { return spec_; }
  Result<core::CallFacts> facts(const Json&, const tools::ToolContext&) const override {
    return core::CallFacts{};
  }
  Result<tools::ToolOutput> execute(const Json& arguments, const tools::Execution&) const override {
    return tools::ToolOutput{core::ResultStatus::ok, base::to_text(arguments)};
  }

 private:
  const core::ToolSpec spec_{"echo", "Says what it is told.",
                             base::parse_json(R"({"type":"object","required":["say"]})").value(),
                             core::Level::none};
};

// Its calls wait until the test lets them go, or until there is one too many.
struct Waiting {
  static constexpr int kMost = 4;
  std::atomic<int> calls = 0;
  std::atomic<bool> released = false;

  void enter() {
    if (++calls > kMost) release();
    calls.notify_all();
    released.wait(false);
  }
  void release() {
    released = true;
    released.notify_all();
  }
};

class WaitingTool final : public tools::Tool {
 public:
  explicit WaitingTool(Waiting& waiting) : waiting_(waiting) {}
  const core::ToolSpec& spec() const override { return spec_; }
  Result<core::CallFacts> facts(const Json&, const tools::ToolContext&) const override {
    return core::CallFacts{};
  }
  Result<tools::ToolOutput> execute(const Json&, const tools::Execution&) const override {
    waiting_.enter();
    return tools::ToolOutput{core::ResultStatus::ok, ""};
  }

 private:
  Waiting& waiting_;
  const core::ToolSpec spec_{"wait", "Waits.", JsonObject{{"type", "object"}}, core::Level::none};
};

// "hello\n", by brotli.
inline constexpr std::string_view kHello("\x8b\x02\x80hello\n\x03", 10);
inline constexpr Asset kPage[]{
    {"/", "text/html; charset=utf-8", "1", kHello},
    {"/assets/a-1.js", "text/javascript; charset=utf-8", "2", kHello},
};

class GatewayTest : public testing::Test {
 protected:
  explicit GatewayTest(Desks desks = {}) {
    std::filesystem::create_directory(root_ + "/ws");
    files_ =
        workspace::Files::open(
            workspace::open(root_ + "/ws", [this](const std::string&) { return root_; }).value(),
            clock_)
            .value();
    EXPECT_TRUE(registry_.add(std::make_unique<EchoTool>()));
    EXPECT_TRUE(registry_.add(std::make_unique<WaitingTool>(waiting_)));
    pipeline_ = tools::CallPipeline::make(registry_, clock_).value();
    tools_ = tools::fixed_tools(registry_, *pipeline_)();
    settings_.workspace = root_ + "/ws";
    gateway_.emplace(Options{.peer_user = [](const ServerRequest&) -> Result<uid_t> { return 1; },
                             .own_user = 1},
                     clock_);
    EXPECT_TRUE(
        gateway_->open({.store = *store_,
                        .runs = runs_,
                        .tools = [this] { return tools_; },
                        .files = *files_,
                        .changes = *changes_,
                        .rules = *rules_,
                        .settings = [this] { return std::make_shared<agent::Settings>(settings_); },
                        .run_defaults = [] { return RunDefaults(); },
                        .page = kPage,
                        .scratch_folder = root_,
                        .desks = desks}));
  }

  ~GatewayTest() override {
    gateway_.reset();
    std::filesystem::remove_all(root_);
  }

  ServerResponse send(ServerRequest request, std::string body = {}) {
    TestExchange exchange(std::move(request), std::move(body));
    gateway_->handle(exchange);
    EXPECT_TRUE(exchange.answer) << "no answer";
    return exchange.answer.value_or(ServerResponse{.status = 0});
  }
  // With the token, and JSON if there is a body.
  ServerRequest signed_request(std::string method, std::string path) {
    auto request = own_request(std::move(method), std::move(path));
    request.headers = {{"Authorization", "Bearer " + gateway_->start_token()},
                       {"Content-Type", "application/json"}};
    return request;
  }
  ServerResponse call(std::string method, std::string path, std::string body = {}) {
    return send(signed_request(std::move(method), std::move(path)), std::move(body));
  }
  core::SessionId session_with_events(int count) {
    const auto session = store_->create_session("made").value();
    const auto lease = store_->acquire(session).value().lease;
    for (int i = 0; i < count; ++i) {
      const core::EventBody body = core::UserMessage{"m" + std::to_string(i)};
      EXPECT_TRUE(store_->append(*lease, std::span(&body, 1)));
    }
    return session;
  }
  static Json json_of(const ServerResponse& response) {
    return base::parse_json(response.body).value_or(Json());
  }
  static std::string_view code_of(const Json& json) {
    const auto* error = base::find(json, "error");
    return error ? base::get_string(*error, "code").value_or("") : "";
  }
  static std::string header(const ServerResponse& response, std::string_view name) {
    for (const auto& [known, value] : response.headers)
      if (known == name) return value;
    return "";
  }

  static std::string made_folder() {
    char folder[] = "/tmp/gateway_test.XXXXXX";
    return ::mkdtemp(folder);
  }

  const std::string root_ = made_folder();
  base::ManualClock clock_;
  std::unique_ptr<store::Store> store_ = store::Store::open_in_memory(clock_).value();
  TestRuns runs_;
  Waiting waiting_;
  tools::Registry registry_;
  std::unique_ptr<tools::CallPipeline> pipeline_;
  std::shared_ptr<const tools::Toolset> tools_;  // those of now
  agent::Settings settings_;
  std::unique_ptr<workspace::Changes> changes_ = workspace::Changes::open(root_, clock_).value();
  std::unique_ptr<agent::RuleBook> rules_ =
      agent::make_memory_rule_book(policy::Rules({.workspace = root_ + "/ws"}));
  std::unique_ptr<workspace::Files> files_;
  std::optional<Gateway> gateway_;
};

}  // namespace boxagnts::gateway
