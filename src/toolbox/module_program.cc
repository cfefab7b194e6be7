#include "toolbox/module_program.h"

#include <vector>

#include "base/guard.h"
#include "base/text.h"
#include "toolbox/foreign_manifest.h"
#include "toolbox/help_manifest.h"
#include "toolbox/wasm_sections.h"

namespace boxagnts::toolbox {
namespace {

// Whether the module itself is to blame, so that trying again is of no use.
bool is_of_module(Code code) {
  return code == Code::invalid_argument || code == Code::limit_exceeded || code == Code::internal;
}

}  // namespace

Result<std::shared_ptr<const sandbox::Program>> ModuleProgram::get(const core::Limits& limits,
                                                                   const std::stop_token& stop) {
  const Engine engine{limits.fuel > 0, core::stack_class_bytes(limits.stack_bytes)};
  std::unique_lock lock(mutex_);
  if (!changed_.wait(lock, stop, [this] { return !is_loading_; }))
    return fail(Code::cancelled, "stopped while " + file_->path() + " was compiled");
  if (fault_) return std::unexpected(*fault_);
  if (const auto found = programs_.find(engine); found != programs_.end()) return found->second;
  is_loading_ = true;
  lock.unlock();
  auto program = load(limits, stop);
  lock.lock();
  is_loading_ = false;
  was_tried_ = was_tried_ || program || program.error().code != Code::cancelled;
  if (program)
    programs_[engine] = *program;
  else if (is_of_module(program.error().code))
    fault_ = program.error();
  changed_.notify_all();
  return program;
}

Result<std::shared_ptr<const sandbox::Program>> ModuleProgram::load(
    const core::Limits& limits, const std::stop_token& stop) const {
  const auto wasm = TRY(file_->read_whole());
  const auto read = [&](std::uint64_t offset, std::size_t bytes) -> Result<std::string> {
    return offset < wasm.size() ? wasm.substr(static_cast<std::size_t>(offset), bytes) : "";
  };
  const auto manifest =
      custom_section(read, wasm.size(), kManifestSection, ForeignLimits::kManifestBytes);
  if (GUARD("toolbox.manifest-changed", !manifest || *manifest != manifest_))
    return fail(Code::conflict, file_->path() +
                                    " is not what it was when its tool was listed; it is read anew "
                                    "for the next run");
  const auto compiled = TRY(compile_(wasm, sandbox::fuel_of(limits), stop));
  return sandbox_.load_compiled(compiled, limits);
}

void ModuleProgram::check(const core::Limits& limits, const std::stop_token& stop) {
  // Asked in the engine that its calls will have, so that it is loaded once.
  auto asking = limits_of_asking();
  asking.stack_bytes = limits.stack_bytes;
  asking.fuel = limits.fuel;
  const auto program = get(manifest_ ? limits : asking, stop);
  if (manifest_ || !program) return;
  const auto nothing = vfs::NameSpace::make({});
  const auto said =
      nothing
          ? sandbox_.run(**program,
                         {.name_space = *nothing,
                          .preopens = std::vector<sandbox::Preopen>(),
                          .working_directory = "/",
                          .arguments = {"program", "--help"},
                          .environment = {},
                          .input = {},
                          .limits = asking},
                         stop)
          : Result<sandbox::ProcessResult>(fail(Code::internal, "there is no empty name space"));
  const std::lock_guard lock(mutex_);
  was_asked_ = said.has_value();  // else it could not be asked: another look asks again
  if (said && said->end == sandbox::End::exited && said->exit_code == 0)
    help_ = base::is_blank(said->output) ? said->errors : said->output;
}

std::string ModuleProgram::help() const {
  const std::lock_guard lock(mutex_);
  return help_;
}

bool ModuleProgram::is_checked() const {
  const std::lock_guard lock(mutex_);
  return was_tried_ && (manifest_ || fault_ || was_asked_);
}

std::optional<std::string> ModuleProgram::fault() const {
  const std::lock_guard lock(mutex_);
  if (!fault_) return std::nullopt;
  return fault_->message;
}

}  // namespace boxagnts::toolbox
