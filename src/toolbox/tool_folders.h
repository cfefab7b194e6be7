// Tools of people's own: `*.wasm` in the user's tools folder, and in that of a workspace that its
// person trusts.
//
// Everything in them is untrusted: files are opened without waiting, sizes and numbers are bounded,
// the manifest is checked (foreign_manifest.h), and the module is compiled in a confined child. A
// tool never takes the name of a built-in one, nor of one that comes before it: the user's before
// the workspace's, and in a folder by file name. What cannot be used is listed with the reason.
//
// Threads: any. Looking stats every file and reads what changed; compiling is done by a thread that
// lives as long as there is something to compile. Whoever holds a listing keeps its files open and
// its programs. Limits: kFilesMax a folder, ModuleFile::kBytesMax a file. What it was made with
// outlives it, and it outlives the tools of its listings' calls.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "sandbox/sandbox.h"
#include "toolbox/guest_tools.h"
#include "tools/toolset.h"
#include "workspace/own_files.h"
#include "workspace/workspace.h"

namespace boxagnts::toolbox {

// Absolute; "" where there is none.
struct ToolPlaces {
  std::string user_folder;       // "tools" in the folder of the person's configuration
  std::string workspace_folder;  // ".boxagnts/tools" of the workspace
};
ToolPlaces tool_places(const workspace::Workspace& workspace,
                       const workspace::Environment& environment);

// From a module to what Sandbox::load_compiled takes, outside of this process. Errors: as of
// sandbox::compile_in_child.
using CompileModule = std::function<Result<std::string>(std::string_view wasm, sandbox::Fuel fuel,
                                                        std::stop_token stop)>;

class ToolFolders {
 public:
  static constexpr std::size_t kFilesMax = 100;  // of one folder

  struct Parts {
    sandbox::Sandbox& sandbox;
    base::Clock& clock;
    CompileModule compile;
    MakeNetwork network = {};
    core::Limits limits = {};  // that calls will have: they choose the engine
  };
  // `reserved`: the built-in tools, whose names are taken.
  static std::unique_ptr<ToolFolders> open(ToolPlaces places, Parts parts,
                                           const tools::Registry& reserved);
  virtual ~ToolFolders() = default;  // compiling is stopped

  // In the order of places and file names.
  struct Listing {
    std::vector<std::shared_ptr<const tools::Tool>> tools;
    std::vector<tools::BrokenTool> broken;
    std::vector<std::string> unchecked;  // names of `tools` whose module is still being compiled
  };
  // As it is now: the same listing as before while nothing changed.
  virtual std::shared_ptr<const Listing> look(workspace::Trust trust) = 0;
  // Until every module that the last look found is compiled, or is known not to be.
  virtual void wait_until_checked(const std::stop_token& stop) = 0;

  // From here on `on_change` is called, from threads of its own, when another look may give another
  // listing: something changed in the folders, or a module was compiled. Once. Errors: as of
  // workspace::FileWatch; then only looking tells.
  virtual Status watch(std::function<void()> on_change) = 0;
};

// Names of the files that a workspace brings, without opening any: what trusting it would let in.
std::vector<std::string> tool_files_of(const std::string& folder);

}  // namespace boxagnts::toolbox
