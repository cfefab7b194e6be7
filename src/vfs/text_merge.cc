#include <algorithm>

#include "vfs/text_diff.h"

namespace boxagnts::vfs {
namespace {

// One change to the base, read region by region.
class Changed {
 public:
  Changed(const Lines& base, std::string_view text)
      : lines_(split_lines(text)), edits_(diff_lines(base, lines_)) {}

  bool done() const { return next_ == edits_.size(); }
  // The base line of the next edit.
  std::uint32_t begin() const { return done() ? UINT32_MAX : edits_[next_].before; }
  // Whether the next edit overlaps or touches what ends at `end`; takes it in, and moves `end` on.
  bool join(std::uint32_t& end) {
    if (done() || edits_[next_].before > end) return false;
    const Edit& edit = edits_[next_++];
    end = std::max(end, edit.before + edit.before_count);
    shift_ = std::int64_t{edit.after} + edit.after_count - edit.before - edit.before_count;
    return true;
  }
  // Lines here that stand for the base's lines up to `end`, from where the last region ended.
  Lines take(std::uint32_t end) {
    const auto until = static_cast<std::size_t>(end + shift_);
    Lines taken(lines_.begin() + std::ptrdiff_t(taken_), lines_.begin() + std::ptrdiff_t(until));
    taken_ = until;
    return taken;
  }

 private:
  const Lines lines_;
  const std::vector<Edit> edits_;
  std::size_t next_ = 0, taken_ = 0;
  std::int64_t shift_ = 0;  // this side's line number less the base's, after the edits joined
};

void append(std::string& text, const Lines& lines) {
  for (const auto line : lines) text += line;
}

}  // namespace

std::expected<std::string, Overlap> merge_texts(std::string_view base_text, std::string_view ours,
                                                std::string_view theirs) {
  const Lines base = split_lines(base_text);
  Changed a(base, ours), b(base, theirs);
  std::string merged;
  merged.reserve(std::max(ours.size(), theirs.size()));
  while (!a.done() || !b.done()) {
    const std::uint32_t begin = std::min(a.begin(), b.begin());
    append(merged, a.take(begin));
    (void)b.take(begin);
    std::uint32_t end = begin;
    bool by_a = false, by_b = false;
    for (bool more = true; more;) {
      const bool joined_a = a.join(end), joined_b = b.join(end);
      by_a |= joined_a;
      by_b |= joined_b;
      more = joined_a || joined_b;
    }
    const Lines here = a.take(end), there = b.take(end);
    if (by_a && by_b && here != there) return std::unexpected(Overlap{begin, end - begin});
    append(merged, by_a ? here : there);
  }
  append(merged, a.take(static_cast<std::uint32_t>(base.size())));
  return merged;
}

}  // namespace boxagnts::vfs
