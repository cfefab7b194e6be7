// What a model is told and what it says: blocks, messages, calls, results, usage. Values only.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "base/json.h"
#include "core/policy_values.h"

namespace boxagnts::core {

struct TextBlock {
  std::string text;
  bool operator==(const TextBlock&) const = default;
};

// A model's reasoning; `signature` must go back unchanged where the vendor demands it.
struct ThinkingBlock {
  std::string text;
  std::string signature;
  bool operator==(const ThinkingBlock&) const = default;
};

// A model's wish to run a tool. `arguments` is the text as it came: it may be no JSON at all, and
// then nothing runs and the model is told so.
struct ToolCall {
  std::string id;  // the model's; unique within its answer
  std::string tool;
  std::string arguments;
  bool operator==(const ToolCall&) const = default;
};

enum class ResultStatus : std::uint8_t { ok, failed, denied, cancelled, invalid };
BOXAGNTS_ENUM_NAMES(ResultStatus, "ok", "failed", "denied", "cancelled", "invalid");

// The one answer to a call. `text` is what the model sees: whole, or head and tail of what the blob
// holds.
struct ToolResult {
  std::string call_id;
  ResultStatus status = ResultStatus::ok;
  std::string text;
  std::string blob;               // id of the whole output where `text` is cut, else empty
  std::uint64_t total_bytes = 0;  // of the whole output
  std::int64_t duration_us = 0;
  bool operator==(const ToolResult&) const = default;
};

// An image that a call gave, or a person (without a call). The bytes are a blob of the store; a
// reader that cannot show them says what they are (describe()).
struct ImageBlock {
  std::string call_id;
  std::string media_type;  // image/png, image/jpeg, image/gif or image/webp
  std::string blob;
  std::uint32_t width = 0;  // in pixels
  std::uint32_t height = 0;
  std::uint64_t bytes = 0;
  bool operator==(const ImageBlock&) const = default;
};

// "image 640x480 image/png 12.3 KB"
std::string describe(const ImageBlock& image);

using Block = std::variant<TextBlock, ThinkingBlock, ToolCall, ToolResult, ImageBlock>;

enum class Role : std::uint8_t { user, assistant };
BOXAGNTS_ENUM_NAMES(Role, "user", "assistant");

// User messages hold text, tool results, and images: a call's behind its result, a person's behind
// a text that names it; assistant messages hold text, thinking and calls.
struct Message {
  Role role = Role::user;
  std::vector<Block> blocks;
};

// As the wire gives it; zero where the vendor says nothing.
struct Usage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t cached_input_tokens = 0;  // part of input_tokens
  std::int64_t reasoning_tokens = 0;     // part of output_tokens

  Usage& operator+=(const Usage& other);
  bool operator==(const Usage&) const = default;
};

// `cancelled`: a person stopped the answer; what it had said so far counts.
enum class StopReason : std::uint8_t {
  end_turn,
  tool_use,
  max_tokens,
  content_filter,
  other,
  cancelled
};
BOXAGNTS_ENUM_NAMES(StopReason, "end_turn", "tool_use", "max_tokens", "content_filter", "other",
                    "cancelled");

// What a model is told of a tool, and what the host checks calls against.
struct ToolSpec {
  std::string name;
  std::string description;
  Json input_schema;  // JSON Schema of an object
  Level level = Level::forbidden;
};

Json to_json(const Usage& usage);
Usage usage_from_json(const Json& json);
Json to_json(const Block& block);
Result<Block> block_from_json(const Json& json);
Json to_json(const ToolSpec& spec);

}  // namespace boxagnts::core
