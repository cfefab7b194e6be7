// The composition root: every part of the program, made once and handed to what needs it. This is
// the one place that knows all rooms.
#pragma once

#include <memory>
#include <string>

#include "agent/runs.h"
#include "agent/settings.h"
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

// "" when unset.
std::string environment_variable(const std::string& name);

// What configuration says, user layer first.
struct Preferences {
  agent::Settings settings;
  std::string model;  // "" when none is set
  std::optional<core::Mode> mode;
  net::NetworkConfig network;          // its grant is in `settings`, too
  std::optional<models::Sight> sight;  // absent: told by the model's name
  GivenRules given_rules;              // of the command line
  std::shared_ptr<const policy::Rules> rules;
  workspace::Trust trust = workspace::Trust::untrusted;
};

// The user's file may set everything. The workspace's own file is not trusted to widen anything: it
// may name a model, lower limits, close networks and choose a stricter mode, no more. Entries of
// allowed_outbound_hosts that are none are told as warnings.
Result<Preferences> read_preferences(const workspace::Workspace& workspace,
                                     const cli::Common& flags);

// Those of a workspace, of the user and of the program; of no workspace where its root is "".
std::unique_ptr<workspace::Skills> open_skills(const workspace::Workspace& workspace,
                                               base::Clock& clock);

// What a run, or every run of a chat, begins with; without a prompt. Errors: invalid_argument (no
// model is set, a session id that is none).
Result<agent::RunRequest> request_of(const cli::RunChoices& choices,
                                     const Preferences& preferences);

// With the proxy and the authorities that the person chose.
std::unique_ptr<net::HttpClient> make_http(const net::NetworkConfig& network);

// Everything a run needs. Members are in the order of their dependence.
struct Program {
  static Result<std::unique_ptr<Program>> make(workspace::Workspace workspace,
                                               Preferences preferences);

  // Errors: invalid_argument.
  Result<std::unique_ptr<models::Model>> open_model(const std::string& name);

  base::SystemClock clock;
  workspace::Workspace workspace;
  Preferences preferences;
  std::unique_ptr<agent::RuleBook> rules;
  std::unique_ptr<workspace::Skills> skills;
  std::unique_ptr<workspace::Changes> changes;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<net::HttpClient> http;
  std::unique_ptr<Tools> tools;
  std::unique_ptr<agent::Runs> runs;
};

}  // namespace boxagnts::app
