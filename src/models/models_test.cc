// The dialect at every cut, the errors of servers, the script, the retries.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <thread>

#include "base/file.h"
#include "models/model.h"
#include "models/openai_chat_codec.h"
#include "models/retry.h"
#include "models/scripted.h"
#include "net/sse.h"

namespace boxagnts::models {
namespace {

using core::StopReason;
using core::TextBlock;
using core::ThinkingBlock;
using core::ToolCall;

const OnPiece kNobody = [](const Piece&) {};

Result<Answer> decode(const std::vector<std::string_view>& pieces) {
  net::SseParser events;
  ChatDecoder decoder;
  for (const auto piece : pieces) {
    events.feed(piece);
    while (auto event = TRY(events.next())) TRY(decoder.feed(event->data, kNobody));
  }
  return decoder.finish();
}

std::string chunk(const std::string& delta, const std::string& rest = "") {
  return "data: {\"choices\":[{\"index\":0,\"delta\":" + delta + rest + "}]}\n\n";
}
const std::string kStop = chunk("{}", ",\"finish_reason\":\"stop\"");
const std::string kDone = "data: [DONE]\n\n";

TEST(ChatCodec, AWholeStreamIsTheSameAtEveryCut) {
  const std::string stream =
      chunk(R"({"role":"assistant","content":null,"reasoning_content":"hm "})") +
      chunk(R"({"content":"h\u00e9 )"
            "€😀\"}") +
      chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"read","arguments":""}}]})") +
      chunk(R"({"tool_calls":[{"index":1,"id":"b","function":{"name":"glo)"
            R"(b","arguments":"{\"p"}}]})") +
      chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"{\"x\":1}"}}]})") +
      chunk(R"({"tool_calls":[{"index":1,"function":{"arguments":"\":2}"}}]})") +
      chunk("{}", R"(,"finish_reason":"tool_calls")") +
      R"(data: {"choices":[],"usage":{"prompt_tokens":11,"completio)"
      R"(n_tokens":7,"prompt_tokens_details":{"cached_tokens":4},"c)"
      R"(ompletion_tokens_details":{"reasoning_tokens":3}}})"
      "\n\n" +
      kDone;
  const std::vector<core::Block> blocks{ThinkingBlock{"hm ", ""}, TextBlock{"h\u00e9 €😀"},
                                        ToolCall{"a", "read", R"({"x":1})"},
                                        ToolCall{"b", "glob", R"({"p":2})"}};
  const std::string_view view = stream;
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    const auto answer = decode({view.substr(0, cut), view.substr(cut)});
    ASSERT_TRUE(answer) << cut;
    ASSERT_EQ(answer->blocks, blocks) << cut;
    ASSERT_EQ(answer->usage, (core::Usage{11, 7, 4, 3})) << cut;
    ASSERT_EQ(answer->reason, StopReason::tool_use);
  }
}

