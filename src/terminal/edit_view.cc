#include "terminal/edit_view.h"

#include <algorithm>

#include "base/text.h"
#include "terminal/edit_buffer.h"

namespace boxagnts::terminal {
namespace {

constexpr std::size_t kTabColumns = 4, kColumnsMin = 4;

}  // namespace

EditLayout lay_out(std::string_view prompt, std::string_view text, std::size_t cursor,
                   std::size_t columns) {
  const std::size_t usable = std::max(columns, kColumnsMin) - 1;
  std::string lead = base::terminal_safe(prompt);
  if (base::display_width(lead) + 2 > usable) lead = "> ";
  EditLayout layout;
  layout.rows.push_back(lead);
  std::size_t used = base::display_width(lead);
  // The rows of a pasted file have the same beginning as its first one.
  const std::string indent = used >= 2 ? std::string(used - 2, ' ') + "| " : "";
  for (std::size_t at = 0;;) {
    // A cursor behind a full row stands on the next one.
    const auto mark = [&] {
      layout.cursor_row = layout.rows.size() - 1;
      layout.cursor_column = used;
    };
    if (at == text.size()) {
      if (cursor >= at) mark();
      return layout;
    }
    if (at == cursor && text[at] == '\n') mark();
    const std::size_t end = character_end(text, at);
    if (text[at] == '\n') {
      layout.rows.push_back(indent);
      used = indent.size();
      at = end;
      continue;
    }
    const std::string shown = text[at] == '\t' ? std::string(kTabColumns, ' ')
                                               : base::terminal_safe(text.substr(at, end - at));
    if (used + base::display_width(shown) > usable && used > 0) {
      layout.rows.emplace_back();
      used = 0;
    }
    if (at == cursor) mark();
    // An escape may be wider than the screen.
    for (std::size_t i = 0; i < shown.size();) {
      const std::size_t next = character_end(shown, i);
      const auto piece = std::string_view(shown).substr(i, next - i);
      const std::size_t width = base::display_width(piece);
      if (used + width > usable) {
        layout.rows.emplace_back();
        used = 0;
      }
      layout.rows.back() += piece;
      used += width;
      i = next;
    }
    at = end;
  }
}

std::string EditView::draw(const EditLayout& layout, const std::vector<std::string>& below,
                           ScreenSize screen) {
  const std::size_t rows_max = std::max<std::size_t>(screen.rows, 2) - 1;
  std::size_t first = 0, count = layout.rows.size();
  if (count > rows_max) {
    first = layout.cursor_row < rows_max ? 0 : layout.cursor_row - rows_max + 1;
    count = rows_max;
  }
  std::string out = "\r";
  if (cursor_row_ > 0) out += "\x1b[" + std::to_string(cursor_row_) + "A";
  out += "\x1b[J";
  widths_.clear();
  const auto put = [&](const std::string& row) {
    if (!widths_.empty()) out += "\r\n";
    out += row;
    widths_.push_back(base::display_width(row));
  };
  for (std::size_t i = first; i < first + count; ++i) put(layout.rows[i]);
  for (const auto& row : below)
    if (widths_.size() < rows_max)
      put(base::one_line(row, std::max(screen.columns, kColumnsMin) - 1));
  cursor_row_ = layout.cursor_row - first;
  cursor_column_ = layout.cursor_column;
  if (const std::size_t up = widths_.size() - 1 - cursor_row_; up > 0)
    out += "\x1b[" + std::to_string(up) + "A";
  out += "\r";
  if (cursor_column_ > 0) out += "\x1b[" + std::to_string(cursor_column_) + "C";
  return out;
}

void EditView::resized(std::size_t columns) {
  columns = std::max(columns, kColumnsMin);
  const auto rows_of = [&](std::size_t width) {
    return width == 0 ? 1 : (width + columns - 1) / columns;
  };
  std::size_t above = 0;
  for (std::size_t i = 0; i < cursor_row_ && i < widths_.size(); ++i) above += rows_of(widths_[i]);
  cursor_row_ = above + cursor_column_ / columns;
}

std::string EditView::leave() {
  if (widths_.empty()) return "";
  const std::size_t down = widths_.size() - 1 - std::min(widths_.size() - 1, cursor_row_);
  forget();
  return (down > 0 ? "\x1b[" + std::to_string(down) + "B" : "") + "\r\n";
}

}  // namespace boxagnts::terminal
