// The folder on disk: finding it, its state folder, and configuration in layers.
//
// Configuration: the person's ($XDG_CONFIG_HOME/boxagnts/config.toml, and over it key by key
// settings.toml, which the program writes for them), then the workspace's (.boxagnts/config.toml,
// which mostly narrows). TOML; every problem is one sentence with file and line. Values only.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/config.h"
#include "base/error.h"

namespace boxagnts::workspace {

using Environment = std::function<std::string(const std::string& name)>;  // "" when unset

// Whether a model may be told what is in a file of this path (absolute, links resolved). Empty:
// any.
using MayRead = std::function<bool(const std::string& path)>;

struct Workspace {
  std::string root;  // absolute, canonical
  // 0700; .boxagnts in the workspace, or in .boxagnts under XDG_STATE_HOME where that is read-only.
  std::string state_folder;
};

// Opens the folder and makes its state folder. Errors: not_found (missing), invalid_argument (a
// file), permission_denied (neither state folder can be made: names both; the folder is in a state
// folder, or its own belongs to another user).
Result<Workspace> open(const std::string& directory, const Environment& environment);

// Whether guests may be given this folder (canonical) besides the workspace. All that the program
// keeps is in folders named .boxagnts, which no mount shows. Errors: permission_denied (in one).
Status check_mount(const std::string& folder);

// A parsed TOML file as nodes. A missing file is an empty table. Errors: invalid_argument with
// line.
Result<std::unique_ptr<base::ConfigNode>> read_toml(const std::string& path);
// The same of a text that stands, or will, in `file`.
Result<std::unique_ptr<base::ConfigNode>> parse_toml(std::string_view text,
                                                     const std::string& file);

struct ConfigFiles {
  std::string config, own, workspace;
};
ConfigFiles config_files(const Workspace& workspace, const Environment& environment);

// The files as they are: config.toml, settings.toml (of what may stand there, without [trust]), the
// workspace's. Errors: invalid_argument with file and line.
struct Layers {
  std::unique_ptr<base::ConfigNode> config;
  std::unique_ptr<base::ConfigNode> own;
  std::unique_ptr<base::ConfigNode> workspace;
};
Result<Layers> read_layers(const Workspace& workspace, const Environment& environment);

// The person's layer, then the workspace's.
struct Config {
  std::unique_ptr<base::ConfigNode> user;
  std::unique_ptr<base::ConfigNode> workspace;
};
Config config_of(Layers layers);
Result<Config> read_config(const Workspace& workspace, const Environment& environment);

}  // namespace boxagnts::workspace
