#include "vfs/masks.h"

#include <algorithm>
#include <iterator>
#include <tuple>

#include "base/text.h"

namespace boxagnts::vfs {

bool Masks::Below::operator==(const Below& other) const {
  const auto what_counts = [](std::vector<std::vector<Part>> from) {
    for (auto& list : from)
      std::erase_if(list, [](const Part& part) { return part.patterns.empty(); });
    std::erase_if(from, [](const auto& list) { return list.empty(); });
    return from;
  };
  return what_counts(lists) == what_counts(other.lists);
}

// Glob by glob: what hides matches at least as much, what shows at most.
bool Masks::Below::hides_at_least(const Below& other) const {
  const auto stronger = [](const Part& here, const Part& there) {
    const auto& [less, more] = here.shows ? std::tie(here, there) : std::tie(there, here);
    return here.shows == there.shows && std::ranges::includes(more.patterns, less.patterns);
  };
  return std::ranges::equal(lists, other.lists, [&](const auto& here, const auto& there) {
    return std::ranges::equal(here, there, stronger);
  });
}

Result<Masks> Masks::parse(const std::vector<std::string>& globs) {
  List list;
  for (const std::string_view glob : globs) {
    const bool shows = glob.starts_with('!');
    list.push_back({TRY(base::PathPattern::parse(
                        glob.substr(shows ? 1 : 0),
                        shows ? base::LetterCase::counts : base::LetterCase::ignored)),
                    shows});
  }
  Masks masks;
  masks.lists_.push_back(std::move(list));
  return masks;
}

void Masks::add(Masks others) { std::ranges::move(others.lists_, std::back_inserter(lists_)); }

bool Masks::hides(std::string_view path) const {
  const base::PathSubject subject(path);
  for (const auto name : base::split(subject.lower, '/'))
    if (name == kStateFolder) return true;
  return std::ranges::any_of(lists_, [&](const List& list) {
    const auto last = std::find_if(list.rbegin(), list.rend(), [&](const Entry& entry) {
      return entry.pattern.matches(subject);
    });
    return last != list.rend() && !last->shows;
  });
}

Masks::Below Masks::below(std::string_view folder) const {
  const base::PathSubject subject(folder);
  Below below;
  for (const auto& list : lists_) {
    auto& parts = below.lists.emplace_back();
    for (const auto& entry : list) {
      auto patterns = entry.pattern.below(subject);
      parts.push_back({{std::move_iterator(patterns.begin()), std::move_iterator(patterns.end())},
                       entry.shows});
    }
  }
  return below;
}

}  // namespace boxagnts::vfs
