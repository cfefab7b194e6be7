// The tools of a program: the built-in ones, and those of people's own as they are in their folders
// now. A run, a list and a call each take a toolset, which stays as it is.
//
// Thread-safe. What is handed in outlives it, and it outlives every toolset's calls.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/error.h"
#include "base/time.h"
#include "confine/child.h"
#include "net/http_client.h"
#include "sandbox/module_cache.h"
#include "sandbox/sandbox.h"
#include "toolbox/tool_folders.h"
#include "tools/toolset.h"
#include "workspace/own_files.h"
#include "workspace/skills.h"
#include "workspace/workspace.h"

namespace boxagnts::app {

// What keeps the compiled form of strangers' modules: the folder, and the child that compiles.
// Made when first needed. Thread-safe.
class ModuleCompiler {
 public:
  // Errors: those of sandbox::compile_in_child. `tell` is called when it takes noticeably long.
  Result<std::string> compile(std::string_view wasm, sandbox::Fuel fuel, std::stop_token stop,
                              std::function<void()> tell = {});

 private:
  Status open();

  std::mutex mutex_;
  std::unique_ptr<confine::Launcher> launcher_;
  std::unique_ptr<sandbox::ModuleCache> cache_;  // nullptr: compiled anew each time
};

class Tools {
 public:
  struct Parts {
    base::Clock& clock;
    net::HttpClient& http;  // the network of tools that want one
    workspace::Skills& skills;
    workspace::Workspace workspace;           // of none where its root is ""
    std::function<workspace::Trust()> trust;  // as it is now
    core::Limits limits = {};
    sandbox::SandboxOptions sandbox = {};
  };
  // Errors: internal, where a built-in tool is wrong.
  static Result<std::unique_ptr<Tools>> make(Parts parts);
  ~Tools();

  // As they are now: the same one while nothing changed.
  std::shared_ptr<const tools::Toolset> current();
  // As they are once every module is known to be good or not.
  std::shared_ptr<const tools::Toolset> checked(const std::stop_token& stop);
  tools::CurrentTools source() {
    return [this] { return current(); };
  }
  // From here on `on_change` is called, from any thread, when current() gives another one; it calls
  // nothing of this. Errors: as of toolbox::ToolFolders::watch.
  Status watch(std::function<void()> on_change);
  // It is not called any more.
  void unwatch();

 private:
  explicit Tools(Parts parts);
  Result<std::shared_ptr<const tools::Toolset>> make_set(
      const toolbox::ToolFolders::Listing& own) const;

  const Parts parts_;
  const std::unique_ptr<sandbox::Sandbox> sandbox_;
  ModuleCompiler compiler_;
  tools::Registry embedded_;
  std::mutex mutex_;
  std::shared_ptr<const toolbox::ToolFolders::Listing> listing_;  // that set_ was made of
  workspace::Trust trust_ = workspace::Trust::untrusted;          // likewise
  std::shared_ptr<const tools::Toolset> set_;
  std::mutex telling_;  // held while it is called
  std::function<void()> on_change_;
  std::unique_ptr<toolbox::ToolFolders> folders_;  // last: its threads end before the rest goes
};

}  // namespace boxagnts::app
