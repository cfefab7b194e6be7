// A server's HTTP/1.1 bytes: whole or byte by byte they are the same answer or no answer.
#include <string>

#include "net/http1_reader.h"
#include "tests/fuzz/fuzz.h"

namespace {

struct Outcome {
  bool is_answer = false, keeps_alive = false;
  int status = 0;
  boxagnts::net::Headers headers;
  std::string body;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view bytes, std::string_view method, std::size_t piece) {
  const auto reader = boxagnts::net::Http1Reader::make("fuzz", method);
  Outcome outcome;
  while (!bytes.empty() && !reader->is_done()) {
    const auto part = bytes.substr(0, piece);
    bytes.remove_prefix(part.size());
    if (!reader->feed(part)) return outcome;
    if (reader->has_head()) outcome.body += reader->take_body();
  }
  // Whether the connection may be kept depends on what came behind the answer so far.
  outcome.keeps_alive = reader->is_done() && reader->keeps_alive() && bytes.empty();
  if (!reader->feed_end()) return outcome;
  outcome.body += reader->take_body();
  outcome.is_answer = true;
  outcome.status = reader->status();
  outcome.headers = reader->headers();
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto method = data[0] % 2 == 0 ? "GET" : "HEAD";
  const auto bytes = as_text(data + 1, size - 1);
  const auto whole = read(bytes, method, bytes.size() + 1);
  const auto slow = read(bytes, method, 1);
  FUZZ_CHECK(whole.is_answer == slow.is_answer);
  if (whole.is_answer) {
    FUZZ_CHECK(whole == slow);
    FUZZ_CHECK(whole.status >= 200 && whole.body.size() <= bytes.size());
    for (const auto& [name, value] : whole.headers)
      FUZZ_CHECK(!name.empty() && !value.contains('\r') && !value.contains('\n'));
  }
  return 0;
}
