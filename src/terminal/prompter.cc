#include "terminal/prompter.h"

#include "base/text.h"
#include "terminal/line_editor.h"
#include "terminal/question_text.h"

namespace boxagnts::terminal {
namespace {

std::string joined(const std::vector<std::string>& lines, std::size_t count) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += lines[i] + "\n";
  return text;
}

// How many lines of the body fit on the screen beside what must stand there too.
std::size_t lines_that_fit(const QuestionText& text, ScreenSize screen) {
  constexpr std::size_t kRowsMin = 3;
  std::size_t taken = 3;  // a free row, the note that more follows, the prompt
  for (const auto* part : {&text.head, &text.options})
    for (const auto& line : *part) taken += rows_of(line, screen.columns);
  std::size_t room = screen.rows > taken + kRowsMin ? screen.rows - taken : kRowsMin;
  std::size_t lines = 0;
  for (; lines < text.body.size(); ++lines) {
    const std::size_t rows = rows_of(text.body[lines], screen.columns);
    if (rows > room) break;
    room -= rows;
  }
  return lines;
}

}  // namespace

Result<core::Reply> Prompter::ask(const core::Approval& approval, std::stop_token stop) {
  std::string diff;
  if (!approval.blob.empty()) {
    auto read = source_.blob(approval.blob);
    diff = read ? std::move(*read)
                : "(what it would change cannot be shown: " + read.error().message + ")";
  }
  const auto text = question_text(approval, diff, console_.look().style);
  LineRequest request{
      .prompt = text.prompt, .mode = Console::Mode::quiet, .stop = stop, .still_wanted = [&] {
        return source_.open(approval.id);
      }};
  const auto line = [&]() -> Result<std::string> {
    auto typed = read_line(console_, request);
    if (typed.end == LineEnd::line) return std::move(typed.text);
    if (typed.end == LineEnd::end_of_input) return fail(Code::io, "the terminal is gone");
    if (typed.end == LineEnd::stopped && !stop.stop_requested())
      return fail(Code::not_found, "the question was answered elsewhere");
    return fail(Code::cancelled, "the question was cancelled");
  };

  console_.drop_typed();
  const std::size_t fitting = lines_that_fit(text, console_.size());
  std::string shown = "\n" + joined(text.head, text.head.size()) + joined(text.body, fitting);
  if (fitting < text.body.size())
    shown += "  … " + std::to_string(text.body.size() - fitting) + " more lines: v shows all\n";
  console_.write(shown + joined(text.options, text.options.size()));
  while (true) {
    auto answer = line();
    if (!answer && answer.error().code == Code::io) return core::Reply{};
    const auto typed = read_answer(approval, TRY(std::move(answer)));
    switch (typed.kind) {
      case Typed::Kind::reply: return typed.reply;
      case Typed::Kind::view:
        console_.write(joined(text.body, text.body.size()) +
                       joined(text.options, text.options.size()));
        break;
      case Typed::Kind::no_with_a_word: {
        request.prompt = "  to the model: ";
        auto word = line();
        if (!word && word.error().code == Code::io) return core::Reply{};
        return core::Reply{.answer = core::Answer::no, .text = TRY(std::move(word))};
      }
      case Typed::Kind::unknown:
        console_.write("  please answer with one of these:\n" +
                       joined(text.options, text.options.size()));
        break;
    }
  }
}

}  // namespace boxagnts::terminal
