// The settings of a server as its door shows and changes them (gateway/desks.h): the table of keys,
// where the value of each comes from, and settings.toml, which is what is written.
#pragma once

#include <memory>

#include "app/program.h"
#include "gateway/desks.h"

namespace boxagnts::app {

// What a person broke by hand while a server runs is no fault of the request: conflict in place of
// invalid_argument.
template <class T>
Result<T> by_hand(Result<T> read) {
  if (!read && read.error().code == Code::invalid_argument) read.error().code = Code::conflict;
  return read;
}

// Whether a program could go on with such a settings.toml.
workspace::CheckSettings settings_check(const workspace::Workspace& workspace, const Given& given);

// Values by key, null: as it would be without. All or nothing; what was written. Errors: as of
// gateway::SettingsDesk.
Result<std::string> write_settings(const workspace::Workspace& workspace, const Given& given,
                                   const JsonObject& wanted);

// The program outlives it.
std::unique_ptr<gateway::SettingsDesk> make_settings_desk(Program& program);

}  // namespace boxagnts::app
