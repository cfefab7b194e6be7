#include "gateway/reply.h"

#include <algorithm>

#include "base/guard.h"
#include "base/text.h"

namespace boxagnts::gateway {
namespace {

bool same_letters(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

}  // namespace

net::ServerResponse json_reply(int status, const Json& body) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}},
          .body = base::to_text(body) + "\n"};
}

net::ServerResponse error_reply(const Error& error, int status) {
  JsonObject shown{{"code", base::info(error.code).name}, {"message", error.message}};
  if (error.retry_after_ms > 0) shown["retry_after_ms"] = error.retry_after_ms;
  if (status == 0) status = base::info(error.code).http_status;
  auto response = json_reply(status, JsonObject{{"error", std::move(shown)}});
  if (error.retry_after_ms > 0)
    response.headers.emplace_back("Retry-After",
                                  std::to_string((error.retry_after_ms + 999) / 1000));
  if (status == 401) response.headers.emplace_back("WWW-Authenticate", "Bearer");
  return response;
}

void add_security_headers(net::ServerResponse& response) {
  constexpr std::pair<std::string_view, std::string_view> kHeaders[]{
      {"Content-Security-Policy",
       "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Frame-Options", "DENY"},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy", "same-origin"},
      {"Cross-Origin-Opener-Policy", "same-origin"},
      {"Cache-Control", "no-store"}};
  for (const auto& [name, value] : kHeaders) {
    const bool there = std::ranges::any_of(
        response.headers, [&](const auto& header) { return same_letters(header.first, name); });
    if (GUARD("gateway.security_headers", !there)) response.headers.emplace_back(name, value);
  }
}

std::string_view bearer_of(const net::ServerRequest& request) {
  constexpr std::string_view kScheme = "Bearer ";
  const auto value = request.header("authorization");
  if (!same_letters(value.substr(0, kScheme.size()), kScheme)) return "";
  return value.substr(kScheme.size());
}

bool names_tag(std::string_view list, const std::string& tag) {
  for (auto part : base::split(list, ',')) {
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (part.starts_with("W/")) part.remove_prefix(2);
    if (part == "*" || part == tag) return true;
  }
  return false;
}

}  // namespace boxagnts::gateway
