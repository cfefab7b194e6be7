#include "base/text.h"
#include "builtins/builtins.h"
#include "builtins/native_tool.h"

namespace boxagnts::builtins {
namespace {

constexpr const char* kSchema = R"json({
  "type": "object",
  "properties": {
    "ms": {"type": "integer", "minimum": 0, "maximum": 300000,
      "description": "How long, in milliseconds."}
  },
  "required": ["ms"],
  "additionalProperties": false
})json";

class Sleep final : public NativeTool {
 public:
  explicit Sleep(base::Clock& clock)
      : NativeTool("sleep", core::Level::none,
                   "Waits, for something that takes time elsewhere. It costs a turn: wait once and "
                   "long enough rather than often.",
                   kSchema),
        clock_(clock) {}

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    const auto ms = base::get_int(arguments, "ms").value_or(0);
    if (!clock_.sleep_until(clock_.steady() + base::Milliseconds(ms), execution.context.stop))
      return fail(Code::cancelled, "the sleep was stopped");
    return ok("waited " + base::human_duration_ms(ms));
  }

 private:
  base::Clock& clock_;
};

}  // namespace

std::unique_ptr<tools::Tool> make_sleep(base::Clock& clock) {
  return std::make_unique<Sleep>(clock);
}

}  // namespace boxagnts::builtins
