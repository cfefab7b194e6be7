#include "base/text.h"
#include "builtins/builtins.h"
#include "builtins/native_tool.h"

namespace boxagnts::builtins {
namespace {

constexpr std::int64_t kBytesDefault = 16'000, kBytesMax = 100'000;

constexpr const char* kSchema = R"json({
  "type": "object",
  "properties": {
    "id": {"type": "string", "minLength": 1, "maxLength": 128,
      "description": "As the shortened result says."},
    "offset": {"type": "integer", "minimum": 0, "description": "The first byte; default 0."},
    "limit": {"type": "integer", "minimum": 1, "maximum": 100000,
      "description": "How many bytes; default 16000."}
  },
  "required": ["id"],
  "additionalProperties": false
})json";

class ReadResult final : public NativeTool {
 public:
  ReadResult()
      : NativeTool("read_result", core::Level::none, "Reads more of a result that was shortened.",
                   kSchema) {}

  Result<tools::ToolOutput> execute(const Json& arguments,
                                    const tools::Execution& execution) const override {
    const auto id = text_at(arguments, "id");
    if (!execution.context.result) return failed("no results are kept here");
    const auto bytes = execution.context.result(id);
    if (!bytes) return failed("this session keeps no result \"" + base::one_line(id, 80) + "\"");
    const auto offset = static_cast<std::size_t>(base::get_int(arguments, "offset").value_or(0));
    const auto limit = static_cast<std::size_t>(
        std::min(base::get_int(arguments, "limit").value_or(kBytesDefault), kBytesMax));
    if (offset >= bytes->size())
      return failed("the result has " + std::to_string(bytes->size()) + " bytes");
    const auto part = base::prefix_at_character(std::string_view(*bytes).substr(offset), limit);
    const auto end = offset + part.size();
    return ok(base::repair_utf8(part) + "\n[bytes " + std::to_string(offset) + " to " +
              std::to_string(end) + " of " + std::to_string(bytes->size()) + "]");
  }
};

}  // namespace

std::unique_ptr<tools::Tool> make_read_result() { return std::make_unique<ReadResult>(); }

}  // namespace boxagnts::builtins
