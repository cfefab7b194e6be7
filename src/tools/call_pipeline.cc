#include "tools/call_pipeline.h"

#include <algorithm>

#include "base/guard.h"
#include "base/text.h"
#include "policy/policy.h"
#include "tools/effects.h"
#include "tools/view.h"

namespace boxagnts::tools {
namespace {

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

// The tighter of what the run and the call's own tool are given.
void lower_limits(core::Limits& limits, const core::Limits& limits_max) {
  limits.wall_time = std::min(limits.wall_time, limits_max.wall_time);
  limits.memory_bytes = std::min(limits.memory_bytes, limits_max.memory_bytes);
  limits.stack_bytes = std::min(limits.stack_bytes, limits_max.stack_bytes);
  limits.output_bytes = std::min(limits.output_bytes, limits_max.output_bytes);
  limits.open_files = std::min(limits.open_files, limits_max.open_files);
  limits.fuel = core::lower_fuel(limits.fuel, limits_max.fuel);
}

// One call on its way through the steps; what it stops at becomes its result.
class Passage final : public ConnectionAsker {
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
    input_ = {.tool = call_.tool,
              .claimed = tool.spec().level,
              .facts = found ? *std::move(found) : core::CallFacts{},
              .mode = policy_.mode,
              .access = policy_.access,
              .envelope = policy_.envelope,
              .rules = policy_.rules.get(),
              .skill_tools = policy_.skill_tools ? &*policy_.skill_tools : nullptr,
              .approved_folders = policy_.approved_folders};
    control_.touches(input_.facts);
    decision_ = policy::decide(input_);
    TRY(control_.decided({call_.id, decision_}));
    if (GUARD("tools.denied", decision_.verdict == Verdict::deny))
      return Refusal{ResultStatus::denied,
                     decision_.reason + " [rule " + decision_.rule + "; it did not run]"};
    if (GUARD("tools.asked", decision_.verdict == Verdict::ask))
      if (auto refusal = TRY(ask_before())) return *std::move(refusal);
    if (GUARD("tools.stopped_before_execution", context_.stop.stop_requested()))
      return Refusal{ResultStatus::cancelled, "the run was cancelled before this call ran"};
    return execute(tool, arguments);
  }

  Result<core::NetworkEntry> ask(const net::Destination& destination) override {
    // Who waits for the answer to another's question waits for a person, too.
    const auto began = clock_.steady();
    auto entry = answer_about(destination);
    stopped_.add(clock_.steady() - began);
    return entry;
  }

  void made(const net::Destination& destination) override {
    auto text = destination.text();
    if (std::ranges::find(connected_, text) == connected_.end())
      connected_.push_back(std::move(text));
  }

 private:
  Result<core::NetworkEntry> answer_about(const net::Destination& destination) {
    const std::lock_guard one_at_a_time(policy_.connections->asking);
    const auto answered = policy_.connections->entries();
    const core::NetworkEntry entry{
        .text = destination.text(), .where = "a person's yes", .global_only = true};
    if (std::ranges::find(answered, entry.text, &core::NetworkEntry::text) != answered.end())
      return entry;
    if (GUARD("tools.connection_mode", policy::judge_connection(policy_.mode) != Verdict::ask))
      return fail(Code::permission_denied, "this mode connects to no host that no rule allows",
                  "table:" + std::string(core::name_of(policy_.mode)) + "/connection");
    auto asked = control_.ask({.id = core::ApprovalId::make(clock_.now()),
                               .call_id = call_.id,
                               .tool = call_.tool,
                               .level = decision_.level,
                               .kind = core::QuestionKind::connection,
                               .question = "Let " + call_.tool + " connect to " +
                                           destination.text() + " (" + destination.method + ")?",
                               .connection = destination.text(),
                               .connected = connected_,
                               .for_this_run = "every request to " + destination.text(),
                               .always = "connect " + destination.text()});
    if (!asked) return std::unexpected(std::move(asked.error()));
    if (GUARD("tools.connection_unanswered", !asked->reply))
      return fail(Code::permission_denied, asked->why, "unanswered");
    const core::Reply reply = asked->reply.value_or(core::Reply{core::Answer::yes});
    if (GUARD("tools.connection_no", reply.answer == core::Answer::no))
      return fail(Code::permission_denied,
                  with_word("a person was asked about " + destination.text() +
                                " and said no; do without it",
                            reply),
                  "answer");
    if (reply.answer == core::Answer::always)
      if (const auto added = control_.add_rule("connect " + destination.text()); added)
        TRY(control_.note(*added));
    if (reply.answer != core::Answer::yes) policy_.connections->add(entry);
    return entry;
  }

