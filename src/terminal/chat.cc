#include "terminal/chat.h"

#include "base/text.h"
#include "terminal/chat_commands.h"
#include "terminal/follow.h"

namespace boxagnts::terminal {
namespace {

constexpr std::size_t kColumns = 100, kSessionsOffered = 100;

// Shows, and remembers in which mode the conversation is: a plan that was agreed to ends plan mode
// for the messages to come, too.
class ModeWatch final : public RunDisplay {
 public:
  ModeWatch(std::unique_ptr<RunDisplay> display, core::Mode& mode)
      : display_(std::move(display)), mode_(mode) {}
  void show(const core::Event& event) override {
    if (const auto* changed = std::get_if<core::ModeChanged>(&event.body)) mode_ = changed->mode;
    display_->show(event);
  }
  void show(const core::Frame& frame) override { display_->show(frame); }

 private:
  const std::unique_ptr<RunDisplay> display_;
  core::Mode& mode_;
};

}  // namespace

Chat::Chat(ChatParts parts, ChatSeat seat, agent::RunRequest request)
    : parts_(std::move(parts)), seat_(std::move(seat)), request_(std::move(request)) {
  DisplayOptions options{.style = seat_.style,
                         .columns = [this] { return columns(); },
                         .occasion = DisplayOptions::Occasion::chat};
  if (seat_.console) {
    prompter_.emplace(*seat_.console, questions_of(parts_.store));
    options.questions = DisplayOptions::Questions::asked_here;
  }
  display_ =
      std::make_unique<ModeWatch>(make_text_display(seat_.out, std::move(options)), request_.mode);
}

std::size_t Chat::columns() const {
  return seat_.console && !seat_.script ? seat_.console->size().columns : kColumns;
}

void Chat::tell(std::string_view text) {
  write_all(seat_.out, paint(seat_.style, kDim, base::terminal_safe(text)) + "\n");
}

void Chat::tell_error(const Error& error) {
  write_all(seat_.out, paint(seat_.style, kRed, base::terminal_safe(error.message)) + "\n");
}

Result<int> Chat::run() {
  if (request_.session) TRY(parts_.store.session(*request_.session));
  std::optional<ModeScope> quiet;
  if (seat_.script) {
    script_ = TRY(ScriptLines::open(*seat_.script));
  } else {
    quiet.emplace(*seat_.console, Console::Mode::quiet);
    if (!seat_.history_file.empty()) {
      auto history = InputHistory::open(seat_.history_file);
      if (history)
        history_ = std::move(*history);
      else
        tell_error(history.error());
    }
    tell(request_.model + ", mode " + std::string(core::name_of(request_.mode)) + ", " +
         (request_.session ? "session " + request_.session->text : "a new session") +
         "; /help shows the commands, Ctrl-D leaves");
  }
  while (!leave_ && !ended()) {
    auto message = next_message();
    if (!message) break;
    if (!base::is_blank(*message)) TRY(take(*message));
  }
  return exit_code_;
}

Status Chat::take(const std::string& text) {
  if (!text.starts_with('/')) return send(text);
  if (const auto done = run_command(*this, text); !done) {
    tell_error(done.error());
    if (seat_.script) exit_code_ = base::info(done.error().code).exit_code;
  }
  return {};
}

// --- messages ----------------------------------------------------------------------------------

std::optional<std::string> Chat::next_message() {
  if (!script_) return typed_message();
  std::string message;
  while (true) {
    auto line = script_->next(end_.get_token());
    if (!line) {
      tell_error(line.error());
      exit_code_ = base::info(line.error().code).exit_code;
      return std::nullopt;
    }
    if (!*line) return message.empty() ? std::nullopt : std::optional(std::move(message));
    message += **line;
    if (!message.ends_with('\\')) return message;
    message.back() = '\n';
  }
}

std::optional<std::string> Chat::typed_message() {
  CompletionSource source{.workspace = parts_.workspace};
  source.sessions = [&] {
    std::vector<std::string> ids;
    if (const auto found = parts_.store.sessions(kSessionsOffered, {}))
      for (const auto& session : *found) ids.push_back(session.id.text);
    return ids;
  };
  source.skills = [&] {
    std::vector<std::string> names;
    for (const auto& entry : parts_.skills.catalogue(workspace::Trust::untrusted)->entries)
      if (entry.used()) names.push_back(entry.skill.name);
    return names;
  };
  bool warned = false;
  while (!ended()) {
    auto line = read_line(
        *seat_.console,
        {.prompt = std::string(core::name_of(request_.mode)) + "> ",
         .history = &history_,
         .completer = [&](std::string_view text) { return complete_message(text, source); },
         .stop = end_.get_token()});
    if (line.end == LineEnd::line) {
      if (const auto kept = history_.add(line.text); !kept) tell_error(kept.error());
      return std::move(line.text);
    }
    if (line.end != LineEnd::interrupted) return std::nullopt;
    if (warned && line.text.empty()) return std::nullopt;
    warned = line.text.empty();
    if (warned) tell("(Ctrl-C again leaves)");
  }
  return std::nullopt;
}

Status Chat::send(const std::string& message) {
  std::stop_token stop;
  {
    const std::lock_guard lock(mutex_);
    working_ = true;
    cancel_ = std::stop_source();
    stop = cancel_.get_token();
  }
  const auto done = [&] {
    const std::lock_guard lock(mutex_);
    working_ = false;
    run_id_.reset();
  };
  request_.prompt = message;
  request_.attended = prompter_.has_value();
  const auto started = parts_.runs.start(request_);
  if (!started) {
    done();
    tell_error(started.error());
    exit_code_ = base::info(started.error().code).exit_code;
    if (!seat_.script) exit_code_ = 0;
    return {};
  }
  request_.session = started->session;
  request_.attachments.clear();
  {
    const std::lock_guard lock(mutex_);
    run_id_ = started->run;
    if (stop.stop_requested()) (void)parts_.runs.cancel(*run_id_);
  }
  const auto end =
      follow(parts_.runs, *started, *display_, prompter_ ? &*prompter_ : nullptr, stop);
  done();
  const auto code = exit_code_of(TRY(end));
  if (seat_.script) exit_code_ = code;
  return {};
}

// --- from other threads ------------------------------------------------------------------------

void Chat::interrupt() {
  {
    const std::lock_guard lock(mutex_);
    if (working_) {
      cancel_.request_stop();
      if (run_id_) (void)parts_.runs.cancel(*run_id_);
      return;
    }
  }
  if (seat_.script)
    end_.request_stop();
  else
    seat_.console->notify(Notice::interrupt);
}

void Chat::end() {
  end_.request_stop();
  const std::lock_guard lock(mutex_);
  cancel_.request_stop();
  if (run_id_) (void)parts_.runs.cancel(*run_id_);
}

}  // namespace boxagnts::terminal
