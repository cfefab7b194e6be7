// Requests as the HTTP server reads them, one after the other on a connection: the same however the
// network cuts the bytes, and what reaches a handler keeps its promises. The first byte says how.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "net/body_decoder.h"
#include "net/request_head.h"
#include "tests/fuzz/fuzz.h"

namespace {

using boxagnts::net::BodyDecoder;
using boxagnts::net::HeadScanner;
using boxagnts::net::parse_request_head;
using boxagnts::net::RequestHead;

constexpr std::size_t kHeadBytesMax = 1024;

struct Seen {
  int status = 0;  // what refused it; 0: a request
  std::string what, body;
  bool operator==(const Seen&) const = default;
};

void check(const RequestHead& head) {
  const auto& request = head.request;
  FUZZ_CHECK(request.path.starts_with('/') && boxagnts::base::is_utf8(request.path));
  FUZZ_CHECK(!request.path.contains('\0') && !request.path.contains('\\'));
  for (const auto segment : boxagnts::base::split(request.path, '/'))
    FUZZ_CHECK(segment != "." && segment != "..");
  FUZZ_CHECK(head.minor_version == 0 || !request.host.empty());
  FUZZ_CHECK(!head.is_chunked || head.content_length == 0);
  for (const auto& [name, value] : request.headers)
    for (const auto* text : {&name, &value})
      FUZZ_CHECK(text->find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
  for (const auto& [name, value] : request.query)
    FUZZ_CHECK(boxagnts::base::is_utf8(name) && boxagnts::base::is_utf8(value));
}

// As a connection does it, with a buffer of what is not yet used.
std::vector<Seen> read(std::string_view bytes, std::size_t piece) {
  std::vector<Seen> all;
  std::string in;
  HeadScanner scanner(kHeadBytesMax);
  std::optional<BodyDecoder> body;
  while (!bytes.empty()) {
    in += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
    while (true) {
      if (!body) {
        const auto found = scanner.scan(in);
        if (!found) return all.push_back({found.error().status, {}, {}}), all;
        if (!*found) break;
        const auto head = parse_request_head(std::string_view(in).substr(0, **found));
        if (!head) return all.push_back({head.error().status, {}, {}}), all;
        check(*head);
        in.erase(0, **found);
        body.emplace(*head);
        all.push_back({0, head->request.method + " " + head->request.path, {}});
      }
      const auto used = body->feed(in, all.back().body, SIZE_MAX);
      if (!used) return all.push_back({used.error().status, {}, {}}), all;
      in.erase(0, *used);
      if (!body->ended()) break;
      body.reset();
      scanner = HeadScanner(kHeadBytesMax);
    }
  }
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = as_text(data + 1, size - 1);
  FUZZ_CHECK(read(bytes, bytes.size() + 1) == read(bytes, data[0] % 16 + 1));
  return 0;
}
