#include "net/http_client.h"

#include <variant>

#include "base/guard.h"
#include "net/client_request.h"
#include "net/connection_pool.h"
#include "net/content_decoder.h"
#include "net/dialer.h"

namespace boxagnts::net {
namespace {

constexpr int kAttemptsMax = 3;

// --- responses ----------------------------------------------------------------------------------

// Gives its connection back once the answer is whole.
class Http1Response final : public Response {
 public:
  Http1Response(std::unique_ptr<Http1Connection> connection, std::shared_ptr<ConnectionPool> pool,
                std::string key, std::chrono::milliseconds stall)
      : status_(connection->answer().status()),
        headers_(connection->answer().headers()),
        pool_(std::move(pool)),
        key_(std::move(key)),
        stall_(stall),
        connection_(std::move(connection)) {
    give_back_if_done();
  }

  int status() const override { return status_; }
  const Headers& headers() const override { return headers_; }
  std::string_view protocol() const override { return "http/1.1"; }
  Result<std::string> read(std::stop_token stop) override {
    if (!connection_) return end();
    Waiter waiter(std::move(stop));
    return taken(connection_->read(stall_, waiter));
  }
  Result<std::optional<std::string>> try_read() override {
    if (!connection_) return TRY(end());
    return taken(connection_->try_read());
  }
  int poll_descriptor() const override { return connection_ ? connection_->poll_descriptor() : -1; }

 private:
  // After the end it is the end; after an error it is that error.
  Result<std::string> end() {
    if (failed_) return std::unexpected(*failed_);
    return std::string();
  }

  template <class Piece>
  Result<Piece> taken(Result<Piece> piece) {
    if (piece) {
      give_back_if_done();
    } else if (piece.error().code == Code::unavailable) {
      failed_ = piece.error();
      connection_.reset();
    }
    return piece;
  }

  void give_back_if_done() {
    if (!connection_->answer().is_done() || connection_->answer().has_body()) return;
    if (connection_->is_reusable()) pool_->keep(key_, std::move(connection_));
    connection_.reset();
  }

  const int status_;
  const Headers headers_;
  const std::shared_ptr<ConnectionPool> pool_;
  const std::string key_;
  const std::chrono::milliseconds stall_;
  std::unique_ptr<Http1Connection> connection_;  // none: the body is over
  std::optional<Error> failed_;
};

// An answer on an HTTP/2 connection that was this request's alone and is kept afterwards.
class UnsharedResponse final : public Response {
 public:
  UnsharedResponse(std::unique_ptr<Response> inner, std::shared_ptr<Http2Connection> connection,
                   std::shared_ptr<ConnectionPool> pool, std::string key)
      : inner_(std::move(inner)),
        connection_(std::move(connection)),
        pool_(std::move(pool)),
        key_(std::move(key)) {}
  ~UnsharedResponse() override {
    inner_.reset();
    pool_->keep(key_, std::move(connection_));
  }

  int status() const override { return inner_->status(); }
  const Headers& headers() const override { return inner_->headers(); }
  std::string_view protocol() const override { return inner_->protocol(); }
  Result<std::string> read(std::stop_token stop) override { return inner_->read(std::move(stop)); }
  Result<std::optional<std::string>> try_read() override { return inner_->try_read(); }
  int poll_descriptor() const override { return inner_->poll_descriptor(); }

 private:
  std::unique_ptr<Response> inner_;
  std::shared_ptr<Http2Connection> connection_;
  const std::shared_ptr<ConnectionPool> pool_;
  const std::string key_;
};

class DecodedResponse final : public Response {
 public:
  DecodedResponse(std::unique_ptr<Response> inner, ContentDecoder decoder)
      : inner_(std::move(inner)), decoder_(std::move(decoder)) {
    for (const auto& header : inner_->headers())
      if (!equal_ignoring_case(header.first, "content-encoding") &&
          !equal_ignoring_case(header.first, "content-length"))
        headers_.push_back(header);
  }

