// A person's own call of a tool, outside any run: what the envelope grants is granted, and what
// would be asked of files is answered with yes; hosts take a rule, and what rules deny stays
// denied. The same for every door. Thread-safe.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "core/event.h"
#include "tools/call_pipeline.h"

namespace boxagnts::tools {

struct OwnCall {
  core::ToolCall call;
  core::Grant envelope;
  std::string workspace;  // absolute, canonical
  std::shared_ptr<const policy::Rules> rules;
  workspace::Changes* changes = nullptr;  // where what it changes is held back
  std::stop_token stop;
};

// Pictures, and what it changed in files, besides its text: nobody's log holds them.
struct OwnResult {
  core::ToolResult result;
  struct Image {
    std::string media_type, bytes;
  };
  std::vector<Image> images;
  std::vector<core::FileChange> files;  // as far as they were applied
  std::string diff;                     // of them, the beginning where it is long
};

// Runs it on a thread of its own, large enough for a guest, and waits. Errors: busy (no thread),
// and those of CallPipeline::run.
Result<OwnResult> run_own_call(const CallPipeline& pipeline, OwnCall own, base::Clock& clock);

// The tool of that name. Errors: not_found, with the nearest known name.
Result<const Tool*> find_tool(const Registry& registry, std::string_view name);

}  // namespace boxagnts::tools
