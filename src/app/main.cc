#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "app/commands.h"
#include "base/text.h"
#include "confine/child.h"
#include "sandbox/module_cache.h"

namespace boxagnts::app {

Result<std::string> read_input(std::size_t bytes_max, const std::stop_token& stop) {
  constexpr int kLookForStop_ms = 50;
  std::string input;
  while (true) {
    if (stop.stop_requested())
      return fail(Code::cancelled, "cancelled while reading standard input");
    pollfd wanted{STDIN_FILENO, POLLIN, 0};
    if (::poll(&wanted, 1, kLookForStop_ms) <= 0) continue;
    char part[64 << 10];
    const ssize_t got = ::read(STDIN_FILENO, part, sizeof part);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got < 0) return fail_errno(errno, "cannot read standard input");
    if (got == 0) return input;
    input.append(part, static_cast<std::size_t>(got));
    if (input.size() > bytes_max)
      return fail(Code::limit_exceeded,
                  "standard input holds more than " + base::human_bytes(bytes_max) + "; give less");
  }
}

Status print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) {  // another process made it non-blocking
      pollfd room{STDOUT_FILENO, POLLOUT, 0};
      (void)::poll(&room, 1, -1);
      continue;
    }
    if (put < 0 && errno == EPIPE) return {};  // the reader has seen enough
    if (put < 0) return fail_errno(errno, "cannot write to standard output");
    text.remove_prefix(static_cast<std::size_t>(put));
  }
  return {};
}

namespace {

// What came in may be of any length, and the advice stands at the sentence's end.
std::string shortened(std::string_view sentence) {
  constexpr std::size_t kHead = 800, kTail = 400;
  if (sentence.size() <= kHead + kTail) return std::string(sentence);
  return std::string(base::prefix_at_character(sentence, kHead)) + " … " +
         std::string(base::suffix_at_character(sentence, kTail));
}

}  // namespace

void say(std::string_view sentence) {
  const std::string line = "boxagnts: " + base::terminal_safe(shortened(sentence)) + "\n";
  [[maybe_unused]] const auto put = ::write(STDERR_FILENO, line.data(), line.size());
}

Result<int> execute(const cli::ShowText& command) {
  TRY(print(command.text));
  return 0;
}

namespace {

// A standard stream that is closed would be the next file that is opened.
void open_closed_streams() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0)
      (void)::open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

int run(int argc, char** argv) {
  open_closed_streams();
  if (const auto role = confine::child_role(argc, argv); !role.empty())
    return role[0] == sandbox::kCompileRole ? sandbox::compile_as_child(role) : 1;
  std::signal(SIGPIPE, SIG_IGN);
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto command = cli::parse(arguments);
  const Result<int> code =
      command ? std::visit([](const auto& known) { return execute(known); }, *command)
              : Result<int>(std::unexpected(command.error()));
  if (code) return *code;
  say(code.error().message);
  if (!command && cli::runs_module(arguments)) return kExitOwnFailure;
  return base::info(code.error().code).exit_code;
}

}  // namespace
}  // namespace boxagnts::app

int main(int argc, char** argv) { return boxagnts::app::run(argc, argv); }
