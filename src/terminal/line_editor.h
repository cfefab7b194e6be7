// Asks for a line, or a message of several lines, on a Console: edited in place where the cursor
// moves, as the terminal itself edits where it does not.
//
// Alt-Enter, or a backslash at the end, begins another line; a paste never ends the message. Up and
// Down go through the history from the first and last line, Ctrl-R searches it, Tab completes.
// Belongs to the console's thread.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "terminal/console.h"
#include "terminal/input_history.h"

namespace boxagnts::terminal {

// What the text from `begin` to the cursor may become.
struct Completion {
  std::size_t begin = 0;
  std::vector<std::string> candidates;
};
using Completer = std::function<Completion(std::string_view text_to_cursor)>;

struct LineRequest {
  std::string prompt;
  Console::Mode mode = Console::Mode::editing;  // quiet: Ctrl-C is the signal of who asked
  const InputHistory* history = nullptr;
  Completer completer = nullptr;
  std::stop_token stop = {};
  // Looked at now and then; once false the line is no longer wanted.
  std::function<bool()> still_wanted = nullptr;
};

enum class LineEnd : std::uint8_t {
  line,
  interrupted,   // Ctrl-C; the text is what stood there
  end_of_input,  // Ctrl-D on an empty line, or the terminal is gone
  ended,         // Notice::end
  stopped,       // the stop, or no longer wanted
};

struct Line {
  LineEnd end = LineEnd::line;
  std::string text;
};

Line read_line(Console& console, const LineRequest& request);

}  // namespace boxagnts::terminal
