// The settings of a server as its door shows and changes them (gateway/desks.h): the table of keys,
// where the value of each comes from, and settings.toml, which is what is written.
#pragma once

#include <memory>

#include "app/program.h"
#include "gateway/desks.h"

namespace boxagnts::app {

// Whether the program could go on with such a settings.toml.
workspace::CheckSettings settings_check(const Program& program);

// The program outlives it.
std::unique_ptr<gateway::SettingsDesk> make_settings_desk(Program& program);

}  // namespace boxagnts::app
