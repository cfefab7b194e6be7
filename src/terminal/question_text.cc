#include "terminal/question_text.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "base/time.h"

namespace boxagnts::terminal {
namespace {

using core::Approval;
using core::QuestionKind;

constexpr std::size_t kFilesShown = 8, kWordColumns = 2000, kTabColumns = 8;

std::string without_tabs(std::string_view line) {
  std::string text;
  std::size_t begin = 0;
  for (std::size_t tab = 0; (tab = line.find('\t', begin)) != std::string_view::npos;
       begin = tab + 1) {
    text += line.substr(begin, tab - begin);
    text.append(kTabColumns - base::display_width(text) % kTabColumns, ' ');
  }
  return text + std::string(line.substr(begin));
}

// Safe lines of a text, whatever is in it.
std::vector<std::string> safe_lines(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::string> lines;
  for (const auto line : base::split(text, '\n'))
    lines.push_back(without_tabs(base::terminal_safe(line)));
  return lines;
}

std::vector<std::string> barred(std::string_view text) {
  auto lines = safe_lines(text);
  for (auto& line : lines) line = "  │ " + line;
  return lines;
}

std::string word(std::string_view text) { return base::one_line(text, kWordColumns); }

// "https://example.com:443" as words.
std::string in_words(std::string_view connection) {
  const auto scheme_end = connection.find("://");
  const auto port = connection.rfind(':');
  if (scheme_end == std::string_view::npos || port <= scheme_end + 3) return word(connection);
  return word(connection.substr(scheme_end + 3, port - scheme_end - 3)) + ", port " +
         word(connection.substr(port + 1)) + " (" + word(connection.substr(0, scheme_end)) + ")";
}

void add_choices(const Approval& approval, QuestionText& text) {
  for (std::size_t i = 0; i < approval.choices.size(); ++i) {
    const auto& choice = approval.choices[i];
    text.options.push_back("  " + std::to_string(i + 1) + "  " + word(choice.label) +
                           (choice.description.empty() ? "" : ": " + word(choice.description)));
  }
  if (approval.choices.empty())
    text.options.emplace_back("  your answer in words, or - for none");
  else if (approval.several)
    text.options.emplace_back("  numbers, as in 1 3, or your own words; - for none");
  else
    text.options.emplace_back("  a number, or your own words; - for none");
  text.prompt = "  answer: ";
}

void add_decisions(const Approval& approval, QuestionText& text) {
  const bool plan = approval.kind == QuestionKind::plan;
  std::string keys = "y/n";
  text.options.emplace_back(plan ? "  y  yes, do it so" : "  y  yes, this once");
  text.options.emplace_back(plan ? "  n  no, go on planning" : "  n  no");
  if (!approval.for_this_run.empty()) {
    text.options.push_back("  a  for this run: " + word(approval.for_this_run));
    keys += "/a";
  }
  if (!approval.always.empty()) {
    text.options.push_back("  A  always; writes this rule of yours: " + word(approval.always));
    keys += "/A";
  }
  text.options.emplace_back("  r  no, with a word to the model");
  keys += "/r";
  if (!text.body.empty()) keys += "/v";
  text.prompt = "  answer [" + keys + "]: ";
}

// The lengths of "@@ -1,2 +3,4 @@"; nothing where it is none.
struct Hunk {
  std::size_t removed = 0, added = 0;
};
std::size_t length_of(std::string_view range) {
  const auto comma = range.find(',');
  if (comma == std::string_view::npos) return 1;
  std::size_t length = 0;
  std::from_chars(range.data() + comma + 1, range.data() + range.size(), length);
  return length;
}
Hunk hunk_of(std::string_view line) {
  const auto parts = base::split(line, ' ');
  if (parts.size() < 4 || parts[0] != "@@") return {};
  return {length_of(parts[1]), length_of(parts[2])};
}

std::optional<std::size_t> number_of(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

Typed read_choice(const Approval& approval, std::string_view line) {
  if (line.empty()) return {};
  if (line == "-") return {Typed::Kind::reply, {core::Answer::no}};
  Typed typed{Typed::Kind::reply, {.answer = core::Answer::yes}};
  std::string numbers(line);
  std::ranges::replace(numbers, ',', ' ');
  bool only_numbers = !approval.choices.empty();
  for (const auto part : base::split(numbers, ' ')) {
    if (part.empty() || !only_numbers) continue;
    const auto number = number_of(part);
    only_numbers = number.has_value();
    if (!number) continue;
    if (*number == 0 || *number > approval.choices.size()) return {};
    const auto& label = approval.choices[*number - 1].label;
    if (std::ranges::find(typed.reply.chosen, label) == typed.reply.chosen.end())
      typed.reply.chosen.push_back(label);
  }
  if (!only_numbers) {
    typed.reply.chosen.clear();
    typed.reply.text = line;
  } else if (typed.reply.chosen.size() > 1 && !approval.several) {
    return {};
  }
  return typed;
}

}  // namespace

std::vector<std::string> diff_lines(std::string_view diff, Style style) {
  std::vector<std::string> lines;
  Hunk left;
  for (const auto& line : safe_lines(diff)) {
    if (left.removed == 0 && left.added == 0) {
      // Between hunks; what begins with a sign here names a file.
      left = hunk_of(line);
      const bool notes = line.starts_with('\\');
      lines.push_back(paint(style, line.starts_with("@@") ? kCyan : notes ? kDim : kBold, line));
      continue;
    }
    const char sign = line.empty() ? ' ' : line[0];
    if (sign != '+' && sign != '\\' && left.removed > 0) --left.removed;
    if (sign != '-' && sign != '\\' && left.added > 0) --left.added;
    lines.push_back(sign == '+'   ? paint(style, kGreen, line)
                    : sign == '-' ? paint(style, kRed, line)
                                  : line);
  }
  return lines;
}

std::size_t rows_of(std::string_view line, std::size_t columns) {
  // Colours take no columns.
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\x1b')
      i = std::min(line.find('m', i), line.size());
    else
      text += line[i];
  }
  const std::size_t width = base::display_width(text);
  return width == 0 ? 1 : (width + columns - 1) / std::max<std::size_t>(columns, 1);
}

QuestionText question_text(const Approval& approval, std::string_view diff, Style style) {
  QuestionText text;
  const auto head = [&](std::string_view line) { text.head.push_back(std::string(line)); };
  const auto strong = [&](const std::string& line) { head(paint(style, kBold, line)); };
  if (approval.kind == QuestionKind::question) {
    strong("? the model asks:");
    for (const auto& line : barred(approval.question)) head(line);
  } else {
    strong("? " + word(approval.question));
  }
  if (approval.kind == QuestionKind::connection)
    strong("  connect " + word(approval.tool) + " to " + in_words(approval.connection));
  for (std::size_t i = 0; i < approval.files.size() && i < kFilesShown; ++i)
    head("    " + word(approval.files[i]));
  if (approval.files.size() > kFilesShown)
    head("    and " + std::to_string(approval.files.size() - kFilesShown) + " more");
  if (!approval.connected.empty()) {
    head("  it has connected already, which a no does not undo:");
    for (const auto& connection : approval.connected) head("    " + in_words(connection));
  }
  if (approval.expires > 0) head("  an answer counts until " + base::iso8601(approval.expires));
  if (!diff.empty())
    text.body = diff_lines(diff, style);
  else if (!approval.text.empty())
    text.body = barred(approval.text);
  if (approval.kind == QuestionKind::question)
    add_choices(approval, text);
  else
    add_decisions(approval, text);
  return text;
}

Typed read_answer(const Approval& approval, std::string_view line) {
  line = trimmed(line);
  if (approval.kind == QuestionKind::question) return read_choice(approval, line);
  const auto reply = [](core::Answer answer) { return Typed{Typed::Kind::reply, {answer}}; };
  if (line == "y" || line == "yes") return reply(core::Answer::yes);
  if (line == "n" || line == "no") return reply(core::Answer::no);
  if ((line == "a" || line == "all") && !approval.for_this_run.empty())
    return reply(core::Answer::for_this_run);
  if ((line == "A" || line == "always") && !approval.always.empty())
    return reply(core::Answer::always);
  if (line == "r") return {Typed::Kind::no_with_a_word};
  if (line == "v") return {Typed::Kind::view};
  return {};
}

}  // namespace boxagnts::terminal
