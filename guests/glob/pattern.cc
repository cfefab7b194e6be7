#include "guests/glob/pattern.h"

#include <algorithm>

#include "base/glob_match.h"
#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

bool is_literal(Text component) { return component.find_first_of("*?[\\") == Text::npos; }

bool has_component(Text pattern, Text wanted) {
  while (true) {
    const std::size_t end = base::glob_component_end(pattern);
    if (pattern.substr(0, end) == wanted) return true;
    if (end == pattern.size()) return false;
    pattern.remove_prefix(end + 1);
  }
}

// The literal folders at the beginning of one alternative, with the slash that ends them.
std::size_t literal_size(Text pattern) {
  std::size_t size = 0;
  while (true) {
    const Text rest = pattern.substr(size);
    const std::size_t end = base::glob_component_end(rest);
    if (end == rest.size() || !is_literal(rest.substr(0, end))) return size;
    size += end + 1;
  }
}

}  // namespace

Pattern::Pattern(Text pattern) {
  const Text given = pattern;
  while (pattern.starts_with("./")) pattern.remove_prefix(2);
  while (pattern.size() > 1 && pattern.ends_with('/')) {
    only_directories_ = true;
    pattern.remove_suffix(1);
  }
  if (pattern.empty()) pattern = ".";
  alternatives_ = reinterpret_cast<Text*>(allocate(base::kGlobAlternativesMax * sizeof(Text)));
  const auto joined = [](Text a, Text b, Text c) { return join({a, b, c}); };
  const auto emit = [&](Text alternative) {
    if (count_ == base::kGlobAlternativesMax) return false;
    alternatives_[count_++] = alternative;
    deep_ = deep_ || has_component(alternative, "**");
    names_git_ = names_git_ || has_component(alternative, ".git");
    return true;
  };
  if (const auto fault = base::expand_braces(pattern, joined, emit); fault != base::GlobFault::none)
    fail(kBadInput, {"the pattern \"", prefix_at_character(given, 200),
                     "\" is malformed: ", base::describe(fault)});
  split_folder();
}

void Pattern::split_folder() {
  Text common = alternatives_[0].substr(0, literal_size(alternatives_[0]));
  for (std::size_t i = 1; i < count_; ++i)
    while (!common.empty() && (!alternatives_[i].starts_with(common) ||
                               literal_size(alternatives_[i]) < common.size())) {
      const auto slash = common.size() < 2 ? Text::npos : common.rfind('/', common.size() - 2);
      common = common.substr(0, slash == Text::npos ? 0 : slash + 1);
    }
  for (std::size_t i = 0; i < count_; ++i) alternatives_[i].remove_prefix(common.size());
  folder_ = common;
}

bool Pattern::matches(Text path) const {
  return std::any_of(alternatives_, alternatives_ + count_,
                     [&](Text alternative) { return base::glob_matches(alternative, path); });
}

bool Pattern::could_match_below(Text directory) const {
  return std::any_of(alternatives_, alternatives_ + count_, [&](Text alternative) {
    return base::glob_could_match_below(alternative, directory);
  });
}

}  // namespace boxagnts::guest
