#include "gateway/gateway.h"

#include <algorithm>

#include "base/guard.h"
#include "base/text.h"
#include "gateway/reply.h"
#include "gateway/routes.h"

namespace boxagnts::gateway {
namespace {

bool is_media_type(std::string_view header, std::string_view wanted) {
  auto type = header.substr(0, header.find(';'));
  while (type.ends_with(' ') || type.ends_with('\t')) type.remove_suffix(1);
  return std::ranges::equal(
      type, wanted, [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
}

// The request's target without the ticket, which stands last in it.
std::string_view without_ticket(std::string_view target, std::string_view ticket) {
  const std::size_t length = std::string_view("?ticket=").size() + ticket.size();
  return target.size() > length && target.ends_with(ticket)
             ? target.substr(0, target.size() - length)
             : std::string_view();
}

}  // namespace

struct Gateway::Opened {
  Opened(Services given, Gateway& home, std::unique_ptr<Router> made)
      : router(std::move(made)),
        feed(given.store, given.runs, home.clock_),
        changes(given.files),
        parts{std::move(given), home.clock_,    home.tokens_, home.tickets_, home.sign_in_, feed,
              changes,          home.counters_, *router} {}

  const std::unique_ptr<Router> router;
  Feed feed;
  FileChanges changes;
  Parts parts;
};

Gateway::Gateway(Options options, base::Clock& clock)
    : clock_(clock),
      access_(std::move(options.host_names), options.proxy),
      tokens_(clock, options.administrator ? Tokens::Start::none : Tokens::Start::made),
      tickets_(clock),
      sign_in_({access_, tokens_, clock, std::move(options.administrator),
                std::move(options.peer_user), options.own_user}) {
  counters_.started = clock.now();
}

Gateway::~Gateway() = default;

Status Gateway::open(Services services) {
  auto opened =
      std::make_unique<Opened>(std::move(services), *this, TRY(Router::make(all_routes())));
  const std::lock_guard lock(mutex_);
  opened_ = std::move(opened);
  opened_changed_.notify_all();
  return {};
}

void Gateway::announce(const std::string& name, const Json& data) {
  const std::lock_guard lock(mutex_);
  if (opened_) opened_->feed.announce(name, data);
}

Gateway::Opened* Gateway::wait_until_open(const std::stop_token& gone) {
  std::unique_lock lock(mutex_);
  opened_changed_.wait(lock, gone, [this] { return opened_ != nullptr; });
  return opened_.get();
}

void Gateway::handle(net::Exchange& exchange) {
  Opened* const opened = wait_until_open(exchange.gone());
  if (!opened) return exchange.respond(refusal(503, {Code::busy, "the server is stopping"}));
  auto reply = answer(exchange, *opened);
  ++counters_.requests;
  if (reply && std::holds_alternative<Answered>(*reply)) return;
  net::ServerResponse response;
  if (!reply)
    response = error_reply(reply.error());
  else if (auto* json = std::get_if<JsonReply>(&*reply))
    response = json_reply(json->status, json->body);
  else
    response = std::move(std::get<net::ServerResponse>(*reply));
  if (response.status >= 500)
    ++counters_.failed;
  else if (response.status >= 400)
    ++counters_.refused;
  add_security_headers(response);
  exchange.respond(std::move(response));
}

Result<Reply> Gateway::answer(net::Exchange& exchange, Opened& opened) {
  const auto& request = exchange.request();
  const Router& router = *opened.router;
  TRY(access_.check_host(request));
  auto match = router.match(request.method, request.path);
  TRY(match.route && match.route->door == Door::page ? access_.check_navigation(request)
                                                     : access_.check_origin(request));
  if (!match.route && match.allow.empty())
    return fail(Code::not_found, "there is nothing at " + base::one_line(request.path, 200) +
                                     "; /api/v1/openapi.json says what there is");
  if (!match.route) {
    auto refused = error_reply(
        {Code::invalid_argument, base::one_line(request.path, 200) + " takes " + match.allow}, 405);
    refused.headers.emplace_back("Allow", std::move(match.allow));
    return refused;
  }
  const Route& route = *match.route;
  TRY(let_in(request, route));
  TRY(router.check_path(route, match));
  Call call{exchange,
            request,
            opened.parts,
            std::move(match.path),
            TRY(router.check_query(route, request)),
            Json()};
  if (route.body.kind != Body::Kind::none) {
    const std::string_view wanted =
        route.body.kind == Body::Kind::json ? "application/json" : "application/octet-stream";
    if (GUARD("gateway.content_type", !is_media_type(request.header("content-type"), wanted)))
      return error_reply(
          {Code::invalid_argument, "the body must be of Content-Type " + std::string(wanted)}, 415);
  }
  if (route.body.kind == Body::Kind::json) call.body = TRY(read_json(exchange, route, router));
  return route.handler(call);
}

Status Gateway::let_in(const net::ServerRequest& request, const Route& route) {
  if (route.door == Door::page || route.door == Door::open) return {};
  if (route.door == Door::local && is_loopback(request.peer) && !access_.is_proxied(request))
    return {};
  const auto token = bearer_of(request);
  if (!token.empty() && tokens_.good(token)) return {};
  if (route.door == Door::ticket && token.empty()) {
    const auto ticket = request.query_value("ticket");
    if (ticket && tickets_.use(*ticket, without_ticket(request.target, *ticket))) return {};
  }
  if (GUARD("gateway.token", true))
    return fail(Code::unauthenticated,
                token.empty() ? "this needs Authorization: Bearer TOKEN; POST /api/v1/auth/token "
                                "gives one"
                              : "this token is not, or no longer, good: POST /api/v1/auth/token "
                                "gives another");
  return {};
}

Result<Json> Gateway::read_json(net::Exchange& exchange, const Route& route, const Router& router) {
  auto text = exchange.whole_body(route.body.bytes_max);
  if (!text) return std::unexpected(std::move(text.error()).in("body"));
  return router.check_body(route, *text);
}

net::ServerResponse refusal(int status, const Error& error) {
  auto response = error_reply(error, status);
  add_security_headers(response);
  return response;
}

Status check_exposure(const Exposure& exposure) {
  if (!exposure.beyond_loopback && !exposure.behind_proxy) return {};
  if (GUARD("gateway.open_without_password", !exposure.has_administrator))
    return fail(Code::invalid_argument,
                "whoever reaches this server could use it: beyond this machine it needs "
                "--admin-user NAME with a password (--admin-password-file, or "
                "BOXAGNTS_ADMIN_PASSWORD)");
  if (GUARD("gateway.open_without_tls", !exposure.has_certificate && !exposure.behind_proxy))
    return fail(Code::invalid_argument,
                "the password could be read on the way: beyond this machine the server needs "
                "--tls-cert and --tls-key, or --behind-proxy where a proxy does TLS");
  return {};
}

}  // namespace boxagnts::gateway
