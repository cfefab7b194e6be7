// JSON of models and guests: what parses is written and parsed again to the same value, where
// numbers with a fraction may be off by their last digits (Boost.JSON 1.81 reads them fast, not
// exactly).
#include <cmath>

#include "base/json.h"
#include "tests/fuzz/fuzz.h"

namespace {

using boxagnts::Json;

bool same_number(double a, double b) { return std::abs(a - b) <= 1e-14 * std::abs(a) || a == b; }

bool same(const Json& a, const Json& b) {
  if (a.is_object()) {
    const auto& left = a.get_object();
    if (!b.is_object() || left.size() != b.get_object().size()) return false;
    for (const auto& member : left) {
      const auto* other = b.get_object().if_contains(member.key());
      if (!other || !same(member.value(), *other)) return false;
    }
    return true;
  }
  if (a.is_array()) {
    const auto& left = a.get_array();
    if (!b.is_array() || left.size() != b.get_array().size()) return false;
    for (std::size_t i = 0; i < left.size(); ++i)
      if (!same(left[i], b.get_array()[i])) return false;
    return true;
  }
  if (a.is_double()) return b.is_number() && same_number(a.get_double(), b.to_number<double>());
  return a == b;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace boxagnts;
  const auto first = base::parse_json(as_text(data, size));
  if (!first) return 0;
  const auto again = base::parse_json(base::to_text(*first));
  FUZZ_CHECK(again);
  FUZZ_CHECK(same(*first, *again));
  return 0;
}
