// A schema that a tool brings and a value that a model sends: "SCHEMA\0VALUE". Compiling and
// checking end, and say one line.
#include "base/json.h"
#include "tests/fuzz/fuzz.h"
#include "tools/json_schema.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace boxagnts;
  const auto input = as_text(data, size);
  const auto split = std::min(input.find('\0'), input.size());
  const auto schema = base::parse_json(input.substr(0, split));
  if (!schema) return 0;
  const auto compiled = tools::JsonSchema::compile(*schema);
  if (!compiled) {
    FUZZ_CHECK(!compiled.error().message.empty());
    return 0;
  }
  if (split == input.size()) return 0;
  const auto value = base::parse_json(input.substr(split + 1));
  if (!value) return 0;
  const auto checked = compiled->check(*value);
  if (!checked) FUZZ_CHECK(!checked.error().message.empty());
  return 0;
}
