#include "guests/read/notebook.h"

#include "guests/sdk/json.h"

namespace boxagnts::guest {
namespace {

// Text as a terminal shows it in the end: colours and cursor moves left out, a line that was
// written over (a progress bar) as it was left.
class Screen {
 public:
  explicit Screen(Output& view) : view_(view), line_(view.size()) {}

  void put(Text piece) {
    for (const char c : piece) put(c);
  }
  void end_line() {
    if (view_.size() > line_) new_line();
  }

 private:
  enum class State : std::uint8_t { plain, escape, sequence, returned };

  void put(char c) {
    if (state_ == State::escape) {
      state_ = c == '[' ? State::sequence : State::plain;
      return;
    }
    if (state_ == State::sequence) {
      if (c >= 0x40 && c <= 0x7e) state_ = State::plain;
      return;
    }
    if (state_ == State::returned) {
      if (c != '\n' && c != '\r') view_.shorten(line_);
      state_ = State::plain;
    }
    if (c == '\x1b') {
      state_ = State::escape;
    } else if (c == '\r') {
      state_ = State::returned;
    } else if (c == '\n') {
      new_line();
    } else {
      view_.put(c);
    }
  }
  void new_line() {
    view_.put('\n');
    line_ = view_.size();
  }

  Output& view_;
  std::size_t line_;  // where the last line begins
  State state_ = State::plain;
};

// A string, or a list of strings that belong together: how nbformat writes longer texts.
template <class Put>
void each_string(Text value, Put put) {
  if (value.starts_with('"')) {
    json_decode(value, put);
    return;
  }
  for (JsonItems items(value); value.starts_with('[') && items.next();)
    json_decode(items.value(), put);
}

void put_text(Text value, Output& view) {
  Screen screen(view);
  each_string(value, [&](Text piece) { screen.put(piece); });
  screen.end_line();
}

// Of a word in a heading: short, on one line.
void put_word(Text value, Output& view) {
  constexpr std::size_t kWordBytesMax = 100;
  const std::size_t limit = view.size() + kWordBytesMax;
  each_string(value, [&](Text piece) {
    for (const char c : piece)
      if (view.size() < limit) view.put(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  });
}

// The bytes that base64 stands for.
std::uint64_t decoded_size(Text value) {
  std::uint64_t characters = 0;
  each_string(value, [&](Text piece) {
    for (const char c : piece) characters += c != '\n' && c != '\r' && c != '=' && c != ' ';
  });
  return characters * 3 / 4;
}

std::uint64_t text_size(Text value) {
  std::uint64_t size = 0;
  each_string(value, [&](Text piece) { size += piece.size(); });
  return size;
}

// "[image/png, 12.3 KB]"
void put_named(Text type, Text value, Output& view) {
  view.put('[');
  put_word(type, view);
  const bool is_text = type.starts_with("\"text/") || type.find("svg") != Text::npos ||
                       type.find("json") != Text::npos || type.find("script") != Text::npos;
  const bool is_value = !value.starts_with('"') && !value.starts_with('[');
  view.put(", ").put_size(is_value  ? value.size()
                          : is_text ? text_size(value)
                                    : decoded_size(value));
  view.put("; not shown]\n");
}

// Of several forms of one output the plain text is shown and pictures are named; without either,
// all are named.
void put_data(Text data, Output& view) {
  const Text plain = json_member(data, "text/plain");
  bool told = !plain.empty();
  if (told) put_text(plain, view);
  for (JsonItems forms(data); forms.next();)
    if (forms.key().starts_with("\"image/")) {
      put_named(forms.key(), forms.value(), view);
      told = true;
    }
  for (JsonItems forms(data); !told && forms.next();) put_named(forms.key(), forms.value(), view);
}

void put_output(Text output, Output& view) {
  const Text type = json_member(output, "output_type");
  if (type == "\"stream\"") {
    view.put("[output: ");
    put_word(json_member(output, "name"), view);
    view.put("]\n");
    put_text(json_member(output, "text"), view);
  } else if (type == "\"error\"") {
    view.put("[error: ");
    put_word(json_member(output, "ename"), view);
    view.put(": ");
    put_word(json_member(output, "evalue"), view);
    view.put("]\n");
    for (JsonItems lines(json_member(output, "traceback")); lines.next();)
      put_text(lines.value(), view);
  } else {
    view.put(type == "\"execute_result\"" ? Text("[result]\n") : Text("[output]\n"));
    put_data(json_member(output, "data"), view);
  }
}

void put_cell(Text cell, std::uint64_t number, Output& view) {
  if (number > 1) view.put('\n');
  view.put("[cell ").put_number(number).put(": ");
  put_word(json_member(cell, "cell_type"), view);
  if (const Text run = json_digits(json_member(cell, "execution_count")); !run.empty())
    view.put(", run ").put(run);
  view.put("]\n");
  put_text(json_member(cell, "source"), view);
  const Text attachments = json_member(cell, "attachments");
  for (JsonItems files(attachments); attachments.starts_with('{') && files.next();)
    for (JsonItems forms(files.value()); forms.next();) {
      view.put("[attachment ");
      put_word(files.key(), view);
      view.put("] ");
      put_named(forms.key(), forms.value(), view);
    }
  const Text outputs = json_member(cell, "outputs");
  for (JsonItems items(outputs); outputs.starts_with('[') && items.next();)
    put_output(items.value(), view);
}

}  // namespace

Notebook put_notebook(Text json, Output& view) {
  Notebook notebook;
  const Text root = json_value(json);
  const Text cells = json_member(root, "cells");
  if (!cells.starts_with('[') || json_digits(json_member(root, "nbformat")).empty())
    return notebook;
  for (const char c :
       json.substr(static_cast<std::size_t>(root.data() + root.size() - json.data())))
    if (c != ' ' && c != '\t' && c != '\n' && c != '\r') return notebook;
  for (JsonItems items(cells); items.next();) {
    if (!items.value().starts_with('{')) return notebook;
    put_cell(items.value(), ++notebook.cells, view);
  }
  notebook.valid = true;
  const Text metadata = json_member(root, "metadata");
  Output language;
  put_word(json_member(json_member(metadata, "kernelspec"), "language"), language);
  if (language.size() == 0)
    put_word(json_member(json_member(metadata, "language_info"), "name"), language);
  notebook.language = language.text();
  return notebook;
}

}  // namespace boxagnts::guest
