// Rules and trust as a server's door shows and changes them (gateway/desks.h).
#pragma once

#include <memory>

#include "app/program.h"
#include "gateway/desks.h"

namespace boxagnts::app {

// The program outlives it.
std::unique_ptr<gateway::PolicyDesk> make_policy_desk(Program& program);

// "trusted", "untrusted", "unasked".
std::string_view word_of(std::optional<workspace::Trust> trust);

}  // namespace boxagnts::app
