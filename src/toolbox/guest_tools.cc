#include "toolbox/guest_tools.h"

#include <map>
#include <mutex>
#include <utility>

#include "base/compression.h"
#include "toolbox/guest_tool.h"
#include "toolbox/manifest.h"

namespace boxagnts::toolbox {
namespace {

// A program that is loaded at the first call that needs it, once for each engine.
class LazyProgram final : public ProgramSource {
 public:
  LazyProgram(EmbeddedGuest guest, sandbox::Sandbox& sandbox) : guest_(guest), sandbox_(sandbox) {}

  Result<std::shared_ptr<const sandbox::Program>> get(const core::Limits& limits,
                                                      const std::stop_token&) override {
    const std::lock_guard lock(mutex_);
    auto& program = programs_[{limits.fuel > 0, core::stack_class_bytes(limits.stack_bytes)}];
    if (!program) program = TRY(load(limits));
    return program;
  }

 private:
  // The compiled form fits the build's baseline CPU and counts no fuel; else the module is compiled
  // here.
  Result<std::shared_ptr<const sandbox::Program>> load(const core::Limits& limits) {
    if (limits.fuel == 0)
      if (auto compiled = sandbox_.load_compiled(TRY(guest_.cwasm.expand()), limits))
        return compiled;
    auto program = sandbox_.compile(TRY(guest_.wasm.expand()), limits);
    if (program) return program;
    return std::unexpected(
        std::move(program.error()).in("loading the built-in tool " + std::string(guest_.name)));
  }

  const EmbeddedGuest guest_;
  sandbox::Sandbox& sandbox_;
  std::mutex mutex_;
  using Engine = std::pair<bool, std::uint64_t>;  // with fuel or not, stack class
  std::map<Engine, std::shared_ptr<const sandbox::Program>> programs_;
};

}  // namespace

Result<std::string> EmbeddedBytes::expand() const {
  return base::is_compressed(bytes) ? base::expand(bytes) : std::string(bytes);
}

Status add_embedded(tools::Registry& registry, sandbox::Sandbox& sandbox, base::Clock& clock,
                    MakeNetwork network, const std::vector<EmbeddedGuest>& guests) {
  std::map<std::string, std::shared_ptr<ProgramSource>, std::less<>> programs;
  for (const auto& guest : guests)
    programs.emplace(guest.name, std::make_shared<LazyProgram>(guest, sandbox));
  for (const auto& guest : guests) {
    if (guest.manifest.empty()) continue;
    auto manifest = parse_manifest(guest.manifest);
    if (!manifest)
      return std::unexpected(
          std::move(manifest.error()).in("the built-in tool " + std::string(guest.name)));
    if (manifest->wants_network && !network) continue;
    TRY(registry.add(make_guest_tool({.manifest = std::move(*manifest),
                                      .programs = programs,
                                      .sandbox = sandbox,
                                      .clock = clock,
                                      .network = network})));
  }
  return {};
}

}  // namespace boxagnts::toolbox
