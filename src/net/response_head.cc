#include "net/response_head.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/guard.h"

namespace boxagnts::net {
namespace {

constexpr std::array<std::string_view, 7> kServersOwn{
    "date",    "content-length", "transfer-encoding", "connection", "keep-alive",
    "trailer", "upgrade"};

bool is_servers_own(std::string_view name) {
  const auto same = [name](std::string_view own) {
    return std::ranges::equal(name, own, [](char a, char b) {
      return (a >= 'A' && a <= 'Z' ? static_cast<char>(a | 0x20) : a) == b;
    });
  };
  return std::ranges::any_of(kServersOwn, same);
}

bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) {
    return c > 0x20 && c < 0x7f && c != ':';
  });
}

bool is_value(std::string_view value) {
  return std::ranges::none_of(value, [](char c) { return c == '\r' || c == '\n' || c == '\0'; });
}

}  // namespace

bool is_bodiless(int status) { return status < 200 || status == 204 || status == 304; }

std::string_view reason_of(int status) {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 412: return "Precondition Failed";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 421: return "Misdirected Request";
    case 422: return "Unprocessable Content";
    case 428: return "Precondition Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    case 507: return "Insufficient Storage";
    default: return "";
  }
}

std::string http_date(std::int64_t seconds_since_epoch) {
  constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t time = seconds_since_epoch;
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  char text[64];  // names of its own: strftime would take a locale's
  const int size = std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                 kDays[parts.tm_wday], parts.tm_mday, kMonths[parts.tm_mon],
                                 parts.tm_year + 1900, parts.tm_hour, parts.tm_min, parts.tm_sec);
  return {text, static_cast<std::size_t>(size)};
}

bool append_head(const ServerResponse& response, const ResponseFraming& framing,
                 std::string_view date, std::string& out) {
  for (const auto& [name, value] : response.headers)
    if (GUARD("net.server-response-split", !is_name(name) || !is_value(value))) return false;
  out += "HTTP/1.1 ";
  out += std::to_string(response.status);
  out.append(" ").append(reason_of(response.status)).append("\r\n");
  for (const auto& [name, value] : response.headers)
    if (!is_servers_own(name)) out.append(name).append(": ").append(value).append("\r\n");
  out.append("Date: ").append(date).append("\r\n");
  if (framing.content_length) {
    if (!is_bodiless(response.status))
      out.append("Content-Length: ").append(std::to_string(*framing.content_length)).append("\r\n");
  } else if (framing.minor_version >= 1) {
    out += "Transfer-Encoding: chunked\r\n";
  }
  if (framing.after == After::closes)
    out += "Connection: close\r\n";
  else if (framing.minor_version == 0)
    out += "Connection: keep-alive\r\n";
  out += "\r\n";
  return true;
}

}  // namespace boxagnts::net
