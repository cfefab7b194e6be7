// The glob algorithm itself, over plain views: shared by Glob (glob.h says what patterns mean) and
// by the guest `glob`, which is compiled for WebAssembly without a heap. Includes nothing but
// <string_view>.
//
// Limits: a pattern of 4,096 bytes, 256 alternatives, 64 brace groups in one alternative. Matching
// takes O(pattern x path) time a component and never backtracks further than the last `**`.
// Thread-safe.
#pragma once

#include <cstddef>
#include <string_view>

namespace boxagnts::base {

constexpr std::size_t kGlobPatternBytesMax = 4096;
constexpr std::size_t kGlobAlternativesMax = 256;
constexpr int kGlobBraceGroupsMax = 64;

enum class GlobFault : unsigned char { none, open_class, open_brace, too_long, too_many };

constexpr const char* describe(GlobFault fault) {
  switch (fault) {
    case GlobFault::none: return "";
    case GlobFault::open_class: return "the [ is never closed by a ]";
    case GlobFault::open_brace: return "the { is never closed by a }";
    case GlobFault::too_long: return "the pattern is longer than 4096 bytes";
    case GlobFault::too_many: return "the braces make more than 256 alternatives or 64 groups";
  }
  return "";
}

namespace glob_detail {

// Index just past the class that opens at `at`, or npos when it is not closed.
constexpr std::size_t class_end(std::string_view pattern, std::size_t at) {
  std::size_t i = at + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;  // a leading ] is a member
  while (i < pattern.size() && pattern[i] != ']') i += pattern[i] == '\\' ? 2 : 1;
  return i < pattern.size() ? i + 1 : std::string_view::npos;
}

constexpr bool class_matches(std::string_view body, char c) {  // body without the brackets
  bool negated = false;
  std::size_t i = 0;
  if (!body.empty() && (body[0] == '!' || body[0] == '^')) {
    negated = true;
    i = 1;
  }
  const auto member = [&]() -> unsigned char {
    if (body[i] == '\\' && i + 1 < body.size()) ++i;
    return static_cast<unsigned char>(body[i++]);
  };
  bool found = false;
  const auto wanted = static_cast<unsigned char>(c);
  while (i < body.size()) {
    const unsigned char low = member();
    unsigned char high = low;
    if (i + 1 < body.size() && body[i] == '-') {
      ++i;
      high = member();
    }
    found = found || (wanted >= low && wanted <= high);
  }
  return found != negated && c != '/';
}

// Matches one element (not a star) at pattern[p]; returns the index past it, or npos.
constexpr std::size_t match_one(std::string_view pattern, std::size_t p, char c) {
  constexpr auto kNone = std::string_view::npos;
  if (pattern[p] == '?') return c == '/' ? kNone : p + 1;
  if (pattern[p] == '[') {
    const std::size_t end = class_end(pattern, p);
    if (end == kNone) return kNone;
    return class_matches(pattern.substr(p + 1, end - p - 2), c) ? end : kNone;
  }
  if (pattern[p] == '\\' && p + 1 < pattern.size()) ++p;
  return pattern[p] == c ? p + 1 : kNone;
}

}  // namespace glob_detail

// Index of the slash that ends the pattern's first component, or the pattern's size.
constexpr std::size_t glob_component_end(std::string_view pattern) {
  std::size_t i = 0;
  while (i < pattern.size() && pattern[i] != '/') {
    if (pattern[i] == '[') {
      const std::size_t end = glob_detail::class_end(pattern, i);
      i = end == std::string_view::npos ? i + 1 : end;
    } else {
      i += pattern[i] == '\\' ? 2 : 1;
    }
  }
  return i < pattern.size() ? i : pattern.size();
}

// The whole path must match the pattern, which has no braces. Two backtrack points suffice: the
// last `*` (inside a component) and the last `**`.
constexpr bool glob_matches(std::string_view pattern, std::string_view path) {
  constexpr auto kNone = std::string_view::npos;
  std::size_t p = 0, s = 0;
  std::size_t star_p = kNone, star_s = 0, deep_p = kNone, deep_s = 0;
  while (true) {
    const bool component_start = s == 0 || path[s - 1] == '/';
    if (component_start && pattern.substr(p).starts_with("**/")) {
      deep_p = p + 3;
      deep_s = s;
      star_p = kNone;
      p = deep_p;
      continue;
    }
    if (component_start && pattern.substr(p) == "**") return true;
    if (p == pattern.size() && s == path.size()) return true;
    if (p < pattern.size() && pattern[p] == '*') {
      while (p < pattern.size() && pattern[p] == '*') ++p;
      star_p = p;
      star_s = s;
      continue;
    }
    if (p < pattern.size() && s < path.size()) {
      const std::size_t next = glob_detail::match_one(pattern, p, path[s]);
      if (next != kNone) {
        p = next;
        ++s;
        continue;
      }
    }
    if (star_p != kNone && star_s < path.size() && path[star_s] != '/') {
      p = star_p;
      s = ++star_s;
      continue;
    }
    if (deep_p == kNone) return false;
    const std::size_t slash = path.find('/', deep_s);
    if (slash == kNone) return false;
    deep_s = slash + 1;
    p = deep_p;
    s = deep_s;
    star_p = kNone;
  }
}

// Whether something below the folder `directory` could match the pattern (without braces): what a
// walk need not look into.
constexpr bool glob_could_match_below(std::string_view pattern, std::string_view directory) {
  while (true) {
    const std::size_t end = glob_component_end(pattern);
    const std::string_view component = pattern.substr(0, end);
    if (component == "**") return true;
    if (end == pattern.size()) return false;  // the last component names things beside the folder
    const std::size_t slash = directory.find('/');
    if (!glob_matches(component, directory.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    pattern.remove_prefix(end + 1);
    directory.remove_prefix(slash + 1);
  }
}

// Calls emit(std::string_view) for each alternative that the braces make, from left to right; emit
// says whether it takes one more. `join(a, b, c)` makes one text of three, alive while it is
// expanded.
template <class Join, class Emit>
constexpr GlobFault expand_braces(std::string_view pattern, Join&& join, Emit&& emit,
                                  std::size_t from = 0, int groups = 0) {
  if (pattern.size() > kGlobPatternBytesMax) return GlobFault::too_long;
  for (std::size_t i = from; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '[') {
      const std::size_t end = glob_detail::class_end(pattern, i);
      if (end == std::string_view::npos) return GlobFault::open_class;
      i = end - 1;
    } else if (pattern[i] == '{') {
      // The end of the group first: it must be closed before any option counts.
      const auto option_end = [&](std::size_t at, bool at_comma) {
        for (std::size_t depth = 1; at < pattern.size(); ++at) {
          if (pattern[at] == '\\')
            ++at;
          else if (pattern[at] == '{')
            ++depth;
          else if (pattern[at] == '}')
            --depth;
          if (depth == 0 || (at_comma && pattern[at] == ',' && depth == 1)) return at;
        }
        return std::string_view::npos;
      };
      const std::size_t close = option_end(i + 1, false);
      if (close == std::string_view::npos) return GlobFault::open_brace;
      if (groups == kGlobBraceGroupsMax) return GlobFault::too_many;
      for (std::size_t at = i + 1; at <= close;) {
        const std::size_t end = option_end(at, true);
        const auto text =
            join(pattern.substr(0, i), pattern.substr(at, end - at), pattern.substr(close + 1));
        const auto fault = expand_braces(std::string_view(text), join, emit, i, groups + 1);
        if (fault != GlobFault::none) return fault;
        at = end + 1;
      }
      return GlobFault::none;
    }
  }
  return emit(pattern) ? GlobFault::none : GlobFault::too_many;
}

}  // namespace boxagnts::base
