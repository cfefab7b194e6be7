// Server-sent events: the same events however the network cuts the bytes. The first byte says how.
#include <vector>

#include "net/sse.h"
#include "tests/fuzz/fuzz.h"

namespace {

using boxagnts::net::SseEvent;
using boxagnts::net::SseParser;

struct Outcome {
  std::vector<SseEvent> events;
  bool too_large = false;
};

Outcome parse(std::string_view bytes, std::size_t piece) {
  constexpr std::size_t kEventBytesMax = 4096;
  SseParser parser(kEventBytesMax);
  Outcome outcome;
  while (!bytes.empty() && !outcome.too_large) {
    const auto now = bytes.substr(0, piece);
    bytes.remove_prefix(now.size());
    parser.feed(now);
    while (true) {
      auto event = parser.next();
      if (!event) {
        outcome.too_large = true;
        break;
      }
      if (!*event) break;
      outcome.events.push_back(std::move(**event));
    }
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto bytes = as_text(data + 1, size - 1);
  const auto whole = parse(bytes, bytes.size() + 1), cut = parse(bytes, data[0] % 16 + 1);
  // Where an event is too large the moment it is noticed depends on the cuts.
  if (whole.too_large || cut.too_large) return 0;
  FUZZ_CHECK(whole.events.size() == cut.events.size());
  for (std::size_t i = 0; i < whole.events.size(); ++i) {
    FUZZ_CHECK(whole.events[i].type == cut.events[i].type);
    FUZZ_CHECK(whole.events[i].data == cut.events[i].data);
    FUZZ_CHECK(whole.events[i].id == cut.events[i].id);
  }
  return 0;
}
