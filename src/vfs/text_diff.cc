#include "vfs/text_diff.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <unordered_map>

namespace boxagnts::vfs {
namespace {

using Ids = std::vector<std::int32_t>;  // a line's id; equal lines have the same

// The effort of one search for a middle, in edits. Texts that differ by less get a minimal
// difference; the square root keeps the whole near N^1.5 at worst.
constexpr std::int32_t kEffortMin = 256;

// One of the two sequences that are compared: the lines that may have a partner, where each stands
// in the whole text, and for the whole text whether a line is part of an edit.
struct Side {
  Ids all;
  Ids ids;
  std::vector<std::uint32_t> place;
  std::vector<char> changed;
};

// How far paths of D edits reach, for one direction: reach(k) is the x of the furthest point on the
// diagonal k = x - y, or -1 where none is. Diagonals outside [-m, n] do not exist.
class Reach {
 public:
  explicit Reach(std::size_t size) : values_(size + 3) {}
  void begin(std::int32_t n, std::int32_t m) {
    n_ = n;
    m_ = m;
    std::fill_n(values_.begin(), n + m + 3, -1);
  }
  std::int32_t& operator[](std::int32_t k) { return values_[static_cast<std::size_t>(k + m_ + 1)]; }
  std::int32_t first(std::int32_t edits) const {
    return std::max(-edits, -m_ + ((edits + m_) & 1));
  }
  std::int32_t last(std::int32_t edits) const { return std::min(edits, n_ - ((edits + n_) & 1)); }

  // Where one more edit leads on diagonal k, before following equal lines; -1 = nowhere.
  std::int32_t step(std::int32_t k) {
    const std::int32_t left = (*this)[k - 1], above = (*this)[k + 1];
    const std::int32_t right = left >= 0 && left < n_ ? left + 1 : -1;
    const std::int32_t down = above >= 0 && above - (k + 1) < m_ ? above : -1;
    return std::max(right, down);
  }

 private:
  std::vector<std::int32_t> values_;
  std::int32_t n_ = 0, m_ = 0;
};

struct Box {
  std::int32_t a_begin, a_end, b_begin, b_end;
  std::int32_t n() const { return a_end - a_begin; }
  std::int32_t m() const { return b_end - b_begin; }
};

struct Point {
  std::int32_t x, y;
};

class Comparison {
 public:
  Comparison(Side& a, Side& b)
      : a_(a), b_(b), forward_(a.ids.size() + b.ids.size()), backward_(forward_) {
    effort_ = std::max(kEffortMin,
                       static_cast<std::int32_t>(std::sqrt(double(a.ids.size() + b.ids.size()))));
  }

  // The smaller part by recursion, the larger by the loop: the depth is logarithmic.
  void run(Box box) {
    while (true) {
      trim(box);
      if (box.n() == 0 || box.m() == 0) break;
      const Point middle = find_middle(box);
      Box head{box.a_begin, box.a_begin + middle.x, box.b_begin, box.b_begin + middle.y};
      Box tail{head.a_end, box.a_end, head.b_end, box.b_end};
      if (head.n() + head.m() > tail.n() + tail.m()) std::swap(head, tail);
      run(head);
      box = tail;
    }
    for (auto i = box.a_begin; i < box.a_end; ++i) a_.changed[a_.place[std::size_t(i)]] = 1;
    for (auto i = box.b_begin; i < box.b_end; ++i) b_.changed[b_.place[std::size_t(i)]] = 1;
  }

 private:
  bool equal(std::int32_t a, std::int32_t b) const {
    return a_.ids[std::size_t(a)] == b_.ids[std::size_t(b)];
  }
  void trim(Box& box) const {
    while (box.n() > 0 && box.m() > 0 && equal(box.a_begin, box.b_begin))
      ++box.a_begin, ++box.b_begin;
    while (box.n() > 0 && box.m() > 0 && equal(box.a_end - 1, box.b_end - 1))
      --box.a_end, --box.b_end;
  }

  // A point, not a corner, on a path from corner to corner; on a shortest one within the effort.
  Point find_middle(const Box& box) {
    const std::int32_t n = box.n(), m = box.m(), delta = n - m;
    forward_.begin(n, m);
    backward_.begin(n, m);
    forward_[0] = backward_[0] = 0;  // trimmed: no equal lines to follow at either corner
    for (std::int32_t edits = 1;; ++edits) {
      for (auto k = forward_.first(edits); k <= forward_.last(edits); k += 2) {
        std::int32_t x = forward_.step(k);
        if (x >= 0)
          while (x < n && x - k < m && equal(box.a_begin + x, box.b_begin + x - k)) ++x;
        forward_[k] = x;
        const std::int32_t met = delta - k;
        if ((delta & 1) && x >= 0 && std::abs(met) < edits && met >= -m && met <= n &&
            backward_[met] >= n - x)
          return {x, x - k};
      }
      for (auto k = backward_.first(edits); k <= backward_.last(edits); k += 2) {
        std::int32_t x = backward_.step(k);
        if (x >= 0)
          while (x < n && x - k < m && equal(box.a_end - 1 - x, box.b_end - 1 - (x - k))) ++x;
        backward_[k] = x;
        const std::int32_t met = delta - k;
        if (!(delta & 1) && x >= 0 && std::abs(met) <= edits && met >= -m && met <= n &&
            forward_[met] >= n - x)
          return {n - x, m - (x - k)};
      }
      if (edits >= effort_) return furthest(edits, n, m);
    }
  }

