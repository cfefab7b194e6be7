#include <sys/stat.h>
#include <unistd.h>

#include <mutex>

#include "app/commands.h"
#include "app/interrupts.h"
#include "app/program.h"
#include "app/terminal_look.h"
#include "app/trust.h"
#include "base/text.h"
#include "terminal/follow.h"

namespace boxagnts::app {
namespace {

constexpr std::size_t kInputBytesMax = 10u << 20;

// What is piped in; nothing when standard input is a terminal or no file or pipe at all.
Result<std::string> piped_input(const std::stop_token& stop) {
  struct stat status;
  if (::fstat(STDIN_FILENO, &status) != 0) return std::string();
  // A socket too: it is what Node gives its children as a pipe.
  if (!S_ISFIFO(status.st_mode) && !S_ISREG(status.st_mode) && !S_ISSOCK(status.st_mode))
    return std::string();
  const auto input = TRY(read_input(kInputBytesMax, stop));
  if (!base::is_utf8(input)) return base::repair_utf8(input);
  return input;
}

Result<std::string> whole_prompt(const std::string& prompt, const std::stop_token& stop) {
  const auto input = TRY(piped_input(stop));
  if (base::is_blank(prompt) && base::is_blank(input))
    return fail(Code::invalid_argument,
                "there is no prompt: write it as boxagnts run \"…\", or pipe it in");
  if (base::is_blank(input)) return prompt;
  return base::is_blank(prompt) ? input : prompt + "\n\nInput:\n" + input;
}

}  // namespace

Result<agent::RunRequest> request_of(const cli::RunChoices& choices,
                                     const Preferences& preferences) {
  agent::RunRequest request;
  if (choices.session) request.session = TRY(core::SessionId::parse(*choices.session));
  request.model = choices.model.value_or(preferences.model);
  if (request.model.empty())
    return fail(Code::invalid_argument,
                "no model is set: give --model ollama/NAME, llamacpp/NAME, openai/NAME (with "
                "OPENAI_BASE_URL) or scripted/FILE.yaml, or set BOXAGNTS_MODEL or model.default in "
                "the configuration");
  request.mode = choices.mode.value_or(preferences.mode.value_or(core::Mode::ask));
  request.turns_max = choices.turns_max.value_or(preferences.settings.turns_max);
  return request;
}

namespace {

std::unique_ptr<terminal::RunDisplay> make_display(const cli::RunCommand& command,
                                                   const terminal::Console* console) {
  if (command.json) return terminal::make_json_display(STDOUT_FILENO);
  using Questions = terminal::DisplayOptions::Questions;
  const bool here = console && ::isatty(STDOUT_FILENO) == 1;
  return terminal::make_text_display(
      STDOUT_FILENO, {.style = style_of(STDOUT_FILENO),
                      .columns = [] { return terminal_columns(STDOUT_FILENO); },
                      .questions = here ? Questions::asked_here : Questions::shown});
}

// Cancels the run that is under way, from the thread that saw the signal.
class Canceller {
 public:
  void interrupt() {
    stop_.request_stop();
    const std::lock_guard lock(mutex_);
    if (runs_) (void)runs_->cancel(run_);
  }
  // From here to detach(), interrupt() cancels this run; one that came earlier does so now.
  void attach(agent::Runs& runs, const core::RunId& run) {
    const std::lock_guard lock(mutex_);
    runs_ = &runs;
    run_ = run;
    if (stop_.stop_requested()) (void)runs_->cancel(run_);
  }
  void detach() {
    const std::lock_guard lock(mutex_);
    runs_ = nullptr;
  }
  std::stop_token token() const { return stop_.get_token(); }

 private:
  std::stop_source stop_;
  std::mutex mutex_;
  agent::Runs* runs_ = nullptr;
  core::RunId run_;
};

}  // namespace

Result<int> execute(const cli::RunCommand& command) { return run_agent(command, std::nullopt); }

Result<int> run_agent(const cli::RunCommand& command, std::optional<core::SkillUsed> skill) {
  Canceller canceller;
  const auto interrupts = TRY(Interrupts::watch([&] { canceller.interrupt(); }));

  auto workspace = TRY(workspace::open(command.common.workspace_directory, environment_variable));
  const auto console = person_at_terminal();
  TRY(ask_for_trust(workspace, console.get(), canceller.token()));
  Given given{.common = command.common};
  auto preferences = TRY(read_preferences(workspace, given));
  auto prompt = TRY(whole_prompt(command.prompt, canceller.token()));
  auto request = TRY(request_of(command.choices, preferences));
  request.prompt = std::move(prompt);
  for (const auto& file : command.attachments)
    request.attachments.push_back(TRY(agent::read_attachment(file)));
  request.attended = console != nullptr;
  request.skill = std::move(skill);
  const auto program =
      TRY(Program::make(std::move(workspace), std::move(preferences), std::move(given)));
  (void)program->tools->checked(canceller.token());  // there is no later run here that would know
  const auto started = TRY(program->runs->start(request));
  canceller.attach(*program->runs, started.run);
  const auto display = make_display(command, console.get());
  std::optional<terminal::Prompter> prompter;
  if (console) prompter.emplace(*console, terminal::questions_of(*program->store));
  const auto ended = terminal::follow(*program->runs, started, *display,
                                      prompter ? &*prompter : nullptr, canceller.token());
  canceller.detach();
  if (ended && !command.json)
    TRY(print("session " + started.session.text + "\n  go on: boxagnts run --session " +
              started.session.text + " \"…\"\n  look:  boxagnts session show " +
              started.session.text + "\n"));
  return terminal::exit_code_of(TRY(ended));
}

}  // namespace boxagnts::app