struct StreamCase {
  const char* name;
  std::string stream;
  Code error;  // internal = none
  std::vector<core::Block> blocks;
  StopReason reason = StopReason::end_turn;
};
class ChatStream : public testing::TestWithParam<StreamCase> {};
TEST_P(ChatStream, Decodes) {
  const auto answer = decode({GetParam().stream});
  if (GetParam().error != Code::internal) {
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().code, GetParam().error) << answer.error().message;
    return;
  }
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->blocks, GetParam().blocks);
  EXPECT_EQ(answer->reason, GetParam().reason);
}
const std::string kHi = chunk(R"({"content":"hi"})");
INSTANTIATE_TEST_SUITE_P(
    Matrix, ChatStream,
    testing::Values(
        StreamCase{"Cut", kHi, Code::unavailable, {}},
        StreamCase{"Empty", "", Code::unavailable, {}},
        StreamCase{"CutInsideAnEvent", kHi + "data: {\"choi", Code::unavailable, {}},
        StreamCase{"NotJson", "data: <html>\n\n", Code::unavailable, {}},
        StreamCase{"FinishedByAnError",
                   kHi + chunk("{}", R"(,"finish_reason":"error")"),
                   Code::unavailable,
                   {}},
        StreamCase{"FinishedByTheServersTrouble",
                   kHi + chunk("{}", R"(,"finish_reason":"insufficient_system_resource")"),
                   Code::unavailable,
                   {}},
        StreamCase{"ErrorInside",
                   kHi + "data: {\"error\":{\"message\":\"overloaded\"}}\n\n",
                   Code::unavailable,
                   {}},
        StreamCase{"DoneWithoutReason", kHi + kDone, Code::internal, {TextBlock{"hi"}}},
        StreamCase{"ReasonWithoutDone", kHi + kStop, Code::internal, {TextBlock{"hi"}}},
        StreamCase{"Length",
                   kHi + chunk("{}", ",\"finish_reason\":\"length\""),
                   Code::internal,
                   {TextBlock{"hi"}},
                   StopReason::max_tokens},
        StreamCase{"Filter",
                   chunk("{}", ",\"finish_reason\":\"content_filter\""),
                   Code::internal,
                   {},
                   StopReason::content_filter},
        StreamCase{
            "Refusal", chunk(R"({"refusal":"no"})") + kStop, Code::internal, {TextBlock{"no"}}},
        StreamCase{
            "ArgumentsAsObject",
            chunk(R"({"tool_calls":[{"id":"a","function":{"name":"t","arguments":{"x":1}}}]})") +
                kStop,
            Code::internal,
            {ToolCall{"a", "t", R"({"x":1})"}},
            StopReason::tool_use},
        StreamCase{"NoIds",
                   chunk(R"({"tool_calls":[{"index":0,"function":{"name":"t","argument)"
                         R"(s":"{}"}},{"index":1,"function":{"name":"u","arguments":"{}"}}]})") +
                       kStop,
                   Code::internal,
                   {ToolCall{"call_1", "t", "{}"}, ToolCall{"call_2", "u", "{}"}},
                   StopReason::tool_use},
        StreamCase{"SameIdTwice",
                   chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"t"})"
                         R"(},{"index":1,"id":"a","function":{"name":"u"}}]})") +
                       kStop,
                   Code::internal,
                   {ToolCall{"a", "t", ""}, ToolCall{"a_2", "u", ""}},
                   StopReason::tool_use},
        StreamCase{"EveryCallIndexZero",
                   chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"t",)"
                         R"("arguments":"{}"}}]})") +
                       chunk(R"({"tool_calls":[{"index":0,"id":"b","function":{"name":"u",)"
                             R"("arguments":"{}"}}]})") +
                       kStop,
                   Code::internal,
                   {ToolCall{"a", "t", "{}"}, ToolCall{"b", "u", "{}"}},
                   StopReason::tool_use},
        StreamCase{"EveryCallIndexZeroInFragments",
                   chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"t",)"
                         R"("arguments":"{"}}]})") +
                       chunk(R"({"tool_calls":[{"index":0,"id":"b","function":{"name":"u",)"
                             R"("arguments":"["}}]})") +
                       chunk(R"({"tool_calls":[{"index":0,"function":{"arguments":"1"}}]})") +
                       chunk(R"({"tool_calls":[{"index":0,"id":"b","function":{)"
                             R"("arguments":"]"}}]})") +
                       chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{)"
                             R"("arguments":"}"}}]})") +
                       kStop,
                   Code::internal,
                   {ToolCall{"a", "t", "{}"}, ToolCall{"b", "u", "[1]"}},
                   StopReason::tool_use},
        StreamCase{"NoIndexAndNoIds",
                   chunk(R"({"tool_calls":[{"function":{"name":"t","arguments":{"x":1}}}]})") +
                       chunk(R"({"tool_calls":[{"function":{"name":"u","arguments":{"y":2}}}]})") +
                       kStop,
                   Code::internal,
                   {ToolCall{"call_1", "t", R"({"x":1})"}, ToolCall{"call_2", "u", R"({"y":2})"}},
                   StopReason::tool_use},
        StreamCase{"NameInParts",
                   chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"re"}}]})") +
                       chunk(R"({"tool_calls":[{"index":0,"function":{"name":"ad",)"
                             R"("arguments":"{}"}}]})") +
                       kStop,
                   Code::internal,
                   {ToolCall{"a", "read", "{}"}},
                   StopReason::tool_use},
        StreamCase{"NameRepeated",
                   chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"t",)"
                         R"("arguments":""}}]})") +
                       chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"t",)"
                             R"("arguments":"{"}}]})") +
                       chunk(R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"t",)"
                             R"("arguments":"}"}}]})") +
                       kStop,
                   Code::internal,
                   {ToolCall{"a", "t", "{}"}},
                   StopReason::tool_use},
        StreamCase{"ErrorNullInEveryChunk",
                   R"(data: {"error":null,"choices":[{"delta":{"content":"hi"},)"
                   R"("finish_reason":"stop"}]})"
                   "\n\n",
                   Code::internal,
                   {TextBlock{"hi"}}},
        StreamCase{"ErrorInsideBusy",
                   "data: {\"error\":{\"message\":\"x\",\"code\":429}}\n\n",
                   Code::busy,
                   {}},
        StreamCase{"ErrorInsideOfTheRequest",
                   R"(data: {"error":{"message":"too long","type":"invalid_request_error"}})"
                   "\n\n",
                   Code::invalid_argument,
                   {}},
        StreamCase{"Thinking",
                   chunk(R"({"reasoning":"a","reasoning_content":"a"})") + kStop,
                   Code::internal,
                   {ThinkingBlock{"a", ""}}}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(ChatCodec, RequestsAreWhatTheDialectWants) {
  const std::vector<core::ToolSpec> tools{
      {"read", "Reads", *base::parse_json(R"({"type":"object"})"), core::Level::read_only}};
  const std::vector<core::Message> messages{
      {core::Role::user, {TextBlock{"go"}}},
      {core::Role::assistant,
       {ThinkingBlock{"hm", ""}, ToolCall{"a", "read", "{bad"}, ToolCall{"b", "read", ""}}},
      {core::Role::user,
       {core::ToolResult{.call_id = "a", .status = core::ResultStatus::failed, .text = "no"},
        core::ToolResult{.call_id = "b", .text = "yes"}, TextBlock{"and?"}}}};
  const Request request{.system = "be brief", .messages = messages, .tools = &tools};
  EXPECT_EQ(encode_chat_request("m", Sight::blind, request),
            R"({"model":"m","stream":true,"stream_options":{"include_usage":true},)"
            R"("tools":[{"type":"function","function":{"name":"read","des)"
            R"(cription":"Reads","parameters":{"type":"object"}}}],)"
            R"("messages":[{"role":"system","content":"be brief"},{"role":"user","content":"go"},)"
            R"({"role":"assistant","content":null,"tool_calls":[{"id":"a")"
            R"(,"type":"function","function":{"name":"read","arguments":"{bad"}},)"
            R"({"id":"b","type":"function","function":{"name":"read","arguments":"{}"}}]},)"
            R"({"role":"tool","tool_call_id":"a","content":"[failed] no"})"
            R"(,{"role":"tool","tool_call_id":"b","content":"yes"},)"
            R"({"role":"user","content":"and?"}]})");
}

