// What each command of the command line does. Every function returns the process's exit code, or an
// error that main prints.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/error.h"
#include "cli/command.h"
#include "core/event.h"

namespace boxagnts::app {

// Of a program run by its path, when it is not the program's own: as env(1).
constexpr int kExitOwnFailure = 125, kExitCannotRun = 126, kExitNotFound = 127;

Result<int> execute(const cli::RunCommand& command);
// The same by a skill, whose words the prompt is.
Result<int> run_agent(const cli::RunCommand& command, std::optional<core::SkillUsed> skill);
Result<int> execute(const cli::ChatCommand& command);
Result<int> execute(const cli::ToolListCommand& command);
Result<int> execute(const cli::ToolShowCommand& command);
Result<int> execute(const cli::ToolRunCommand& command);
// Errors become sentences and exit codes in here: those of env(1).
Result<int> execute(const cli::ModuleRunCommand& command);
Result<int> execute(const cli::PolicyExplainCommand& command);
Result<int> execute(const cli::QuestionListCommand& command);
Result<int> execute(const cli::QuestionShowCommand& command);
Result<int> execute(const cli::QuestionAnswerCommand& command);
Result<int> execute(const cli::TrustCommand& command);
Result<int> execute(const cli::SessionListCommand& command);
Result<int> execute(const cli::SessionTagCommand& command);
Result<int> execute(const cli::SessionShowCommand& command);
Result<int> execute(const cli::SessionDiffCommand& command);
// Exit code 1 where a conflict left a file as it is.
Result<int> execute(const cli::SessionUndoCommand& command);
Result<int> execute(const cli::SessionDeleteCommand& command);
// Exit code 3 where the model does not answer.
Result<int> execute(const cli::ModelTestCommand& command);
Result<int> execute(const cli::ModelListCommand& command);
Result<int> execute(const cli::ModelDefaultCommand& command);
Result<int> execute(const cli::ModelKeyCommand& command);
Result<int> execute(const cli::SkillListCommand& command);
Result<int> execute(const cli::SkillShowCommand& command);
Result<int> execute(const cli::SkillNewCommand& command);
Result<int> execute(const cli::SkillCheckCommand& command);
Result<int> execute(const cli::SkillRunCommand& command);
Result<int> execute(const cli::SessionForkCommand& command);
Result<int> execute(const cli::ServeCommand& command);
Result<int> execute(const cli::ShowText& command);

// "boxagnts: SENTENCE" on standard error.
void say(std::string_view sentence);

// Standard input to its end. Errors: limit_exceeded (larger than bytes_max), cancelled, io.
Result<std::string> read_input(std::size_t bytes_max, const std::stop_token& stop);

// Writes all of it to standard output. A reader that is gone is no error; a full disk is.
Status print(std::string_view text);

}  // namespace boxagnts::app
