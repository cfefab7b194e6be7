// What a person arranges, through the door: what goes to which desk, who hears of a change, and how
// many models are tried at once.
#include <thread>

#include "base/text.h"
#include "gateway/gateway_fixture.h"

namespace boxagnts::gateway {
namespace {

// Says what it was asked, or the error that the test wants.
struct FakeDesks final : SettingsDesk, ModelsDesk, PolicyDesk, SkillsDesk {
  std::vector<std::string> asked;
  std::optional<Error> error;
  std::atomic<int> tries = 0;
  std::atomic<bool> released = false;
  static constexpr int kMost = 2;

  Result<Json> say(std::string what) {
    asked.push_back(std::move(what));
    if (error) return std::unexpected(*error);
    return JsonObject{{"wrote", "x"}};
  }
  // Waits for the test, unless there is one too many.
  Result<Json> try_one() {
    if (++tries > kMost) release();
    tries.notify_all();
    released.wait(false);
    return JsonObject{};
  }
  void release() {
    released = true;
    released.notify_all();
  }

  // SettingsDesk and PolicyDesk and the others have their own `list`, `change` and so on: each is
  // reached by its own type.
  Result<Json> change(const JsonObject& wanted) override {
    return say("settings " + base::to_text(wanted));
  }
  Result<Json> list() override { return say("list"); }  // of settings and of skills
  Result<Json> list(Probe probe, std::stop_token) override {
    return probe == Probe::asked ? try_one() : say("models");
  }
  Result<Json> choose(const std::string& model) override { return say("choose " + model); }
  Result<Json> test(const std::string&, std::stop_token) override { return try_one(); }
  Result<Json> change(const std::string& provider, const JsonObject& wanted) override {
    return say(provider + " " + base::to_text(wanted));
  }
  Result<Json> forget_key(const std::string& provider) override {
    return say("forget " + provider);
  }
  Result<Json> rules() override { return say("rules"); }
  Result<Json> add(const std::string& effect, const std::string& rule) override {
    return say("add " + effect + " " + rule);
  }
  Result<Json> remove(const std::string& one, const std::string& other) override {
    return say("remove " + one + " " + other);  // a rule, or a skill
  }
  Result<Json> explain(const Json& what) override { return say("explain " + base::to_text(what)); }
  Result<Json> trust() override { return say("trust"); }
  Result<Json> set_trust(const std::string& trust) override { return say("trust " + trust); }
  Result<Json> show(const std::string& name, const std::string& origin) override {
    return say("show " + name + " " + origin);
  }
  Result<Json> write(const std::string& name, const Json& wanted) override {
    return say("write " + name + " " + base::to_text(wanted));
  }
  Result<Json> check(const std::string& name, const std::string& text) override {
    return say("check " + name + " " + text);
  }
  Result<SkillStart> start(const std::string& name, const std::string& arguments) override {
    if (error) return std::unexpected(*error);
    return SkillStart{"do " + name + " with " + arguments, {name, "user", {"read"}}};
  }
  Result<Json> instructions() override { return say("instructions"); }
  Result<Json> write_instructions(const std::string& origin, const Json& wanted) override {
    return say("write " + origin + " " + base::to_text(wanted));
  }
};

struct WithFakes {
  FakeDesks desks;
};

struct Row {
  const char *method, *path, *body, *asked, *heard;
  std::vector<std::pair<std::string, std::string>> query = {};
};

class DeskRoutesTest : public WithFakes, public GatewayTest {
 protected:
  DeskRoutesTest()
      : GatewayTest({.settings = &desks, .models = &desks, .policy = &desks, .skills = &desks}) {}

