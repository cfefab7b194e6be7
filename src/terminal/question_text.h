// A question as a person reads it, and what he types as its answer. One for every way of asking.
//
// Pure. Nothing in a question steers the terminal, and what a model says stands behind a bar, so
// that it is not taken for the program's own words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/question.h"
#include "terminal/output.h"

namespace boxagnts::terminal {

struct QuestionText {
  std::vector<std::string> head;     // what is asked, a line each
  std::vector<std::string> body;     // what it is about at length: a diff, a plan
  std::vector<std::string> options;  // what may be typed
  std::string prompt;
};

// `diff`: of the question's blob, or a sentence that says why it cannot be shown.
QuestionText question_text(const core::Approval& approval, std::string_view diff, Style style);

struct Typed {
  enum class Kind : std::uint8_t {
    reply,
    no_with_a_word,  // the word is to be asked for
    view,            // all of the body is to be shown
    unknown,
  };
  Kind kind = Kind::unknown;
  core::Reply reply = {};
};
Typed read_answer(const core::Approval& approval, std::string_view line);

// A unified diff, a line each, painted; tabs are spaces.
std::vector<std::string> diff_lines(std::string_view diff, Style style);

// How many rows of a screen a line takes.
std::size_t rows_of(std::string_view line, std::size_t columns);

}  // namespace boxagnts::terminal
