#include "guests/edit/near_match.h"

#include <algorithm>

#include "guests/sdk/text.h"

namespace boxagnts::guest {
namespace {

constexpr std::size_t kComparedBytesMax = 400;  // of a line

// Takes the first line off, without its end.
Text take_line(Text& text) {
  const char* const newline = find_byte(text.data(), text.data() + text.size(), '\n');
  const auto size = static_cast<std::size_t>(newline - text.data());
  const Text line = text.substr(0, size);
  text.remove_prefix(std::min(size + 1, text.size()));
  return line;
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

// Equal when blanks are left out of both.
template <class Same>
bool equal_without_blanks(Text a, Text b, Same same) {
  std::size_t i = 0, j = 0;
  while (true) {
    while (i < a.size() && is_blank(a[i])) ++i;
    while (j < b.size() && is_blank(b[j])) ++j;
    if (i == a.size() || j == b.size()) return i == a.size() && j == b.size();
    if (!same(a[i++], b[j++])) return false;
  }
}

// Whether the lines of `wanted` stand at the beginning of `content`; blank lines at its ends do not
// count.
template <class Same>
std::size_t lines_matched(Text content, Text wanted, Same same) {
  std::size_t lines = 0;
  while (!wanted.empty()) {
    const Text line = take_line(wanted);
    if (content.empty()) return trimmed(line).empty() && wanted.empty() ? lines : 0;
    if (!equal_without_blanks(take_line(content), line, same)) return 0;
    ++lines;
  }
  return lines;
}

Text without_outer_blank_lines(Text text) {
  while (!text.empty()) {
    Text rest = text;
    if (!trimmed(take_line(rest)).empty()) break;
    text = rest;
  }
  while (!text.empty() && (is_blank(text.back()) || text.back() == '\n')) text.remove_suffix(1);
  return text;
}

template <class Same>
NearMatch find_lines(Text content, Text wanted, Difference difference, Same same) {
  Text first = wanted;
  const Text first_line = take_line(first);
  for (Text rest = content; !rest.empty();) {
    const Text here = rest;
    if (!equal_without_blanks(take_line(rest), first_line, same)) continue;
    if (const std::size_t lines = lines_matched(here, wanted, same); lines > 0)
      return {difference, static_cast<std::size_t>(here.data() - content.data()), lines};
  }
  return {};
}

// How many bytes two lines share at their beginnings and ends.
std::size_t likeness(Text a, Text b) {
  a = a.substr(0, kComparedBytesMax);
  b = b.substr(0, kComparedBytesMax);
  const std::size_t most = std::min(a.size(), b.size());
  std::size_t front = 0, back = 0;
  while (front < most && a[front] == b[front]) ++front;
  while (back < most - front && a[a.size() - 1 - back] == b[b.size() - 1 - back]) ++back;
  return front + back;
}

NearMatch most_alike(Text content, Text line) {
  line = trimmed(line);
  NearMatch best;
  std::size_t best_likeness = 0;
  for (Text rest = content; !rest.empty();) {
    const auto at = static_cast<std::size_t>(rest.data() - content.data());
    const Text candidate = trimmed(take_line(rest));
    const std::size_t alike = likeness(candidate, line);
    // Half of the longer one at least, or it is another line.
    const std::size_t longer = std::min(std::max(candidate.size(), line.size()), kComparedBytesMax);
    if (alike * 2 <= longer || alike <= best_likeness) continue;
    best_likeness = alike;
    best = {Difference::similar, at, 1};
  }
  return best;
}

}  // namespace

NearMatch nearest_match(Text content, Text wanted) {
  wanted = without_outer_blank_lines(wanted);
  if (wanted.empty()) return {};
  const auto same = [](char a, char b) { return a == b; };
  if (const auto found = find_lines(content, wanted, Difference::whitespace, same); found.lines > 0)
    return found;
  const auto same_letters = [](char a, char b) { return lower(a) == lower(b); };
  if (const auto found = find_lines(content, wanted, Difference::letter_case, same_letters);
      found.lines > 0)
    return found;
  return most_alike(content, take_line(wanted));
}

bool looks_numbered(Text text) {
  if (text.empty()) return false;
  while (!text.empty()) {
    const Text line = trimmed(take_line(text));
    if (line.empty()) continue;
    std::size_t digits = 0;
    while (digits < line.size() && line[digits] >= '0' && line[digits] <= '9') ++digits;
    if (digits == 0 || (digits < line.size() && line[digits] != '\t')) return false;
  }
  return true;
}

}  // namespace boxagnts::guest
