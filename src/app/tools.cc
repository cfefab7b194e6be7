#include "app/tools.h"

#include "app/program.h"
#include "base/log.h"
#include "builtins/builtins.h"
#include "builtins/skill.h"
#include "toolbox/guest_network.h"
#include "toolbox/guest_tools.h"

namespace boxagnts::app {
namespace {

// "" when nothing says where. Its name is one that no mount shows.
std::string cache_folder() {
  std::string base = environment_variable("XDG_CACHE_HOME");
  if (!base.starts_with('/')) {
    base = environment_variable("HOME");
    if (!base.starts_with('/')) return "";
    base += "/.cache";
  }
  return base + "/.boxagnts/modules";
}

Result<sandbox::ModuleCache> open_cache(const confine::Launcher& launcher) {
  const std::string folder = cache_folder();
  if (folder.empty()) return fail(Code::not_found, "neither XDG_CACHE_HOME nor HOME is set");
  return sandbox::ModuleCache::open(folder, launcher);
}

toolbox::MakeNetwork network_of(net::HttpClient& http) {
  return [&http](const tools::Execution& execution) {
    return toolbox::make_guest_network(http, execution.grant.network, execution.connections,
                                       execution.stopped);
  };
}

}  // namespace

Status ModuleCompiler::open() {
  const std::lock_guard lock(mutex_);
  if (launcher_) return {};
  launcher_ = std::make_unique<confine::Launcher>(TRY(confine::Launcher::make()));
  auto cache = open_cache(*launcher_);
  if (cache)
    cache_ = std::make_unique<sandbox::ModuleCache>(*std::move(cache));
  else
    base::log(base::LogLevel::warning, "app",
              "compiled modules are not kept: " + cache.error().message);
  return {};
}

Result<std::string> ModuleCompiler::compile(std::string_view wasm, sandbox::Fuel fuel,
                                            std::stop_token stop, std::function<void()> tell) {
  TRY(open());
  if (cache_)
    return cache_->compiled(wasm, fuel, {.compiling = {}, .slow = std::move(tell)},
                            std::move(stop));
  return sandbox::compile_in_child(*launcher_, wasm, fuel, std::move(stop), {}, std::move(tell));
}

Tools::Tools(Parts parts)
    : parts_(std::move(parts)), sandbox_(sandbox::Sandbox::make(parts_.clock, parts_.sandbox)) {}

Tools::~Tools() = default;

Result<std::unique_ptr<Tools>> Tools::make(Parts parts) {
  std::unique_ptr<Tools> made(new Tools(std::move(parts)));
  Tools& tools = *made;
  const auto network = network_of(tools.parts_.http);
  TRY(toolbox::add_embedded(tools.embedded_, *tools.sandbox_, tools.parts_.clock, network));
  // Whose names are taken: the built-in ones', made once for that.
  const auto builtin = TRY(tools.make_set({}));
  tools.folders_ = toolbox::ToolFolders::open(
      toolbox::tool_places(tools.parts_.workspace, environment_variable),
      {.sandbox = *tools.sandbox_,
       .clock = tools.parts_.clock,
       .compile = [&tools](auto wasm, auto fuel,
                           auto stop) { return tools.compiler_.compile(wasm, fuel, stop); },
       .network = network,
       .limits = tools.parts_.limits},
      *builtin->registry);
  tools.set_ = builtin;
  tools.trust_ = tools.parts_.trust();
  return made;
}

std::shared_ptr<const tools::Toolset> Tools::current() {
  std::shared_ptr<const tools::Toolset> set;
  bool is_news = false;
  {
    const std::lock_guard lock(mutex_);
    const auto trust = parts_.trust();
    auto listing = folders_->look(trust);
    if (listing == listing_ && trust == trust_) return set_;
    if (!listing_ && trust == trust_ && listing->tools.empty() && listing->broken.empty()) {
      listing_ = std::move(listing);
      return set_;  // what it was made with
    }
    auto made = make_set(*listing);
    if (!made) {
      base::log(base::LogLevel::error, "app",
                "the tools stay as they were: " + made.error().message);
      return set_;
    }
    is_news = listing_ != nullptr;  // else nobody has seen any
    listing_ = std::move(listing);
    trust_ = trust;
    set_ = *std::move(made);
    set = set_;
  }
  const std::lock_guard lock(telling_);
  if (is_news && on_change_) on_change_();
  return set;
}

std::shared_ptr<const tools::Toolset> Tools::checked(const std::stop_token& stop) {
  current();
  folders_->wait_until_checked(stop);
  return current();
}

Status Tools::watch(std::function<void()> on_change) {
  {
    const std::lock_guard lock(telling_);
    on_change_ = std::move(on_change);
  }
  return folders_->watch([this] { current(); });
}

void Tools::unwatch() {
  const std::lock_guard lock(telling_);
  on_change_ = {};
}

Result<std::shared_ptr<const tools::Toolset>> Tools::make_set(
    const toolbox::ToolFolders::Listing& own) const {
  auto registry = std::make_shared<tools::Registry>();
  for (const auto& tool : embedded_.all()) TRY(registry->add(tool));
  TRY(builtins::add_all(*registry, parts_.clock));
  TRY(registry->add(builtins::make_skill_tool(parts_.skills, parts_.trust)));
  for (const auto& tool : own.tools) TRY(registry->add(tool));
  auto pipeline = TRY(tools::CallPipeline::make(*registry, parts_.clock));
  return std::make_shared<const tools::Toolset>(tools::Toolset{
      .registry = registry,
      // Its tools and it hold each other's registry; who has the one has both.
      .pipeline = std::shared_ptr<const tools::CallPipeline>(
          pipeline.release(), [registry](const tools::CallPipeline* one) { delete one; }),
      .broken = own.broken,
      .unchecked = own.unchecked});
}

}  // namespace boxagnts::app
