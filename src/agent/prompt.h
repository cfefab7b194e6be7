// What every model is told first. Product text: owned, sized, held by a test, and the same byte for
// byte from turn to turn, so that providers can cache it.
#pragma once

#include <string>

#include "core/event.h"
#include "workspace/instructions.h"

namespace boxagnts::agent {

// Fixed when a run begins, so that it never changes within it.
struct PromptParts {
  core::Grant envelope;  // what the run may touch at most
  core::Mode mode = core::Mode::ask;
  std::vector<workspace::Instructions> instructions;
  std::string skills;      // a line each; "": there are none
  std::string more_tools;  // names of those that tool_search finds; "": all are shown
};
std::string system_prompt(const PromptParts& parts);

// What a model is told of the AGENTS.md nearest to a file that it works on.
std::string folder_instructions(const core::InstructionsLoaded& loaded);

// Sent as the user's words when an answer was cut at the model's token limit.
extern const char* const kContinueAfterTokenLimit;

}  // namespace boxagnts::agent
