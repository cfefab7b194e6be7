// The tools as they are at one moment: what a run sees from its beginning to its end.
//
// A toolset is immutable and shared: a run holds the one it began with, and with it the programs of
// its tools, whatever becomes of their files meanwhile.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tools/call_pipeline.h"
#include "tools/tool.h"

namespace boxagnts::tools {

// A tool that cannot be used. People are shown it; runs never see it.
struct BrokenTool {
  core::ToolSpec spec;  // as far as it is known; its name may be another's
  About about;
  std::string reason;  // one sentence: what is wrong, and what to do
};

struct Toolset {
  std::shared_ptr<const Registry> registry;
  std::shared_ptr<const CallPipeline> pipeline;  // over that registry
  std::vector<BrokenTool> broken;
  // Names of tools whose program has not been looked at yet; it may turn out to be broken.
  std::vector<std::string> unchecked;
};

// Gives the tools as they are now. Thread-safe; may look at the disk.
using CurrentTools = std::function<std::shared_ptr<const Toolset>()>;

// Of a registry and a pipeline that never change and outlive all who ask.
CurrentTools fixed_tools(const Registry& registry, const CallPipeline& pipeline);

}  // namespace boxagnts::tools
