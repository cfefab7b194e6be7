#include "base/text.h"
#include "builtins/builtins.h"
#include "builtins/native_tool.h"

namespace boxagnts::builtins {
namespace {

constexpr const char* kSchema = R"json({
  "type": "object",
  "properties": {
    "question": {"type": "string", "minLength": 1, "maxLength": 4000,
      "description": "The question, one sentence or two."},
    "options": {
      "type": "array", "maxItems": 20,

        "description": "Choices to pick from; the person may always answer in their own words )json"
                                R"json(instead.",
      "items": {"anyOf": [
        {"type": "string", "minLength": 1, "maxLength": 500},
        {"type": "object", "required": ["label"], "additionalProperties": false, "properties": {
          "label": {"type": "string", "minLength": 1, "maxLength": 500},
          "description": {"type": "string", "maxLength": 1000}}}]}},
    "multiple": {"type": "boolean", "description": "Whether more than one choice may be taken."},
    "timeout_seconds": {"type": "integer", "minimum": 1, "maximum": 86400,
      "description": "How long to wait at most."},
    "default": {"type": "string", "maxLength": 4000,
      "description": "What to go on with when nobody answers."}
  },
  "required": ["question"],
  "additionalProperties": false
})json";

std::vector<core::Choice> choices_of(const Json& arguments) {
  std::vector<core::Choice> choices;
  if (const auto* options = base::get_array(arguments, "options"))
    for (const auto& option : *options) {
      if (option.is_string())
        choices.push_back({std::string(option.get_string()), {}});
      else
        choices.push_back({std::string(base::get_string(option, "label").value_or("")),
                           std::string(base::get_string(option, "description").value_or(""))});
    }
  return choices;
}

class AskUserQuestion final : public NativeTool {
 public:
  explicit AskUserQuestion(base::Clock& clock)
      : NativeTool("ask_user_question", core::Level::none,
                   "Asks the person a question and waits for the answer. Use it when the task has "
                   "more than one reading and the wrong one would cost work; not for what you can "
                   "find out yourself, and not to ask whether to go on.",
                   kSchema),
        clock_(clock) {}
  bool runs_alone() const override { return true; }

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    core::Approval question{.call_id = execution.call.id,
                            .tool = spec().name,
                            .level = core::Level::none,
                            .kind = core::QuestionKind::question,
                            .question = text_at(arguments, "question"),
                            .choices = choices_of(arguments),
                            .several = base::get_bool(arguments, "multiple").value_or(false)};
    if (const auto seconds = base::get_int(arguments, "timeout_seconds"))
      question.expires = clock_.now() + *seconds * 1'000'000;
    const auto asked = TRY(execution.control.ask(std::move(question)));
    if (!asked.reply) {
      const auto otherwise = text_at(arguments, "default");
      return otherwise.empty() ? failed(asked.why + "; decide yourself, and say what you decided")
                               : ok(asked.why + "; going on with: " + otherwise);
    }
    if (asked.reply->answer == core::Answer::no && base::is_blank(asked.reply->text))
      return failed("the person would not answer; decide yourself, and say what you decided");
    std::string text;
    for (const auto& label : asked.reply->chosen) text += (text.empty() ? "" : ", ") + label;
    if (!asked.reply->text.empty()) text += (text.empty() ? "" : ": ") + asked.reply->text;
    return ok("The person answers: " + (text.empty() ? "yes" : text));
  }

 private:
  base::Clock& clock_;
};

}  // namespace

std::unique_ptr<tools::Tool> make_ask_user_question(base::Clock& clock) {
  return std::make_unique<AskUserQuestion>(clock);
}

}  // namespace boxagnts::builtins
