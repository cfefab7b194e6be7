#include "builtins/skill.h"

#include <algorithm>

#include "base/text.h"
#include "builtins/native_tool.h"

namespace boxagnts::builtins {
namespace {

using tools::ToolOutput;
using workspace::Skill;

constexpr const char* kDescription =
    "Gives the instructions of a skill: how to do one kind of job well. Use one when the task is "
    "what its description says, before you begin; \"list\" shows all there are. What the job is, "
    "the "
    "person says; a skill tells how. args fills in what the skill takes: one text, or an object "
    "with a value for each argument. file reads a file that comes with the skill instead. Some "
    "skills name the tools they need: others are refused from there on, until another skill is "
    "used.";

constexpr const char* kSchema = R"json({
  "type": "object",
  "properties": {
    "skill": {"type": "string", "minLength": 1, "description": "The skill's name, or \"list\"."},
    "args": {
      "type": ["string", "object"],
      "description": "A text, or the skill's arguments by name, as in {\"city\": \"Bonn\"}."
    },
    "file": {
      "type": "string",
      "minLength": 1,
      "description": "A file of the skill to read, relative to its SKILL.md."
    }
  },
  "required": ["skill"],
  "additionalProperties": false
})json";

// A value as the text that stands in the instructions.
Result<std::string> text_of(std::string_view name, const Json& value) {
  if (value.is_string()) return std::string(value.get_string());
  if (value.is_object() || value.is_array())
    return fail(Code::invalid_argument, "args." + std::string(name) +
                                            " must be a text, a number or "
                                            "true or false, not " +
                                            base::describe_type(value));
  return base::to_text(value);
}

Result<workspace::SkillInput> named_input(const JsonObject& object) {
  std::map<std::string, std::string> values;
  for (const auto& [name, value] : object)
    if (!value.is_null()) values[std::string(name)] = TRY(text_of(name, value));
  return values;
}

Result<workspace::SkillInput> input_of(const Skill& skill, const Json& arguments) {
  const auto* args = base::find(arguments, "args");
  if (!args) return std::string();
  if (const auto* object = args->if_object()) return named_input(*object);
  std::string text(args->get_string());
  // Models write an object into a string, too.
  if (!skill.arguments.empty() && text.starts_with('{'))
    if (const auto parsed = base::parse_json(text); parsed && parsed->is_object())
      return named_input(parsed->get_object());
  return text;
}

std::string list_of(const workspace::SkillCatalogue& catalogue) {
  std::string text;
  std::size_t broken = 0;
  for (const auto& entry : catalogue.entries) {
    broken += !entry.problem.empty();
    if (!entry.used()) continue;
    text += workspace::index_line(entry.skill);
    for (const auto& argument : entry.skill.arguments)
      text += (&argument == &entry.skill.arguments.front() ? "; takes " : ", ") + argument.name +
              (argument.required ? " (required)" : "");
    text += "\n";
  }
  if (text.empty()) text = "There are no skills.\n";
  if (broken > 0)
    text += std::to_string(broken) + " more cannot be used: boxagnts skill check tells why.\n";
  return text;
}

class SkillTool final : public NativeTool {
 public:
  SkillTool(workspace::Skills& skills, std::function<workspace::Trust()> trust)
      : NativeTool("skill", core::Level::none, kDescription, kSchema),
        skills_(skills),
        trust_(std::move(trust)) {}

  bool runs_alone() const override { return true; }  // it may change what the run may call

  Result<ToolOutput> execute(const Json& arguments,
                             const tools::Execution& execution) const override {
    const auto catalogue = skills_.catalogue(trust_());
    const auto name = text_at(arguments, "skill");
    const auto* skill = catalogue->find(name);
    if (!skill && name == "list") return ok(list_of(*catalogue));
    if (!skill) return unknown(*catalogue, name);
    if (const auto file = text_at(arguments, "file"); !file.empty())
      return read(*skill, file, execution.policy);
    const auto input = input_of(*skill, arguments);
    if (!input) return refused(input.error());
    const auto text = workspace::expand(*skill, *input);
    if (!text) return refused(text.error());
    TRY(execution.control.note(
        core::SkillUsed{.name = skill->name,
                        .origin = std::string(workspace::name_of(skill->origin)),
                        .allowed_tools = skill->allowed_tools}));
    execution.policy.skill_tools.reset();
    if (!skill->allowed_tools.empty()) execution.policy.skill_tools = skill->allowed_tools;
    return ok(workspace::introduce(*skill, *text));
  }

 private:
  static ToolOutput refused(const Error& error) {
    const auto status = error.code == Code::invalid_argument    ? core::ResultStatus::invalid
                        : error.code == Code::permission_denied ? core::ResultStatus::denied
                                                                : core::ResultStatus::failed;
    return {status, error.message};
  }

  static ToolOutput unknown(const workspace::SkillCatalogue& catalogue, const std::string& name) {
    std::vector<std::string_view> names;
    for (const auto& entry : catalogue.entries)
      if (entry.used()) names.push_back(entry.skill.name);
    const auto nearest = base::nearest_name(name, names);
    return failed("there is no skill \"" + base::one_line(name, 80) + "\"" +
                  (nearest.empty() ? "; \"list\" shows all there are"
                                   : "; did you mean " + std::string(nearest) + "?"));
  }

  // By the rules of reading: keys may lie beside a SKILL.md, too.
  ToolOutput read(const Skill& skill, const std::string& file,
                  const tools::RunPolicy& policy) const {
    auto content = skills_.read_file(skill, file, [&policy](const std::string& path) {
      const auto ruling = policy.rules ? policy.rules->judge_read(path) : std::nullopt;
      return !ruling || ruling->verdict == core::Verdict::allow;
    });
    if (!content) return refused(content.error());
    if (base::is_utf8(*content) && !content->contains('\0')) return ok(std::move(*content));
    return failed("\"" + base::one_line(file, 100) +
                  "\" is no text: " + base::human_bytes(content->size()));
  }

  workspace::Skills& skills_;
  const std::function<workspace::Trust()> trust_;
};

}  // namespace

std::unique_ptr<tools::Tool> make_skill_tool(workspace::Skills& skills,
                                             std::function<workspace::Trust()> trust) {
  return std::make_unique<SkillTool>(skills, std::move(trust));
}

}  // namespace boxagnts::builtins