// What is kept between turns changes nothing of what is sent.
TEST(ChatCodec, AConversationThatGrowsIsEncodedTheSame) {
  const core::ImageBlock image{"c", "image/png", "x", 1, 1, 10};
  const auto message = [&](std::size_t i) -> core::Message {
    const std::string text = std::to_string(i) + " \xc3\xa4\"\n" + std::string(5000, 'x');
    if (i % 3 == 0) return {core::Role::user, {TextBlock{text}}};
    if (i % 3 == 1) return {core::Role::assistant, {TextBlock{text}, ToolCall{"c", "t", "{}"}}};
    return {core::Role::user, {core::ToolResult{.call_id = "c", .text = text}}};
  };
  std::unique_ptr<Encoded> encoded;
  std::vector<core::Message> messages;
  bool was_kept = false;
  for (std::size_t i = 0; i < 150; ++i) {
    messages.push_back(message(i));
    if (i == 100) messages[98].blocks.emplace_back(image);
    const Request plain{.system = "s", .messages = messages};
    Request kept = plain;
    kept.encoded = &encoded;
    if (i == 100) encoded.reset();  // messages were changed
    ASSERT_EQ(encode_chat_request("m", Sight::blind, kept),
              encode_chat_request("m", Sight::blind, plain))
        << i;
    was_kept |= encoded != nullptr;
    messages.back().blocks.emplace_back(TextBlock{"the last one may grow"});
    ASSERT_EQ(encode_chat_request("m", Sight::blind, kept),
              encode_chat_request("m", Sight::blind, plain))
        << i;
    if (i >= 100) EXPECT_EQ(encoded, nullptr) << "images decide which others go along";
  }
  EXPECT_TRUE(was_kept);
}

