// What net/url.h makes of URLs: a JSON line {"url", "base"?} in, one out. tests/drive_urls.py puts
// another parser's answers beside them.
#include <cstdio>
#include <iostream>

#include "base/json.h"
#include "net/egress.h"
#include "net/url.h"

namespace {

using namespace boxagnts;

Result<net::Url> parse(const Json& line) {
  const auto url = base::get_string(line, "url").value_or("");
  const auto relative_to = base::get_string(line, "base").value_or("");
  if (relative_to.empty()) return net::parse_url(url);
  return net::resolve_url(TRY(net::parse_url(relative_to)), url);
}

Json describe(const Result<net::Url>& url) {
  if (!url) return {{"code", base::info(url.error().code).name}, {"message", url.error().message}};
  return {{"scheme", url->scheme}, {"host", url->host},
          {"port", url->port},     {"target", url->target},
          {"text", url->text()},   {"usable", net::is_usable_host(url->host)}};
}

}  // namespace

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto parsed = base::parse_json(line);
    if (!parsed) {
      std::fprintf(stderr, "no JSON: %s\n", line.c_str());
      return 1;
    }
    std::cout << base::to_text(describe(parse(*parsed))) << '\n';
  }
  return 0;
}
