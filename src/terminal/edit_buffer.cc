#include "terminal/edit_buffer.h"

#include <algorithm>
#include <utility>

#include "base/text.h"

namespace boxagnts::terminal {
namespace {

std::size_t next_point(std::string_view text, std::size_t at) {
  std::string ignored;
  return base::append_character(text, at, ignored);
}

bool is_newline(std::string_view text, std::size_t at) { return text[at] == '\n'; }

// Words are what stands between blanks and ASCII punctuation.
bool in_word(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  return byte >= 0x80 || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
         (byte >= 'A' && byte <= 'Z') || byte == '_';
}

}  // namespace

std::size_t character_end(std::string_view text, std::size_t at) {
  std::size_t end = next_point(text, at);
  if (is_newline(text, at)) return end;
  while (end < text.size() && !is_newline(text, end) && text[end] != '\t') {
    const std::size_t next = next_point(text, end);
    if (base::display_width(text.substr(end, next - end)) > 0) break;
    end = next;
  }
  return end;
}

std::size_t EditBuffer::behind(std::size_t at) const {
  return at < text_.size() ? character_end(text_, at) : at;
}

std::size_t EditBuffer::before(std::size_t at) const {
  std::size_t begin = line_begin(at);
  if (begin == at) return at == 0 ? 0 : at - 1;  // the newline
  for (std::size_t end = begin; (end = behind(begin)) < at;) begin = end;
  return begin;
}

std::size_t EditBuffer::word_before(std::size_t at) const {
  while (at > 0 && !in_word(text_, before(at))) at = before(at);
  while (at > 0 && in_word(text_, before(at))) at = before(at);
  return at;
}

std::size_t EditBuffer::word_behind(std::size_t at) const {
  while (at < text_.size() && !in_word(text_, at)) at = behind(at);
  while (at < text_.size() && in_word(text_, at)) at = behind(at);
  return at;
}

std::size_t EditBuffer::line_begin(std::size_t at) const {
  const auto newline = at == 0 ? std::string::npos : text_.rfind('\n', at - 1);
  return newline == std::string::npos ? 0 : newline + 1;
}

std::size_t EditBuffer::line_end(std::size_t at) const {
  return std::min(text_.find('\n', at), text_.size());
}

void EditBuffer::set(std::string text) {
  text_ = std::move(text);
  cursor_ = text_.size();
}

void EditBuffer::insert(std::string_view text) {
  text_.insert(cursor_, text);
  cursor_ += text.size();
}

void EditBuffer::replace_back_to(std::size_t begin, std::string_view text) {
  text_.replace(begin, cursor_ - begin, text);
  cursor_ = begin + text.size();
}

bool EditBuffer::move(std::size_t to) { return std::exchange(cursor_, to) != to; }

bool EditBuffer::kill(std::size_t begin, std::size_t end) {
  if (begin == end) return false;
  killed_ = text_.substr(begin, end - begin);
  text_.erase(begin, end - begin);
  cursor_ = begin;
  return true;
}

// To the same column of the line between `begin` and `end`, or to its end.
bool EditBuffer::to_line(std::size_t begin, std::size_t end) {
  const std::string_view text = text_;
  const std::size_t start = line_begin(cursor_);
  const std::size_t column = base::display_width(text.substr(start, cursor_ - start));
  std::size_t at = begin;
  while (at < end && base::display_width(text.substr(begin, at - begin)) < column) at = behind(at);
  return move(at);
}

bool EditBuffer::apply(const Key& key) {
  switch (key.kind) {
    case KeyKind::text: insert(key.text); return true;
    case KeyKind::new_line: insert("\n"); return true;
    case KeyKind::backspace: {
      const std::size_t begin = before(cursor_);
      if (begin == cursor_) return false;
      replace_back_to(begin, "");
      return true;
    }
    case KeyKind::del: {
      const std::size_t end = behind(cursor_);
      if (end == cursor_) return false;
      text_.erase(cursor_, end - cursor_);
      return true;
    }
    case KeyKind::left: return move(before(cursor_));
    case KeyKind::right: return move(behind(cursor_));
    case KeyKind::home: return move(line_begin(cursor_));
    case KeyKind::end: return move(line_end(cursor_));
    case KeyKind::word_left: return move(word_before(cursor_));
    case KeyKind::word_right: return move(word_behind(cursor_));
    case KeyKind::rub_word: return kill(word_before(cursor_), cursor_);
    case KeyKind::kill_word: return kill(cursor_, word_behind(cursor_));
    case KeyKind::kill_to_start: return kill(line_begin(cursor_), cursor_);
    case KeyKind::kill_to_end: {
      const std::size_t end = line_end(cursor_);
      // At the end of a line its newline goes.
      return kill(cursor_, end == cursor_ ? behind(cursor_) : end);
    }
    case KeyKind::yank: insert(killed_); return !killed_.empty();
    case KeyKind::up: {
      const std::size_t begin = line_begin(cursor_);
      return begin > 0 && to_line(line_begin(begin - 1), begin - 1);
    }
    case KeyKind::down: {
      const std::size_t end = line_end(cursor_);
      return end < text_.size() && to_line(end + 1, line_end(end + 1));
    }
    default: return false;
  }
}

bool EditBuffer::continue_line() {
  if (cursor_ != text_.size() || !text_.ends_with('\\')) return false;
  replace_back_to(cursor_ - 1, "\n");
  return true;
}

}  // namespace boxagnts::terminal