TEST(ChatCodec, ErrorBodiesAreSaidInOneLine) {
  EXPECT_EQ(describe_chat_error(R"({"error":{"message":"bad\nkey"}})"), "bad key");
  EXPECT_EQ(describe_chat_error(R"({"error":"plain"})"), "plain");
  EXPECT_EQ(describe_chat_error("<!doctype html><h1>502"), "an HTML page instead of an answer");
  EXPECT_EQ(describe_chat_error("oops"), "oops");
  EXPECT_EQ(describe_chat_error(" "), "nothing more");
}

// --- over a socket
// ---------------------------------------------------------------------------------

// Answers one request with fixed bytes.
class OneAnswer {
 public:
  explicit OneAnswer(std::string bytes) : listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    socklen_t size = sizeof address;
    ::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    base_url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/v1";
    thread_ = std::jthread([this, bytes = std::move(bytes)] {
      const base::UniqueFd connection(::accept(listener_.get(), nullptr, nullptr));
      char byte;
      while (!request.contains("\"stream\":true") && ::read(connection.get(), &byte, 1) == 1)
        request += byte;
      (void)!::write(connection.get(), bytes.data(), bytes.size());
      ::shutdown(connection.get(), SHUT_WR);
      while (::read(connection.get(), &byte, 1) > 0) {
      }
    });
  }
  ~OneAnswer() { ::shutdown(listener_.get(), SHUT_RDWR); }
  std::string base_url, request;

 private:
  base::UniqueFd listener_;
  std::jthread thread_;
};

// A body may end a moment after its last word: the next request uses the same connection.
TEST(ChatModel, AnAnswerWhoseEndComesLateLeavesItsConnection) {
  const base::UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
  sockaddr_in address{
      .sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
  socklen_t size = sizeof address;
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size);
  std::promise<void> answered, ended;
  const std::jthread server([&] {
    const base::UniqueFd connection(::accept(listener.get(), nullptr, nullptr));
    const std::string event =
        "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"},\"finish_reason\":\"stop\"}]}\n\n"
        "data: [DONE]\n\n";
    char digits[8];
    const std::string head =
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n" +
        std::string(digits, std::to_chars(digits, digits + 8, event.size(), 16).ptr) + "\r\n" +
        event + "\r\n";
    const auto one_exchange = [&](const std::string& answer) {
      std::string request;
      char byte;
      while (!request.ends_with("]}") && ::read(connection.get(), &byte, 1) == 1) request += byte;
      (void)!::write(connection.get(), answer.data(), answer.size());
    };
    one_exchange(head);
    answered.get_future().wait();
    (void)!::write(connection.get(), "0\r\n\r\n", 5);
    ended.set_value();
    one_exchange(head + "0\r\n\r\n");
  });
  base::SystemClock clock;
  const auto http = net::HttpClient::make();
  const std::string url = "http://127.0.0.1:" + std::to_string(ntohs(address.sin_port)) + "/v1";
  const auto model = open_model("openai/x",
                                {.environment =
                                     [&](const std::string& name) {
                                       return name == "OPENAI_BASE_URL" ? url : std::string();
                                     },
                                 .timeouts = {.first_byte = std::chrono::seconds(5)}},
                                *http, clock)
                         .value();
  const std::vector<core::Message> messages{{core::Role::user, {TextBlock{"hi"}}}};
  EXPECT_TRUE(model->answer({.messages = messages}, kNobody, {}));
  answered.set_value();
  ended.get_future().wait();
  const auto again = model->answer({.messages = messages}, kNobody, {});
  EXPECT_TRUE(again) << again.error().message;
  ::shutdown(listener.get(), SHUT_RDWR);
}

