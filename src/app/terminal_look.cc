#include "app/terminal_look.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "app/program.h"

namespace boxagnts::app {

terminal::Look terminal_look() {
  const auto kind = environment_variable("TERM");
  if (kind.empty() || kind == "dumb") return {};
  return {
      environment_variable("NO_COLOR").empty() ? terminal::Style::colour : terminal::Style::plain,
      terminal::Cursor::moves};
}

terminal::Style style_of(int fd) {
  return ::isatty(fd) == 1 ? terminal_look().style : terminal::Style::plain;
}

std::size_t terminal_columns(int fd) {
  constexpr std::size_t kElse = 100, kMin = 20;
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= kMin ? size.ws_col : kElse;
}

std::unique_ptr<terminal::Console> person_at_terminal() {
  if (!environment_variable("BOXAGNTS_UNATTENDED").empty()) return nullptr;
  return terminal::Console::open(terminal_look());
}

}  // namespace boxagnts::app
