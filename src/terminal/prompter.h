// Asks a person on a terminal what a run wants to know.
//
// Belongs to the console's thread, blocks it until there is an answer. What was typed before the
// question stood there is no answer to it.
#pragma once

#include <functional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "core/question.h"
#include "terminal/console.h"

namespace boxagnts::terminal {

// What a question needs beside itself.
struct QuestionSource {
  std::function<Result<std::string>(const std::string& blob)> blob;
  // Whether it still waits: another door may answer it meanwhile.
  std::function<bool(const core::ApprovalId&)> open;
};

class Prompter {
 public:
  Prompter(Console& console, QuestionSource source)
      : console_(console), source_(std::move(source)) {}

  // The end of input is a no. Errors: cancelled (the stop, or Ctrl-C as a notice); not_found (it
  // no longer waits).
  Result<core::Reply> ask(const core::Approval& approval, std::stop_token stop);

 private:
  Console& console_;
  const QuestionSource source_;
};

}  // namespace boxagnts::terminal
