// What every model is told first. Product text: owned, sized, held by a test, and the same byte for
// byte from turn to turn, so that providers can cache it.
#pragma once

#include <string>

#include "core/policy_values.h"

namespace boxagnts::agent {

// Depends on what a run may touch at most and on the mode only, so that it never changes within it.
std::string system_prompt(const core::Grant& envelope, core::Mode mode);

// Sent as the user's words when an answer was cut at the model's token limit.
extern const char* const kContinueAfterTokenLimit;

}  // namespace boxagnts::agent