Result<Answer> ask(const std::string& wire, const std::string& key = "",
                   std::string* request = nullptr) {
  OneAnswer server(wire);
  base::SystemClock clock;
  const auto http = net::HttpClient::make();
  const Settings settings{.environment = [&](const std::string& name) {
    return name == "OPENAI_BASE_URL" ? server.base_url : name == "OPENAI_API_KEY" ? key : "";
  }};
  const auto model = TRY(open_model("openai/gpt-test", settings, *http, clock));
  const std::vector<core::Message> messages{{core::Role::user, {TextBlock{"hi"}}}};
  auto answer = model->answer({.messages = messages}, kNobody, {});
  if (request) *request = server.request;
  return answer;
}

struct StatusCase {
  const char* head;
  Code code;
  std::int64_t retry_after_ms = 0;
};
class ChatStatus : public testing::TestWithParam<StatusCase> {};
TEST_P(ChatStatus, IsToldApart) {
  const auto answer = ask("HTTP/1.1 " + std::string(GetParam().head) +
                          "\r\nContent-Length: 29\r\n\r\n{\"error\":{\"message\":\"reason\"}}");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, GetParam().code) << answer.error().message;
  EXPECT_EQ(answer.error().retry_after_ms, GetParam().retry_after_ms);
  EXPECT_TRUE(answer.error().message.contains("openai/gpt-test"));
  EXPECT_TRUE(answer.error().message.contains("reason")) << answer.error().message;
}
INSTANTIATE_TEST_SUITE_P(
    Matrix, ChatStatus,
    testing::Values(
        StatusCase{"400 x", Code::invalid_argument}, StatusCase{"401 x", Code::permission_denied},
        StatusCase{"403 x", Code::permission_denied}, StatusCase{"404 x", Code::not_found},
        StatusCase{"408 x", Code::timeout}, StatusCase{"422 x", Code::invalid_argument},
        StatusCase{"429 x\r\nRetry-After: 7", Code::busy, 7000},
        StatusCase{"429 x\r\nRetry-After: soon", Code::busy, 0},
        StatusCase{"429 x\r\nDate: Fri, 31 Dec 2027 23:59:50 GMT\r\n"
                   "Retry-After: Sat, 01 Jan 2028 00:00:02 GMT",
                   Code::busy, 12'000},
        StatusCase{"429 x\r\nDate: Fri, 31 Dec 2027 23:59:50 GMT\r\n"
                   "Retry-After: Fri, 31 Dec 2027 23:59:00 GMT",
                   Code::busy, 0},
        StatusCase{"429 x\r\nDate: Fri, 31 Dec 2027 23:59:50 GMT\r\n"
                   "Retry-After: Fri, 31 Foo 2027 23:59:00 GMT",
                   Code::busy, 0},
        StatusCase{"429 x\r\n"
                   "Retry-After: Sat, 01 Jan 2028 00:00:02 GMT",
                   Code::busy, 0},
        StatusCase{"500 x", Code::unavailable}, StatusCase{"502 x", Code::unavailable},
        StatusCase{"503 x\r\nRetry-After: 1", Code::busy, 1000}, StatusCase{"529 x", Code::busy}));

TEST(ChatModel, AnAnswerOverTheWireCarriesTheKeyAndEndsClean) {
  std::string request;
  const auto answer =
      ask("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n" + kHi + kStop + kDone, "k-1",
          &request);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->blocks, std::vector<core::Block>{TextBlock{"hi"}});
  EXPECT_TRUE(request.starts_with("POST /v1/chat/completions HTTP/1.1"));
  EXPECT_TRUE(request.contains("Authorization: Bearer k-1\r\n"));
}

TEST(ChatModel, CallsWithoutIdsDifferFromTurnToTurn) {
  const auto wire =
      chunk(R"({"tool_calls":[{"index":0,"function":{"name":"t","arguments":"{}"}}]})") + kStop;
  const auto answer = ask("HTTP/1.1 200 OK\r\n\r\n" + wire);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(std::get<ToolCall>(answer->blocks.at(0)).id, "call_1_1") << "1 message was sent";
}