  int status() const override { return inner_->status(); }
  const Headers& headers() const override { return headers_; }
  std::string_view protocol() const override { return inner_->protocol(); }
  Result<std::string> read(std::stop_token stop) override {
    while (!is_over_) {
      auto piece = TRY(decoder_.next());
      has_more_ = piece.has_value();
      if (piece) return std::move(*piece);
      auto came = TRY(inner_->read(stop));
      TRY(fed(std::move(came)));
    }
    return std::string();
  }
  Result<std::optional<std::string>> try_read() override {
    while (!is_over_) {
      auto piece = TRY(decoder_.next());
      has_more_ = piece.has_value();
      if (piece) return piece;
      auto came = TRY(inner_->try_read());
      if (!came) return std::nullopt;
      TRY(fed(std::move(*came)));
    }
    return std::string();
  }
  int poll_descriptor() const override {
    return is_over_ || has_more_ ? -1 : inner_->poll_descriptor();
  }

 private:
  Status fed(std::string came) {
    if (came.empty()) {
      TRY(decoder_.finish());
      is_over_ = true;
    } else {
      decoder_.feed(std::move(came));
    }
    return {};
  }

  const std::unique_ptr<Response> inner_;
  ContentDecoder decoder_;
  Headers headers_;
  bool is_over_ = false;
  bool has_more_ = false;  // the last piece may not have been all that came
};

// --- the client ---------------------------------------------------------------------------------

using Connection = std::variant<std::unique_ptr<Http1Connection>, std::shared_ptr<Http2Connection>>;

bool has_header(const Request& request, std::string_view name) {
  return std::ranges::any_of(
      request.headers, [&](const auto& header) { return equal_ignoring_case(header.first, name); });
}

// One request on its way: what its attempts share.
struct Sending {
  Request request;  // with what the client adds
  const Leave leave;
  const SendOptions& options;
  const std::optional<Proxy> proxy;
  std::string key;  // connections that may serve it
  Waiter& waiter;
  bool is_body_begun = false;  // a piece of body_source was taken: it cannot be sent again
};

struct Failed {
  Error error;
  bool may_retry = false;
};
using Attempt = std::expected<std::unique_ptr<Response>, Failed>;

class Client final : public HttpClient {
 public:
  explicit Client(ClientOptions options)
      : proxies_(options.environment, options.proxy), dialer_(options) {}

  Result<std::unique_ptr<Response>> send(Request request, const ConnectGate& gate,
                                         const SendOptions& options,
                                         std::stop_token stop) override {
    TRY(check_request(request));
    const auto destination = destination_of(request);
    const auto verdict = gate.decide(destination, stop);
    if (GUARD("net.destination-not-allowed", !verdict.allowed)) return refusal_of(verdict);
    Waiter waiter(stop, options.deadline);
    auto proxy = proxies_.proxy_for(request.url);
    const bool decodes = options.decoding == Decoding::decoded && !has_header(request, "range");
    if (decodes && !has_header(request, "accept-encoding"))
      request.headers.emplace_back("Accept-Encoding", "gzip, br, zstd");
    const bool has_body_in_answer = request.method != "HEAD";
    Sending sending{.request = std::move(request),
                    .leave = {gate, destination, verdict},
                    .options = options,
                    .proxy = TRY(std::move(proxy)),
                    .waiter = waiter};
    sending.key = sending.request.url.scheme + "://" + named(sending.request.url) +
                  (sending.proxy ? " by " + sending.proxy->key() : "");
    watch_body(sending);
    auto response = TRY(send_by_attempts(sending));
    return decodes && has_body_in_answer ? decoded(std::move(response)) : std::move(response);
  }

 private:
  static void watch_body(Sending& sending) {
    if (!sending.request.body_source) return;
    sending.request.body_source = [source = sending.request.body_source,
                                   &begun = sending.is_body_begun](std::stop_token stop) {
      begun = true;
      return source(std::move(stop));
    };
  }

  static Result<std::unique_ptr<Response>> decoded(std::unique_ptr<Response> response) {
    std::string codings;
    for (const auto& [name, value] : response->headers())
      if (equal_ignoring_case(name, "content-encoding"))
        codings += (codings.empty() ? "" : ",") + value;
    auto decoder = TRY(ContentDecoder::make(codings));
    if (!decoder) return response;
    return std::make_unique<DecodedResponse>(std::move(response), std::move(*decoder));
  }

