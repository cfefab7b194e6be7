// What every model is told first. Product text: owned, sized, held by a test, and the same byte for
// byte from turn to turn, so that providers can cache it.
#pragma once

#include <string>
#include <string_view>

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

// The text that stands before an image, or for a text, that a person attached.
std::string attached_image(const core::AttachedFile& file);
std::string attached_text(const core::AttachedFile& file, const std::string& text);

// A text of at most `bytes_max` as it is; of a longer one what a model can use: its head, its tail,
// how much is between, and `more`: where that is.
std::string shortened(std::string_view text, std::size_t bytes_max, std::string_view more);

// Sent as the user's words when an answer was cut at the model's token limit.
extern const char* const kContinueAfterTokenLimit;

}  // namespace boxagnts::agent
