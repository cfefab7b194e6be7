// The one way a tool is run: validate -> facts -> decide -> grant -> execute in a copy-on-write
// view
// -> judge what it changed -> apply, ask or drop -> result.
//
// Nothing else calls Tool::execute (a test holds this). Stateless but for the registry's schemas;
// thread-safe. Every step that can refuse carries a guard id (docs/security.md lists them).
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/event.h"
#include "tools/json_schema.h"
#include "tools/tool.h"

namespace boxagnts::tools {

class CallPipeline {
 public:
  // Errors: invalid_argument when a tool's schema is malformed. `registry` outlives the pipeline.
  static Result<std::unique_ptr<CallPipeline>> make(const Registry& registry, base::Clock& clock);

  // Always gives the one result of the call and what belongs to it, whatever happened; an Error
  // only where the run itself cannot go on (its log is fenced, the program is broken). Cancelled
  // calls have status cancelled.
  Result<core::ToolFinished> run(const core::ToolCall& call, RunPolicy& policy,
                                 const ToolContext& context, RunControl& control) const;

  // Whether a call is known, would only read and need not run alone: such neighbours may run side
  // by side.
  bool runs_beside_others(const core::ToolCall& call) const;

 private:
  // The call that it is, where it is made through another tool or by another spelling, and its
  // tool; nullptr when there is none.
  struct Meant {
    core::ToolCall call;
    const Tool* tool = nullptr;
  };
  Meant meant_by(const core::ToolCall& call) const;

  CallPipeline(const Registry& registry, base::Clock& clock) : registry_(registry), clock_(clock) {}

  const Registry& registry_;
  base::Clock& clock_;
  std::map<std::string, JsonSchema, std::less<>> schemas_;
};

}  // namespace boxagnts::tools
