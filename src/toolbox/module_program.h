// The program of a tool of others: read, compiled in a child and loaded when it is first needed,
// once for each engine. Implementation header of this room. Thread-safe: who comes while another
// waits for the compiler waits with it, and may be stopped.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "toolbox/guest_tool.h"
#include "toolbox/module_file.h"
#include "toolbox/tool_folders.h"

namespace boxagnts::toolbox {

class ModuleProgram final : public ProgramSource {
 public:
  // `manifest`: the section that people were shown, and that must still be in what is run; nothing:
  // it has none, and is asked for --help.
  // `compile` and `sandbox` outlive it.
  ModuleProgram(std::shared_ptr<const ModuleFile> file, std::optional<std::string> manifest,
                const CompileModule& compile, sandbox::Sandbox& sandbox)
      : file_(std::move(file)),
        manifest_(std::move(manifest)),
        compile_(compile),
        sandbox_(sandbox) {}

  // Errors: those of compiling and loading; a module that is no good stays so. conflict: the file
  // was written over.
  Result<std::shared_ptr<const sandbox::Program>> get(const core::Limits& limits,
                                                      const std::stop_token& stop) override;
  // Gets it, and asks it for --help if it has no manifest: what it said, or the fault that it said
  // nothing. On a thread large enough for a guest.
  void check(const core::Limits& limits, const std::stop_token& stop);
  std::string help() const;
  // Whether it was tried, with success or not.
  bool is_checked() const;
  // Why it can never run; nothing as far as that is known.
  std::optional<std::string> fault() const;

 private:
  using Engine = std::pair<bool, std::uint64_t>;  // with fuel or not, stack class
  Result<std::shared_ptr<const sandbox::Program>> load(const core::Limits& limits,
                                                       const std::stop_token& stop) const;

  const std::shared_ptr<const ModuleFile> file_;
  const std::optional<std::string> manifest_;
  const CompileModule& compile_;
  sandbox::Sandbox& sandbox_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool is_loading_ = false;
  bool was_tried_ = false, was_asked_ = false;
  std::string help_;
  std::map<Engine, std::shared_ptr<const sandbox::Program>> programs_;
  std::optional<Error> fault_;
};

}  // namespace boxagnts::toolbox