  ServerResponse play(const Row& row) {
    auto request = signed_request(row.method, row.path);
    request.query = row.query;
    return send(request, row.body);
  }
};

const Row kRows[] = {
    {"GET", "/api/v1/settings", "", "list", ""},
    {"PATCH", "/api/v1/settings", R"({"a":null})", R"(settings {"a":null})", "settings"},
    {"GET", "/api/v1/models", "", "models", ""},
    {"PUT", "/api/v1/models/default", R"({"model":"ollama/x"})", "choose ollama/x", "settings"},
    {"PUT", "/api/v1/providers/openai", R"({"key":"k"})", R"(openai {"key":"k"})", "settings"},
    {"DELETE", "/api/v1/providers/openai/key", "", "forget openai", "settings"},
    {"GET", "/api/v1/rules", "", "rules", ""},
    {"POST", "/api/v1/rules", R"({"effect":"deny","rule":"read x"})", "add deny read x",
     "settings"},
    {"DELETE",
     "/api/v1/rules",
     "",
     "remove deny read x",
     "settings",
     {{"effect", "deny"}, {"rule", "read x"}}},
    {"POST", "/api/v1/policy/explain", R"({"tool":"read"})", R"(explain {"tool":"read"})", ""},
    {"GET", "/api/v1/trust", "", "trust", ""},
    {"PUT", "/api/v1/trust", R"({"trust":"trusted"})", "trust trusted", "settings skills"},
    {"GET", "/api/v1/skills", "", "list", ""},
    {"GET", "/api/v1/skills/x", "", "show x ", ""},
    {"GET", "/api/v1/skills/check", "", "show check user", "", {{"origin", "user"}}},
    {"PUT", "/api/v1/skills/x", R"({"text":"t","origin":"user"})",
     R"(write x {"text":"t","origin":"user"})", "skills"},
    {"POST", "/api/v1/skills/check", R"({"name":"n","text":"t"})", "check n t", ""},
    {"DELETE", "/api/v1/skills/x", "", "remove x user", "skills", {{"origin", "user"}}},
    {"GET", "/api/v1/instructions", "", "instructions", ""},
    {"PUT", "/api/v1/instructions/user", R"({"text":"t"})", R"(write user {"text":"t"})",
     "settings"},
};

TEST_F(DeskRoutesTest, EachGoesToItsDeskAndPagesHearOfChanges) {
  TestExchange page(signed_request("GET", "/api/v1/events"));
  gateway_->handle(page);
  const auto next = [&] {
    while (true) {
      const std::string bytes = *page.stream->next();
      if (bytes.contains("event: attached\n") || bytes == ":\n\n") continue;
      const auto name = bytes.substr(7, bytes.find('\n') - 7);
      EXPECT_TRUE(bytes.contains("data: {}\n\n")) << bytes;
      EXPECT_FALSE(bytes.contains("id: ")) << bytes;
      return name;
    }
  };
  for (const auto& row : kRows) {
    const auto response = play(row);
    EXPECT_LT(response.status, 300) << row.method << row.path << response.body;
    ASSERT_FALSE(desks.asked.empty()) << row.path;
    EXPECT_EQ(desks.asked.back(), row.asked) << row.path;
    for (const auto name : base::split(row.heard, ' '))
      if (!name.empty()) EXPECT_EQ(next(), name) << row.path;
  }
  desks.error = Error{Code::conflict, "no"};
  for (const auto& row : kRows) EXPECT_EQ(play(row).status, 409) << row.path;
  desks.error.reset();
  EXPECT_EQ(play(kRows[15]).status, 200);
  EXPECT_EQ(next(), "skills") << "what failed was announced";
}

TEST_F(DeskRoutesTest, SoManyModelsAreTriedAtOnceAndNoMore) {
  const auto test = [this] {
    return call("POST", "/api/v1/models/test", R"({"model":"demo/tour"})").status;
  };
  const auto probe = [this] {
    auto request = signed_request("GET", "/api/v1/models");
    request.query = {{"probe", "true"}};
    return send(request).status;
  };
  std::jthread one([&] { EXPECT_EQ(test(), 200); }), other([&] { EXPECT_EQ(probe(), 200); });
  for (int seen = 0; (seen = desks.tries) < FakeDesks::kMost;) desks.tries.wait(seen);
  EXPECT_EQ(test(), 503);
  EXPECT_EQ(probe(), 503);
  desks.release();
  one.join();
  other.join();
  EXPECT_EQ(test(), 200) << "a place was not given back";
}

TEST_F(DeskRoutesTest, ARunBeginsWithASkill) {
  const auto start = [this](const char* body) { return call("POST", "/api/v1/runs", body).status; };
  start(R"({"skill":"x","arguments":"a b","model":"demo/tour"})");
  ASSERT_TRUE(runs_.asked);
  EXPECT_EQ(runs_.asked->prompt, "do x with a b");
  EXPECT_EQ(runs_.asked->skill->name, "x");
  EXPECT_EQ(runs_.asked->skill->allowed_tools, std::vector<std::string>{"read"});
  start(R"({"skill":"x","prompt":"more","model":"demo/tour"})");
  EXPECT_EQ(runs_.asked->prompt, "do x with \n\nInput:\nmore");
  runs_.asked.reset();
  for (const auto* body : {R"({"model":"demo/tour"})", R"({"skill":"A","model":"demo/tour"})",
                           R"({"prompt":"x","arguments":"y","model":"demo/tour"})",
                           R"({"skill":"../x","model":"demo/tour"})"})
    EXPECT_EQ(start(body), 400) << body;
  EXPECT_FALSE(runs_.asked);
}

TEST_F(GatewayTest, WithoutDesksNothingIsArranged) {
  for (const auto* path : {"/api/v1/settings", "/api/v1/models", "/api/v1/rules", "/api/v1/trust",
                           "/api/v1/skills", "/api/v1/instructions"})
    EXPECT_EQ(code_of(json_of(call("GET", path))), "unsupported") << path;
}

}  // namespace
}  // namespace boxagnts::gateway