  // The path of either direction that got furthest: what it found is kept, the rest is searched
  // anew.
  Point furthest(std::int32_t edits, std::int32_t n, std::int32_t m) {
    Point best{0, 0};
    std::int32_t most = -1;
    for (auto k = forward_.first(edits); k <= forward_.last(edits); k += 2)
      if (const auto x = forward_[k]; x >= 0 && 2 * x - k > most)
        most = 2 * x - k, best = {x, x - k};
    for (auto k = backward_.first(edits); k <= backward_.last(edits); k += 2)
      if (const auto x = backward_[k]; x >= 0 && 2 * x - k > most)
        most = 2 * x - k, best = {n - x, m - (x - k)};
    return best;
  }

  Side& a_;
  Side& b_;
  Reach forward_, backward_;
  std::int32_t effort_ = 0;
};

// Lines to ids. Lines that stand on one side only can have no partner: they are edits at once, and
// taking them out changes nothing about the longest common rest.
void number_lines(const Lines& before, const Lines& after, Side& a, Side& b) {
  std::unordered_map<std::string_view, std::int32_t> ids;
  ids.reserve(before.size() + after.size());
  std::vector<char> in_a, in_b;
  const auto number = [&](const Lines& lines, Side& side, std::vector<char>& seen) {
    side.all.reserve(lines.size());
    for (const auto line : lines) {
      const auto id = ids.try_emplace(line, static_cast<std::int32_t>(ids.size())).first->second;
      side.all.push_back(id);
      if (seen.size() <= std::size_t(id)) seen.resize(std::size_t(id) + 1);
      seen[std::size_t(id)] = 1;
    }
  };
  number(before, a, in_a);
  number(after, b, in_b);
  in_a.resize(ids.size());
  in_b.resize(ids.size());
  const auto reduce = [](Side& side, const std::vector<char>& in_other) {
    side.changed.assign(side.all.size(), 0);
    for (std::uint32_t i = 0; i < side.all.size(); ++i) {
      if (in_other[std::size_t(side.all[i])]) {
        side.ids.push_back(side.all[i]);
        side.place.push_back(i);
      } else {
        side.changed[i] = 1;
      }
    }
  };
  reduce(a, in_b);
  reduce(b, in_a);
}

// A run of inserted or deleted lines can often stand in several places ("}" before or after). Every
// run goes as far down as it can, or to the last place where the other side has an edit too, so
// that one edit is shown instead of two, and two differences of one text choose alike.
class Slider {
 public:
  Slider(Side& side, const Side& other) : ids_(side.all), changed_(side.changed) {
    gap_.push_back(0);
    for (const char changed : other.changed) changed ? gap_.back() = 1 : (gap_.push_back(0), 0);
  }

  void run() {
    std::size_t kept = 0;  // unchanged lines before `begin_`
    for (begin_ = 0; begin_ < ids_.size();) {
      if (!changed_[begin_]) {
        ++begin_, ++kept;
        continue;
      }
      end_ = begin_;
      while (end_ < ids_.size() && changed_[end_]) ++end_;
      kept_ = kept;
      place();
      kept = kept_;
      begin_ = end_;
    }
  }

 private:
  void place() {
    std::size_t length;
    std::optional<std::size_t> partner;
    do {
      length = end_ - begin_;
      while (begin_ > 0 && ids_[begin_ - 1] == ids_[end_ - 1]) up();
      partner.reset();
      if (gap_[kept_]) partner = kept_;
      while (end_ < ids_.size() && ids_[begin_] == ids_[end_]) {
        down();
        if (gap_[kept_]) partner = kept_;
      }
    } while (end_ - begin_ != length);
    while (partner && kept_ > *partner) up();
  }
  void up() {
    changed_[--begin_] = 1;
    changed_[--end_] = 0;
    --kept_;
    while (begin_ > 0 && changed_[begin_ - 1]) --begin_;
  }
  void down() {
    changed_[begin_++] = 0;
    changed_[end_++] = 1;
    ++kept_;
    while (end_ < ids_.size() && changed_[end_]) ++end_;
  }

  const Ids& ids_;
  std::vector<char>& changed_;
  std::vector<char> gap_;  // whether the other side has an edit after so many unchanged lines
  std::size_t begin_ = 0, end_ = 0, kept_ = 0;
};

std::vector<Edit> collect(const std::vector<char>& a, const std::vector<char>& b) {
  std::vector<Edit> edits;
  std::uint32_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    Edit edit{i, 0, j, 0};
    while (i < a.size() && a[i]) ++i, ++edit.before_count;
    while (j < b.size() && b[j]) ++j, ++edit.after_count;
    if (edit.before_count + edit.after_count > 0)
      edits.push_back(edit);
    else
      ++i, ++j;
  }
  return edits;
}

}  // namespace

Lines split_lines(std::string_view text) {
  Lines lines;
  lines.reserve(static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

bool is_text(std::string_view bytes) { return !bytes.contains('\0'); }

std::vector<Edit> diff_lines(const Lines& before, const Lines& after) {
  Side a, b;
  number_lines(before, after, a, b);
  Comparison(a, b).run(
      {0, static_cast<std::int32_t>(a.ids.size()), 0, static_cast<std::int32_t>(b.ids.size())});
  Slider(a, b).run();
  Slider(b, a).run();
  return collect(a.changed, b.changed);
}

}  // namespace boxagnts::vfs
