#include <fcntl.h>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <cerrno>

#include "base/guard.h"
#include "base/text.h"
#include "terminal/run_display.h"

namespace boxagnts::terminal {
namespace {

constexpr std::size_t kFilesShown = 8;

void write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(fd, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

std::string question_text(const core::Approval& approval) {
  std::string text = "\n? " + base::terminal_safe(approval.question) + "\n";
  for (std::size_t i = 0; i < approval.files.size() && i < kFilesShown; ++i)
    text += "    " + base::one_line(approval.files[i], 200) + "\n";
  if (approval.files.size() > kFilesShown)
    text += "    and " + std::to_string(approval.files.size() - kFilesShown) + " more\n";
  return text;
}

}  // namespace

std::optional<Prompter> Prompter::open() {
  base::UniqueFd tty(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!tty) return std::nullopt;
  return Prompter(std::move(tty));
}

Prompter Prompter::on(base::UniqueFd terminal) { return Prompter(std::move(terminal)); }

Result<core::Reply> Prompter::ask(const core::Approval& approval, std::stop_token stop) {
  constexpr int kLookForStop_ms = 50;
  // Keys pressed before the question stands there answer something else.
  if (GUARD("terminal.typed-ahead", true)) ::tcflush(tty_.get(), TCIFLUSH);
  write_all(tty_.get(), question_text(approval));
  std::string line;
  write_all(tty_.get(), "  [y]es, [n]o, or [a]ll like it for this run: ");
  while (true) {
    if (stop.stop_requested()) return fail(Code::cancelled, "the question was cancelled");
    pollfd wanted{tty_.get(), POLLIN, 0};
    if (::poll(&wanted, 1, kLookForStop_ms) <= 0) continue;
    char byte;
    const ssize_t got = ::read(tty_.get(), &byte, 1);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return core::Reply{};
    if (byte != '\n' && byte != '\r') {
      line += byte;
      continue;
    }
    if (line == "y" || line == "yes") return core::Reply{core::Answer::yes};
    if (line == "n" || line == "no") return core::Reply{};
    if (line == "a" || line == "all") return core::Reply{core::Answer::for_this_run};
    line.clear();
    write_all(tty_.get(), "  please answer y, n or a: ");
  }
}

}  // namespace boxagnts::terminal
