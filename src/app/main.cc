#include <unistd.h>

#include <csignal>

#include "app/commands.h"
#include "base/text.h"

namespace boxagnts::app {

void print(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return;  // the reader is gone
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

Result<int> execute(const cli::ShowText& command) {
  print(command.text);
  return 0;
}

namespace {

int run(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);
  const auto command = cli::parse(std::vector<std::string>(argv + 1, argv + argc));
  const Result<int> code =
      command ? std::visit([](const auto& known) { return execute(known); }, *command)
              : Result<int>(std::unexpected(command.error()));
  if (code) return *code;
  const std::string sentence = "boxagnts: " + base::terminal_safe(code.error().message) + "\n";
  [[maybe_unused]] const auto put = ::write(STDERR_FILENO, sentence.data(), sentence.size());
  return base::info(code.error().code).exit_code;
}

}  // namespace
}  // namespace boxagnts::app

int main(int argc, char** argv) { return boxagnts::app::run(argc, argv); }
