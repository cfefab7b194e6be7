// Models as a server's door shows and arranges them (gateway/desks.h).
#pragma once

#include <memory>

#include "app/program.h"
#include "gateway/desks.h"

namespace boxagnts::app {

// Sets where a provider's server is, or its key; what was written. Errors: as of
// workspace::change_provider; conflict where the environment names the base URL; not_found.
Result<std::string> change_provider(const workspace::Workspace& workspace, const Given& given,
                                    models::Settings settings, const std::string& provider,
                                    std::optional<std::string> base_url,
                                    std::optional<std::string> key);

// The program and `settings`, which writes model.default, outlive it.
std::unique_ptr<gateway::ModelsDesk> make_models_desk(Program& program,
                                                      gateway::SettingsDesk& settings);

}  // namespace boxagnts::app
