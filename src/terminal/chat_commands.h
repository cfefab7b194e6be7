// The chat's own commands: lines that begin with a /. For this room.
#pragma once

#include <string_view>

#include "base/error.h"

namespace boxagnts::terminal {

class Chat;

// Errors: what is wrong with the command, or what it met.
Status run_command(Chat& chat, std::string_view line);

}  // namespace boxagnts::terminal