  Result<std::optional<Refusal>> ask_before() {
    core::Approval approval{.id = core::ApprovalId::make(clock_.now()),
                            .call_id = call_.id,
                            .tool = call_.tool,
                            .level = decision_.level,
                            .kind = core::QuestionKind::call,
                            .files = named_files()};
    approval.question = "Let " + call_.tool + " run" +
                        (approval.files.empty() ? "" : " on " + joined(approval.files, 3)) + "? " +
                        decision_.reason;
    auto asked = control_.ask(std::move(approval));
    if (!asked && asked.error().code == Code::cancelled)
      return Refusal{
          ResultStatus::cancelled,
          "the run was cancelled while a person was asked about this call; it did not run"};
    if (!asked) return std::unexpected(std::move(asked.error()));
    if (GUARD("tools.call_unanswered", !asked->reply))
      return Refusal{ResultStatus::denied, asked->why};
    if (GUARD("tools.call_no", asked->reply && asked->reply->answer == core::Answer::no))
      return Refusal{ResultStatus::denied,
                     with_word("a person was asked and said no, so " + call_.tool +
                                   " did not run; do not try the same again, but go on without it "
                                   "or ask what is wanted instead",
                               *asked->reply)};
    answered_ = named_files();
    return std::nullopt;
  }

  // What the call says it would touch, each once.
  std::vector<std::string> named_files() const {
    auto files = input_.facts.writes;
    for (const auto& path : input_.facts.reads)
      if (std::ranges::find(files, path) == files.end()) files.push_back(path);
    return files;
  }

  Result<Refusal> execute(const Tool& tool, const Json& arguments) {
    auto grant = policy::grant_of(input_, decision_, answered_);
    lower_limits(grant.limits, context_.limits);
    grant.network.answered = policy_.connections->entries();
    tool.narrow(grant);
    std::unique_ptr<View> view;
    if (input_.claimed != Level::none) {
      auto opened = View::open(grant, context_, clock_);
      if (!opened) return Refusal{ResultStatus::failed, std::move(opened.error().message)};
      view = *std::move(opened);
      if (decision_.level == Level::read_only) note_reads(*view);
    }
    const Execution execution{.call = call_,
                              .grant = grant,
                              .context = context_,
                              .files = view ? view->name_space() : nullptr,
                              .control = control_,
                              .policy = policy_,
                              .connections = *this,
                              .stopped = stopped_};
    auto output = tool.execute(arguments, execution);
    if (!output && output.error().code == Code::cancelled)
      return Refusal{ResultStatus::cancelled,
                     "the run was cancelled while this call ran; nothing of what it had changed "
                     "was applied"};
    if (!output && output.error().code == Code::conflict)
      return std::unexpected(std::move(output.error()));
    if (!output) return Refusal{ResultStatus::failed, std::move(output.error().message)};
    if (!view) return *std::move(output);
    return settle_changes({.call = call_,
                           .input = input_,
                           .decision = decision_,
                           .context = context_,
                           .policy = policy_,
                           .control = control_,
                           .connected = connected_},
                          *view, *std::move(output), clock_);
  }

  // What they are now, before they are read: what changes in between is changed since.
  void note_reads(View& view) {
    const auto root = view.name_space()->root();
    for (const auto& path : input_.facts.reads) {
      const auto stat = view.name_space()->stat(root, path, vfs::Follow::yes);
      if (stat && stat->kind == vfs::Kind::file)
        policy_.read_files->note(path,
                                 {stat->inode, stat->size, stat->modified_ns, stat->changed_ns});
    }
  }

  const core::ToolCall& call_;
  RunPolicy& policy_;
  const ToolContext& context_;
  RunControl& control_;
  base::Clock& clock_;
  policy::Input input_;
  core::Decision decision_;
  std::vector<std::string> answered_;  // that a person let it see
  std::vector<std::string> connected_;
  base::StoppedTime stopped_;
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

CallPipeline::Meant CallPipeline::meant_by(const core::ToolCall& call) const {
  Meant meant{call, registry_.find(call.tool)};
  if (!meant.tool) return meant;
  if (const auto arguments = parse_arguments(call))
    if (auto other = meant.tool->stands_for(call, *arguments)) {
      meant = {*other, registry_.find(other->tool)};
      // One that stands for one that stands for another is a riddle, not a call.
      if (meant.tool && meant.tool->stands_for(meant.call, JsonObject{})) meant.tool = nullptr;
    }
  if (meant.tool) meant.call.tool = meant.tool->spec().name;
  return meant;
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
  const auto [actual, tool] = meant_by(call);
  const auto schema = schemas_.find(actual.tool);
  if (!tool || schema == schemas_.end())
    return finish({ResultStatus::invalid, unknown_tool(registry_, actual.tool, policy.access)});
  return finish(TRY(Passage(actual, policy, context, control, clock_).pass(*tool, schema->second)));
}

bool CallPipeline::runs_beside_others(const core::ToolCall& call) const {
  const Tool* tool = meant_by(call).tool;
  return tool && tool->spec().level <= Level::read_only && !tool->runs_alone();
}

}  // namespace boxagnts::tools
