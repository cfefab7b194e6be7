#include "base/glob.h"

#include <optional>

namespace boxagnts::base {
namespace {

constexpr std::size_t kAlternativesMax = 256;

// Index just past the class that opens at `at`, or npos when it is not closed.
std::size_t class_end(std::string_view pattern, std::size_t at) {
  std::size_t i = at + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  if (i < pattern.size() && pattern[i] == ']') ++i;  // a leading ] is a member
  while (i < pattern.size() && pattern[i] != ']') i += pattern[i] == '\\' ? 2 : 1;
  return i < pattern.size() ? i + 1 : std::string_view::npos;
}

bool class_matches(std::string_view body, char c) {  // body without the brackets
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

// Matches one element (not a star) at pattern[p]; returns the index past it, or nullopt.
std::optional<std::size_t> match_one(std::string_view pattern, std::size_t p, char c) {
  if (pattern[p] == '?') return c == '/' ? std::nullopt : std::optional(p + 1);
  if (pattern[p] == '[') {
    const std::size_t end = class_end(pattern, p);
    if (!class_matches(pattern.substr(p + 1, end - p - 2), c)) return std::nullopt;
    return end;
  }
  if (pattern[p] == '\\' && p + 1 < pattern.size()) ++p;
  return pattern[p] == c ? std::optional(p + 1) : std::nullopt;
}

// Two backtrack points suffice: the last `*` (inside a component) and the last `**`.
bool match(std::string_view pattern, std::string_view path) {
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
    if (p < pattern.size() && s < path.size())
      if (const auto next = match_one(pattern, p, path[s])) {
        p = *next;
        ++s;
        continue;
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

Status expand(std::string_view pattern, std::string prefix, std::vector<std::string>& out) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (c == '\\' && i + 1 < pattern.size()) {
      prefix.append(pattern, i, 2);
      ++i;
    } else if (c == '[') {
      const std::size_t end = class_end(pattern, i);
      if (end == std::string_view::npos)
        return fail(Code::invalid_argument, "the [ is never closed by a ]");
      prefix.append(pattern, i, end - i);
      i = end - 1;
    } else if (c == '{') {
      std::size_t depth = 0, from = i + 1;
      std::vector<std::string_view> options;
      std::size_t j = i;
      for (; j < pattern.size(); ++j) {
        if (pattern[j] == '\\') {
          ++j;
        } else if (pattern[j] == '{') {
          ++depth;
        } else if (pattern[j] == ',' && depth == 1) {
          options.push_back(pattern.substr(from, j - from));
          from = j + 1;
        } else if (pattern[j] == '}' && --depth == 0) {
          break;
        }
      }
      if (j >= pattern.size()) return fail(Code::invalid_argument, "the { is never closed by a }");
      options.push_back(pattern.substr(from, j - from));
      for (const auto option : options)
        TRY(expand(std::string(option) + std::string(pattern.substr(j + 1)), prefix, out));
      return {};
    } else {
      prefix += c;
    }
  }
  if (out.size() == kAlternativesMax)
    return fail(Code::invalid_argument, "the braces make more than 256 alternatives");
  out.push_back(std::move(prefix));
  return {};
}

}  // namespace

Result<Glob> Glob::parse(std::string_view pattern) {
  Glob glob;
  glob.pattern_ = pattern;
  if (pattern.size() > 4096)
    return fail(Code::invalid_argument, "the pattern is longer than 4096 bytes");
  if (auto expanded = expand(pattern, {}, glob.alternatives_); !expanded)
    return std::unexpected(
        std::move(expanded.error()).in("the pattern \"" + std::string(pattern) + "\" is malformed"));
  return glob;
}

bool Glob::matches(std::string_view path) const {
  for (const auto& alternative : alternatives_)
    if (match(alternative, path)) return true;
  return false;
}

}  // namespace boxagnts::base
