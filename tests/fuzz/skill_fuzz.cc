// A SKILL.md of a stranger, "SKILL.md\0ARGUMENT": it is read within bounds, every finding has a
// place, and what is taken keeps the specification's rules and expands within bounds.
#include <algorithm>

#include "base/text.h"
#include "tests/fuzz/fuzz.h"
#include "workspace/skill.h"

namespace {

using namespace boxagnts;

void check_expansion(const workspace::Skill& skill, const std::string& value) {
  std::map<std::string, std::string> all;
  for (const auto& argument : skill.arguments) all[argument.name] = value;
  for (const auto& input : {workspace::SkillInput(all), workspace::SkillInput(value)}) {
    const auto text = workspace::expand(skill, input);
    if (!text) {
      FUZZ_CHECK(!text.error().message.empty());
      continue;
    }
    FUZZ_CHECK(text->size() <= workspace::kExpandedBytesMax);
    FUZZ_CHECK(workspace::introduce(skill, *text).contains(*text));
    if (!skill.body.contains("{{") && !skill.body.contains("$ARGUMENTS"))
      FUZZ_CHECK(text->starts_with(skill.body));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = as_text(data, size);
  const auto text = input.substr(0, input.find('\0'));
  const auto parsed = workspace::parse_skill(text, "x");
  const auto lines = std::ranges::count(text, '\n') + 1;
  for (const auto& finding : parsed.findings) {
    FUZZ_CHECK(finding.line >= 1 && finding.line <= lines + 1);
    FUZZ_CHECK(!finding.sentence.empty() && base::is_utf8(finding.sentence));
  }
  if (parsed.error()) return 0;
  const auto& skill = parsed.skill;
  FUZZ_CHECK(skill.name == "x" && !skill.description.empty());
  FUZZ_CHECK(skill.description.size() <= 4 * 1024);
  FUZZ_CHECK(skill.arguments.size() <= workspace::kSkillArgumentsMax);
  for (const auto& tool : skill.allowed_tools) FUZZ_CHECK(!tool.empty() && tool.size() <= 64);
  check_expansion(skill, std::string(input.substr(std::min(text.size() + 1, input.size()))));
  return 0;
}
