#include <algorithm>

#include "base/text.h"
#include "builtins/builtins.h"
#include "builtins/native_tool.h"
#include "policy/policy.h"

namespace boxagnts::builtins {
namespace {

constexpr const char* kSearchName = "tool_search";
constexpr const char* kCallName = "call_tool";
constexpr std::int64_t kResultsDefault = 5, kResultsMax = 20;

constexpr const char* kSearchSchema = R"json({
  "type": "object",
  "properties": {
    "query": {"type": "string", "minLength": 1, "maxLength": 500,
      "description": "Words, or select:NAME,NAME for tools whose names you know."},
    "max_results": {"type": "integer", "minimum": 1, "maximum": 20, "description": "Default 5."}
  },
  "required": ["query"],
  "additionalProperties": false
})json";

constexpr const char* kCallSchema = R"json({
  "type": "object",
  "properties": {
    "tool": {"type": "string", "minLength": 1, "maxLength": 128, "description": "The tool's name."},
    "arguments": {"type": "object", "description": "Its arguments, as its schema says."}
  },
  "required": ["tool"],
  "additionalProperties": false
})json";

// How well a tool fits the words: each counts most in the name, then as a keyword.
int score(const tools::Tool& tool, const std::vector<std::string>& words) {
  const auto& spec = tool.spec();
  const auto name = base::lower_case(spec.name), description = base::lower_case(spec.description);
  auto keywords = tool.about().keywords;
  for (auto& keyword : keywords) keyword = base::lower_case(keyword);
  int total = 0;
  for (const auto& word : words) {
    if (name == word) total += 20;
    if (name.contains(word)) total += 10;
    if (std::ranges::find(keywords, word) != keywords.end()) total += 5;
    if (description.contains(word)) total += 2;
  }
  return total;
}

std::string describe(const core::ToolSpec& spec) {
  return spec.name + " (" + std::string(core::name_of(spec.level)) + ")\n" + spec.description +
         "\narguments: " + base::to_text(spec.input_schema) + "\n";
}

class ToolSearch final : public NativeTool {
 public:
  explicit ToolSearch(const tools::Registry& registry)
      : NativeTool(kSearchName, core::Level::none,
                   "Finds tools by words, and shows what they do and take. What it finds is called "
                   "through call_tool where it is not among your own tools.",
                   kSearchSchema),
        registry_(registry) {}

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    const auto query = base::lower_case(text_at(arguments, "query"));
    const auto most = static_cast<std::size_t>(
        std::min(base::get_int(arguments, "max_results").value_or(kResultsDefault), kResultsMax));
    const auto found = query.starts_with("select:")
                           ? by_name(query.substr(7), execution.policy.access)
                           : by_words(query, execution.policy.access);
    if (found.empty()) return ok("no tool fits \"" + query + "\"");
    std::string text;
    for (std::size_t i = 0; i < found.size() && i < most; ++i)
      text += (i == 0 ? "" : "\n") + describe(*found[i]);
    return ok(std::move(text));
  }

 private:
  using Found = std::vector<const core::ToolSpec*>;

  Found by_name(std::string_view names, core::AgentAccess access) const {
    Found found;
    for (const auto name : base::split(names, ','))
      if (const auto* tool = registry_.find(name);
          tool && policy::visible(tool->spec().level, access))
        found.push_back(&tool->spec());
    return found;
  }

  Found by_words(const std::string& query, core::AgentAccess access) const {
    std::vector<std::string> words;
    for (const auto word : base::split(query, ' '))
      if (!word.empty()) words.emplace_back(word);
    std::vector<std::pair<int, const core::ToolSpec*>> scored;
    for (const auto& tool : registry_.all()) {
      const auto& spec = tool->spec();
      if (spec.name == kSearchName || spec.name == kCallName) continue;  // always shown
      if (!policy::visible(spec.level, access)) continue;
      if (const int points = score(*tool, words); points > 0) scored.emplace_back(points, &spec);
    }
    std::ranges::stable_sort(scored, std::greater<>(), [](const auto& pair) { return pair.first; });
    Found found;
    for (const auto& [points, spec] : scored) found.push_back(spec);
    return found;
  }

  const tools::Registry& registry_;
};

class CallTool final : public NativeTool {
 public:
  CallTool()
      : NativeTool(kCallName, core::Level::none,
                   "Calls a tool that tool_search found and that is not among your own.",
                   kCallSchema) {}
  bool runs_alone() const override { return true; }

  std::optional<core::ToolCall> stands_for(const core::ToolCall& call,
                                           const Json& arguments) const override {
    const auto* inner = base::find(arguments, "arguments");
    return core::ToolCall{call.id, text_at(arguments, "tool"),
                          inner ? base::to_text(*inner) : std::string("{}")};
  }
  Result<tools::ToolOutput> execute(const Json&, const tools::Execution&) const override {
    return fail(Code::internal, "call_tool stands for another call and never runs");
  }
};

}  // namespace

std::unique_ptr<tools::Tool> make_tool_search(const tools::Registry& registry) {
  return std::make_unique<ToolSearch>(registry);
}
std::unique_ptr<tools::Tool> make_call_tool() { return std::make_unique<CallTool>(); }

}  // namespace boxagnts::builtins
