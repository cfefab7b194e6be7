// A conversation at a terminal: every message starts a run in one session, which is shown to its
// end and whose questions are answered in place; lines that begin with a / are for the chat itself.
//
// run() belongs to one thread; interrupt() and end() may be called from any. The parts and the
// console outlive it.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "agent/runs.h"
#include "store/store.h"
#include "terminal/console.h"
#include "terminal/input_history.h"
#include "terminal/line_editor.h"
#include "terminal/prompter.h"
#include "terminal/run_display.h"
#include "terminal/script_lines.h"
#include "tools/tool.h"
#include "workspace/changes.h"
#include "workspace/skills.h"

namespace boxagnts::terminal {

struct ChatParts {
  agent::Runs& runs;
  store::Store& store;
  workspace::Changes& changes;
  workspace::Skills& skills;
  tools::CurrentTools tools;
  std::string workspace;  // absolute
  std::function<Status(const std::string& model)> check_model;
};

// Where the person sits.
struct ChatSeat {
  Console* console = nullptr;  // null: nobody can be asked anything
  // Absent: messages are typed at the console. Else they are the lines of this descriptor.
  std::optional<int> script;
  int out = 1;
  Style style = Style::plain;
  std::string history_file;  // empty: none
};

class Chat {
 public:
  // What is run with; the prompt is each message.
  Chat(ChatParts parts, ChatSeat seat, agent::RunRequest request);

  // Until the person leaves. Returns the exit code: of the last run where messages are a script's.
  // Errors: those of the log.
  Result<int> run();

  // Ctrl-C as a signal: cancels the run; without one the prompt is told, a script ends.
  void interrupt();
  // The program is to end: cancels the run.
  void end();

 private:
  friend struct ChatCommands;

  std::optional<std::string> next_message();
  std::optional<std::string> typed_message();
  Status take(const std::string& text);
  Status send(const std::string& message);
  void tell(std::string_view text);
  void tell_error(const Error& error);
  std::size_t columns() const;
  bool ended() const { return end_.stop_requested(); }

  const ChatParts parts_;
  const ChatSeat seat_;
  agent::RunRequest request_;
  std::unique_ptr<RunDisplay> display_;
  std::optional<Prompter> prompter_;
  std::optional<ScriptLines> script_;
  InputHistory history_;
  bool leave_ = false;
  int exit_code_ = 0;

  std::stop_source end_;
  std::mutex mutex_;
  bool working_ = false;               // under mutex_: a message is being worked on
  std::stop_source cancel_;            // under mutex_: of that
  std::optional<core::RunId> run_id_;  // under mutex_: once it has begun
};

// What the text may become: commands, their arguments, and @path for a file of the workspace.
struct CompletionSource {
  std::string workspace;
  std::function<std::vector<std::string>()> sessions, skills;
};
Completion complete_message(std::string_view text, const CompletionSource& source);

}  // namespace boxagnts::terminal
