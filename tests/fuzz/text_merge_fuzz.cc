// Three texts, parted by 0xff bytes: a difference makes the one of the other, all hunks together
// are the whole change, and a merge keeps its laws.
#include "tests/fuzz/fuzz.h"
#include "vfs/text_diff.h"
#include "vfs/unified_diff.h"

namespace {

using namespace boxagnts::vfs;

void check_difference(std::string_view a, std::string_view b) {
  const Lines before = split_lines(a), after = split_lines(b);
  std::string text;
  std::size_t at = 0;
  for (const Edit& edit : diff_lines(before, after)) {
    FUZZ_CHECK(edit.before >= at);
    for (; at < edit.before; ++at) text += before[at];
    at += edit.before_count;
    for (std::uint32_t i = 0; i < edit.after_count; ++i) text += after[edit.after + i];
  }
  for (; at < before.size(); ++at) text += before[at];
  FUZZ_CHECK(text == b);
  std::vector<std::uint32_t> all(make_hunks(a, b).size());
  for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
  FUZZ_CHECK(with_hunks(a, b, all) == b);
  FUZZ_CHECK(with_hunks(a, b, {}) == a);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view all = as_text(data, size);
  const auto first = all.find('\xff');
  const std::string_view base = all.substr(0, first);
  std::string_view rest = first == all.npos ? "" : all.substr(first + 1);
  const auto second = rest.find('\xff');
  const std::string_view ours = rest.substr(0, second);
  const std::string_view theirs = second == rest.npos ? "" : rest.substr(second + 1);
  check_difference(base, ours);
  check_difference(ours, theirs);
  FUZZ_CHECK(merge_texts(base, ours, base) == std::string(ours));
  FUZZ_CHECK(merge_texts(base, base, theirs) == std::string(theirs));
  FUZZ_CHECK(merge_texts(base, ours, ours) == std::string(ours));
  const auto one = merge_texts(base, ours, theirs), other = merge_texts(base, theirs, ours);
  FUZZ_CHECK(one.has_value() == other.has_value());
  if (one) FUZZ_CHECK(*one == *other);
  return 0;
}
