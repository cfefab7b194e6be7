// The terminal a person sits at: its modes, its size, what is typed, what is written.
//
// Belongs to one thread; notify() may be called from any. Ownership: the descriptor is its own; the
// mode that the terminal was found in is put back by the destructor. A terminal that is gone gives
// end of input; what is written to it is lost.
#pragma once

#include <termios.h>

#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "terminal/edit_view.h"
#include "terminal/keys.h"
#include "terminal/output.h"

namespace boxagnts::terminal {

enum class Cursor : std::uint8_t {
  moves,
  fixed,  // a dumb terminal: it edits its lines itself, and nothing is drawn twice
};

struct Look {
  Style style = Style::plain;
  Cursor cursor = Cursor::fixed;
};

// What a signal says.
enum class Notice : std::uint8_t { interrupt, resized, resumed, end };

class Console {
 public:
  enum class Mode : std::uint8_t {
    found,    // as it was before
    quiet,    // nothing is echoed; Ctrl-C and Ctrl-Z are signals; what is typed stays for later
    editing,  // every key is the program's
  };

  // The controlling terminal; null where there is none.
  static std::unique_ptr<Console> open(Look look);
  static std::unique_ptr<Console> on(base::UniqueFd terminal, Look look);
  ~Console();

  Look look() const { return look_; }
  ScreenSize size() const;
  Mode mode() const { return mode_; }
  void set_mode(Mode mode);
  void write(std::string_view text);

  struct Input {
    enum class Kind : std::uint8_t { key, line, notice, closed, timeout, stopped };
    Kind kind = Kind::timeout;
    Key key = {};
    std::string line = {};  // of a terminal with a fixed cursor, without its end
    Notice notice = Notice::end;
  };
  // The next of what is typed or notified. Returns at the stop, and after `at_most` (none: never)
  // with nothing; may do so earlier.
  Input next(const std::stop_token& stop, std::optional<std::chrono::milliseconds> at_most);
  // Forgets what was typed so far.
  void drop_typed();
  // Stops the process as Ctrl-Z does; returns when it is continued.
  void suspend();

  void notify(Notice notice);
  // Puts the terminal's own mode back, before an end without destructors. From any thread.
  void restore();

 private:
  Console(base::UniqueFd terminal, base::UniqueFd bell, Look look);
  void apply(Mode mode);
  void ring();
  Input take_typed();

  const base::UniqueFd terminal_;
  const base::UniqueFd bell_;
  const Look look_;
  termios found_{};
  Mode mode_ = Mode::found;
  KeyDecoder decoder_;
  std::deque<Key> keys_;
  std::string line_;  // of a fixed cursor, not yet ended
  std::mutex mutex_;
  std::deque<Notice> notices_;  // under mutex_
};

// For a while: the mode before is put back at the end of its life.
class ModeScope {
 public:
  ModeScope(Console& console, Console::Mode mode) : console_(console), before_(console.mode()) {
    console_.set_mode(mode);
  }
  ModeScope(const ModeScope&) = delete;
  ModeScope& operator=(const ModeScope&) = delete;
  ~ModeScope() { console_.set_mode(before_); }

 private:
  Console& console_;
  const Console::Mode before_;
};

}  // namespace boxagnts::terminal
