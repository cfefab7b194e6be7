#include <algorithm>

#include "policy/policy.h"
#include "tools/tool.h"

namespace boxagnts::tools {

Status Registry::add(std::shared_ptr<const Tool> tool) {
  const auto& name = tool->spec().name;
  if (find(name))
    return fail(Code::conflict,
                "there is already a tool named \"" + name + "\"; give the new one another name");
  tools_.push_back(std::move(tool));
  return {};
}

const Tool* Registry::find(std::string_view name) const {
  const auto named = [this](std::string_view wanted) -> const Tool* {
    for (const auto& tool : tools_)
      if (tool->spec().name == wanted) return tool.get();
    return nullptr;
  };
  if (const auto* tool = named(name)) return tool;
  std::string other(name);
  std::ranges::replace(other, '-', '_');
  if (const auto* tool = named(other)) return tool;
  if (other.starts_with("file_")) return named(other.substr(5));
  if (other.ends_with("_tool")) return named(other.substr(0, other.size() - 5));
  return nullptr;
}

std::vector<std::string_view> Registry::names() const {
  std::vector<std::string_view> names;
  names.reserve(tools_.size());
  for (const auto& tool : tools_) names.push_back(tool->spec().name);
  return names;
}

std::vector<core::ToolSpec> Registry::specs(core::AgentAccess access) const {
  std::vector<core::ToolSpec> specs;
  for (const auto& tool : tools_)
    if (policy::visible(tool->spec().level, access)) specs.push_back(tool->spec());
  return specs;
}

}  // namespace boxagnts::tools
