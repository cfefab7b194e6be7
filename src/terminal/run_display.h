// Shows a run as it happens: text as it streams, each call in one line, its result in short, time
// and tokens; asks a person through the controlling terminal. Or one JSON event a line.
//
// Nothing a model, a tool or a file name says can steer the terminal. Not thread-safe.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "core/event.h"

namespace boxagnts::terminal {

enum class Style : std::uint8_t { plain, colour };

class RunDisplay {
 public:
  virtual ~RunDisplay() = default;
  virtual void show(const core::Event& event) = 0;
  virtual void show(const core::Frame& frame) = 0;
};

// Writes to `fd` (kept open by the caller). `columns` bounds one-line summaries.
std::unique_ptr<RunDisplay> make_text_display(int fd, Style style, std::size_t columns);
std::unique_ptr<RunDisplay> make_json_display(int fd);

// /dev/tty, when there is one: standard input may be piped input.
class Prompter {
 public:
  static std::optional<Prompter> open();
  // The same on a terminal that is open already.
  static Prompter on(base::UniqueFd terminal);
  // y, n or a (for this run); anything else asks again; end of input or stop is no.
  Result<core::Reply> ask(const core::Approval& approval, std::stop_token stop);

 private:
  explicit Prompter(base::UniqueFd tty) : tty_(std::move(tty)) {}
  base::UniqueFd tty_;
};

}  // namespace boxagnts::terminal
