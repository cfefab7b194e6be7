#include "builtins/builtins.h"
#include "builtins/native_tool.h"
#include "tools/effects.h"

namespace boxagnts::builtins {
namespace {

using core::Mode;

class EnterPlanMode final : public NativeTool {
 public:
  EnterPlanMode()
      : NativeTool("enter_plan_mode", core::Level::none,
                   "From here on nothing can be changed until the person agrees to a plan "
                   "(exit_plan_mode). For tasks where a wrong start is costly: look around first.",
                   R"json({"type": "object", "additionalProperties": false, "properties": {
                     "reason": {"type": "string", "maxLength": 4000,
                       "description": "Why, in a sentence."}}})json") {}
  bool runs_alone() const override { return true; }

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    auto& policy = execution.policy;
    if (policy.mode == Mode::plan) return ok("this is plan mode already");
    policy.mode_before_plan = policy.mode;
    policy.mode = Mode::plan;
    TRY(execution.control.note(
        core::ModeChanged{Mode::plan, spec().name, text_at(arguments, "reason")}));
    return ok("plan mode: look around, change nothing, then propose a plan with exit_plan_mode");
  }
};

class ExitPlanMode final : public NativeTool {
 public:
  ExitPlanMode()
      : NativeTool("exit_plan_mode", core::Level::none,
                   "Shows the person your plan and asks for a yes to it; with that yes plan mode "
                   "ends and the changes may begin.",
                   R"json({"type": "object", "additionalProperties": false, "properties": {
                     "plan": {"type": "string", "maxLength": 100000,
                       "description": "The plan, in Markdown: what will be changed, where, in )json"
                   R"json(which order."},
                     "summary": {"type": "string", "maxLength": 100000,
                       "description": "The same as plan."}},
                     "anyOf": [{"required": ["plan"]}, {"required": ["summary"]}]})json") {}
  bool runs_alone() const override { return true; }

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    auto& policy = execution.policy;
    if (policy.mode != Mode::plan) return failed("this is not plan mode; just go on");
    auto plan = text_at(arguments, "plan");
    if (plan.empty()) plan = text_at(arguments, "summary");
    // A run that began in plan mode goes on as one that asks: nobody has said more.
    Mode next = policy.mode_before_plan.value_or(Mode::ask);
    // Who has read the plan need not be asked about each change of it.
    const bool offers_edits = next == Mode::ask;
    const auto asked = TRY(execution.control.ask(
        {.call_id = execution.call.id,
         .tool = spec().name,
         .level = core::Level::none,
         .kind = core::QuestionKind::plan,
         .question = "Go on with this plan, in mode " + std::string(core::name_of(next)) + "?",
         .text = std::move(plan),
         .for_this_run =
             offers_edits ? "the plan, and the changes of files that follow (mode edits)" : ""}));
    if (!asked.reply)
      return denied(asked.why + ": plan mode stays; end with the plan as your answer");
    if (asked.reply->answer == core::Answer::no)
      return denied(
          tools::with_word("the person does not agree with this plan, and plan mode stays; "
                           "change the plan, or ask what is wanted",
                           *asked.reply));
    if (offers_edits && asked.reply->answer == core::Answer::for_this_run) next = Mode::edits;
    policy.mode = next;
    policy.mode_before_plan.reset();
    TRY(execution.control.note(core::ModeChanged{next, spec().name, asked.reply->text}));
    return ok(tools::with_word("the person agrees; plan mode is over, begin", *asked.reply));
  }
};

}  // namespace

std::unique_ptr<tools::Tool> make_enter_plan_mode() { return std::make_unique<EnterPlanMode>(); }
std::unique_ptr<tools::Tool> make_exit_plan_mode() { return std::make_unique<ExitPlanMode>(); }

}  // namespace boxagnts::builtins
