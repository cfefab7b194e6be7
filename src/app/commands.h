// What each command of the command line does. Every function returns the process's exit code, or an
// error that main prints.
#pragma once

#include "base/error.h"
#include "cli/command.h"

namespace boxagnts::app {

Result<int> execute(const cli::RunCommand& command);
Result<int> execute(const cli::ToolListCommand& command);
Result<int> execute(const cli::ToolShowCommand& command);
Result<int> execute(const cli::ToolRunCommand& command);
Result<int> execute(const cli::SessionListCommand& command);
Result<int> execute(const cli::SessionShowCommand& command);
Result<int> execute(const cli::ShowText& command);

// Writes all of it to standard output.
void print(std::string_view text);

}  // namespace boxagnts::app
