// Shows a run as it happens: text as it streams, each call in one line, its result in short, time
// and tokens. Or one JSON event a line.
//
// Nothing a model, a tool or a file name says can steer the terminal. Not thread-safe.
#pragma once

#include <functional>
#include <memory>

#include "core/event.h"
#include "terminal/output.h"

namespace boxagnts::terminal {

class RunDisplay {
 public:
  virtual ~RunDisplay() = default;
  virtual void show(const core::Event& event) = 0;
  virtual void show(const core::Frame& frame) = 0;
};

struct DisplayOptions {
  // Chat: the person has just typed the message and knows the model; thinking is shown in short.
  enum class Occasion : std::uint8_t { run, chat };
  enum class Questions : std::uint8_t { shown, asked_here };

  Style style = Style::plain;
  std::function<std::size_t()> columns;  // bounds one-line summaries; asked for each
  Occasion occasion = Occasion::run;
  Questions questions = Questions::shown;
};

// Writes to `fd` (kept open by the caller).
std::unique_ptr<RunDisplay> make_text_display(int fd, DisplayOptions options);
std::unique_ptr<RunDisplay> make_json_display(int fd);

}  // namespace boxagnts::terminal