TEST(ChatModel, APageInPlaceOfAStreamIsSaid) {
  const std::string head = "HTTP/1.1 200 OK\r\n\r\n";
  const auto page = ask(head + "<html>sign in</html>");
  EXPECT_EQ(page.error().code, Code::unsupported);
  EXPECT_TRUE(page.error().message.contains("HTML")) << page.error().message;
  EXPECT_EQ(ask(head + R"({"object":"chat.completion"})").error().code, Code::unsupported);
  const auto told = ask(head + R"({"error":{"message":"model gone"}})");
  EXPECT_EQ(told.error().code, Code::unavailable);
  EXPECT_TRUE(told.error().message.contains("model gone")) << told.error().message;
}

TEST(ChatCodec, AnAnswerWithoutEndIsRefused) {
  struct Case {
    const char* name;
    std::function<std::string(int)> delta;
  };
  const std::string much(1 << 20, 'x');
  for (const auto& [name, delta] :
       {Case{"text", [&](int) { return R"({"content":")" + much + "\"}"; }},
        Case{"thinking", [&](int) { return R"({"reasoning":")" + much + "\"}"; }},
        Case{"arguments",
             [&](int) {
               return R"({"tool_calls":[{"index":0,"id":"a","function":{"name":"t","arguments":")" +
                      much + "\"}}]}";
             }},
        Case{"names",
             [&](int i) {
               return R"({"tool_calls":[{"index":0,"function":{"name":")" + std::to_string(i) +
                      much + "\"}}]}";
             }},
        Case{"calls", [&](int i) {
               std::string calls;
               for (int j = 0; j < 1000; ++j)
                 calls += (j == 0 ? R"({"index":)" : R"(,{"index":)") +
                          std::to_string(i * 1000 + j) + "}";
               return R"({"tool_calls":[)" + calls + "]}";
             }}}) {
    ChatDecoder decoder;
    Status fed;
    for (int i = 0; fed && i < 100; ++i) {
      const std::string event = chunk(delta(i));
      fed = decoder.feed(std::string_view(event).substr(6, event.size() - 8), kNobody);
    }
    ASSERT_FALSE(fed) << name;
    EXPECT_EQ(fed.error().code, Code::limit_exceeded) << name;
  }
}

TEST(ChatModel, AConnectionThatDiesMidAnswerIsNoAnswer) {
  EXPECT_EQ(ask("HTTP/1.1 200 OK\r\n\r\n" + kHi).error().code, Code::unavailable);
  EXPECT_EQ(ask("").error().code, Code::unavailable);
}

TEST(OpenModel, NamesAreExplained) {
  base::SystemClock clock;
  const auto http = net::HttpClient::make();
  const Settings settings{.environment = [](const std::string&) { return std::string(); }};
  const auto said = [&](const char* name) {
    return open_model(name, settings, *http, clock).error().message;
  };
  for (const auto* bad : {"", "gpt", "openai", "openai/", "nonsense/x"})
    EXPECT_TRUE(said(bad).contains("names no model")) << bad;
  EXPECT_TRUE(said("openai/x").contains("OPENAI_BASE_URL"));
  EXPECT_TRUE(open_model("ollama/x", settings, *http, clock));
  EXPECT_TRUE(open_model("llamacpp/x", settings, *http, clock));
  EXPECT_EQ(open_model("scripted/none.yaml", settings, *http, clock).error().code, Code::not_found);
}

TEST(OpenModel, OfflineReachesNoServer) {
  base::SystemClock clock;
  const auto http = net::HttpClient::make();
  const Settings settings{.environment = [](const std::string&) { return std::string(); },
                          .network = {.offline = true}};
  const auto model = open_model("ollama/x", settings, *http, clock).value();
  const auto answer = model->answer({}, kNobody, {});
  EXPECT_EQ(answer.error().code, Code::permission_denied);
  EXPECT_TRUE(answer.error().message.contains("offline")) << answer.error().message;
}

