#include "tools/call_pipeline.h"

#include <algorithm>

#include "base/guard.h"
#include "base/text.h"
#include "policy/policy.h"

namespace boxagnts::tools {
namespace {

using core::Access;
using core::Decision;
using core::Grant;
using core::Level;
using core::ResultStatus;
using core::ToolResult;
using core::Verdict;

// What a call stopped at.
using Refusal = ToolOutput;

std::string unknown_tool(const Registry& registry, std::string_view name,
                         core::AgentAccess access) {
  std::vector<std::string_view> shown;
  std::string list;
  for (const auto candidate : registry.names()) {
    if (!policy::visible(registry.find(candidate)->spec().level, access)) continue;
    shown.push_back(candidate);
    list += (list.empty() ? "" : ", ") + std::string(candidate);
  }
  std::string text = "there is no tool \"" + base::one_line(name, 80) + "\"";
  const auto nearest = base::nearest_name(name, shown);
  if (!nearest.empty()) text += "; did you mean \"" + std::string(nearest) + "\"?";
  return text + (nearest.empty() ? "; the" : " The") +
         " tools are: " + (list.empty() ? "none" : list);
}

// The arguments as JSON. No text at all is how some models say "no arguments".
Result<Json> parse_arguments(const core::ToolCall& call) {
  if (base::is_blank(call.arguments)) return Json(JsonObject());
  auto parsed = base::parse_json(call.arguments);
  if (!parsed)
    return fail(Code::invalid_argument, "the arguments of " + call.tool + " are no JSON (" +
                                            parsed.error().message +
                                            "), so nothing ran; make the call again");
  if (!parsed->is_object())
    return fail(Code::invalid_argument,
                "the arguments of " + call.tool + " must be a JSON object, but " +
                    base::describe_type(*parsed) + " came, so nothing ran; make the call again");
  return parsed;
}

std::string folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return std::string(path.substr(0, slash == 0 || slash == path.npos ? 1 : slash));
}

// What "for this run" would approve: the folders of the writes, never one above a mount.
std::vector<std::string> folders_of_writes(const std::vector<std::string>& writes,
                                           const Grant& envelope) {
  std::vector<std::string> folders;
  for (const auto& path : writes) {
    auto folder = folder_of(path);
    const bool inside = std::ranges::any_of(envelope.mounts, [&](const auto& mount) {
      return policy::is_below(folder, mount.guest_path);
    });
    if (GUARD("tools.approved_above_mount", !inside)) folder = path;
    if (std::ranges::find(folders, folder) == folders.end()) folders.push_back(std::move(folder));
  }
  return folders;
}

std::string joined(const std::vector<std::string>& parts, std::size_t shown_max) {
  std::string text;
  for (std::size_t i = 0; i < parts.size() && i < shown_max; ++i)
    text += (i == 0 ? "" : ", ") + parts[i];
  if (parts.size() > shown_max)
    text += " and " + std::to_string(parts.size() - shown_max) + " more";
  return text;
}

core::Approval question_of(const core::ToolCall& call, const core::CallFacts& facts,
                           const Decision& decision, const Grant& envelope, base::Clock& clock) {
  core::Approval approval{.id = core::ApprovalId::make(clock.now()),
                          .call_id = call.id,
                          .tool = call.tool,
                          .level = decision.level,
                          .question = {},
                          .files = facts.writes.empty() ? facts.reads : facts.writes,
                          .blob = {}};
  if (decision.level == Level::dangerous) {
    approval.question = "Let " + call.tool + " act outside the sandbox?";
  } else if (decision.level == Level::execute) {
    approval.question =
        "Let " + call.tool + " run a program in the sandbox that may change the workspace?";
  } else if (facts.opaque || facts.writes.empty()) {
    approval.question =
        "Let " + call.tool + " change files in the workspace? Its arguments do not tell which";
  } else {
    approval.question = "Let " + call.tool + " change " + joined(facts.writes, 3) +
                        "? (\"for this run\" covers all below " +
                        joined(folders_of_writes(facts.writes, envelope), 3) + ")";
  }
  return approval;
}

// What the call may touch: the envelope, lowered to the decision. Never more than the envelope.
Grant grant_of(const Grant& envelope, const core::Limits& limits_max, const Decision& decision) {
  Grant grant = envelope;
  for (auto& mount : grant.mounts) {
    // Memory is the run's own scratch: writing there has no effect on anything that lasts.
    const bool lasting = !mount.host_path.empty();
    if (GUARD("tools.grant_read_only", lasting && decision.workspace == Access::read_only))
      mount.access = Access::read_only;
  }
  auto& limits = grant.limits;
  limits.wall_time = std::min(limits.wall_time, limits_max.wall_time);
  limits.memory_bytes = std::min(limits.memory_bytes, limits_max.memory_bytes);
  limits.stack_bytes = std::min(limits.stack_bytes, limits_max.stack_bytes);
  limits.output_bytes = std::min(limits.output_bytes, limits_max.output_bytes);
  limits.open_files = std::min(limits.open_files, limits_max.open_files);
  limits.fuel = core::lower_fuel(limits.fuel, limits_max.fuel);
  return grant;
}

// Puts the question. nullopt = go on.
Result<std::optional<Refusal>> settle(const core::ToolCall& call, const core::CallFacts& facts,
                                      const Decision& decision, RunPolicy& policy,
                                      RunControl& control, base::Clock& clock) {
  auto answer = control.ask(question_of(call, facts, decision, policy.envelope, clock));
  if (!answer && answer.error().code == Code::cancelled)
    return Refusal{
        ResultStatus::cancelled,
        "the run was cancelled while a person was asked about this call; it did not run"};
  if (!answer && answer.error().code != Code::permission_denied)
    return std::unexpected(std::move(answer).error());
  if (GUARD("tools.nobody_answers", !answer))
    return Refusal{ResultStatus::denied, answer.error().message};
  if (GUARD("tools.answered_no", answer && answer->answer == core::Answer::no))
    return Refusal{ResultStatus::denied,
                   "a person was asked and said no, so " + call.tool +
                       " did not run; do not try the same again, but go on without it or ask "
                       "what is wanted instead"};
  if (answer && answer->answer == core::Answer::for_this_run && decision.level == Level::write)
    for (auto& folder : folders_of_writes(facts.writes, policy.envelope))
      if (std::ranges::find(policy.approved_folders, folder) == policy.approved_folders.end())
        policy.approved_folders.push_back(std::move(folder));
  return std::nullopt;
}

// One call on its way through the steps; what it stops at becomes its result.
class Passage {
 public:
  Passage(const core::ToolCall& call, RunPolicy& policy, const ToolContext& context,
          RunControl& control, base::Clock& clock)
      : call_(call), policy_(policy), context_(context), control_(control), clock_(clock) {}

