// What configuration says, all layers put together, and what holds now while it may change.
//
// Layers, later ones win: built-in defaults, the person's config.toml, settings.toml, the
// environment, the command line. A workspace's own file is not trusted to widen anything: it may
// name a model, lower limits, close networks and choose a stricter mode, no more.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "agent/settings.h"
#include "app/rules.h"
#include "base/error.h"
#include "cli/command.h"
#include "models/model.h"
#include "net/network_config.h"
#include "workspace/own_files.h"
#include "workspace/workspace.h"

namespace boxagnts::app {

// "" when unset.
std::string environment_variable(const std::string& name);

// What holds as long as this process lives.
struct Given {
  cli::Common common;
  std::optional<std::string> model;      // --model of a server
  std::vector<std::uint16_t> own_ports;  // of a server
};

struct Preferences {
  agent::Settings settings;
  std::string model;  // "" when none is set
  std::optional<core::Mode> mode;
  net::NetworkConfig network;          // its grant is in `settings`, too
  std::optional<models::Sight> sight;  // absent: told by the model's name
  std::string theme = "system";        // or light, dark
  models::Providers providers;         // where models are, and with which keys
  std::shared_ptr<const policy::Rules> rules;
  workspace::Trust trust = workspace::Trust::untrusted;

  core::Mode run_mode() const { return mode.value_or(core::Mode::ask); }
};

// Entries of allowed_outbound_hosts that are none are told as warnings.
Result<Preferences> read_preferences(const workspace::Workspace& workspace, const Given& given);
// Those of these layers; nothing is told.
Result<Preferences> preferences_of(const workspace::Workspace& workspace, workspace::Config config,
                                   const Given& given);

// What holds for whatever begins now. Thread-safe; a snapshot stays as it is.
class LivePreferences {
 public:
  LivePreferences(workspace::Workspace workspace, Given given, Preferences first)
      : workspace_(std::move(workspace)),
        given_(std::move(given)),
        now_(std::make_shared<const Preferences>(std::move(first))) {}

  const Given& given() const { return given_; }
  std::shared_ptr<const Preferences> now() const {
    const std::lock_guard lock(mutex_);
    return now_;
  }
  // Reads all files again. Errors: those of read_preferences; then what held goes on.
  Status reload();

 private:
  const workspace::Workspace workspace_;
  const Given given_;
  std::mutex reading_;  // one reads at a time, so that the last to read is the last to tell
  mutable std::mutex mutex_;
  std::shared_ptr<const Preferences> now_;
};

}  // namespace boxagnts::app