TEST(OpenModel, AHostIsEnoughForAServer) {
  struct Case {
    const char* host;
    const char* url;  // asked for, as "host:port target"
  };
  for (const auto& [host, url] : {Case{"", "localhost:11434 /v1/chat/completions"},
                                  Case{"10.0.0.1", "10.0.0.1:11434 /v1/chat/completions"},
                                  Case{"10.0.0.1:9", "10.0.0.1:9 /v1/chat/completions"},
                                  Case{"box/", "box:11434 /v1/chat/completions"},
                                  Case{"[::1]", "::1:11434 /v1/chat/completions"},
                                  Case{"[::1]:9", "::1:9 /v1/chat/completions"},
                                  Case{"http://box/", "box:80 /v1/chat/completions"},
                                  Case{"http://box:9/api/", "box:9 /api/v1/chat/completions"}}) {
    class Recorder final : public net::HttpClient {
     public:
      Result<std::unique_ptr<net::Response>> send(net::Request request, const net::ConnectGate&,
                                                  const net::SendOptions&,
                                                  std::stop_token) override {
        asked =
            request.url.host + ":" + std::to_string(request.url.port) + " " + request.url.target;
        return fail(Code::unavailable, "recorded");
      }
      std::string asked;
    } http;
    base::SystemClock clock;
    const Settings settings{.environment = [&](const std::string& name) {
      return name == "OLLAMA_HOST" ? std::string(host) : std::string();
    }};
    const auto model = open_model("ollama/x", settings, http, clock).value();
    EXPECT_FALSE(model->answer({}, kNobody, {}));
    EXPECT_EQ(http.asked, url) << host;
  }
}

// --- the script
// ---------------------------------------------------------------------------------------

class Scripted : public testing::Test {
 protected:
  Scripted() {
    char folder[] = "/tmp/scripted_test.XXXXXX";
    folder_ = ::mkdtemp(folder);
    clock_.set_auto_advance();
  }
  ~Scripted() override { std::filesystem::remove_all(folder_); }
  Result<std::unique_ptr<Model>> open(const std::string& yaml) {
    std::ofstream(folder_ + "/s.yaml") << yaml;
    return open_scripted(folder_ + "/s.yaml", clock_, {}, Sight::sees);
  }
  std::string folder_;
  base::ManualClock clock_;
};

core::Message user(const char* text) { return {core::Role::user, {TextBlock{text}}}; }

TEST_F(Scripted, PlaysByTheConversationAlone) {
  const auto model = open(R"(
conversations:
  - turns:
      - think: hm
        say: looking
        calls: [{tool: glob, arguments: {pattern: "*.md", n: 3, deep: [true, "3"]}, id: c1}]
        usage: {input_tokens: 5, output_tokens: 2}
      - {say: "found {{result:c1:1}} of {{result}}"}
  - turns:
      - {say: second}
)")
                         .value();
  std::vector<core::Message> messages{user("go")};
  auto answer = model->answer({.messages = messages}, kNobody, {}).value();
  ASSERT_EQ(answer.blocks.size(), 3u);
  EXPECT_EQ(std::get<ToolCall>(answer.blocks[2]).arguments,
            R"({"pattern":"*.md","n":3,"deep":[true,"3"]})");
  EXPECT_EQ(answer.reason, StopReason::tool_use);
  EXPECT_EQ(answer.usage.input_tokens, 5);
  messages.push_back({core::Role::assistant, answer.blocks});
  messages.push_back({core::Role::user, {core::ToolResult{.call_id = "c1", .text = "a\nb"}}});
  answer = model->answer({.messages = messages}, kNobody, {}).value();
  EXPECT_EQ(std::get<TextBlock>(answer.blocks[0]).text, "found a of a\nb");
  messages.push_back({core::Role::assistant, answer.blocks});
  messages.push_back(user("again"));
  answer = model->answer({.messages = messages}, kNobody, {}).value();
  EXPECT_EQ(std::get<TextBlock>(answer.blocks[0]).text, "second");
  messages.push_back({core::Role::assistant, answer.blocks});
  EXPECT_EQ(model->answer({.messages = messages}, kNobody, {})->reason, StopReason::end_turn)
      << "over";
}

