#include "toolbox/guest_tool.h"

#include <algorithm>
#include <utility>

#include "base/guard.h"
#include "base/text.h"
#include "toolbox/guest_result.h"
#include "toolbox/help_manifest.h"

namespace boxagnts::toolbox {
namespace {

using core::ResultStatus;

constexpr std::string_view kWorkingDirectory = "PWD";

class GuestTool final : public tools::Tool {
 public:
  explicit GuestTool(GuestParts parts) : parts_(std::move(parts)) {}

  const core::ToolSpec& spec() const override { return parts_.manifest.spec; }

  tools::About about() const override {
    return {.origin = parts_.origin,
            .kind = tools::Kind::guest,
            .version = parts_.manifest.version,
            .path = parts_.path,
            .keywords = parts_.manifest.keywords};
  }

  void narrow(core::Grant& grant) const override {
    if (GUARD("toolbox.narrow-network", !parts_.manifest.wants_network))
      grant.network = {.offline = true};
    if (is_foreign()) keep_to_claim(grant);
  }

  Result<core::CallFacts> facts(const Json& arguments,
                                const tools::ToolContext& context) const override {
    auto facts = TRY(facts_of(parts_.manifest, arguments, context.workspace));
    facts.opaque = is_foreign();
    return facts;
  }

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    const core::Grant& grant = execution.grant;
    const tools::ToolContext& context = execution.context;
    const bool has_words = parts_.manifest.takes_command_line;
    const std::string input =
        has_words ? std::string(base::get_string(arguments, "input").value_or(""))
                  : base::to_text(judged_arguments(parts_.manifest, arguments, context.workspace));
    sandbox::Process process{.name_space = execution.files,
                             .working_directory = grant.working_directory,
                             .arguments = {parts_.manifest.spec.name},
                             .environment = grant.environment,
                             .input = input,
                             .limits = grant.limits,
                             .stopped = &execution.stopped};
    // Parts are no text to be shown before they are parsed.
    bool begun = false, shown = true;
    process.on_output = [&](std::string_view bytes) {
      if (!std::exchange(begun, true)) shown = !parts_.manifest.has_parts || !has_parts(bytes);
      if (shown) execution.control.wrote(bytes);
    };
    if (has_words)
      std::ranges::move(command_line_of(arguments), std::back_inserter(process.arguments));
    const bool connects =
        parts_.network && !GUARD("toolbox.no-network", !parts_.manifest.wants_network);
    const auto network = connects ? parts_.network(execution) : nullptr;
    process.network = network.get();
    const auto began = parts_.clock.steady();
    auto first = TRY(run(parts_.manifest.spec.name, process, context));
    if (first.program.empty()) return std::move(first.output);
    const auto& allowed = parts_.manifest.programs;
    if (GUARD("toolbox.program", std::ranges::find(allowed, first.program) == allowed.end()))
      return failed("it cannot go on in the program \"" + base::one_line(first.program, 80) +
                    "\", which its manifest does not name");
    const auto took = parts_.clock.steady() - began - execution.stopped.total();
    begun = false;
    process.limits.wall_time = std::max(
        std::chrono::milliseconds(1),
        std::chrono::duration_cast<std::chrono::milliseconds>(grant.limits.wall_time - took));
    return TRY(run(first.program, process, context)).output;
  }

 private:
  bool is_foreign() const { return parts_.origin != tools::Origin::builtin; }

  // Of what a tool of others did not ask for, nothing is there for it.
  void keep_to_claim(core::Grant& grant) const {
    const auto& wanted = parts_.manifest.environment;
    std::erase_if(grant.environment, [&](const std::string& variable) {
      const auto name = variable.substr(0, variable.find('='));
      const bool is_wanted =
          name == kWorkingDirectory || std::ranges::find(wanted, name) != wanted.end();
      return GUARD("toolbox.narrow-environment", !is_wanted);
    });
    const auto lasts = [](const core::MountGrant& mount) { return !mount.host_path.empty(); };
    if (GUARD("toolbox.narrow-read-only", parts_.manifest.claimed < core::Level::write))
      for (auto& mount : grant.mounts)
        if (lasts(mount)) mount.access = core::Access::read_only;
    if (!GUARD("toolbox.narrow-files", parts_.manifest.claimed == core::Level::none)) return;
    std::erase_if(grant.mounts, lasts);
    grant.working_directory = grant.mounts.empty() ? "/" : grant.mounts.front().guest_path;
    for (auto& variable : grant.environment)
      if (variable.starts_with(std::string(kWorkingDirectory) + "="))
        variable = std::string(kWorkingDirectory) + "=" + grant.working_directory;
  }

  struct Ran {
    tools::ToolOutput output;
    std::string program;  // that the call goes on in
  };

  Result<Ran> run(const std::string& name, const sandbox::Process& process,
                  const tools::ToolContext& context) const {
    const auto found = parts_.programs.find(name);
    if (found == parts_.programs.end()) return fail(Code::internal, "there is no program " + name);
    auto program = found->second->get(process.limits, context.stop);
    if (!program && is_foreign())
      program.error().message = name + " cannot be used: " + program.error().message;
    auto result = TRY(parts_.sandbox.run(*TRY(std::move(program)), process, context.stop));
    if (result.end != sandbox::End::exited || !parts_.manifest.has_parts ||
        !has_parts(result.output))
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
    return {ResultStatus::failed, parts_.manifest.spec.name + " failed: " + why};
  }

  Result<tools::ToolOutput> output_of(sandbox::ProcessResult result) const {
    const auto& name = parts_.manifest.spec.name;
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

  const GuestParts parts_;
};

}  // namespace

std::unique_ptr<tools::Tool> make_guest_tool(GuestParts parts) {
  return std::make_unique<GuestTool>(std::move(parts));
}

}  // namespace boxagnts::toolbox
