#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <mutex>

#include "app/commands.h"
#include "app/interrupts.h"
#include "app/program.h"
#include "base/text.h"
#include "terminal/run_display.h"

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

Result<agent::RunRequest> request_of(const cli::RunCommand& command, const Preferences& preferences,
                                     const std::stop_token& stop) {
  agent::RunRequest request;
  request.prompt = TRY(whole_prompt(command.prompt, stop));
  if (command.session) request.session = TRY(core::SessionId::parse(*command.session));
  request.model = command.model.value_or(preferences.model);
  if (request.model.empty())
    return fail(Code::invalid_argument,
                "no model is set: give --model ollama/NAME, llamacpp/NAME, openai/NAME (with "
                "OPENAI_BASE_URL) or scripted/FILE.yaml, or set BOXAGNTS_MODEL or model.default in "
                "the configuration");
  request.mode = command.mode.value_or(preferences.mode.value_or(core::Mode::ask));
  request.turns_max = command.turns_max.value_or(preferences.settings.turns_max);
  return request;
}

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20) return size.ws_col;
  return 100;
}

std::unique_ptr<terminal::RunDisplay> make_display(const cli::RunCommand& command) {
  if (command.json) return terminal::make_json_display(STDOUT_FILENO);
  const bool colour = ::isatty(STDOUT_FILENO) == 1 && environment_variable("NO_COLOR").empty() &&
                      environment_variable("TERM") != "dumb";
  return terminal::make_text_display(
      STDOUT_FILENO, colour ? terminal::Style::colour : terminal::Style::plain, terminal_columns());
}

int exit_code_of(const core::RunEnded& ended) {
  switch (ended.outcome) {
    case core::Outcome::finished: return 0;
    case core::Outcome::turn_limit: return base::info(Code::limit_exceeded).exit_code;
    case core::Outcome::cancelled: return base::info(Code::cancelled).exit_code;
    case core::Outcome::failed:
    case core::Outcome::interrupted: return base::info(ended.error.code).exit_code;
  }
  return 1;
}

// Shows the run to its end and answers its questions.
Result<int> follow(Program& program, const agent::Started& started, terminal::RunDisplay& display,
                   std::optional<terminal::Prompter>& prompter, std::stop_token stop) {
  const auto tail = TRY(program.runs->tail(started.session, started.after));
  while (true) {
    const auto item = TRY(tail->next({}, std::chrono::steady_clock::now() + std::chrono::hours(1)));
    if (!item) continue;
    if (const auto* frame = std::get_if<core::Frame>(&*item)) {
      display.show(*frame);
      continue;
    }
    const auto& event = std::get<core::Event>(*item);
    display.show(event);
    const auto* asked = std::get_if<core::ApprovalAsked>(&event.body);
    if (asked && prompter) {
      // A cancel is no answer; a terminal that is gone is a no.
      const auto answer = prompter->ask(asked->approval, stop);
      if (answer || !stop.stop_requested())
        (void)program.runs->answer(asked->approval.id, answer.value_or(core::Reply{}), "terminal");
    }
    const auto* ended = std::get_if<core::RunEnded>(&event.body);
    if (ended && event.run == started.run && ended->of.empty()) return exit_code_of(*ended);
  }
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
  auto preferences = TRY(read_preferences(workspace, command.common));
  auto request = TRY(request_of(command, preferences, canceller.token()));
  auto prompter = environment_variable("BOXAGNTS_UNATTENDED").empty() ? terminal::Prompter::open()
                                                                      : std::nullopt;
  request.attended = prompter.has_value();
  request.skill = std::move(skill);
  const auto program = TRY(Program::make(std::move(workspace), std::move(preferences)));
  const auto started = TRY(program->runs->start(request));
  canceller.attach(*program->runs, started.run);
  const auto display = make_display(command);
  const auto code = follow(*program, started, *display, prompter, canceller.token());
  canceller.detach();
  if (code && !command.json)
    TRY(print("session " + started.session.text + "\n  go on: boxagnts run --session " +
              started.session.text + " \"…\"\n  look:  boxagnts session show " +
              started.session.text + "\n"));
  return code;
}

}  // namespace boxagnts::app
