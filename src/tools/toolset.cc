#include "tools/toolset.h"

namespace boxagnts::tools {

CurrentTools fixed_tools(const Registry& registry, const CallPipeline& pipeline) {
  // Shares nothing: what is pointed to outlives it.
  const auto set = std::make_shared<const Toolset>(
      Toolset{.registry = std::shared_ptr<const Registry>(std::shared_ptr<void>(), &registry),
              .pipeline = std::shared_ptr<const CallPipeline>(std::shared_ptr<void>(), &pipeline),
              .broken = {},
              .unchecked = {}});
  return [set] { return set; };
}

}  // namespace boxagnts::tools
