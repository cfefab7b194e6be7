#include <unistd.h>

#include <csignal>
#include <mutex>

#include "app/commands.h"
#include "app/interrupts.h"
#include "app/program.h"
#include "app/terminal_look.h"
#include "app/trust.h"
#include "models/model.h"
#include "terminal/chat.h"

namespace boxagnts::app {
namespace {

// Brings signals to the chat, once there is one.
class ChatSignals {
 public:
  void came(int number) {
    const std::lock_guard lock(mutex_);
    if (number == SIGCONT && console_) console_->notify(terminal::Notice::resumed);
    if (number == SIGWINCH && console_) console_->notify(terminal::Notice::resized);
    if (number == SIGCONT || number == SIGWINCH) return;
    // Before the chat has begun, and where the first one has not ended it.
    if (!chat_ || (number != SIGINT && ended_++ > 0)) {
      if (console_) console_->restore();
      ::_exit(kExitCancelled);
    }
    if (number == SIGINT)
      chat_->interrupt();
    else
      chat_->end();
  }
  void attach(terminal::Chat* chat, terminal::Console* console) {
    const std::lock_guard lock(mutex_);
    chat_ = chat;
    console_ = console;
  }

 private:
  static constexpr int kExitCancelled = 130;

  std::mutex mutex_;
  terminal::Chat* chat_ = nullptr;
  terminal::Console* console_ = nullptr;
  int ended_ = 0;
};

}  // namespace

Result<int> execute(const cli::ChatCommand& command) {
  constexpr int kSignals[]{SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT};
  ChatSignals signals;
  const auto interrupts =
      TRY(Interrupts::watch_each(kSignals, [&](int number) { signals.came(number); }));

  auto workspace = TRY(workspace::open(command.common.workspace_directory, environment_variable));
  auto console = person_at_terminal();
  TRY(ask_for_trust(workspace, console.get(), {}));
  Given given{.common = command.common};
  auto preferences = TRY(read_preferences(workspace, given));
  auto request = TRY(request_of(command.choices, preferences));
  const std::string state_folder = workspace.state_folder;
  const auto program =
      TRY(Program::make(std::move(workspace), std::move(preferences), std::move(given)));

  program->tools->current();  // what is to be compiled is, before it is called
  terminal::ChatSeat seat{.style = style_of(STDOUT_FILENO)};
  const bool typed = ::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1;
  if (typed && console)
    seat.history_file = state_folder + "/chat_history";
  else
    seat.script = STDIN_FILENO;
  seat.console = console.get();
  const auto check_model = [&](const std::string& name) -> Status {
    TRY(program->open_model(name));
    return {};
  };
  terminal::Chat chat({*program->runs, *program->store, *program->changes, *program->skills,
                       program->tools->source(), program->workspace.root, check_model},
                      seat, std::move(request));
  signals.attach(&chat, console.get());
  auto code = chat.run();
  signals.attach(nullptr, nullptr);
  return code;
}

}  // namespace boxagnts::app