  Result<Refusal> pass(const Tool& tool, const JsonSchema& schema) {
    auto parsed = parse_arguments(call_);
    if (GUARD("tools.malformed_arguments", !parsed))
      return Refusal{ResultStatus::invalid, parsed.error().message};
    const Json arguments = parsed ? *std::move(parsed) : Json(JsonObject());
    const auto fits = schema.check(arguments);
    if (GUARD("tools.schema", !fits))
      return Refusal{ResultStatus::invalid, "the arguments of " + call_.tool + " are wrong: " +
                                                fits.error().message + "; nothing ran"};
    auto found = tool.facts(arguments, context_);
    if (GUARD("tools.facts", !found)) return Refusal{ResultStatus::invalid, found.error().message};
    const auto facts = found ? *std::move(found) : core::CallFacts{};
    const auto decision = policy::decide({.tool = call_.tool,
                                          .claimed = tool.spec().level,
                                          .facts = facts,
                                          .mode = policy_.mode,
                                          .access = policy_.access,
                                          .mounts = policy_.envelope.mounts,
                                          .approved_folders = policy_.approved_folders,
                                          .network = policy_.envelope.network});
    TRY(control_.decided({call_.id, decision}));
    if (GUARD("tools.denied", decision.verdict == Verdict::deny))
      return Refusal{ResultStatus::denied,
                     decision.reason + " [rule " + decision.rule + "; it did not run]"};
    if (GUARD("tools.asked", decision.verdict == Verdict::ask))
      if (auto refusal = TRY(settle(call_, facts, decision, policy_, control_, clock_)))
        return *std::move(refusal);
    if (GUARD("tools.stopped_before_execution", context_.stop.stop_requested()))
      return Refusal{ResultStatus::cancelled, "the run was cancelled before this call ran"};
    return execute(tool, arguments, grant_of(policy_.envelope, context_.limits, decision));
  }

 private:
  Refusal execute(const Tool& tool, const Json& arguments, const Grant& grant) {
    auto output = tool.execute(arguments, grant, context_);
    if (output) return *std::move(output);
    if (output.error().code == Code::cancelled)
      return {ResultStatus::cancelled,
              "the run was cancelled while this call ran; its effects are "
              "unknown: look before repeating it"};
    return {ResultStatus::failed, std::move(output.error().message)};
  }

  const core::ToolCall& call_;
  RunPolicy& policy_;
  const ToolContext& context_;
  RunControl& control_;
  base::Clock& clock_;
};

}  // namespace

Result<std::unique_ptr<CallPipeline>> CallPipeline::make(const Registry& registry,
                                                         base::Clock& clock) {
  std::unique_ptr<CallPipeline> pipeline(new CallPipeline(registry, clock));
  for (const auto name : registry.names()) {
    auto schema = JsonSchema::compile(registry.find(name)->spec().input_schema);
    if (!schema) return std::unexpected(std::move(schema).error().in("tool " + std::string(name)));
    pipeline->schemas_.emplace(std::string(name), *std::move(schema));
  }
  return pipeline;
}

Result<core::ToolFinished> CallPipeline::run(const core::ToolCall& call, RunPolicy& policy,
                                             const ToolContext& context,
                                             RunControl& control) const {
  const auto began = clock_.steady();
  const auto finish = [&](Refusal outcome) {
    ToolResult result{.call_id = call.id, .status = outcome.status};
    result.text =
        base::is_utf8(outcome.text) ? std::move(outcome.text) : base::repair_utf8(outcome.text);
    result.total_bytes = result.text.size();
    result.duration_us =
        std::chrono::duration_cast<std::chrono::microseconds>(clock_.steady() - began).count();
    for (auto& image : outcome.images) image.call_id = call.id;
    return core::ToolFinished{std::move(result), std::move(outcome.images)};
  };
  if (GUARD("tools.stopped", context.stop.stop_requested()))
    return finish({ResultStatus::cancelled, "the run was cancelled before this call ran"});
  const Tool* tool = registry_.find(call.tool);
  const auto schema = schemas_.find(call.tool);
  if (!tool || schema == schemas_.end())
    return finish({ResultStatus::invalid, unknown_tool(registry_, call.tool, policy.access)});
  return finish(TRY(Passage(call, policy, context, control, clock_).pass(*tool, schema->second)));
}

bool CallPipeline::reads_only(const core::ToolCall& call) const {
  const Tool* tool = registry_.find(call.tool);
  return tool && tool->spec().level <= Level::read_only;
}

}  // namespace boxagnts::tools
