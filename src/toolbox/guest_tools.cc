#include "toolbox/guest_tools.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <utility>

#include "base/compression.h"
#include "base/guard.h"
#include "base/text.h"
#include "toolbox/guest_result.h"
#include "toolbox/manifest.h"

namespace boxagnts::toolbox {
namespace {

using core::ResultStatus;

// A program that is loaded at the first call that needs it, once for each engine.
class LazyProgram {
 public:
  LazyProgram(EmbeddedGuest guest, sandbox::Sandbox& sandbox) : guest_(guest), sandbox_(sandbox) {}

  Result<std::shared_ptr<const sandbox::Program>> get(const core::Limits& limits) {
    const std::lock_guard lock(mutex_);
    auto& program = programs_[{limits.fuel > 0, core::stack_class_bytes(limits.stack_bytes)}];
    if (!program) program = TRY(load(limits));
    return program;
  }

 private:
  // The compiled form fits the build's baseline CPU and counts no fuel; else the module is compiled
  // here.
  Result<std::shared_ptr<const sandbox::Program>> load(const core::Limits& limits) {
    if (limits.fuel == 0)
      if (auto compiled = sandbox_.load_compiled(TRY(guest_.cwasm.expand()), limits))
        return compiled;
    auto program = sandbox_.compile(TRY(guest_.wasm.expand()), limits);
    if (program) return program;
    return std::unexpected(
        std::move(program.error()).in("loading the built-in tool " + std::string(guest_.name)));
  }

  const EmbeddedGuest guest_;
  sandbox::Sandbox& sandbox_;
  std::mutex mutex_;
  using Engine = std::pair<bool, std::uint64_t>;  // with fuel or not, stack class
  std::map<Engine, std::shared_ptr<const sandbox::Program>> programs_;
};

using Programs = std::map<std::string_view, std::shared_ptr<LazyProgram>>;

class GuestTool final : public tools::Tool {
 public:
  GuestTool(Manifest manifest, const Programs& programs, sandbox::Sandbox& sandbox,
            base::Clock& clock, MakeNetwork network)
      : manifest_(std::move(manifest)),
        sandbox_(sandbox),
        clock_(clock),
        network_(std::move(network)),
        programs_(programs) {}

  const core::ToolSpec& spec() const override { return manifest_.spec; }

  Result<core::CallFacts> facts(const Json& arguments,
                                const tools::ToolContext& context) const override {
    return facts_of(manifest_, arguments, context.workspace);
  }

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    const core::Grant& grant = execution.grant;
    const tools::ToolContext& context = execution.context;
    const std::string input =
        base::to_text(judged_arguments(manifest_, arguments, context.workspace));
    sandbox::Process process{.name_space = execution.files,
                             .working_directory = grant.working_directory,
                             .arguments = {manifest_.spec.name},
                             .environment = grant.environment,
                             .input = input,
                             .limits = grant.limits,
                             .stopped = &execution.stopped};
    // Parts are no text to be shown before they are parsed.
    bool begun = false, shown = true;
    process.on_output = [&](std::string_view bytes) {
      if (!std::exchange(begun, true)) shown = !manifest_.has_parts || !has_parts(bytes);
      if (shown) execution.control.wrote(bytes);
    };
    const bool connects = network_ && !GUARD("toolbox.no-network", !manifest_.wants_network);
    const auto network = connects ? network_(execution) : nullptr;
    process.network = network.get();
    const auto began = clock_.steady();
    auto first = TRY(run(manifest_.spec.name, process, context));
    if (first.program.empty()) return std::move(first.output);
    const auto& allowed = manifest_.programs;
    if (GUARD("toolbox.program", std::ranges::find(allowed, first.program) == allowed.end()))
      return failed("it cannot go on in the program \"" + base::one_line(first.program, 80) +
                    "\", which its manifest does not name");
    const auto took = clock_.steady() - began - execution.stopped.total();
    begun = false;
    process.limits.wall_time = std::max(
        std::chrono::milliseconds(1),
        std::chrono::duration_cast<std::chrono::milliseconds>(grant.limits.wall_time - took));
    return TRY(run(first.program, process, context)).output;
  }

 private:
  struct Ran {
    tools::ToolOutput output;
    std::string program;  // that the call goes on in
  };

  Result<Ran> run(const std::string& name, const sandbox::Process& process,
                  const tools::ToolContext& context) const {
    const auto found = programs_.find(name);
    if (found == programs_.end()) return fail(Code::internal, "there is no program " + name);
    const auto program = TRY(found->second->get(process.limits));
    auto result = TRY(sandbox_.run(*program, process, context.stop));
    if (result.end != sandbox::End::exited || !manifest_.has_parts || !has_parts(result.output))
      return Ran{TRY(output_of(std::move(result))), {}};
    const auto parts = parse_parts(result.output);
    if (!parts) return Ran{failed(parts.error().message), {}};
    tools::ToolOutput output{
        .status = result.exit_code == 0 ? ResultStatus::ok : ResultStatus::failed,
        .text = base::repair_utf8(parts->text)};
    if (context.keep)
      for (const auto& image : parts->images) {
        output.images.push_back(image.block);
        output.images.back().blob = TRY(context.keep(image.bytes));
      }
    return Ran{std::move(output), parts->program};
  }

  tools::ToolOutput failed(const std::string& why) const {
    return {ResultStatus::failed, manifest_.spec.name + " failed: " + why};
  }

  Result<tools::ToolOutput> output_of(sandbox::ProcessResult result) const {
    const auto& name = manifest_.spec.name;
    switch (result.end) {
      case sandbox::End::stopped:
        return fail(Code::cancelled, name + " was stopped before it was done");
      case sandbox::End::limit:
      case sandbox::End::trapped:
        return tools::ToolOutput{.status = ResultStatus::failed,
                                 .text = base::repair_utf8(name + " ended early: " + result.reason),
                                 .cut_short = true};
      case sandbox::End::exited: break;
    }
    tools::ToolOutput output;
    if (result.exit_code != 0) output.status = ResultStatus::failed;
    output.text =
        base::is_utf8(result.output) ? std::move(result.output) : base::repair_utf8(result.output);
    if (result.exit_code != 0 && base::is_blank(output.text))
      output.text = name + " failed with exit code " + std::to_string(result.exit_code) +
                    (base::is_blank(result.errors) ? std::string(" and gave no reason")
                                                   : ": " + base::repair_utf8(result.errors));
    return output;
  }

  const Manifest manifest_;
  sandbox::Sandbox& sandbox_;
  base::Clock& clock_;
  const MakeNetwork network_;
  const Programs programs_;  // by name
};

}  // namespace

Result<std::string> EmbeddedBytes::expand() const {
  return base::is_compressed(bytes) ? base::expand(bytes) : std::string(bytes);
}

Status add_embedded(tools::Registry& registry, sandbox::Sandbox& sandbox, base::Clock& clock,
                    MakeNetwork network, const std::vector<EmbeddedGuest>& guests) {
  Programs programs;
  for (const auto& guest : guests)
    programs.emplace(guest.name, std::make_shared<LazyProgram>(guest, sandbox));
  for (const auto& guest : guests) {
    if (guest.manifest.empty()) continue;
    auto manifest = parse_manifest(guest.manifest);
    if (!manifest)
      return std::unexpected(
          std::move(manifest.error()).in("the built-in tool " + std::string(guest.name)));
    if (manifest->wants_network && !network) continue;
    TRY(registry.add(
        std::make_unique<GuestTool>(std::move(*manifest), programs, sandbox, clock, network)));
  }
  return {};
}

}  // namespace boxagnts::toolbox
