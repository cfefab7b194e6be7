#include "models/openai_chat.h"

#include <algorithm>
#include <charconv>

#include "models/openai_chat_codec.h"
#include "net/sse.h"

namespace boxagnts::models {
namespace {

constexpr std::size_t kErrorBodyMax = 64 << 10;

// Retry-After in seconds (RFC 9110, 10.2.3); dates are rare here and mean "later".
std::int64_t retry_after_ms(std::string_view value) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end == value.data()) return 0;
  return std::clamp<std::int64_t>(seconds, 0, 86'400) * 1000;
}

Code code_of(int status) {
  switch (status) {
    case 400:
    case 413:
    case 422: return Code::invalid_argument;
    case 401:
    case 402:
    case 403: return Code::permission_denied;
    case 404: return Code::not_found;
    case 408: return Code::timeout;
    case 409:
    case 425:
    case 429:
    case 503:
    case 529: return Code::busy;
    default: return status >= 500 ? Code::unavailable : Code::invalid_argument;
  }
}

class ChatModel final : public Model {
 public:
  ChatModel(ChatServer server, net::Url url, net::HttpClient& http, net::Timeouts timeouts)
      : server_(std::move(server)), url_(std::move(url)), http_(http), timeouts_(timeouts) {}

  const std::string& name() const override { return server_.name; }

  Result<Answer> answer(const Request& request, const OnPiece& on_piece,
                        std::stop_token stop) override {
    auto result = ask(request, on_piece, stop);
    if (!result && result.error().code != Code::cancelled)
      return std::unexpected(std::move(result.error()).in("model " + server_.name));
    return result;
  }

 private:
  Result<Answer> ask(const Request& request, const OnPiece& on_piece, std::stop_token stop) {
    net::Request wire{
        .method = "POST",
        .url = url_,
        .headers = {{"Content-Type", "application/json"}, {"Accept", "text/event-stream"}},
        .body = encode_chat_request(server_.model, request)};
    if (!server_.api_key.empty())
      wire.headers.emplace_back("Authorization", "Bearer " + server_.api_key);
    const auto response = TRY(http_.send(wire, timeouts_, stop));
    if (response->status() != 200) return refusal(*response, stop);
    net::SseParser events;
    ChatDecoder decoder;
    while (!decoder.done()) {
      const std::string bytes = TRY(response->read(stop));
      if (bytes.empty()) break;
      events.feed(bytes);
      while (auto event = TRY(events.next())) TRY(decoder.feed(event->data, on_piece));
    }
    return decoder.finish();
  }

  static std::unexpected<Error> refusal(net::Response& response, std::stop_token stop) {
    std::string body;
    while (body.size() < kErrorBodyMax) {
      auto bytes = response.read(stop);
      if (!bytes || bytes->empty()) break;
      body += *bytes;
    }
    Error error{code_of(response.status()), "the server answered " +
                                                std::to_string(response.status()) + ": " +
                                                describe_chat_error(body)};
    error.retry_after_ms = retry_after_ms(response.header("Retry-After"));
    return std::unexpected(std::move(error));
  }

  const ChatServer server_;
  const net::Url url_;
  net::HttpClient& http_;
  const net::Timeouts timeouts_;
};

}  // namespace

Result<std::unique_ptr<Model>> make_chat_model(ChatServer server, net::HttpClient& http,
                                               net::Timeouts timeouts) {
  std::string base = server.base_url;
  while (base.ends_with('/')) base.pop_back();
  auto url = TRY(net::parse_url(base + "/chat/completions"));
  return std::make_unique<ChatModel>(std::move(server), std::move(url), http, timeouts);
}

}  // namespace boxagnts::models
