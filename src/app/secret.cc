#include "app/secret.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/file.h"

namespace boxagnts::app {

Result<std::optional<std::string>> ask_secret(const std::string& what) {
  constexpr std::size_t kBytesMax = 4'096;
  const base::UniqueFd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  termios before{};
  if (!terminal || ::tcgetattr(terminal.get(), &before) != 0) return std::nullopt;
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal.get(), TCSAFLUSH, &silent);
  (void)base::write_all(terminal.get(), what + ": ");
  std::string typed(kBytesMax, '\0');
  const ssize_t got = ::read(terminal.get(), typed.data(), typed.size());
  ::tcsetattr(terminal.get(), TCSAFLUSH, &before);
  (void)base::write_all(terminal.get(), "\n");
  if (got <= 0) return fail(Code::cancelled, "nothing was typed");
  typed.resize(static_cast<std::size_t>(got));
  return typed;
}

}  // namespace boxagnts::app
