// What the environment says of the terminal.
#pragma once

#include <memory>

#include "terminal/console.h"

namespace boxagnts::app {

// Of a terminal: NO_COLOR, TERM=dumb.
terminal::Look terminal_look();
// Colours where `fd` is a terminal that shows them.
terminal::Style style_of(int fd);
std::size_t terminal_columns(int fd);

// The person who can be asked; null where there is none, or BOXAGNTS_UNATTENDED says so. What is
// piped in or out does not matter.
std::unique_ptr<terminal::Console> person_at_terminal();

}  // namespace boxagnts::app
