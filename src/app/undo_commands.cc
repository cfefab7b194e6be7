// `session diff`, `undo`, `redo` and `delete`: what a session changed, without a run.
#include <unistd.h>

#include "agent/session_diff.h"
#include "agent/undo.h"
#include "app/commands.h"
#include "app/program.h"
#include "base/text.h"
#include "workspace/changes.h"

namespace boxagnts::app {
namespace {

constexpr std::size_t kColumns = 200;

// What these commands work on.
struct Place {
  base::SystemClock clock;
  workspace::Workspace workspace;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<workspace::Changes> changes;
  core::SessionId session;

  static Result<std::unique_ptr<Place>> open(const cli::Common& common,
                                             const std::string& session) {
    auto place = std::make_unique<Place>();
    place->session = TRY(core::SessionId::parse(session));
    place->workspace = TRY(workspace::open(common.workspace_directory, environment_variable));
    place->store = TRY(store::Store::open(place->workspace.state_folder, place->clock));
    TRY(place->store->session(place->session));
    place->changes = TRY(workspace::Changes::open(place->workspace.state_folder, place->clock));
    return place;
  }
};

std::string word_for(const core::ChangesSettled& settled, const core::SettledFile& file) {
  switch (file.outcome) {
    case core::FileOutcome::applied:
      return settled.act == core::ChangesAct::undone ? "undone" : "redone";
    case core::FileOutcome::merged: return "merged";
    case core::FileOutcome::already: return "as it was";
    case core::FileOutcome::conflict: break;
  }
  return settled.act == core::ChangesAct::dropped ? "gone" : "conflict";
}

// From the workspace where it is in there.
std::string shown(const std::string& path, const std::string& root) {
  return path.starts_with(root + "/") ? path.substr(root.size() + 1) : path;
}

Status print_settled(const core::ChangesSettled& settled, const std::string& root) {
  std::string text = "changes " + settled.id.text + ":\n";
  for (const auto& file : settled.files) {
    const std::string word = word_for(settled, file);
    std::string line = shown(file.path, root);
    if (file.outcome == core::FileOutcome::conflict) line += ": " + file.reason;
    text += "  " + word + std::string(word.size() < 10 ? 10 - word.size() : 1, ' ') +
            base::one_line(line, kColumns) + "\n";
  }
  return print(text);
}

}  // namespace

Result<int> execute(const cli::SessionDiffCommand& command) {
  const auto place = TRY(Place::open(command.common, command.session));
  const auto diff = TRY(agent::session_diff(*place->store, *place->changes, place->session));
  if (command.json)
    TRY(print(base::to_text(JsonObject{{"diff", base::repair_utf8(diff)}}) + "\n"));
  else  // for programs byte for byte
    TRY(print(::isatty(STDOUT_FILENO) ? base::terminal_safe(diff) : diff));
  return 0;
}

Result<int> execute(const cli::SessionUndoCommand& command) {
  const auto place = TRY(Place::open(command.common, command.session));
  const auto act = command.way == cli::SessionUndoCommand::Way::undo ? agent::undo : agent::redo;
  const auto result =
      TRY(act(*place->store, *place->changes, place->session, command.count, "terminal"));
  for (const auto& settled : result.settled) {
    if (command.json)
      TRY(print(base::to_text(core::body_to_json(settled)) + "\n"));
    else
      TRY(print_settled(settled, place->workspace.root));
  }
  if (!result.has_conflicts()) return 0;
  say("some files were left as they are: each line above says why");
  return base::info(Code::conflict).exit_code;
}

Result<int> execute(const cli::SessionDeleteCommand& command) {
  const auto place = TRY(Place::open(command.common, command.session));
  TRY(agent::delete_session(*place->store, *place->changes, place->session));
  return 0;
}

}  // namespace boxagnts::app
