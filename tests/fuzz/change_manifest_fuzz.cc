// A change set's manifest and journal as somebody may have left them: what is read is written back
// the same, and no path or content in it leads out of its folder.
#include "tests/fuzz/fuzz.h"
#include "vfs/change_manifest.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace boxagnts::vfs;
  const std::string_view text = as_text(data, size);
  const auto manifest = parse_manifest(text);
  if (manifest) {
    for (const auto& entry : manifest->entries) {
      FUZZ_CHECK(check_change_path(entry.change.path));
      for (const Side* side : {&entry.change.before, &entry.change.after})
        if (*side && !(*side)->content.empty()) FUZZ_CHECK(check_content_name((*side)->content));
    }
    const std::string written = to_text(*manifest);
    const auto again = parse_manifest(written);
    FUZZ_CHECK(again && to_text(*again) == written);
  }
  Manifest one;
  one.entries.push_back({.change = {"a", std::nullopt, Version{}}});
  if (const auto journal = parse_journal(text, one)) {
    const std::string written = to_text(*journal);
    const auto again = parse_journal(written, one);
    FUZZ_CHECK(again && to_text(*again) == written);
  }
  return 0;
}
