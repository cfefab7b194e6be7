#include "terminal/console.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/guard.h"
#include "terminal/output.h"

namespace boxagnts::terminal {
namespace {

// How long the rest of an escape sequence may take; a person's Escape is alone longer.
constexpr int kSequence_ms = 40;
constexpr std::size_t kLineBytesMax = 1 << 20;

}  // namespace

std::unique_ptr<Console> Console::open(Look look) {
  base::UniqueFd tty(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!tty) return nullptr;
  return on(std::move(tty), look);
}

std::unique_ptr<Console> Console::on(base::UniqueFd terminal, Look look) {
  base::UniqueFd bell(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!bell) return nullptr;
  return std::unique_ptr<Console>(new Console(std::move(terminal), std::move(bell), look));
}

Console::Console(base::UniqueFd terminal, base::UniqueFd bell, Look look)
    : terminal_(std::move(terminal)), bell_(std::move(bell)), look_(look) {
  ::tcgetattr(terminal_.get(), &found_);
}

Console::~Console() { set_mode(Mode::found); }

ScreenSize Console::size() const {
  winsize size{};
  if (::ioctl(terminal_.get(), TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

void Console::set_mode(Mode mode) {
  if (mode == mode_) return;
  mode_ = mode;
  apply(mode);
}

void Console::apply(Mode mode) {
  termios wanted = found_;
  if (mode != Mode::found) wanted.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  // A terminal that edits its lines itself goes on doing so.
  if (mode != Mode::found && look_.cursor == Cursor::moves) {
    wanted.c_lflag &= ~static_cast<tcflag_t>(ICANON | IEXTEN);
    wanted.c_iflag &= ~static_cast<tcflag_t>(ICRNL | INLCR | IGNCR);
    wanted.c_cc[VMIN] = 1;
    wanted.c_cc[VTIME] = 0;
  }
  if (mode == Mode::editing) {
    if (look_.cursor == Cursor::fixed) wanted.c_lflag |= ECHO;
    if (look_.cursor == Cursor::moves) wanted.c_lflag &= ~static_cast<tcflag_t>(ISIG);
    wanted.c_iflag &= ~static_cast<tcflag_t>(IXON);
  }
  ::tcsetattr(terminal_.get(), TCSANOW, &wanted);
}

void Console::write(std::string_view text) { write_all(terminal_.get(), text); }

void Console::drop_typed() {
  if (GUARD("terminal.typed-ahead", true)) {
    ::tcflush(terminal_.get(), TCIFLUSH);
    keys_.clear();
    line_.clear();
    decoder_ = KeyDecoder();
  }
}

void Console::suspend() {
  const Mode before = mode_;
  set_mode(Mode::found);
  ::kill(::getpid(), SIGTSTP);
  set_mode(before);
}

void Console::notify(Notice notice) {
  {
    const std::lock_guard lock(mutex_);
    notices_.push_back(notice);
  }
  ring();
}

void Console::restore() { ::tcsetattr(terminal_.get(), TCSANOW, &found_); }

void Console::ring() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto put = ::write(bell_.get(), &one, sizeof one);
}

Console::Input Console::next(const std::stop_token& stop,
                             std::optional<std::chrono::milliseconds> at_most) {
  const std::stop_callback wakes(stop, [this] { ring(); });
  if (stop.stop_requested()) return {.kind = Input::Kind::stopped};
  {
    const std::lock_guard lock(mutex_);
    if (!notices_.empty()) {
      const Notice notice = notices_.front();
      notices_.pop_front();
      // Whoever continued the process has put the terminal's modes as he likes them.
      if (notice == Notice::resumed) apply(mode_);
      return {.kind = Input::Kind::notice, .notice = notice};
    }
  }
  if (!keys_.empty()) {
    Key key = std::move(keys_.front());
    keys_.pop_front();
    return {.kind = Input::Kind::key, .key = std::move(key)};
  }
  pollfd wanted[]{{terminal_.get(), POLLIN, 0}, {bell_.get(), POLLIN, 0}};
  const int wait_ms = decoder_.pending() ? kSequence_ms
                      : at_most          ? static_cast<int>(at_most->count())
                                         : -1;
  const int ready = ::poll(wanted, 2, wait_ms);
  if (ready < 0) return {};
  std::uint64_t count;
  if (wanted[1].revents != 0 && ::read(bell_.get(), &count, sizeof count) > 0) return {};
  if (wanted[0].revents != 0) return take_typed();
  for (auto& key : decoder_.settle()) keys_.push_back(std::move(key));
  return {};
}

Console::Input Console::take_typed() {
  char bytes[4096];
  // A line at a time where the terminal makes them: what is behind it is the next reader's.
  const ssize_t got = ::read(terminal_.get(), bytes, sizeof bytes);
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return {};
  if (got <= 0) return {.kind = Input::Kind::closed};
  const std::string_view typed(bytes, static_cast<std::size_t>(got));
  if (look_.cursor == Cursor::moves) {
    for (auto& key : decoder_.feed(typed)) keys_.push_back(std::move(key));
    return {};
  }
  if (line_.size() < kLineBytesMax) line_ += typed;
  if (!line_.ends_with('\n')) return {};
  line_.pop_back();
  return {.kind = Input::Kind::line, .line = std::exchange(line_, {})};
}

}  // namespace boxagnts::terminal
