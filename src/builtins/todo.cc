#include "builtins/builtins.h"
#include "builtins/native_tool.h"

namespace boxagnts::builtins {
namespace {

constexpr const char* kSchema = R"json({
  "type": "object",
  "properties": {
    "todos": {
      "type": "array", "maxItems": 100,
      "description": "The whole list, as it stands now.",
      "items": {
        "type": "object",
        "required": ["content", "status"],
        "properties": {
          "content": {"type": "string", "minLength": 1, "maxLength": 500},
          "status": {"enum": ["pending", "in_progress", "completed"]}}}}
  },
  "required": ["todos"],
  "additionalProperties": false
})json";

class TodoList final : public NativeTool {
 public:
  TodoList()
      : NativeTool(
            "todo", core::Level::none,
            "Keeps the list of what is to be done, which the person sees. For work of "
            "several steps: write it first, have one item in_progress, set it completed when "
            "it is. Each call gives the whole list.",
            kSchema) {}
  bool runs_alone() const override { return true; }

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    core::TodosSet todos;
    std::size_t done = 0;
    for (const auto& item : *base::get_array(arguments, "todos")) {
      todos.items.push_back({text_at(item, "content"),
                             TRY(core::parse_enum<core::TodoStatus>(text_at(item, "status")))});
      if (todos.items.back().status == core::TodoStatus::completed) ++done;
    }
    const auto count = todos.items.size();
    TRY(execution.control.note(std::move(todos)));
    return ok(std::to_string(done) + " of " + std::to_string(count) + " done");
  }
};

}  // namespace

std::unique_ptr<tools::Tool> make_todo() { return std::make_unique<TodoList>(); }

}  // namespace boxagnts::builtins
