#include "core/message.h"

#include <boost/json.hpp>

#include "base/text.h"

namespace boxagnts::core {
namespace {

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

std::string text_of(const Json& json, std::string_view key) {
  return std::string(base::get_string(json, key).value_or(""));
}

}  // namespace

std::string describe(const ImageBlock& image) {
  return "image " + std::to_string(image.width) + "x" + std::to_string(image.height) + " " +
         image.media_type + " " + base::human_bytes(image.bytes);
}

Usage& Usage::operator+=(const Usage& other) {
  input_tokens += other.input_tokens;
  output_tokens += other.output_tokens;
  cached_input_tokens += other.cached_input_tokens;
  reasoning_tokens += other.reasoning_tokens;
  return *this;
}

Json to_json(const Usage& usage) {
  return {{"input_tokens", usage.input_tokens},
          {"output_tokens", usage.output_tokens},
          {"cached_input_tokens", usage.cached_input_tokens},
          {"reasoning_tokens", usage.reasoning_tokens}};
}

Usage usage_from_json(const Json& json) {
  return {.input_tokens = base::get_int(json, "input_tokens").value_or(0),
          .output_tokens = base::get_int(json, "output_tokens").value_or(0),
          .cached_input_tokens = base::get_int(json, "cached_input_tokens").value_or(0),
          .reasoning_tokens = base::get_int(json, "reasoning_tokens").value_or(0)};
}

Json to_json(const Block& block) {
  return std::visit(
      Overloaded{
          [](const TextBlock& text) -> Json { return {{"type", "text"}, {"text", text.text}}; },
          [](const ThinkingBlock& thinking) -> Json {
            return {
                {"type", "thinking"}, {"text", thinking.text}, {"signature", thinking.signature}};
          },
          [](const ToolCall& call) -> Json {
            return {{"type", "tool_call"},
                    {"id", call.id},
                    {"tool", call.tool},
                    {"arguments", call.arguments}};
          },
          [](const ToolResult& result) -> Json {
            return {{"type", "tool_result"},
                    {"call_id", result.call_id},
                    {"status", name_of(result.status)},
                    {"text", result.text},
                    {"blob", result.blob},
                    {"total_bytes", result.total_bytes},
                    {"duration_us", result.duration_us}};
          },
          [](const ImageBlock& image) -> Json {
            return {
                {"type", "image"},     {"call_id", image.call_id}, {"media_type", image.media_type},
                {"blob", image.blob},  {"width", image.width},     {"height", image.height},
                {"bytes", image.bytes}};
          }},
      block);
}

Result<Block> block_from_json(const Json& json) {
  const auto type = base::get_string(json, "type").value_or("");
  if (type == "text") return TextBlock{text_of(json, "text")};
  if (type == "thinking") return ThinkingBlock{text_of(json, "text"), text_of(json, "signature")};
  if (type == "tool_call")
    return ToolCall{text_of(json, "id"), text_of(json, "tool"), text_of(json, "arguments")};
  if (type == "tool_result")
    return ToolResult{
        .call_id = text_of(json, "call_id"),
        .status = TRY(parse_enum<ResultStatus>(text_of(json, "status"))),
        .text = text_of(json, "text"),
        .blob = text_of(json, "blob"),
        .total_bytes = static_cast<std::uint64_t>(base::get_int(json, "total_bytes").value_or(0)),
        .duration_us = base::get_int(json, "duration_us").value_or(0)};
  if (type == "image")
    return ImageBlock{
        .call_id = text_of(json, "call_id"),
        .media_type = text_of(json, "media_type"),
        .blob = text_of(json, "blob"),
        .width = static_cast<std::uint32_t>(base::get_int(json, "width").value_or(0)),
        .height = static_cast<std::uint32_t>(base::get_int(json, "height").value_or(0)),
        .bytes = static_cast<std::uint64_t>(base::get_int(json, "bytes").value_or(0))};
  return fail(Code::corrupt, "unknown block type \"" + std::string(type) + "\"");
}

Json to_json(const ToolSpec& spec) {
  return {{"name", spec.name},
          {"description", spec.description},
          {"level", name_of(spec.level)},
          {"input_schema", spec.input_schema}};
}

}  // namespace boxagnts::core
