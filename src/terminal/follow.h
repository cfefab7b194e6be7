// Shows a run to its end and has its questions answered. Belongs to the calling thread.
#pragma once

#include <stop_token>

#include "agent/runs.h"
#include "terminal/prompter.h"
#include "terminal/run_display.h"

namespace boxagnts::terminal {

// `prompter` may be null: then nobody is asked here. The stop is the run's cancel: a question that
// stands there is left, since a cancel is no answer. Errors: those of the log.
Result<core::RunEnded> follow(agent::Runs& runs, const agent::Started& started, RunDisplay& display,
                              Prompter* prompter, const std::stop_token& stop);

// Of a process that has done nothing but this run.
int exit_code_of(const core::RunEnded& ended);

// What a Prompter needs to know of the questions in a store.
QuestionSource questions_of(store::Store& store);

}  // namespace boxagnts::terminal