TEST_F(Scripted, FaultsHappenOnceEach) {
  const auto model = open(
                         "turns: [{say: hello there, faults: [cut, stall, {status: 429, "
                         "retry_after_ms: 20}, {status: 400}]}]")
                         .value();
  const std::vector messages{user("go")};
  const Request request{.messages = messages};
  for (const auto code : {Code::unavailable, Code::timeout, Code::busy, Code::invalid_argument})
    EXPECT_EQ(model->answer(request, kNobody, {}).error().code, code);
  EXPECT_TRUE(model->answer(request, kNobody, {}));
}

TEST_F(Scripted, PiecesOfACutAnswerAreWholeCharacters) {
  const auto model = open("turns: [{say: 'a€', faults: [cut]}]").value();
  std::string said;
  const OnPiece listen = [&](const Piece& piece) {
    if (const auto* text = std::get_if<TextPiece>(&piece)) said += text->text;
  };
  const std::vector messages{user("go")};
  EXPECT_FALSE(model->answer({.messages = messages}, listen, {}));
  EXPECT_EQ(said, "a");
}

TEST_F(Scripted, MalformedArgumentsAndStopReasonsCanBePlayed) {
  const auto model =
      open("turns: [{calls: [{tool: t, arguments: '{\"a\":'}], stop: max_tokens}]").value();
  const std::vector messages{user("go")};
  const auto answer = model->answer({.messages = messages}, kNobody, {}).value();
  EXPECT_EQ(std::get<ToolCall>(answer.blocks[0]).arguments, "{\"a\":");
  EXPECT_EQ(answer.reason, StopReason::max_tokens);
}

TEST_F(Scripted, MistakesAreNamedWithTheirLine) {
  struct Case {
    const char* yaml;
    const char* said;
  };
  for (const auto& [yaml, said] :
       {Case{"turns:\n  - {thnk: x}", "s.yaml:2: unknown key \"thnk\"; did you mean \"think\"?"},
        Case{"turns: [", "s.yaml:"}, Case{"{}", "either turns or conversations"},
        Case{"turns: 3", "a list"}, Case{"turns: [{calls: [{id: x}]}]", "tool is missing"},
        Case{"turns: [{faults: [crash]}]", "a fault is"}, Case{"turns: [{stop: never}]", "never"},
        Case{"turns: [{pace_ms: -1}]", "whole number"}, Case{"turns: [3]", "mapping"},
        Case{"turns:\n  - {calls: glob}", "s.yaml:2: calls takes a list"},
        Case{"turns: [{calls: {tool: glob}}]", "calls takes a list"},
        Case{"turns: [{faults: cut}]", "faults takes a list"}, Case{"", "s.yaml:1:"},
        Case{"just text", "mapping"}}) {
    const auto model = open(yaml);
    ASSERT_FALSE(model) << yaml;
    EXPECT_EQ(model.error().code, Code::invalid_argument);
    EXPECT_TRUE(model.error().message.contains(said)) << model.error().message;
  }
}

TEST(Retry, BacksOffWithinItsBounds) {
  const RetryPolicy policy;
  const Error busy{Code::busy, ""};
  EXPECT_EQ(retry_delay_ms(policy, busy, 1, 0), 250);
  EXPECT_EQ(retry_delay_ms(policy, busy, 2, 0), 500);
  EXPECT_LT(*retry_delay_ms(policy, busy, 1, 0.999), 500);
  EXPECT_EQ(retry_delay_ms({.attempts_max = 99}, busy, 60, 0), 15'000);
  EXPECT_EQ(retry_delay_ms(policy, busy, policy.attempts_max + 1, 0), std::nullopt);
  EXPECT_EQ(retry_delay_ms(policy, {Code::busy, "", "", 9000}, 1, 0), 9000);
  EXPECT_EQ(retry_delay_ms(policy, {Code::busy, "", "", 999'000}, 1, 0), std::nullopt);
  for (const auto code : {Code::invalid_argument, Code::permission_denied, Code::not_found,
                          Code::cancelled, Code::conflict})
    EXPECT_EQ(retry_delay_ms(policy, {code, ""}, 1, 0), std::nullopt);
}

}  // namespace
}  // namespace boxagnts::models
