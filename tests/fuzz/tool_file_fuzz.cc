// A file that a stranger put into a tools folder: a module whose section is looked for, or, where
// it begins with "{", the manifest alone. What is refused is refused in a sentence that steers
// nothing; what is taken keeps every bound, is the same when it is read again, and tells facts for
// any arguments.
#include <algorithm>

#include "base/text.h"
#include "tests/fuzz/fuzz.h"
#include "toolbox/foreign_manifest.h"
#include "toolbox/wasm_sections.h"
#include "tools/json_schema.h"

namespace {

using namespace boxagnts;
using toolbox::ForeignLimits;

bool is_plain(std::string_view text) {
  return base::is_utf8(text) && base::terminal_safe(text) == text;
}

void check_facts(const toolbox::Manifest& manifest) {
  JsonObject arguments;
  for (const auto& field : manifest.reads) arguments[field] = "../../a/./b//c";
  for (const auto& field : manifest.globs) arguments[field] = "/x/{y,z}/*";
  const auto facts = toolbox::facts_of(manifest, arguments, "/w");
  FUZZ_CHECK(facts);
  for (const auto* paths : {&facts->reads, &facts->writes})
    for (const auto& path : *paths)
      FUZZ_CHECK(path.starts_with('/') && !path.contains("/../") && !path.contains("//"));
}

void check_manifest(std::string_view text) {
  const auto manifest = toolbox::parse_foreign_manifest(text);
  if (!manifest) {
    FUZZ_CHECK(!manifest.error().message.empty() && is_plain(manifest.error().message));
    return;
  }
  const auto& spec = manifest->spec;
  FUZZ_CHECK(text.size() <= ForeignLimits::kManifestBytes);
  FUZZ_CHECK(!spec.name.empty() && spec.name.size() <= 64);
  FUZZ_CHECK(spec.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") ==
             spec.name.npos);
  FUZZ_CHECK(spec.description.size() <= ForeignLimits::kDescriptionBytes);
  FUZZ_CHECK(is_plain(spec.description) && is_plain(base::to_text(spec.input_schema)));
  FUZZ_CHECK(spec.level == core::Level::execute && manifest->claimed <= core::Level::execute);
  FUZZ_CHECK(manifest->programs.empty());
  FUZZ_CHECK(manifest->wants_network || manifest->connects.empty());
  for (const auto* list : {&manifest->keywords, &manifest->environment, &manifest->reads,
                           &manifest->writes, &manifest->globs, &manifest->connects})
    FUZZ_CHECK(list->size() <= ForeignLimits::kListEntries);
  FUZZ_CHECK(tools::JsonSchema::compile(spec.input_schema));
  check_facts(*manifest);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto input = as_text(data, size);
  if (input.starts_with('{')) {
    check_manifest(input);
    return 0;
  }
  const auto section = toolbox::custom_section(
      [&](std::uint64_t offset, std::size_t bytes) -> Result<std::string> {
        FUZZ_CHECK(bytes <= ForeignLimits::kManifestBytes);
        if (offset >= input.size()) return std::string();
        return std::string(input.substr(static_cast<std::size_t>(offset), bytes));
      },
      input.size(), toolbox::kManifestSection, ForeignLimits::kManifestBytes);
  if (!section) {
    FUZZ_CHECK(!section.error().message.empty() && is_plain(section.error().message));
  } else if (*section) {
    FUZZ_CHECK(input.contains(**section));
    check_manifest(**section);
  }
  return 0;
}
