// URLs from pages, redirects and models, "BASE\0REFERENCE": what parses holds nothing that would
// steer a request, is read again as itself, and its host is one thing to everybody.
#include "net/address.h"
#include "net/egress.h"
#include "net/url.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace boxagnts;

void check(const net::Url& url) {
  FUZZ_CHECK(url.scheme == "http" || url.scheme == "https");
  FUZZ_CHECK(url.port != 0 && !url.host.empty() && url.target.starts_with('/'));
  for (const char c : url.host + url.target)
    FUZZ_CHECK(static_cast<unsigned char>(c) > ' ' && static_cast<unsigned char>(c) < 0x7f);
  FUZZ_CHECK(url.host.find_first_of("/\\?#@%[]<>^|") == std::string::npos);
  for (const char c : url.host) FUZZ_CHECK(c < 'A' || c > 'Z');
  const auto again = net::parse_url(url.text());
  FUZZ_CHECK(again && again->text() == url.text() && again->host == url.host);
  // An address is spelled in one way, and nothing else looks like one.
  if (const auto address = net::parse_ip(url.host); address && address->v4)
    FUZZ_CHECK(address->text() == url.host);
  if (url.host.contains(':')) FUZZ_CHECK(net::parse_ip(url.host));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = as_text(data, size);
  const auto split = std::min(input.find('\0'), input.size());
  const auto base = net::parse_url(input.substr(0, split));
  if (!base) {
    FUZZ_CHECK(!base.error().message.empty());
    return 0;
  }
  check(*base);
  if (split == input.size()) return 0;
  if (const auto url = net::resolve_url(*base, input.substr(split + 1))) check(*url);
  return 0;
}
