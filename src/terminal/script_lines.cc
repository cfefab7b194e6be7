#include "terminal/script_lines.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace boxagnts::terminal {

Result<ScriptLines> ScriptLines::open(int fd) {
  base::UniqueFd bell(::eventfd(0, EFD_CLOEXEC));
  if (!bell) return fail_errno(errno, "cannot wait for standard input");
  return ScriptLines(fd, std::move(bell));
}

Result<std::optional<std::string>> ScriptLines::next(const std::stop_token& stop) {
  const std::stop_callback wakes(stop, [this] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto put = ::write(bell_.get(), &one, sizeof one);
  });
  while (!stop.stop_requested()) {
    const auto newline = held_.find('\n');
    if (newline != std::string::npos || (at_end_ && !held_.empty())) {
      std::string line = held_.substr(0, newline);
      held_.erase(0, newline == std::string::npos ? newline : newline + 1);
      return base::repair_utf8(line);
    }
    if (at_end_) return std::nullopt;
    if (held_.size() > kLineBytesMax)
      return fail(Code::limit_exceeded, "a line of standard input is longer than " +
                                            base::human_bytes(kLineBytesMax) +
                                            ": give shorter ones");
    pollfd wanted[]{{fd_, POLLIN, 0}, {bell_.get(), POLLIN, 0}};
    if (::poll(wanted, 2, -1) < 0 || wanted[0].revents == 0) continue;
    char bytes[16 << 10];
    const ssize_t got = ::read(fd_, bytes, sizeof bytes);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno(errno, "cannot read standard input");
    at_end_ = got == 0;
    held_.append(bytes, static_cast<std::size_t>(got));
  }
  return std::nullopt;
}

}  // namespace boxagnts::terminal
