// The one way a tool is run: validate -> facts -> decide -> ask -> grant -> execute -> result.
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

// What the pipeline needs of the run it works for. Implemented by the loop, and by `tool run`.
class RunControl {
 public:
  virtual ~RunControl() = default;
  // The decision is made: log it. Before anything with an effect runs. Errors end the run.
  virtual Status decided(const core::CallDecided& decision) = 0;
  // Puts a question to a person and waits. Errors: cancelled; permission_denied when nobody can
  // answer (the message says so to the model).
  virtual Result<core::Reply> ask(const core::Approval& approval) = 0;
};

// The standing facts of a run.
struct RunPolicy {
  core::Mode mode = core::Mode::ask;
  core::AgentAccess access = core::AgentAccess::full;
  core::Grant envelope;                       // the most any call may get
  std::vector<std::string> approved_folders;  // grows with "for this run"
};

class CallPipeline {
 public:
  // Errors: invalid_argument when a tool's schema is malformed. `registry` outlives the pipeline.
  static Result<std::unique_ptr<CallPipeline>> make(const Registry& registry, base::Clock& clock);

  // Always gives the one result of the call and what belongs to it, whatever happened; an Error
  // only where the run itself cannot go on (its log is fenced, the program is broken). Cancelled
  // calls have status cancelled.
  Result<core::ToolFinished> run(const core::ToolCall& call, RunPolicy& policy,
                                 const ToolContext& context, RunControl& control) const;

  // Whether a call is known and would only read: such neighbours may run side by side.
  bool reads_only(const core::ToolCall& call) const;

 private:
  CallPipeline(const Registry& registry, base::Clock& clock) : registry_(registry), clock_(clock) {}

  const Registry& registry_;
  base::Clock& clock_;
  std::map<std::string, JsonSchema, std::less<>> schemas_;
};

}  // namespace boxagnts::tools
