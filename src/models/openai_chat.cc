#include "models/openai_chat.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <mutex>
#include <optional>

#include "models/openai_chat_codec.h"
#include "net/sse.h"

namespace boxagnts::models {
namespace {

constexpr std::size_t kErrorBodyMax = 64 << 10;

// "Fri, 31 Dec 2027 23:59:59 GMT" (RFC 9110, 5.6.7) in seconds since 1970.
std::optional<std::int64_t> parse_http_date(const std::string& text) {
  std::tm date{};
  const char* end = ::strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
  if (!end || *end != '\0') return std::nullopt;
  return ::timegm(&date);
}

// Retry-After (RFC 9110, 10.2.3): seconds, or a date, which counts from the server's own Date, so
// that clocks need not agree. 0 = it does not say.
std::int64_t retry_after_ms(std::string_view value, std::string_view server_date) {
  std::int64_t seconds = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end == value.data()) {
    const auto until = parse_http_date(std::string(value));
    const auto now = parse_http_date(std::string(server_date));
    if (!until || !now) return 0;
    seconds = *until - *now;
  }
  return std::clamp<std::int64_t>(seconds, 0, 86'400) * 1000;
}

class ChatModel final : public Model {
 public:
  ChatModel(ChatServer server, net::Url url, std::unique_ptr<net::ConnectGate> gate,
            net::HttpClient& http, net::Timeouts timeouts)
      : server_(std::move(server)),
        url_(std::move(url)),
        gate_(std::move(gate)),
        http_(http),
        options_{.timeouts = timeouts, .decoding = net::Decoding::decoded} {}

  const std::string& name() const override { return server_.name; }

  Result<Answer> answer(const Request& request, const OnPiece& on_piece,
                        std::stop_token stop) override {
    auto result = ask(request, on_piece, stop);
    if (!result && result.error().code != Code::cancelled)
      return std::unexpected(
          without_key(std::move(result.error()), server_.api_key).in("model " + server_.name));
    return result;
  }

 private:
  Result<Answer> ask(const Request& request, const OnPiece& on_piece, std::stop_token stop) {
    net::Request wire{
        .method = "POST",
        .url = url_,
        .headers = {{"Content-Type", "application/json"}, {"Accept", "text/event-stream"}},
        .body = encode_chat_request(server_.model, server_.sight, request)};
    if (!server_.api_key.empty())
      wire.headers.emplace_back("Authorization", "Bearer " + server_.api_key);
    take_last_end();
    auto response = TRY(http_.send(std::move(wire), *gate_, options_, stop));
    if (response->status() != 200) return refusal(*response, stop);
    net::SseParser events;
    ChatDecoder decoder("call_" + std::to_string(request.messages.size()) + "_");
    std::string unread;  // the beginning, until it shows that it is a stream of events
    bool is_stream = false;
    while (!decoder.done()) {
      const std::string bytes = TRY(response->read(stop));
      if (bytes.empty()) break;
      events.feed(bytes);
      while (auto event = TRY(events.next())) {
        is_stream = true;
        TRY(decoder.feed(event->data, on_piece));
      }
      if (is_stream)
        unread.clear();
      else if (unread.size() < kErrorBodyMax)
        unread += bytes;
    }
    if (!is_stream) TRY(refuse_page(unread, decoder));
    auto answer = TRY(decoder.finish());
    const std::lock_guard lock(mutex_);
    last_ = std::move(response);
    return answer;
  }

  // A body's end may come a moment after the answer's last word. It is there when the next request
  // is made, and then that one travels on the same connection, which TLS makes dear.
  void take_last_end() {
    std::unique_ptr<net::Response> last;
    {
      const std::lock_guard lock(mutex_);
      last = std::move(last_);
    }
    while (last) {
      const auto piece = last->try_read();
      if (!piece || !*piece || (*piece)->empty()) return;
    }
  }

  // A 200 that carries a page or an object in place of a stream: asking again brings it again.
  static Status refuse_page(std::string_view body, ChatDecoder& decoder) {
    const auto start = body.find_first_not_of(" \t\r\n");
    if (start == std::string_view::npos || (body[start] != '<' && body[start] != '{')) return {};
    if (base::parse_json(body)) TRY(decoder.feed(body, [](const Piece&) {}));  // an error, told
    return fail(Code::unsupported,
                "the server sends " +
                    std::string(body[start] == '<' ? "an HTML page" : "one JSON object") +
                    " where a stream of events is wanted; check the base URL");
  }

  static std::unexpected<Error> refusal(net::Response& response, std::stop_token stop) {
    std::string body;
    while (body.size() < kErrorBodyMax) {
      auto bytes = response.read(stop);
      if (!bytes || bytes->empty()) break;
      body += *bytes;
    }
    Error error{code_of_status(response.status()), "the server answered " +
                                                       std::to_string(response.status()) + ": " +
                                                       describe_chat_error(body)};
    error.retry_after_ms = retry_after_ms(response.header("Retry-After"), response.header("Date"));
    return std::unexpected(std::move(error));
  }

  const ChatServer server_;
  const net::Url url_;
  const std::unique_ptr<net::ConnectGate> gate_;
  net::HttpClient& http_;
  const net::SendOptions options_;
  std::mutex mutex_;
  std::unique_ptr<net::Response> last_;  // of the newest answer
};

}  // namespace

Result<std::unique_ptr<Model>> make_chat_model(ChatServer server, core::NetworkGrant network,
                                               net::HttpClient& http, net::Timeouts timeouts) {
  std::string base = server.base_url;
  while (base.ends_with('/')) base.pop_back();
  auto url = TRY(net::parse_url(base + "/chat/completions"));
  auto gate = TRY(net::make_gate(
      net::grant_for(url, "the server of the model " + server.name, std::move(network))));
  return std::make_unique<ChatModel>(std::move(server), std::move(url), std::move(gate), http,
                                     timeouts);
}

}  // namespace boxagnts::models
