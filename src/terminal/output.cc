#include "terminal/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>

namespace boxagnts::terminal {

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) {  // another process made it non-blocking
      pollfd room{fd, POLLOUT, 0};
      (void)::poll(&room, 1, -1);
      continue;
    }
    if (put <= 0) return;  // the reader is gone; the run goes on
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string paint(Style style, std::string_view colour, std::string_view text) {
  if (style == Style::plain) return std::string(text);
  return std::string(colour) + std::string(text) + "\x1b[0m";
}

}  // namespace boxagnts::terminal
