// Where models are and which key goes there: by who wrote what, and by what strange servers say.
#include "models/providers.h"

#include <gtest/gtest.h>

#include <deque>

#include "base/config.h"
#include "models/model.h"

namespace boxagnts::models {
namespace {

using base::ConfigNode;

constexpr const char* kKey = "sk-secret-123456";

const Family& family(std::string_view id) { return *find_family(id).value(); }

Settings settings_of(std::map<std::string, std::string> environment, Provider openai = {}) {
  return {.environment =
              [environment = std::move(environment)](const std::string& name) {
                const auto found = environment.find(name);
                return found == environment.end() ? std::string() : found->second;
              },
          .providers = {{"openai", std::move(openai)}}};
}

TEST(Providers, TheEnvironmentCountsMoreThanAFile) {
  const Provider file{.base_url = "https://file.example/v1", .where = "config.toml:2"};
  const auto by_file = endpoint_of(family("openai"), settings_of({}, file)).value();
  EXPECT_EQ(by_file.base_url, "https://file.example/v1");
  EXPECT_EQ(by_file.from, "config.toml:2");
  const auto by_environment =
      endpoint_of(family("openai"), settings_of({{"OPENAI_BASE_URL", "https://e.example/"}}, file))
          .value();
  EXPECT_EQ(by_environment.base_url, "https://e.example");
  EXPECT_EQ(by_environment.from, "environment OPENAI_BASE_URL");
  const auto by_nobody = endpoint_of(family("openai"), settings_of({})).value();
  EXPECT_TRUE(by_nobody.is_default);
  EXPECT_EQ(by_nobody.from, "default");
  const auto wrong = endpoint_of(family("openai"), settings_of({{"OPENAI_BASE_URL", "ftp://x"}}));
  EXPECT_TRUE(wrong.error().message.starts_with("OPENAI_BASE_URL: ")) << wrong.error().message;
}

TEST(Providers, AStoredKeyIsForItsBaseUrlAlone) {
  Provider provider{.base_url = "https://mine.example/v1",
                    .where = "settings.toml:2",
                    .by_door = true,
                    .key = kKey,
                    .key_url = "https://mine.example/v1"};
  const auto at = [&](std::map<std::string, std::string> environment) {
    return endpoint_of(family("openai"), settings_of(std::move(environment), provider)).value();
  };
  EXPECT_EQ(at({}).key, kKey);
  EXPECT_EQ(at({}).key_from, KeyFrom::stored);
  EXPECT_EQ(at({{"OPENAI_BASE_URL", "https://other.example/v1"}}).key, "");
  provider.base_url = "https://mine.example:8443/v1";
  EXPECT_EQ(at({}).key, "");
  EXPECT_EQ(at({}).key_from, KeyFrom::none);
}

TEST(Providers, TheEnvironmentsKeyGoesWhereAPersonPointed) {
  Provider provider{.base_url = "https://file.example/v1", .where = "config.toml:2"};
  const auto key_at = [&](std::map<std::string, std::string> environment) {
    environment["OPENAI_API_KEY"] = kKey;
    return endpoint_of(family("openai"), settings_of(std::move(environment), provider)).value().key;
  };
  EXPECT_EQ(key_at({}), kKey);
  provider.by_door = true;
  EXPECT_EQ(key_at({}), "") << "a door could point it anywhere";
  EXPECT_EQ(key_at({{"OPENAI_BASE_URL", "https://e.example/v1"}}), kKey);
  provider = {.key = "sk-stored", .key_url = "https://api.openai.com/v1"};
  EXPECT_EQ(key_at({}), kKey) << "the environment counts more";
  EXPECT_EQ(endpoint_of(family("ollama"), settings_of({{"OPENAI_API_KEY", kKey}})).value().key, "");
}

TEST(Providers, BaseUrlsAreComparedInOneForm) {
  const auto of = [](const char* id, std::string_view text) {
    return base_url_of(family(id), text).value_or("refused");
  };
  EXPECT_EQ(of("openai", "HTTPS://A.Example:443/v1//"), "https://a.example/v1");
  EXPECT_EQ(of("openai", "https://a.example"), "https://a.example");
  EXPECT_EQ(of("ollama", "box"), "http://box:11434/v1");
  EXPECT_EQ(of("ollama", "http://box:9/v1/"), "http://box:9/v1");
  EXPECT_EQ(of("llamacpp", "[::1]"), "http://[::1]:8080/v1");
  for (const auto* bad : {"", "/", "nonsense", "ftp://a.example", "https://me:word@a.example/v1",
                          "https://a.example/v1?x=1", "https://a.example/#x"})
    EXPECT_EQ(of("openai", bad), "refused") << bad;
  EXPECT_EQ(
      base_url_of(family("openai"), "https://a.example/" + std::string(2'000, 'x')).error().code,
      Code::invalid_argument);
}

std::unique_ptr<ConfigNode> table(ConfigNode::Table entries = {}) {
  return std::make_unique<ConfigNode>("", "config.toml", 1, std::move(entries));
}
std::unique_ptr<ConfigNode> provider_file(const char* url) {
  ConfigNode::Table openai, providers, root;
  openai["base_url"] = std::make_unique<ConfigNode>("providers.openai.base_url", "config.toml", 3,
                                                    ConfigNode::Value(std::string(url)));
  providers["openai"] =
      std::make_unique<ConfigNode>("providers.openai", "config.toml", 2, std::move(openai));
  root["providers"] =
      std::make_unique<ConfigNode>("providers", "config.toml", 2, std::move(providers));
  return table(std::move(root));
}

TEST(Providers, AFileSaysWhereAPersonsModelsAre) {
  Providers read;
  ASSERT_TRUE(read_providers(*provider_file("https://a.example/v1/"), Author::person, read));
  EXPECT_EQ(read["openai"].base_url, "https://a.example/v1");
  EXPECT_EQ(read["openai"].where, "config.toml:3");
  const auto wrong = read_providers(*provider_file("nowhere"), Author::person, read);
  EXPECT_TRUE(wrong.error().message.starts_with("config.toml:3: providers.openai.base_url: "))
      << wrong.error().message;
}

TEST(Providers, AWorkspacesFileSaysNothingOfThem) {
  Providers read;
  const auto refused =
      read_providers(*provider_file("https://evil.example"), Author::workspace, read);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::permission_denied);
  EXPECT_TRUE(refused.error().message.starts_with("config.toml:2: ")) << refused.error().message;
  EXPECT_TRUE(read_providers(*table(), Author::workspace, read));
}

TEST(Providers, AKeyIsInNoError) {
  const auto said = without_key(
      {Code::unavailable, std::string("a ") + kKey + " b " + kKey, std::string("wire: ") + kKey},
      kKey);
  EXPECT_EQ(said.message, "a (the key) b (the key)");
  EXPECT_EQ(said.context, "wire: (the key)");
  EXPECT_EQ(without_key({Code::io, "unavailable"}, "a").message, "unavailable")
      << "what is so short is part of any word";
}

// A server of one body, without a network.
class OneBody final : public net::HttpClient {
 public:
  OneBody(int status, std::deque<std::string> pieces) : status_(status), pieces_(pieces) {}
  Result<std::unique_ptr<net::Response>> send(net::Request request, const net::ConnectGate&,
                                              const net::SendOptions&, std::stop_token) override {
    for (const auto& [name, value] : request.headers)
      if (name == "Authorization") authorization = value;
    target = request.url.target;
    class Answer final : public net::Response {
     public:
      explicit Answer(OneBody& home) : home_(home) {}
      int status() const override { return home_.status_; }
      const net::Headers& headers() const override { return none_; }
      std::string_view protocol() const override { return "http/1.1"; }
      Result<std::string> read(std::stop_token) override {
        if (home_.pieces_.empty()) return std::string();
        auto piece = home_.pieces_.front();
        home_.pieces_.pop_front();
        return piece;
      }
      Result<std::optional<std::string>> try_read() override { return read({}); }
      int poll_descriptor() const override { return -1; }

     private:
      OneBody& home_;
      net::Headers none_;
    };
    return std::make_unique<Answer>(*this);
  }
  std::string authorization, target;

 private:
  int status_;
  std::deque<std::string> pieces_;
};

Result<std::vector<std::string>> list_of(std::deque<std::string> pieces, int status = 200) {
  OneBody http(status, std::move(pieces));
  return list_models({.base_url = "https://a.example/v1", .key = kKey}, {}, http, {}, {});
}

TEST(ListModels, AsksWithTheKeyAndSorts) {
  OneBody http(200, {R"({"data": [{"id": "b"}, {"id": "a")", R"(}, {"id": "b"}]})"});
  const auto names =
      list_models({.base_url = "https://a.example/v1", .key = kKey}, {}, http, {}, {});
  EXPECT_EQ(names.value(), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(http.target, "/v1/models");
  EXPECT_EQ(http.authorization, std::string("Bearer ") + kKey);
}

TEST(ListModels, IsBoundedAndBelievesNothing) {
  EXPECT_EQ(list_of({R"({"data": null})"}).value().size(), 0u);
  EXPECT_EQ(
      list_of({R"({"data": [1, {"id": 2}, {"id": ""}, {"id": "a\nb"}, {"id": "ok"}]})"}).value(),
      std::vector<std::string>{"ok"});
  for (const auto* body : {"", "x", "[]", "{}", R"({"models": []})"})
    EXPECT_EQ(list_of({body}).error().code, Code::unsupported) << body;
  std::string many = R"({"data": [)";
  for (int i = 0; i < 3'000; ++i) many += R"({"id": "m)" + std::to_string(i) + "\"},";
  many.back() = ']';
  EXPECT_EQ(list_of({many + "}"}).value().size(), kModelsMax);
  const std::deque<std::string> flood(5, std::string(1 << 20, ' '));
  EXPECT_EQ(list_of(flood).error().code, Code::limit_exceeded);
}

TEST(ListModels, ARefusalIsToldWithoutTheKey) {
  const auto refused =
      list_of({std::string(R"({"error": {"message": "no such key: )") + kKey + "\"}}"}, 401);
  EXPECT_EQ(refused.error().code, Code::unauthenticated);
  EXPECT_TRUE(refused.error().message.contains("(the key)")) << refused.error().message;
  EXPECT_FALSE(refused.error().message.contains(kKey)) << refused.error().message;
}

TEST(Demo, IsAScriptThatPlays) {
  base::ManualClock clock;
  clock.set_auto_advance();
  const auto http = net::HttpClient::make();
  const auto model = open_model("demo/tour", settings_of({}), *http, clock).value();
  EXPECT_EQ(model->name(), "demo/tour");
  std::vector<core::Message> messages{{core::Role::user, {core::TextBlock{"What can you do?"}}}};
  const auto first = model->answer({.messages = messages}, [](const Piece&) {}, {}).value();
  EXPECT_TRUE(std::get<core::TextBlock>(first.blocks[1]).text.contains("script, not a model"));
  for (const auto* name : {"demo/", "demo/other", "demo"})
    EXPECT_EQ(open_model(name, settings_of({}), *http, clock).error().code, Code::invalid_argument);
}

}  // namespace
}  // namespace boxagnts::models
