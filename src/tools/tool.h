// A tool: what it is, what a call would touch, and how it runs. Only CallPipeline calls execute().
//
// Tools are immutable and shared by all runs: every method is const and thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/stopped_time.h"
#include "base/time.h"
#include "core/event.h"
#include "tools/run_control.h"
#include "vfs/name_space.h"

namespace boxagnts::workspace {
class Changes;
}

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
  // A result that was kept whole because it was shown shortened. Empty: there are none.
  std::function<Result<std::string>(const std::string& id)> result = {};
  // Where what calls change is held back. nullptr: nothing that lasts can be changed.
  workspace::Changes* changes = nullptr;
};

// The whole result of a call; cutting it for the model is the loop's business.
struct ToolOutput {
  core::ResultStatus status = core::ResultStatus::ok;
  std::string text;                           // UTF-8
  std::vector<core::ImageBlock> images = {};  // without their call_id
  // It was ended before it was done (a limit, a trap): what it changed is half of something.
  bool cut_short = false;
};

// One call under way, and all that it may touch.
struct Execution {
  const core::ToolCall& call;
  const core::Grant& grant;
  const ToolContext& context;
  // The grant's mounts. What is written to files that last is held back, and judged when the call
  // is done. nullptr for tools of level none.
  std::shared_ptr<const vfs::NameSpace> files;
  RunControl& control;
  RunPolicy& policy;  // to be changed only by tools that run alone
  ConnectionAsker& connections;
  base::StoppedTime& stopped;  // while a person is asked; the limit of time leaves it out
};

enum class Origin : std::uint8_t { builtin, user, workspace };
enum class Kind : std::uint8_t { guest, native };
constexpr std::string_view name_of(Origin origin) {
  return origin == Origin::builtin ? "builtin" : origin == Origin::user ? "user" : "workspace";
}
constexpr std::string_view name_of(Kind kind) { return kind == Kind::guest ? "guest" : "native"; }

// What people are told of a tool besides its spec.
struct About {
  Origin origin = Origin::builtin;
  Kind kind = Kind::native;
  std::string version;  // "" where it is the program's own
  std::string path;     // of its file; "" of a built-in one
  std::vector<std::string> keywords;
};

class Tool {
 public:
  virtual ~Tool() = default;
  virtual const core::ToolSpec& spec() const = 0;
  virtual About about() const { return {}; }
  // Takes out of a call's grant what this tool does not want, by its own word. Only ever less.
  virtual void narrow(core::Grant&) const {}
  // From checked arguments to what the call would touch. Errors: invalid_argument.
  virtual Result<core::CallFacts> facts(const Json& arguments,
                                        const ToolContext& context) const = 0;
  // Runs under exactly the execution's grant. Errors are ours (busy, internal, cancelled); what
  // goes wrong inside the tool is an output of status failed.
  virtual Result<ToolOutput> execute(const Json& arguments, const Execution& execution) const = 0;
  // Whether no other call of the run may be under way meanwhile, although it only reads: it talks
  // to the person, or changes how the run stands.
  virtual bool runs_alone() const { return false; }
  // The call that this one is made for, where the tool only names another: it takes its place.
  virtual std::optional<core::ToolCall> stands_for(const core::ToolCall&, const Json&) const {
    return std::nullopt;
  }
};

// Some tools, put together by `app`. Order of registration is the order the model sees.
class Registry {
 public:
  // Errors: conflict when the name is taken, also by another spelling of it.
  Status add(std::shared_ptr<const Tool> tool);
  // In that order.
  const std::vector<std::shared_ptr<const Tool>>& all() const { return tools_; }
  // Also by the spellings of the Rust BoxAgnts: web-fetch, file-read, skill-tool. nullptr when
  // unknown.
  const Tool* find(std::string_view name) const;
  std::vector<std::string_view> names() const;
  // What a model with this access is shown.
  std::vector<core::ToolSpec> specs(core::AgentAccess access) const;

 private:
  std::vector<std::shared_ptr<const Tool>> tools_;
};

}  // namespace boxagnts::tools
