// What native tools have in common. Implementation header of this room.
#pragma once

#include <string>

#include "base/json.h"
#include "tools/tool.h"

namespace boxagnts::builtins {

class NativeTool : public tools::Tool {
 public:
  // `schema` is JSON, written by us.
  NativeTool(std::string name, core::Level level, std::string description, const char* schema)
      : spec_{std::move(name), std::move(description), base::parse_json(schema).value(), level} {}

  const core::ToolSpec& spec() const override { return spec_; }
  Result<core::CallFacts> facts(const Json&, const tools::ToolContext&) const override {
    return core::CallFacts{};
  }

 protected:
  static tools::ToolOutput ok(std::string text) {
    return {core::ResultStatus::ok, std::move(text)};
  }
  static tools::ToolOutput failed(std::string text) {
    return {core::ResultStatus::failed, std::move(text)};
  }
  static tools::ToolOutput denied(std::string text) {
    return {core::ResultStatus::denied, std::move(text)};
  }
  static std::string text_at(const Json& arguments, std::string_view key) {
    return std::string(base::get_string(arguments, key).value_or(""));
  }

 private:
  const core::ToolSpec spec_;
};

}  // namespace boxagnts::builtins
