// The composition root: every part of the program, made once and handed to what needs it. This is
// the one place that knows all rooms.
#pragma once

#include <memory>
#include <string>

#include "agent/runs.h"
#include "agent/settings.h"
#include "app/preferences.h"
#include "app/rules.h"
#include "app/tools.h"
#include "base/error.h"
#include "base/time.h"
#include "cli/command.h"
#include "models/model.h"
#include "net/http_client.h"
#include "net/network_config.h"
#include "store/store.h"
#include "workspace/changes.h"
#include "workspace/own_files.h"
#include "workspace/skills.h"
#include "workspace/workspace.h"

namespace boxagnts::app {

// Those of a workspace, of the user and of the program; of no workspace where its root is "".
std::unique_ptr<workspace::Skills> open_skills(const workspace::Workspace& workspace,
                                               base::Clock& clock);

// What a run, or every run of a chat, begins with; without a prompt. Errors: invalid_argument (no
// model is set, a session id that is none).
Result<agent::RunRequest> request_of(const cli::RunChoices& choices,
                                     const Preferences& preferences);

// The log of the workspace that the flags name, without the rest of the program.
Result<std::unique_ptr<store::Store>> open_store(const cli::Common& common, base::Clock& clock);

// With the proxy and the authorities that the person chose.
std::unique_ptr<net::HttpClient> make_http(const net::NetworkConfig& network);

// What models are opened by; `rules` as they are now.
models::Settings model_settings_of(const Preferences& preferences, const policy::Rules& rules);

// Everything a run needs. Members are in the order of their dependence.
struct Program {
  static Result<std::unique_ptr<Program>> make(workspace::Workspace workspace,
                                               Preferences preferences, Given given);

  // Errors: invalid_argument.
  Result<std::unique_ptr<models::Model>> open_model(const std::string& name);
  models::Settings model_settings() const;
  // What is written now holds for whatever begins from here on. Errors: what is written is wrong;
  // then everything stays as it was.
  Status reload();

  base::SystemClock clock;
  workspace::Workspace workspace;
  std::unique_ptr<LivePreferences> preferences;
  std::unique_ptr<FileRuleBook> rules;
  std::unique_ptr<workspace::Skills> skills;
  std::unique_ptr<workspace::Changes> changes;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<Tools> tools;
  std::unique_ptr<agent::Runs> runs;
};

}  // namespace boxagnts::app