  // A kept connection may have died without a sign, and an HTTP/2 server may refuse a stream: the
  // next attempt is on a connection of its own.
  Result<std::unique_ptr<Response>> send_by_attempts(Sending& sending) {
    for (int attempt = 1;; ++attempt) {
      std::optional<Connection> kept;
      if (attempt == 1) kept = kept_connection(sending);
      auto outcome = kept ? send_on(std::move(*kept), sending, Reused::yes) : send_anew(sending);
      if (outcome) return std::move(*outcome);
      if (!outcome.error().may_retry || attempt == kAttemptsMax || sending.is_body_begun)
        return std::unexpected(std::move(outcome).error().error);
    }
  }

  std::optional<Connection> kept_connection(const Sending& sending) {
    const auto admits = [&](const std::optional<IpAddress>& address) {
      return !GUARD("net.kept-peer", address && !sending.leave.admit(*address));
    };
    auto http2 = sending.options.sharing == Sharing::shared
                     ? pool_->share_http2(sending.key, admits)
                     : pool_->take_http2(sending.key, admits);
    if (http2) return http2;
    if (auto http1 = pool_->take_http1(sending.key, admits)) return http1;
    return std::nullopt;
  }

  Attempt send_anew(Sending& sending) {
    auto dialed = dialer_.dial(sending.request.url, sending.proxy, sending.leave,
                               sending.options.timeouts, sending.waiter);
    if (!dialed) return std::unexpected(Failed{std::move(dialed).error()});
    if (dialed->transport->protocol() != "h2")
      return send_on(std::make_unique<Http1Connection>(std::move(dialed->transport),
                                                       std::move(dialed->address)),
                     sending, Reused::no);
    auto http2 = Http2Connection::make(std::move(dialed->transport), std::move(dialed->address));
    if (!http2) return std::unexpected(Failed{std::move(http2).error()});
    if (sending.options.sharing == Sharing::shared) pool_->keep(sending.key, *http2);
    return send_on(std::move(*http2), sending, Reused::no);
  }

  enum class Reused : std::uint8_t { no, yes };

  Attempt send_on(Connection connection, Sending& sending, Reused reused) {
    if (auto* http2 = std::get_if<std::shared_ptr<Http2Connection>>(&connection))
      return send_on_http2(std::move(*http2), sending, reused);
    auto http1 = std::get<std::unique_ptr<Http1Connection>>(std::move(connection));
    WireOptions wire;
    if (sending.proxy && sending.request.url.scheme == "http" &&
        (sending.proxy->kind == Proxy::Kind::http || sending.proxy->kind == Proxy::Kind::https))
      wire = {TargetForm::absolute, sending.proxy->authorization()};
    const auto done =
        http1->exchange(sending.request, wire, sending.options.timeouts, sending.waiter);
    if (!done) {
      const bool is_stale = reused == Reused::yes && done.error().code == Code::unavailable &&
                            !http1->has_received() &&
                            (is_idempotent(sending.request.method) || !http1->has_sent());
      return std::unexpected(Failed{done.error(), is_stale});
    }
    return std::make_unique<Http1Response>(std::move(http1), pool_, sending.key,
                                           sending.options.timeouts.stall);
  }

  Attempt send_on_http2(std::shared_ptr<Http2Connection> http2, Sending& sending, Reused reused) {
    auto sent = http2->send(sending.request, sending.options.timeouts, sending.waiter);
    if (!sent) {
      const bool is_stale = reused == Reused::yes && sent.error().error.code == Code::unavailable &&
                            !http2->is_alive() && is_idempotent(sending.request.method);
      return std::unexpected(
          Failed{std::move(sent.error().error), sent.error().may_retry || is_stale});
    }
    if (sending.options.sharing == Sharing::shared) return std::move(*sent);
    return std::make_unique<UnsharedResponse>(std::move(*sent), std::move(http2), pool_,
                                              sending.key);
  }

  const ProxyRules proxies_;
  const Dialer dialer_;
  const std::shared_ptr<ConnectionPool> pool_ = std::make_shared<ConnectionPool>();
};

}  // namespace

std::string_view Response::header(std::string_view name) const {
  for (const auto& [key, value] : headers())
    if (equal_ignoring_case(key, name)) return value;
  return {};
}

std::unique_ptr<HttpClient> HttpClient::make(ClientOptions options) {
  return std::make_unique<Client>(std::move(options));
}

}  // namespace boxagnts::net
