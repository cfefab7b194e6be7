// The dashboard: its page and what the page loads, and nothing of a person's.
#include <algorithm>

#include "base/guard.h"
#include "base/text.h"
#include "gateway/page.h"
#include "gateway/parts.h"
#include "gateway/reply.h"
#include "gateway/routes.h"
#include "net/content_decoder.h"

namespace boxagnts::gateway {
namespace {

// The page runs its own script and nothing else, takes its own styles, shows pictures of its own
// server and those it was given by it (blob:), and reaches no other host. Whatever a model or a web
// page writes into a conversation can therefore load and send nothing.
constexpr std::string_view kPagePolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'; require-trusted-types-for 'script'; "
    "trusted-types vue dompurify boxagnts";

// Names of files that are made of their content never mean another one.
constexpr std::string_view kForever = "public, max-age=31536000, immutable";

// Whether the client takes brotli: a coding of the list that is not forbidden by a weight of 0.
bool takes_brotli(std::string_view accept_encoding) {
  for (auto coding : base::split(accept_encoding, ',')) {
    while (coding.starts_with(' ')) coding.remove_prefix(1);
    const auto name = coding.substr(0, coding.find_first_of("; "));
    if (name != "br" && name != "*") continue;
    const auto weight = coding.find("q=0");
    if (weight == std::string_view::npos) return true;
    return coding.find_first_of("123456789", weight) != std::string_view::npos;
  }
  return false;
}

Result<std::string> plain(const Asset& asset) {
  auto decoder = TRY(net::ContentDecoder::make("br"));
  decoder->feed(std::string(asset.brotli));
  std::string bytes;
  while (const auto piece = TRY(decoder->next())) bytes += *piece;
  TRY(decoder->finish());
  return bytes;
}

Result<Reply> show(const Call& call, std::string_view path) {
  const auto& page = call.parts.services.page;
  const auto found = std::ranges::find(page, path, &Asset::path);
  if (found == page.end())
    return fail(Code::not_found, "there is no " + std::string(path) + " in this dashboard");
  const bool is_page = path == "/";
  const std::string tag = "\"" + std::string(found->version) + "\"";
  net::ServerResponse response;
  response.headers = {
      {"ETag", tag},
      {"Vary", "Accept-Encoding"},
      {"Cache-Control", std::string(path.starts_with("/assets/") ? kForever : "no-cache")}};
  if (GUARD("gateway.page_policy", is_page))
    response.headers.emplace_back("Content-Security-Policy", std::string(kPagePolicy));
  if (names_tag(call.request.header("if-none-match"), tag)) {
    response.status = 304;
    return response;
  }
  response.headers.emplace_back("Content-Type", std::string(found->media_type));
  if (takes_brotli(call.request.header("accept-encoding"))) {
    response.headers.emplace_back("Content-Encoding", "br");
    response.static_body = found->brotli;
  } else {
    response.body = TRY(plain(*found));
  }
  return response;
}

constexpr Parameter kTag{"If-None-Match", In::header, Need::optional, R"({"type":"string"})",
                         "Versions that are known: 304."};

}  // namespace

std::vector<Route> page_routes() {
  return {
      {.method = "GET",
       .path = "/",
       .id = "showPage",
       .tag = "page",
       .summary = "The dashboard",
       .door = Door::page,
       .parameters = {kTag},
       .success = {.media_type = "text/html", .description = "The page."},
       .handler = [](Call& call) { return show(call, "/"); }},
      {.method = "GET",
       .path = "/favicon.svg",
       .id = "showIcon",
       .tag = "page",
       .summary = "The dashboard's icon",
       .door = Door::open,
       .parameters = {kTag},
       .success = {.media_type = "image/svg+xml", .description = "The icon."},
       .handler = [](Call& call) { return show(call, "/favicon.svg"); }},
      {.method = "GET",
       .path = "/assets/{asset}",
       .id = "showAsset",
       .tag = "page",
       .summary = "What the dashboard's page loads",
       .door = Door::open,
       .parameters = {{"asset", In::path, Need::required,
                       R"({"type":"string","pattern":"^[A-Za-z0-9_.-]{1,100}$"})",
                       "Its name, which changes with its content."},
                      kTag},
       .success = {.media_type = "application/octet-stream",
                   .description = "Its bytes, in a type of its own."},
       .handler = [](Call& call) { return show(call, "/assets/" + call.at("asset")); }},
  };
}

}  // namespace boxagnts::gateway
