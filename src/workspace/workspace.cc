#include "workspace/workspace.h"

#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "base/file.h"
#include "base/guard.h"
#include "base/hash.h"
#include "base/text.h"
#include "workspace/own_files.h"
#include "workspace/state_folder.h"

namespace boxagnts::workspace {
namespace {

// In any case, as vfs hides it: a file system may not tell the cases apart.
bool is_in_state_folder(const std::string& path) {
  for (const auto part : base::split(path, '/'))
    if (::strcasecmp(std::string(part).c_str(), kStateFolder) == 0) return true;
  return false;
}

// Where the workspace cannot hold it: one folder a workspace, below a name that no mount shows.
Result<std::string> user_state_folder(const std::string& root, const Environment& environment) {
  std::string base = environment("XDG_STATE_HOME");
  if (base.empty()) {
    const std::string home = environment("HOME");
    if (home.empty())
      return fail(Code::permission_denied, root +
                                               " is read-only, and neither XDG_STATE_HOME nor HOME "
                                               "says where to keep its state instead");
    base = home + "/.local/state";
  }
  return base + "/" + kStateFolder + "/" + base::blake2b_hex(root).substr(0, 16);
}

// The same folder under the user's state folder, made and checked.
Result<std::string> open_user_state_folder(const std::string& root,
                                           const Environment& environment) {
  const std::string path = TRY(user_state_folder(root, environment));
  TRY(base::make_folders(path));
  TRY(check_is_own_folder(path));
  char canonical[PATH_MAX];
  if (!::realpath(path.c_str(), canonical)) return fail_errno(errno, "cannot use " + path);
  // Only that name hides it where a guest is given a folder above.
  if (GUARD("workspace.state-name", !is_in_state_folder(canonical)))
    return fail(Code::permission_denied,
                path + " leads to " + canonical +
                    ", where tools could see the state; make a folder of the link in it");
  return std::string(canonical);
}

}  // namespace

Result<Workspace> open(const std::string& directory, const Environment& environment) {
  if (directory.contains('\0') || directory.size() >= PATH_MAX)
    return fail(Code::invalid_argument, "the workspace's path is no usable path");
  char canonical[PATH_MAX];
  if (!::realpath(directory.c_str(), canonical))
    return fail_errno(errno, "cannot open the workspace " + directory);
  Workspace workspace{.root = canonical};
  struct stat status;
  if (::stat(canonical, &status) != 0)
    return fail_errno(errno, "cannot open the workspace " + directory);
  if (!S_ISDIR(status.st_mode))
    return fail(Code::invalid_argument,
                "the workspace " + directory + " is a file; give its folder");
  if (workspace.root == "/")
    return fail(Code::invalid_argument,
                "the whole file system cannot be a workspace; give a folder below it");

  if (GUARD("workspace.in-state-folder", is_in_state_folder(workspace.root)))
    return fail(Code::permission_denied,
                "the workspace " + directory +
                    " is in a state folder of BoxAgnts, which no tool may see; give another");

  workspace.state_folder = workspace.root + "/" + kStateFolder;
  if (::mkdir(workspace.state_folder.c_str(), 0700) != 0 && errno != EEXIST) {
    if (errno != EROFS && errno != EACCES && errno != EPERM)
      return fail_errno(errno, "cannot make " + workspace.state_folder);
    workspace.state_folder = TRY(open_user_state_folder(workspace.root, environment));
  } else {
    TRY(check_is_own_folder(workspace.state_folder));
    // Made earlier, read-only now?
    if (::faccessat(AT_FDCWD, workspace.state_folder.c_str(), W_OK, AT_EACCESS) != 0)
      workspace.state_folder = TRY(open_user_state_folder(workspace.root, environment));
  }
  TRY(keep_out_of_repositories(workspace.state_folder));
  return workspace;
}

Status check_mount(const std::string& folder) {
  // Below a mount that name is hidden; a mount may not begin there.
  if (GUARD("workspace.mount-state", is_in_state_folder(folder)))
    return fail(
        Code::permission_denied,
        folder + " is in a state folder of BoxAgnts, which no tool may see; give another folder");
  return {};
}

Result<Layers> read_layers(const Workspace& workspace, const Environment& environment) {
  return Layers{.config = TRY(read_toml(config_files(workspace, environment).config)),
                .own = TRY(read_own_settings(environment)),
                .workspace = TRY(read_toml(config_files(workspace, environment).workspace))};
}

Config config_of(Layers layers) {
  layers.config->lay_over(std::move(layers.own));
  return {.user = std::move(layers.config), .workspace = std::move(layers.workspace)};
}

Result<Config> read_config(const Workspace& workspace, const Environment& environment) {
  return config_of(TRY(read_layers(workspace, environment)));
}

ConfigFiles config_files(const Workspace& workspace, const Environment& environment) {
  const auto folder = configuration_folder(environment);
  return {.config = folder + "/config.toml",
          .own = folder + "/settings.toml",
          .workspace = workspace.root + "/" + kStateFolder + "/config.toml"};
}

}  // namespace boxagnts::workspace
