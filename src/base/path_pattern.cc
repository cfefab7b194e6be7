#include "base/path_pattern.h"

#include <algorithm>

#include "base/text.h"

namespace boxagnts::base {

PathSubject::PathSubject(std::string_view path) : exact(path), lower(lower_case(path)) {}

Result<PathPattern> PathPattern::parse(std::string_view glob, LetterCase letters) {
  constexpr std::string_view kAnywhere = "**/";
  const std::string text = letters == LetterCase::counts ? std::string(glob) : lower_case(glob);
  PathPattern pattern;
  pattern.glob_ = TRY(Glob::parse(text));
  pattern.letters_ = letters;
  if (!text.starts_with(kAnywhere)) return pattern;
  const auto name = std::string_view(text).substr(kAnywhere.size());
  const auto star = name.find('*');
  if (name.find_first_of("/?[]{}\\") != name.npos || star != name.rfind('*')) return pattern;
  pattern.kind_ = star == name.npos ? Kind::name : Kind::starred_name;
  pattern.prefix_ = name.substr(0, star);
  if (star != name.npos) pattern.suffix_ = name.substr(star + 1);
  return pattern;
}

bool PathPattern::matches_name(std::string_view component) const {
  if (kind_ == Kind::name) return component == prefix_;
  return component.size() >= prefix_.size() + suffix_.size() && component.starts_with(prefix_) &&
         component.ends_with(suffix_);
}

bool PathPattern::matches(const PathSubject& subject) const {
  const std::string_view path = letters_ == LetterCase::counts ? subject.exact : subject.lower;
  for (std::size_t from = 0; from < path.size();) {
    const std::size_t end = std::min(path.find('/', from), path.size());
    if (kind_ == Kind::glob ? glob_.matches(path.substr(0, end))
                            : matches_name(path.substr(from, end - from)))
      return true;
    from = end + 1;
  }
  return false;
}

std::vector<std::string> PathPattern::below(const PathSubject& folder) const {
  return glob_.below(letters_ == LetterCase::counts ? folder.exact : folder.lower);
}

std::string glob_quoted(std::string_view text) {
  std::string glob;
  for (const char c : text) {
    if (std::string_view("*?[]{}\\!").contains(c)) glob += '\\';
    glob += c;
  }
  return glob;
}

}  // namespace boxagnts::base
