// JSON of models and guests: what parses is written and parsed again to the same value.
#include "base/json.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace boxagnts;
  const auto first = base::parse_json(as_text(data, size));
  if (!first) return 0;
  const auto again = base::parse_json(base::to_text(*first));
  FUZZ_CHECK(again);
  FUZZ_CHECK(base::to_text(*again) == base::to_text(*first));
  return 0;
}
