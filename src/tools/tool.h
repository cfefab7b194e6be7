// A tool: what it is, what a call would touch, and how it runs. Only CallPipeline calls execute().
//
// Tools are immutable and shared by all runs: every method is const and thread-safe.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/time.h"
#include "core/event.h"
#include "vfs/filesystem.h"

namespace boxagnts::tools {

// What a tool may know of the run it works for.
struct ToolContext {
  std::string workspace;                     // absolute, canonical host path; also the guest's "."
  std::shared_ptr<vfs::Filesystem> scratch;  // the run's /tmp
  core::Limits limits;                       // the most a call of this run may use
  std::stop_token stop;
  // Keeps bytes with the run's session and gives the id of the blob. Empty where nothing is kept:
  // then a result has text only.
  std::function<Result<std::string>(std::string_view bytes)> keep = {};
};

// The whole result of a call; cutting it for the model is the loop's business.
struct ToolOutput {
  core::ResultStatus status = core::ResultStatus::ok;
  std::string text;                           // UTF-8
  std::vector<core::ImageBlock> images = {};  // without their call_id
};

class Tool {
 public:
  virtual ~Tool() = default;
  virtual const core::ToolSpec& spec() const = 0;
  // From checked arguments to what the call would touch. Errors: invalid_argument.
  virtual Result<core::CallFacts> facts(const Json& arguments,
                                        const ToolContext& context) const = 0;
  // Runs under exactly `grant`. Errors are ours (busy, internal, cancelled); what goes wrong inside
  // the tool is an output of status failed.
  virtual Result<ToolOutput> execute(const Json& arguments, const core::Grant& grant,
                                     const ToolContext& context) const = 0;
};

// The tools of one program, built by `app`. Order of registration is the order the model sees.
class Registry {
 public:
  // Errors: conflict when the name is taken.
  Status add(std::unique_ptr<Tool> tool);
  const Tool* find(std::string_view name) const;  // nullptr when unknown
  std::vector<std::string_view> names() const;
  // What a model with this access is shown.
  std::vector<core::ToolSpec> specs(core::AgentAccess access) const;

 private:
  std::vector<std::unique_ptr<Tool>> tools_;
};

}  // namespace boxagnts::tools
